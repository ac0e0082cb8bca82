// The way back beside what others made since the conversion began: it takes away what is the conversion's,
// and says beforehand what cannot stay.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/converted_bot.h"

namespace guildhall::convert {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::HasSubstr;
using testing::Not;

class OthersOfPostgres : public test::ConvertedBot {
 protected:
  static auto try_rollback() { return rollback(target(), options<RollbackOptions>()); }
  /// Everything that hangs on the tables and has a name, with its text.
  static std::string things_of(const std::string& tables) {
    return ask(fmt::format(
        "SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid IN ({0}) UNION ALL "
        "SELECT polname, pg_get_expr(polqual, polrelid) FROM pg_policy WHERE polrelid IN ({0}) UNION ALL "
        "SELECT indexrelid::regclass::text, pg_get_indexdef(indexrelid) FROM pg_index WHERE indrelid IN "
        "({0}) "
        "UNION ALL SELECT oid::regclass::text, format('%s %s', relrowsecurity, relforcerowsecurity) FROM "
        "pg_class WHERE oid IN ({0}) ORDER BY 1, 2",
        tables));
  }
};

TEST_F(OthersOfPostgres, WhatDoesNotNeedTheServerStaysAsItIs) {
  change(
      "CREATE TABLE levels (level integer PRIMARY KEY); INSERT INTO levels SELECT generate_series(1, 20); "
      "CREATE ROLE bots_reader; GRANT bots_reader TO operator",
      "DROP TABLE levels; DROP OWNED BY bots_reader; DROP ROLE bots_reader");
  const std::string tables = "'points'::regclass, 'guesses'::regclass";
  // How everything would be, had there been no conversion.
  const std::string make_it =
      "CREATE POLICY some_rows ON points AS RESTRICTIVE USING (points >= 0); "
      "ALTER TABLE guesses ENABLE ROW LEVEL SECURITY; "
      "ALTER TABLE points ADD CONSTRAINT points_not_less CHECK (points >= 0); "
      "CREATE INDEX points_best ON points (points DESC); "
      "ALTER TABLE points ADD CONSTRAINT points_once UNIQUE (points, id); "
      "CREATE UNIQUE INDEX guesses_once ON guesses (amount); "
      "ALTER TABLE guesses ADD CONSTRAINT guesses_level FOREIGN KEY (amount) REFERENCES levels; "
      "ALTER TABLE guesses ADD CONSTRAINT guesses_also FOREIGN KEY (amount) REFERENCES points";
  const std::string make_view = "CREATE VIEW names AS SELECT name FROM points";
  const std::string take_it =
      "ALTER TABLE guesses DROP CONSTRAINT guesses_also, DROP CONSTRAINT guesses_level, DISABLE ROW LEVEL "
      "SECURITY; DROP INDEX guesses_once; ALTER TABLE points DROP CONSTRAINT points_once, DROP CONSTRAINT "
      "points_not_less; DROP INDEX points_best; DROP POLICY some_rows ON points";
  session().execute("BEGIN; " + make_it);
  const std::string wanted = things_of(tables);
  session().execute("ROLLBACK");
  expand();
  change(make_it, take_it);
  change(make_view, "DROP VIEW names");
  expand();
  contracts(try_contract({}, "bots_reader"));
  EXPECT_THAT(things_of(tables), AllOf(Not(HasSubstr("guesses_also|")), HasSubstr("guesses_also_by_server|")))
      << "contract has taken its place";
  const std::string rights = "SELECT reloptions FROM pg_class WHERE oid = 'names'::regclass";
  EXPECT_EQ(ask(rights), "{security_invoker=true}\n");
  take_back();
  EXPECT_EQ(things_of(tables), wanted);
  EXPECT_EQ(ask(rights), "\n");
}

TEST_F(OthersOfPostgres, AKeyThatSomebodyChoseForSubscribersStaysTheirs) {
  change("ALTER TABLE guesses REPLICA IDENTITY USING INDEX guesses_pkey",
         "ALTER TABLE guesses REPLICA IDENTITY DEFAULT");
  expand();
  contracts(try_contract());
  change(
      "CREATE UNIQUE INDEX guesses_known ON guesses (id, amount); "
      "ALTER TABLE guesses REPLICA IDENTITY USING INDEX guesses_known",
      "DROP INDEX guesses_known");
  take_back();
  EXPECT_EQ(ask("SELECT indexrelid::regclass FROM pg_index WHERE indisreplident"), "guesses_known\n");
}

/// What others made, how a refusal names it, and what takes it away.
struct Made {
  std::string by;
  std::string named;
  std::string drop;
};

TEST_F(OthersOfPostgres, WhatNeedsTheServerIsNamedBeforeAnythingIsTakenBack) {
  expand();
  contracts(try_contract());
  const std::string contracted = fingerprint();
  const std::vector<Made> all{
      {"CREATE POLICY one_server ON points USING (server = 7)",
       "policy one_server of points needs the column server", "DROP POLICY one_server ON public.points"},
      {"ALTER TABLE guesses ADD CONSTRAINT small_servers CHECK (server < 100)",
       "check small_servers of guesses", "ALTER TABLE public.guesses DROP CONSTRAINT small_servers"},
      {"CREATE INDEX best_of_server ON points (server, points)", "index best_of_server of points",
       "DROP INDEX public.best_of_server"},
      {"CREATE INDEX best_of_home ON points (points) WHERE server = 7", "index best_of_home of points",
       "DROP INDEX public.best_of_home"},
      {"ALTER TABLE points ADD CONSTRAINT level_once UNIQUE (server, points)", "key level_once of points",
       "ALTER TABLE public.points DROP CONSTRAINT level_once"},
      {"CREATE VIEW by_server AS SELECT server, count(*) AS rows FROM points GROUP BY 1", "view by_server",
       "DROP VIEW public.by_server"},
      {"CREATE SCHEMA elsewhere; CREATE TABLE elsewhere.awards (server bigint, points_id integer, "
       "CONSTRAINT of_points FOREIGN KEY (server, points_id) REFERENCES points (server, id))",
       "foreign key of_points of elsewhere.awards", "ALTER TABLE elsewhere.awards DROP CONSTRAINT of_points"},
      {"ALTER TABLE points ADD COLUMN is_home boolean GENERATED ALWAYS AS (server = 7) STORED",
       "column is_home of points", "ALTER TABLE public.points DROP COLUMN is_home"},
      {"CREATE FUNCTION look() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'; "
       "CREATE TRIGGER looks BEFORE UPDATE OF server ON points FOR EACH ROW EXECUTE FUNCTION look()",
       "trigger looks of points", "DROP TRIGGER looks ON public.points"},
      {"CREATE STATISTICS together ON server, points FROM points", "statistics object public.together",
       "DROP STATISTICS public.together"},
      {"CREATE FUNCTION home_rows() RETURNS bigint BEGIN ATOMIC SELECT count(*) FROM points WHERE server = "
       "7; END",
       "function public.home_rows()", "DROP ROUTINE public.home_rows()"}};
  for (const Made& one : all) session().execute(one.by);
  const std::string with_all = fingerprint();
  const auto tried = try_rollback();
  for (const Made& one : all) {
    is_refused(tried, "CV-DEPENDS", one.named);
    EXPECT_THAT(tried.error().finding.hint, HasSubstr(one.drop));
  }
  EXPECT_THAT(tried.error().finding.text, Not(HasSubstr("by_server of"))) << "those are ours";
  EXPECT_EQ(fingerprint(), with_all);
  for (const Made& one : all) session().execute(one.drop);
  session().execute("DROP SCHEMA elsewhere CASCADE; DROP FUNCTION look");
  EXPECT_EQ(fingerprint(), contracted);
  take_back();
}

TEST_F(OthersOfPostgres, WhatIsMadeWhileItIsTakenBackDoesNotGoAlongEither) {
  expand();
  contracts(try_contract());
  bool is_made = false;
  auto how = options<RollbackOptions>();
  how.say = [&](const std::string& line) {
    if (is_made || !line.starts_with("[1/")) return;
    session().execute("CREATE INDEX late ON points (server)");
    is_made = true;
  };
  const auto stopped = rollback(target(), how);
  ASSERT_FALSE(stopped);
  EXPECT_EQ(stopped.error().sqlstate, "2BP01");
  EXPECT_THAT(stopped.error().finding.text, HasSubstr("needs what is about to go: index late of points"));
  is_refused(try_rollback(), "CV-DEPENDS", "index late of points needs the column server of points");
  session().execute("DROP INDEX late");
  take_back();
}

TEST_F(OthersOfPostgres, RowsThatAnotherServerGetsWhileItIsTakenBackDoNotBecomeTheHomes) {
  expand();
  contracts(try_contract());
  bool is_written = false;
  auto how = options<RollbackOptions>();
  how.say = [&](const std::string& line) {
    if (is_written || !line.starts_with("[1/")) return;
    session().execute("INSERT INTO servers VALUES (8); INSERT INTO points (server, name) VALUES (8, 'late')");
    is_written = true;
  };
  const auto stopped = rollback(target(), how);
  ASSERT_FALSE(stopped);
  EXPECT_THAT(stopped.error().finding.text, HasSubstr("points: as it was: other servers than 7 got rows"));
  EXPECT_THAT(stopped.error().finding.hint, HasSubstr("run the same command again"));
  is_refused(try_rollback(), "CV-OTHERS", "1 in points");
  take_back(true);
  EXPECT_EQ(ask("SELECT count(*) FROM points WHERE name = 'late'"), "0\n");
  session().execute("DROP SCHEMA guildhall_archive CASCADE; DELETE FROM servers WHERE server = 8");
}

TEST_F(OthersOfPostgres, AKeyThatAColumnOfBeforeKeepsIsAskedForWhatStandsOnIt) {
  change("ALTER TABLE points ADD COLUMN server bigint", "ALTER TABLE points DROP COLUMN server");
  const std::string before = fingerprint();
  expand();
  session().execute(
      "CREATE TABLE awards (server bigint, points_id integer, CONSTRAINT of_points FOREIGN KEY (server, "
      "points_id) REFERENCES points (server, id))");
  is_refused(try_rollback(), "CV-DEPENDS", "foreign key of_points of awards needs a key of points");
  session().execute("DROP TABLE awards");
  take_back();
  EXPECT_EQ(fingerprint(), before);
}

TEST_F(OthersOfPostgres, AnIndexOfBeforeThatBecameAKeyIsAnIndexAgain) {
  change("ALTER TABLE points ADD COLUMN server bigint; CREATE UNIQUE INDEX theirs ON points (server, id)",
         "ALTER TABLE points DROP COLUMN server");
  const std::string before = fingerprint();
  expand();
  contracts(try_contract());
  EXPECT_EQ(ask("SELECT conname FROM pg_constraint WHERE conrelid = 'points'::regclass AND contype = 'p'"),
            "theirs\n");
  take_back();
  EXPECT_EQ(fingerprint(), before);
}

TEST_F(OthersOfPostgres, ATableThatCameLaterIsAsItWasWhenItCame) {
  expand();
  change("CREATE TABLE awards (id serial PRIMARY KEY, points_id integer REFERENCES points, name text UNIQUE)",
         "DROP TABLE awards");
  const std::string wanted = things_of("'awards'::regclass");
  expand();
  contracts(try_contract());
  EXPECT_EQ(error_of("INSERT INTO awards (name) VALUES ('first')"), "23502") << "it has been converted too";
  take_back();
  EXPECT_EQ(things_of("'awards'::regclass"), wanted);
  EXPECT_EQ(error_of("INSERT INTO awards (points_id, name) VALUES (1, 'first')"), "");
}

TEST_F(OthersOfPostgres, AServerThatTheConversionAddedStaysWhereSomethingRefersToIt) {
  change("DELETE FROM servers WHERE server = 7",
         "INSERT INTO servers VALUES (7, 'home') ON CONFLICT DO NOTHING");
  expand();
  change(
      "CREATE TABLE notes (server bigint REFERENCES servers ON DELETE CASCADE, note text); "
      "INSERT INTO notes VALUES (7, 'keep me')",
      "DROP TABLE notes");
  std::vector<std::string> said;
  take_back(false, &said);
  EXPECT_THAT(
      said, Contains(AllOf(HasSubstr("server 7 stays in servers"), HasSubstr("rows of notes refer to it"))));
  EXPECT_EQ(ask("SELECT note FROM notes"), "keep me\n");
  session().execute("DELETE FROM notes; DELETE FROM servers");
  expand();
  take_back();
  EXPECT_EQ(ask("SELECT count(*) FROM servers"), "0\n") << "what nothing refers to goes";
}

TEST_F(OthersOfPostgres, ARegistryThatTheConversionMadeIsAskedForWhatStandsOnIt) {
  auto how = options<RollbackOptions>();
  how.description->registry.table = "guilds";
  how.description->registry.name = "";
  ASSERT_TRUE(apply(target(), how));
  session().execute("CREATE TABLE notes (server bigint CONSTRAINT of_guild REFERENCES guilds)");
  is_refused(rollback(target(), how), "CV-DEPENDS", "foreign key of_guild of notes needs the table guilds");
  session().execute("DROP TABLE notes");
  const auto back = rollback(target(), how);
  ASSERT_TRUE(back) << back.error().finding.text;
  session().execute("DROP SCHEMA guildhall CASCADE");
}

constexpr const char* kCounted =
    "CREATE VIEW counted AS SELECT p.id, p.name, count(g.id) AS guesses FROM points p LEFT JOIN guesses g "
    "ON g.session = p.id GROUP BY p.id";

TEST_F(OthersOfPostgres, AViewThatSomebodyChangedSinceIsNotMadeAsItWas) {
  change(kCounted, "DROP VIEW counted");
  expand();
  contracts(try_contract());
  const std::string ours = ask("SELECT pg_get_viewdef('counted'::regclass)");
  session().execute(
      "CREATE OR REPLACE VIEW counted AS SELECT p.id, p.name, count(g.id) AS guesses, p.server FROM points p "
      "LEFT JOIN guesses g ON g.session = p.id GROUP BY p.server, p.id");
  is_refused(try_rollback(), "CV-DEPENDS", "view counted needs the column server of points");
  session().execute("DROP VIEW counted; CREATE VIEW counted AS " + ours);
  take_back();
  EXPECT_EQ(error_of("SELECT * FROM counted"), "");
}

TEST_F(OthersOfPostgres, AViewThatIsMadeAgainKeepsWhatHangsOnIt) {
  change(
      std::string(kCounted) +
          "; CREATE FUNCTION pass_over() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'; "
          "CREATE TRIGGER passes INSTEAD OF INSERT ON counted FOR EACH ROW EXECUTE FUNCTION pass_over(); "
          "CREATE RULE renames AS ON UPDATE TO counted DO INSTEAD SELECT NEW.name; "
          "GRANT SELECT (name, id) ON counted TO PUBLIC; GRANT UPDATE (name) ON counted TO PUBLIC; "
          "COMMENT ON COLUMN counted.name IS 'as it''s seen'; "
          "COMMENT ON TRIGGER passes ON counted IS 'nothing'; COMMENT ON RULE renames ON counted IS 'all'; "
          "ALTER VIEW counted ALTER COLUMN guesses SET DEFAULT 5",
      "DROP VIEW counted; DROP FUNCTION pass_over");
  const std::string things =
      "SELECT pg_get_triggerdef(oid), obj_description(oid, 'pg_trigger') FROM pg_trigger WHERE tgrelid = "
      "'counted'::regclass UNION ALL SELECT pg_get_ruledef(oid), obj_description(oid, 'pg_rewrite') FROM "
      "pg_rewrite WHERE ev_class = 'counted'::regclass AND rulename <> '_RETURN' UNION ALL SELECT attname || "
      "coalesce(attacl::text, ''), concat(col_description(attrelid, attnum), pg_get_expr(adbin, adrelid)) "
      "FROM pg_attribute LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum WHERE attrelid = "
      "'counted'::regclass AND attnum > 0 ORDER BY 1";
  const std::string before = ask(things);
  ASSERT_THAT(before, AllOf(HasSubstr("passes"), HasSubstr("renames"), HasSubstr("as it's seen")));
  expand();
  contracts(try_contract());
  EXPECT_EQ(ask(things), before);
  // What came since is not the conversion's to take.
  const std::string more = "GRANT REFERENCES (guesses) ON counted TO PUBLIC";
  session().execute("BEGIN; " + more);
  const std::string wanted = ask(things);
  session().execute("ROLLBACK; " + more);
  take_back();
  EXPECT_EQ(ask(things), wanted);
  EXPECT_NE(wanted, before);
}

TEST_F(OthersOfPostgres, WhatHangsOnAViewThatIsMadeAgainIsNamedBefore) {
  const std::string by =
      "CREATE SCHEMA elsewhere; CREATE VIEW elsewhere.above AS SELECT name FROM counted; "
      "CREATE VIEW elsewhere.grouped AS SELECT id, name FROM points GROUP BY id; "
      "CREATE FUNCTION all_guesses() RETURNS bigint BEGIN ATOMIC SELECT sum(guesses) FROM "
      "counted; END";
  const std::string drop =
      "DROP FUNCTION all_guesses; DROP VIEW elsewhere.grouped; DROP VIEW elsewhere.above; "
      "DROP SCHEMA elsewhere";
  change(kCounted, "DROP VIEW counted");
  session().execute(by);
  expand();
  const std::string expanded = fingerprint();
  const auto named = [&](const auto& tried, const std::string& what, const std::string& remedy) {
    is_refused(tried, "CV-DEPENDS", what);
    EXPECT_THAT(tried.error().finding.hint, HasSubstr(remedy));
  };
  const auto tried = try_contract();
  named(tried, "view above needs the view counted", "DROP VIEW elsewhere.above");
  named(tried, "view grouped needs the key points_pkey", "DROP VIEW elsewhere.grouped");
  named(tried, "function public.all_guesses() needs the view counted", "DROP ROUTINE public.all_guesses()");
  EXPECT_EQ(fingerprint(), expanded);
  session().execute(drop);
  contracts(try_contract());
  session().execute("CREATE SCHEMA elsewhere; CREATE VIEW elsewhere.above AS SELECT name FROM counted");
  named(try_rollback(), "view above needs the view counted", "DROP VIEW elsewhere.above");
  session().execute("DROP SCHEMA elsewhere CASCADE");
  take_back();
}

TEST_F(OthersOfPostgres, AViewOverOneThatIsMadeAgainStaysAsSomebodyChangedIt) {
  change(std::string(kCounted) + "; CREATE VIEW above AS SELECT name FROM counted",
         "DROP VIEW above; DROP VIEW counted");
  expand();
  contracts(try_contract());
  session().execute("CREATE OR REPLACE VIEW above AS SELECT name FROM counted WHERE guesses > 1");
  session().execute("CREATE VIEW beside AS SELECT guesses FROM counted");
  take_back();
  EXPECT_THAT(ask("SELECT pg_get_viewdef('above'::regclass)"), HasSubstr("guesses > 1"));
  EXPECT_EQ(error_of("SELECT * FROM beside"), "") << "it needs nothing that goes";
  session().execute("DROP VIEW beside");
}

/// Between the two tables whose keys it hangs on, the way back was broken off.
TEST_F(OthersOfPostgres, AViewThatSomebodyChangedStaysSoAlsoWhenTheWayBackIsGoneOnWith) {
  change(
      "CREATE VIEW paired AS SELECT p.name, g.amount FROM points p JOIN guesses g ON g.session = p.id GROUP "
      "BY "
      "p.id, g.id; CREATE VIEW above AS SELECT name FROM paired",
      "DROP VIEW above; DROP VIEW paired");
  expand();
  contracts(try_contract());
  session().execute("CREATE OR REPLACE VIEW above AS SELECT name FROM paired WHERE amount > 1");
  bool is_made = false;
  auto how = options<RollbackOptions>();
  how.say = [&](const std::string& line) {
    if (is_made || !line.contains("guesses: as it was")) return;
    session().execute("CREATE INDEX late ON points (server)");
    is_made = true;
  };
  ASSERT_FALSE(rollback(target(), how));
  ASSERT_TRUE(is_made);
  session().execute("DROP INDEX late");
  take_back();
  EXPECT_THAT(ask("SELECT pg_get_viewdef('above'::regclass)"), HasSubstr("amount > 1"));
}

TEST_F(OthersOfPostgres, RowsOfServersThatWerePutAsideAreRefusedUntilTheEnd) {
  expand();
  contracts(try_contract());
  session().execute("INSERT INTO servers VALUES (8); INSERT INTO points (server, name) VALUES (8, 'n1')");
  auto how = options<RollbackOptions>();
  how.archive = true;
  std::string refused;
  bool is_copied = false;
  how.say = [&](const std::string& line) {
    is_copied = is_copied || line.contains("rows of other servers copied");
    if (is_copied && refused.empty() && line.starts_with("[1/"))
      refused = error_of("INSERT INTO points (server, name) VALUES (8, 'late')");
  };
  const auto back = rollback(target(), how);
  ASSERT_TRUE(back) << back.error().finding.text;
  is_converted_ = false;
  EXPECT_EQ(refused, "23514");
  session().execute(
      "DROP SCHEMA guildhall CASCADE; DROP SCHEMA guildhall_archive CASCADE; DELETE FROM servers WHERE "
      "server = 8");
}

TEST_F(OthersOfPostgres, ColumnsThatAreMadeWhileRowsAreCopiedAreNotLost) {
  expand();
  contracts(try_contract());
  session().execute("INSERT INTO servers VALUES (8); INSERT INTO points (server, name) VALUES (8, 'n1')");
  auto how = options<RollbackOptions>();
  how.archive = true;
  bool is_made = false;
  how.say = [&](const std::string& line) {
    if (is_made || !line.contains("points: rows of other servers copied")) return;
    session().execute("ALTER TABLE points ADD COLUMN level integer DEFAULT 3");
    is_made = true;
  };
  is_refused(rollback(target(), how), "CV-CHANGED", "columns of points");
  EXPECT_EQ(ask("SELECT name, level FROM points WHERE server = 8"), "n1|3\n");
  take_back(true);
  EXPECT_EQ(ask("SELECT name, level FROM guildhall_archive.points"), "n1|3\n");
  session().execute(
      "DROP SCHEMA guildhall_archive CASCADE; DELETE FROM servers WHERE server = 8; ALTER TABLE points DROP "
      "COLUMN level");
}

TEST_F(OthersOfPostgres, SumsOfAnotherBuildAreSaidBeforeAnyKeyGoes) {
  expand();
  const std::string expanded = fingerprint();
  session().execute("UPDATE guildhall.guildhall_conversion_facts SET fact = '77' WHERE kind = 'hashing'");
  is_refused(try_contract(), "CV-HASHING", "number 77");
  EXPECT_EQ(fingerprint(), expanded);
  take_back();
}

/// A counter that the rows of a child make, and an audit of what goes.
TEST_F(OthersOfPostgres, TriggersDoNothingWhileRowsArePutAsideAndComeBack) {
  change(
      "CREATE TABLE gone (what text); CREATE FUNCTION count_it() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN "
      "UPDATE points SET points = points + 1 WHERE id = NEW.session; RETURN NULL; END'; "
      "CREATE TRIGGER counts AFTER INSERT ON guesses FOR EACH ROW EXECUTE FUNCTION count_it(); "
      "CREATE FUNCTION note_it() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN INSERT INTO gone VALUES "
      "(OLD.name); "
      "RETURN NULL; END'; CREATE TRIGGER notes AFTER DELETE ON points FOR EACH ROW EXECUTE FUNCTION "
      "note_it(); "
      "ALTER TABLE points ENABLE ALWAYS TRIGGER notes",
      "DROP TRIGGER counts ON guesses; DROP TRIGGER notes ON points; DROP FUNCTION count_it, note_it; DROP "
      "TABLE gone");
  expand();
  contracts(try_contract({"public.count_it()"}));
  session().execute(
      "INSERT INTO servers VALUES (8); INSERT INTO points (server, id, name) VALUES (8, 100, 'n1'); INSERT "
      "INTO "
      "guesses (server, session, amount) VALUES (8, 100, 5), (8, 100, 6)");
  const std::string of_second =
      "SELECT p.id, points, amount FROM points p JOIN guesses g ON session = p.id "
      "WHERE p.id = 100 ORDER BY 3";
  const std::string rows = ask(of_second);
  ASSERT_EQ(rows, "100|2|5\n100|2|6\n");
  put_aside();
  EXPECT_EQ(ask("SELECT count(*) FROM gone"), "0\n");
  convert_again_and_restore({"public.count_it()"});
  EXPECT_EQ(ask(of_second), rows);
  EXPECT_EQ(ask("SELECT tgname, tgenabled FROM pg_trigger WHERE NOT tgisinternal AND tgrelid IN ("
                "'points'::regclass, 'guesses'::regclass) ORDER BY 1"),
            "counts|O\nnotes|A\n");
  session().execute(
      "ALTER TABLE points DISABLE TRIGGER notes; DELETE FROM guesses WHERE server = 8; DELETE FROM points "
      "WHERE "
      "server = 8; DELETE FROM servers WHERE server = 8");
}

TEST_F(OthersOfPostgres, AViewOverTwoKeysGoesThereAndBack) {
  const std::string made =
      "CREATE VIEW paired AS SELECT p.name, g.amount, count(*) AS rows FROM points p JOIN guesses g ON "
      "g.session = p.id GROUP BY p.id, g.id";
  change("SELECT 1", "DROP VIEW paired");
  expand();
  // While the old program is still there.
  session().execute(made);
  const std::string before = ask("SELECT pg_get_viewdef('paired'::regclass)");
  const std::string rows = ask("SELECT * FROM paired ORDER BY 1, 2");
  contracts(try_contract());
  EXPECT_EQ(ask("SELECT * FROM paired ORDER BY 1, 2"), rows);
  take_back();
  EXPECT_EQ(ask("SELECT pg_get_viewdef('paired'::regclass)"), before);
  EXPECT_EQ(ask("SELECT * FROM paired ORDER BY 1, 2"), rows);
}

TEST_F(OthersOfPostgres, TheSealedRoleKeepsTheRightsThatItHadAndNoOthers) {
  change(
      "CREATE ROLE sealed_writer; GRANT sealed_writer TO operator; GRANT SELECT ON points TO sealed_writer",
      "DROP OWNED BY sealed_writer; DROP ROLE sealed_writer");
  const std::string rights =
      "SELECT relname, privilege_type FROM pg_class, aclexplode(relacl) WHERE grantee = "
      "'sealed_writer'::regrole ORDER BY 1, 2";
  ASSERT_EQ(ask(rights), "points|SELECT\n");
  expand();
  contracts(try_contract({}, "sealed_writer"));
  EXPECT_THAT(ask(rights), HasSubstr("guesses|DELETE\n"));
  take_back();
  EXPECT_EQ(ask(rights), "points|SELECT\n");
}

TEST_F(OthersOfPostgres, RestoreSaysThatTheDatabaseIsToBeConvertedFirst) {
  expand();
  contracts(try_contract());
  session().execute(
      "INSERT INTO servers VALUES (8, 'second'); INSERT INTO points (server, name) VALUES (8, 'n1')");
  auto archiving = options<RollbackOptions>();
  archiving.archive = true;
  ASSERT_TRUE(rollback(target(), archiving));
  is_converted_ = false;
  // As the guide has it: nobody names a description.
  is_refused(restore(target(), Options{}), "CV-STATE", "taken back, and no later one has begun here");
  session().execute(
      "DROP SCHEMA guildhall CASCADE; DROP SCHEMA guildhall_archive CASCADE; DELETE FROM servers WHERE "
      "server = 8");
  is_refused(restore(target(), Options{}), "CV-STATE", "no conversion has begun here");
}

/// A program that may put rows in, and read nothing else.
TEST_F(OthersOfPostgres, WhoeverMayWriteTheChildAloneGoesOnWriting) {
  change(
      "CREATE ROLE guess_writer; GRANT guess_writer TO operator; GRANT INSERT ON guesses TO guess_writer; "
      "GRANT USAGE ON SEQUENCE guesses_id_seq TO guess_writer",
      "DROP OWNED BY guess_writer; DROP ROLE guess_writer");
  const std::string insert =
      "SET LOCAL ROLE guess_writer; INSERT INTO guesses (session, amount) VALUES (1, 5), (NULL, 6)";
  ASSERT_EQ(error_of(insert), "");
  ASSERT_EQ(error_of("SET LOCAL ROLE guess_writer; SELECT FROM points"), "42501");
  expand();
  EXPECT_EQ(error_of(insert), "");
  EXPECT_EQ(error_of("ALTER TABLE points ENABLE ROW LEVEL SECURITY; " + insert), "")
      << "policies are for others than the owner";
  EXPECT_EQ(
      ask("SELECT prosecdef, proconfig, proowner = relowner, has_function_privilege('guess_writer', p.oid, "
          "'EXECUTE') FROM pg_proc p, pg_class WHERE proname = 'fill_server_of_guesses' AND relname = "
          "'points'"),
      "t|{\"search_path=pg_catalog, pg_temp\"}|t|f\n")
      << "nobody else can hang it on a table of his own and ask it";
}

TEST_F(OthersOfPostgres, AMaterialisedViewThatCannotBeFilledHoldsUpNothing) {
  change("CREATE MATERIALIZED VIEW shares AS SELECT id, 100 / points AS share FROM points GROUP BY id",
         "DROP MATERIALIZED VIEW shares");
  change("UPDATE points SET points = 0 WHERE id = 1", "UPDATE points SET points = 1 WHERE id = 1");
  expand();
  std::vector<std::string> said;
  auto how = options<ContractOptions>();
  how.say = [&](const std::string& line) { said.push_back(line); };
  contracts(contract(target(), how));
  EXPECT_THAT(said, Contains(AllOf(HasSubstr("shares is empty"), HasSubstr("division by zero"),
                                   HasSubstr("REFRESH MATERIALIZED VIEW \"public\".\"shares\""))));
  said.clear();
  take_back(false, &said);
  EXPECT_THAT(said, Contains(HasSubstr("shares is empty")));
  EXPECT_EQ(error_of("SELECT * FROM shares"), "55000");
}

/// Not while nobody else can read or write the table whose key it groups by.
TEST_F(OthersOfPostgres, AMaterialisedViewIsFilledBehindTheSwapOfKeys) {
  const std::string locked =
      "EXISTS (SELECT FROM pg_locks WHERE relation = 'points'::regclass AND mode = 'AccessExclusiveLock')";
  change(fmt::format(
             "CREATE FUNCTION is_locked() RETURNS boolean LANGUAGE sql AS $$ SELECT {} $$; "
             "CREATE MATERIALIZED VIEW best AS SELECT p.id, p.name, public.is_locked() AS locked FROM points "
             "p GROUP BY p.id; "
             "CREATE MATERIALIZED VIEW above AS SELECT count(*) AS rows FROM best; "
             "CREATE MATERIALIZED VIEW unfilled AS SELECT id FROM best WITH NO DATA",
             locked),
         "DROP MATERIALIZED VIEW best CASCADE; DROP FUNCTION is_locked");
  const std::string shown = "SELECT count(*), bool_or(locked), max(above.rows) FROM best, above";
  expand();
  contracts(try_contract());
  EXPECT_EQ(ask(shown), "20|f|20\n");
  EXPECT_EQ(error_of("SELECT * FROM unfilled"), "55000") << "it had no rows before";
  // A run that was killed before it filled them.
  session().execute(
      "REFRESH MATERIALIZED VIEW above WITH NO DATA; REFRESH MATERIALIZED VIEW best WITH NO DATA");
  contracts(try_contract());
  EXPECT_EQ(ask(shown), "20|f|20\n");
  take_back();
  EXPECT_EQ(ask(shown), "20|f|20\n");
  EXPECT_EQ(error_of("SELECT * FROM unfilled"), "55000");
}

}  // namespace
}  // namespace guildhall::convert
