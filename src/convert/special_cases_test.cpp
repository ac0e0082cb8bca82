// What real databases have beside tables and keys: rights on columns, subscribers, functions, inheritance,
// materialised views. Each goes the whole way and back, and what would have gone wrong without care is shown
// first.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "store/quoting.h"
#include "tests/support/converted_bot.h"

namespace guildhall::convert {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

using SpecialCasesOfPostgres = test::ConvertedBot;

TEST_F(SpecialCasesOfPostgres, TwoKeysOfTheSameColumnsHaveOneSuccessor) {
  change("ALTER TABLE points ADD CONSTRAINT points_named_once UNIQUE (name)",
         "ALTER TABLE points DROP CONSTRAINT points_named_once");
  const std::string before = fingerprint();
  expand();
  contracts(try_contract());
  EXPECT_EQ(error_of("INSERT INTO points (server, name) VALUES (7, 'n1')"), "23505");
  take_back();
  EXPECT_EQ(fingerprint(), before);
}

TEST_F(SpecialCasesOfPostgres, RightsOnColumnsReachTheNewOne) {
  change(
      "CREATE ROLE columns_reader; GRANT columns_reader TO operator; "
      "GRANT SELECT (id, name, points), UPDATE (points) ON points TO columns_reader",
      "REVOKE ALL (id, name, points) ON points FROM columns_reader; DROP ROLE columns_reader");
  const std::string read_all = "SET LOCAL ROLE columns_reader; SELECT * FROM points";
  const std::string rights =
      "SELECT attname, attacl FROM pg_attribute WHERE attrelid = 'points'::regclass AND attacl IS NOT NULL "
      "AND NOT attisdropped ORDER BY 1";
  const std::string before = ask(rights);
  EXPECT_EQ(error_of("ALTER TABLE points ADD COLUMN server bigint NOT NULL DEFAULT 7; " + read_all), "42501");
  expand();
  EXPECT_EQ(error_of(read_all), "");
  EXPECT_EQ(error_of("SET LOCAL ROLE columns_reader; UPDATE points SET points = 1"), "");
  EXPECT_EQ(error_of("SET LOCAL ROLE columns_reader; DELETE FROM points"), "42501");
  contracts(try_contract());
  EXPECT_EQ(error_of(read_all), "");
  take_back();
  EXPECT_EQ(error_of(read_all), "");
  EXPECT_EQ(ask(rights), before);
}

/// By which index subscribers know a table's rows; "" where there is none.
std::string identity_of(const std::string& table) {
  return fmt::format(
      "SELECT relreplident, (SELECT indexrelid::regclass FROM pg_index WHERE indrelid = c.oid AND "
      "indisreplident) FROM pg_class c WHERE oid = '{}'::regclass",
      table);
}

TEST_F(SpecialCasesOfPostgres, SubscribersGoOnToKnowRowsByTheKeyThatTheyWereKnownBy) {
  change(
      "ALTER TABLE points REPLICA IDENTITY USING INDEX points_name_key; "
      "CREATE UNIQUE INDEX guesses_amount ON guesses (amount); "
      "ALTER TABLE guesses REPLICA IDENTITY USING INDEX guesses_amount; "
      "CREATE PUBLICATION changes FOR TABLE points, guesses",
      "DROP PUBLICATION changes; ALTER TABLE points REPLICA IDENTITY DEFAULT; "
      "ALTER TABLE guesses REPLICA IDENTITY DEFAULT; DROP INDEX guesses_amount");
  const std::string change_both =
      "UPDATE points SET points = 1 WHERE id = 1; DELETE FROM guesses WHERE id = 1";
  EXPECT_EQ(error_of("ALTER TABLE points DROP CONSTRAINT points_name_key; " + change_both), "55000");
  EXPECT_THAT(planned("CV-PUBLICATION"),
              ElementsAre(HasSubstr("publication changes has guesses"), HasSubstr("has points")));
  expand();
  EXPECT_EQ(ask(identity_of("points")), "i|points_name_key\n");
  contracts(try_contract());
  EXPECT_EQ(ask(identity_of("points")), "i|points_name_key_by_server\n");
  EXPECT_EQ(ask(identity_of("guesses")), "i|guesses_amount_by_server\n");
  EXPECT_EQ(error_of(change_both), "");
  take_back();
  EXPECT_EQ(ask(identity_of("points")), "i|points_name_key\n");
  EXPECT_EQ(ask(identity_of("guesses")), "i|guesses_amount\n");
  EXPECT_EQ(error_of(change_both), "");
}

TEST_F(SpecialCasesOfPostgres, APublicationOfColumnsHasToNameTheServerFirst) {
  change("CREATE PUBLICATION chosen FOR TABLE points (id, name)", "DROP PUBLICATION chosen");
  EXPECT_THAT(planned("CV-PUBLICATION"),
              ElementsAre(HasSubstr("publication chosen names the columns of points")));
  expand();
  const std::string update = "UPDATE points SET points = 1 WHERE id = 1";
  EXPECT_EQ(
      error_of("ALTER TABLE points DROP CONSTRAINT points_pkey CASCADE, ADD PRIMARY KEY (server, id); " +
               update),
      "42P10")
      << "no row could be changed";
  is_refused(try_contract(), "CV-PUBLICATION", "chosen of points");
  session().execute(
      "ALTER PUBLICATION chosen DROP TABLE points; ALTER PUBLICATION chosen ADD TABLE points (server, id, "
      "name)");
  contracts(try_contract());
  EXPECT_EQ(error_of(update), "");
  const std::string contracted = fingerprint();
  is_refused(rollback(target(), options<RollbackOptions>()), "CV-PUBLICATION", "chosen of points");
  EXPECT_EQ(fingerprint(), contracted);
  session().execute("ALTER PUBLICATION chosen DROP TABLE points");
  take_back();
}

TEST_F(SpecialCasesOfPostgres, WhatWritesWithoutAServerHoldsTheContractionUp) {
  change(
      "CREATE FUNCTION award(who text, how_many integer) RETURNS void LANGUAGE sql AS $$ INSERT INTO "
      "public.points "
      "(name, points) VALUES (who, how_many) ON CONFLICT (name) DO UPDATE SET points = points.points + "
      "how_many $$; "
      "CREATE PROCEDURE tidy() LANGUAGE plpgsql AS $$ BEGIN DELETE FROM guesses WHERE amount < 0; END $$; "
      "CREATE FUNCTION total() RETURNS bigint LANGUAGE sql AS $$ SELECT sum(points) FROM points $$",
      "DROP FUNCTION award; DROP PROCEDURE tidy; DROP FUNCTION total");
  const std::string award = "SELECT award('n1', 5)";
  EXPECT_THAT(planned("CV-ROUTINE"), ElementsAre(HasSubstr("public.award(text,integer) writes into points"),
                                                 HasSubstr("public.tidy() writes into guesses")));
  expand();
  EXPECT_EQ(error_of(award), "") << "until contract it works";
  is_refused(try_contract(), "CV-ROUTINE", "public.award(text,integer), public.tidy()");
  is_refused(try_contract({"public.tidy()"}), "CV-ROUTINE", "award(text,integer)");
  session().execute(
      "CREATE OR REPLACE FUNCTION award(who text, how_many integer) RETURNS void LANGUAGE sql AS $$ INSERT "
      "INTO "
      "points (server, name, points) VALUES (7, who, how_many) ON CONFLICT (server, name) DO UPDATE SET "
      "points = "
      "points.points + how_many $$");
  contracts(try_contract({"public.tidy()"}));
  EXPECT_EQ(error_of(award), "");
}

TEST_F(SpecialCasesOfPostgres, ToNameTheServerSomewhereIsNotEnough) {
  change(
      "CREATE FUNCTION award(who text, server bigint) RETURNS void LANGUAGE plpgsql AS $$ BEGIN IF server = "
      "7 "
      "THEN INSERT INTO points (name) VALUES (who); END IF; END $$; "
      "CREATE FUNCTION reset(server bigint) RETURNS void LANGUAGE plpgsql AS $$ BEGIN UPDATE points SET "
      "points "
      "= 0; END $$",
      "DROP FUNCTION award; DROP FUNCTION reset");
  EXPECT_THAT(planned("CV-ROUTINE"), ElementsAre(HasSubstr("(its INSERT INTO points names no server)"),
                                                 HasSubstr("but its update of points names no server")));
  expand();
  is_refused(try_contract(), "CV-ROUTINE", "public.award(text,bigint)");
  contracts(try_contract({"public.award(text,bigint)"}));
  std::vector<std::string> said;
  take_back(false, &said);
  EXPECT_THAT(
      said, testing::Contains(HasSubstr("award(text,bigint) names the column server of points, which goes")));
}

TEST_F(SpecialCasesOfPostgres, AMaterialisedViewKeepsItsIndexAndIsKeptFromWhoeverIsSealedOff) {
  change(
      "CREATE ROLE sealed_reader; GRANT sealed_reader TO operator; "
      "CREATE MATERIALIZED VIEW best AS SELECT p.id, p.name, count(g.id) AS guesses FROM points p "
      "LEFT JOIN guesses g ON g.session = p.id GROUP BY p.id; "
      "CREATE UNIQUE INDEX best_id ON best (id); GRANT SELECT ON best TO sealed_reader",
      "DROP MATERIALIZED VIEW best; DROP OWNED BY sealed_reader; DROP ROLE sealed_reader");
  const std::string refresh = "REFRESH MATERIALIZED VIEW CONCURRENTLY best";
  EXPECT_EQ(error_of("ALTER TABLE points DROP CONSTRAINT points_name_key, DROP CONSTRAINT points_pkey"),
            "2BP01");
  EXPECT_THAT(planned("CV-MATERIAL"), ElementsAre(HasSubstr("view best holds rows")));
  expand();
  is_refused(try_contract({}, "sealed_reader"), "CV-MATERIAL", "'sealed_reader' may read them: best");
  session().execute("REVOKE SELECT ON best FROM sealed_reader");
  contracts(try_contract({}, "sealed_reader"));
  EXPECT_EQ(error_of(refresh), "");
  EXPECT_EQ(error_of("SET LOCAL ROLE sealed_reader; SELECT * FROM best"), "42501");
  take_back();
  EXPECT_EQ(error_of(refresh), "");
}

/// Its operator class and its order are nothing that the way back can group by.
TEST_F(SpecialCasesOfPostgres, AKeyOverAnExpressionWithAnOperatorClassComesBack) {
  change("CREATE UNIQUE INDEX points_folded ON points (lower(name) text_pattern_ops DESC)",
         "DROP INDEX points_folded");
  const std::string before = fingerprint();
  expand();
  contracts(try_contract());
  change("INSERT INTO servers VALUES (8, 'other'); INSERT INTO points (server, name) VALUES (8, 'N1')",
         "DELETE FROM servers WHERE server = 8");
  take_back(true);
  EXPECT_EQ(ask("SELECT name FROM guildhall_archive.points"), "N1\n");
  session().execute("DROP SCHEMA guildhall_archive CASCADE");
  EXPECT_EQ(fingerprint(), before);
}

/// A bot that knows raffles by a word of a type of its own, whose operators lie elsewhere.
class KeysOfATypeOfPostgres : public test::OnPostgres {
 protected:
  void SetUp() override {
    session().execute(fmt::format(
        "CREATE SCHEMA ext; CREATE EXTENSION citext SCHEMA ext; ALTER DATABASE {} SET search_path = public, "
        "ext; SET search_path = public, ext; CREATE DOMAIN word AS citext;"
        "CREATE TABLE servers (server bigint PRIMARY KEY, name text); INSERT INTO servers VALUES (7), (8);"
        "CREATE TABLE raffles (name word PRIMARY KEY, server bigint); INSERT INTO raffles VALUES ('Spring', "
        "8);"
        "CREATE TABLE tickets (id serial PRIMARY KEY, raffle word); INSERT INTO tickets (raffle) VALUES "
        "('spring')",
        store::quoted_name(target().database)));
  }
  static Options options() {
    Options options;
    options.description = *parse_description(R"(
tenant_column = "server"
[registry]
table = "servers"
column = "server"
[table.raffles]
class = "tenant"
[table.tickets]
class = "child"
parents = [{ table = "raffles", columns = ["raffle"], referenced = ["name"] }]
)",
                                             "test");
    options.server = 7;
    options.backup_done = "of-a-test";
    return options;
  }
  bool lends_rights() {
    const auto plan = convert::plan(session(), migrate::Dialect::postgres, options());
    return plan && std::ranges::any_of(plan->steps, [](const Step& step) {
             return std::ranges::any_of(step.statements, [](const std::string& statement) {
               return statement.contains("SECURITY DEFINER");
             });
           });
  }
};

TEST_F(KeysOfATypeOfPostgres, ARowFindsItsParentByTheOperatorsOfTheType) {
  session().execute("GRANT CREATE ON SCHEMA ext TO PUBLIC");
  EXPECT_FALSE(lends_rights()) << "anybody might put an operator of his own there";
  session().execute("REVOKE CREATE ON SCHEMA ext FROM PUBLIC");
  EXPECT_TRUE(lends_rights());
  const auto done = apply(target(), options());
  ASSERT_TRUE(done) << done.error().finding.text;
  session().execute("INSERT INTO tickets (raffle) VALUES ('SPRING'), ('unknown')");
  std::vector<std::string> servers;
  for (const auto& row : session().query("SELECT server FROM tickets ORDER BY id")) servers.push_back(row[0]);
  EXPECT_THAT(servers, ElementsAre("8", "8", "7"));
}

/// A table of old rows that inherits from the one of all.
class InheritanceOfPostgres : public SpecialCasesOfPostgres {
 protected:
  void make_heir() {
    change(
        "CREATE TABLE points_old (PRIMARY KEY (id), UNIQUE (name)) INHERITS (points); "
        "INSERT INTO points_old (name, points) SELECT 'old' || n, n FROM generate_series(1, 9) n; "
        "CREATE ROLE heirs_reader; GRANT heirs_reader TO operator; "
        "GRANT SELECT (id, name, points) ON points_old TO heirs_reader",
        "DROP TABLE points_old; DROP OWNED BY heirs_reader; DROP ROLE heirs_reader");
  }
  static std::string rows() {
    return ask("SELECT tableoid::regclass, count(*), sum(points) FROM points GROUP BY 1 ORDER BY 1");
  }
};

TEST_F(InheritanceOfPostgres, TheHeirHasItsOwnKeysByServer) {
  make_heir();
  const std::string before = fingerprint();
  const std::string counted = rows();
  EXPECT_EQ(
      error_of("ALTER TABLE points ADD COLUMN server bigint; ALTER TABLE points_old DROP COLUMN server"),
      "42P16")
      << "it cannot be taken back there";
  expand();
  EXPECT_EQ(error_of("INSERT INTO points_old (name) VALUES ('old1') ON CONFLICT (name) DO NOTHING"), "");
  EXPECT_EQ(error_of("SET LOCAL ROLE heirs_reader; SELECT * FROM points_old"), "");
  contracts(try_contract());
  EXPECT_EQ(error_of("INSERT INTO points_old (server, name) VALUES (7, 'old1')"), "23505");
  EXPECT_EQ(error_of("INSERT INTO points_old (server, name) VALUES (8, 'old1')"), "23503")
      << "no such server";
  EXPECT_EQ(error_of("INSERT INTO points_old (name) VALUES ('new')"), "23502");
  EXPECT_EQ(rows(), counted);
  take_back();
  EXPECT_EQ(fingerprint(), before);
  EXPECT_EQ(rows(), counted);
}

TEST_F(InheritanceOfPostgres, RowsOfOtherServersComeBackIntoTheTableThatTheyWereIn) {
  make_heir();
  const std::string counted = rows();
  expand();
  contracts(try_contract());
  session().execute(
      "INSERT INTO servers VALUES (8, 'second'); "
      "INSERT INTO points (server, name, points) VALUES (8, 'n1', 100), (8, 'n2', 200); "
      "INSERT INTO points_old (server, name, points) VALUES (8, 'old1', 1000)");
  const std::string of_both = rows();
  is_refused(rollback(target(), options<RollbackOptions>()), "CV-OTHERS", "1 in points_old");
  put_aside();
  EXPECT_EQ(rows(), counted);
  convert_again_and_restore();
  EXPECT_EQ(rows(), of_both);
  session().execute("DELETE FROM points WHERE server = 8; DELETE FROM servers WHERE server = 8");
}

/// Of no description: each is the other's parent.
TEST_F(SpecialCasesOfPostgres, TablesThatReferToEachOtherGoThereAndBack) {
  change(
      "CREATE TABLE clans (id integer PRIMARY KEY, owner integer, points integer REFERENCES points); "
      "CREATE TABLE members (id integer PRIMARY KEY, clan integer REFERENCES clans); "
      "ALTER TABLE clans ADD FOREIGN KEY (owner) REFERENCES members; "
      "INSERT INTO clans VALUES (1, NULL, 1); INSERT INTO members VALUES (1, 1); UPDATE clans SET owner = 1",
      "ALTER TABLE clans DROP COLUMN owner; DROP TABLE members; DROP TABLE clans");
  const std::string before = fingerprint();
  expand();
  take_back();
  EXPECT_EQ(fingerprint(), before);
  expand();
  contracts(try_contract());
  take_back();
  EXPECT_EQ(fingerprint(), before);
}

TEST_F(InheritanceOfPostgres, AColumnOfItsOwnIsMadeOneFirst) {
  make_heir();
  session().execute("ALTER TABLE points_old ADD COLUMN server bigint");
  const auto tried = apply(target(), options<>());
  is_refused(tried, "CV-INHERITS", "points_old has a column server of its own");
}

/// A log with a part for each year, and one for the rest.
class PartitionsOfPostgres : public SpecialCasesOfPostgres {
 protected:
  void make_log() {
    change(
        "CREATE TABLE logs (id bigint GENERATED ALWAYS AS IDENTITY, at date NOT NULL, name text NOT NULL, "
        "points integer, PRIMARY KEY (id, at), UNIQUE (name, at)) PARTITION BY RANGE (at); "
        "CREATE TABLE logs_2025 PARTITION OF logs FOR VALUES FROM ('2025-01-01') TO ('2026-01-01'); "
        "CREATE TABLE logs_rest PARTITION OF logs DEFAULT; "
        "ALTER TABLE logs_2025 REPLICA IDENTITY USING INDEX logs_2025_name_at_key; "
        "INSERT INTO logs (at, name, points) SELECT date '2025-12-25' + n, 'n' || n, n FROM "
        "generate_series(1, 20) n",
        "DROP TABLE logs");
  }
  static std::string rows() {
    return ask("SELECT tableoid::regclass, count(*), sum(points) FROM logs GROUP BY 1 ORDER BY 1");
  }
  static std::string insert(const std::string& server, const std::string& conflict = "") {
    return fmt::format(
        "INSERT INTO logs ({0}at, name) VALUES ({1}'2025-12-26', 'n1') {2}", server.empty() ? "" : "server, ",
        server.empty() ? "" : server + ", ",
        conflict.empty() ? "" : fmt::format("ON CONFLICT ({}) DO UPDATE SET points = 5", conflict));
  }
};

TEST_F(PartitionsOfPostgres, EachGetsItsKeysAndContractMakesThemOne) {
  make_log();
  const std::string before = fingerprint();
  const std::string counted = rows();
  EXPECT_EQ(error_of("ALTER TABLE logs ADD COLUMN server bigint NOT NULL DEFAULT 7; "
                     "ALTER TABLE logs ADD FOREIGN KEY (server) REFERENCES servers NOT VALID"),
            "42809");
  expand();
  EXPECT_EQ(error_of(insert("", "name, at")), "") << "the old program goes on";
  contracts(try_contract());
  EXPECT_EQ(
      ask("SELECT indexrelid::regclass::text FROM pg_index WHERE indrelid = 'logs'::regclass AND indisvalid "
          "ORDER BY 1"),
      "logs_name_at_key_by_server\nlogs_pkey_by_server\n");
  EXPECT_EQ(ask(identity_of("logs_2025")), "i|logs_2025_name_at_key_by_server\n");
  EXPECT_EQ(error_of(insert("")), "23502");
  EXPECT_EQ(error_of(insert("7")), "23505");
  EXPECT_EQ(error_of(insert("8")), "23503") << "there is no such server";
  EXPECT_EQ(error_of(insert("7", "server, name, at")), "");
  EXPECT_EQ(error_of("INSERT INTO servers VALUES (8, 'second'); " + insert("8")), "");
  EXPECT_EQ(rows(), counted);
  take_back();
  EXPECT_EQ(fingerprint(), before);
  EXPECT_EQ(ask(identity_of("logs_2025")), "i|logs_2025_name_at_key\n");
  EXPECT_EQ(rows(), counted);
  EXPECT_EQ(error_of(insert("", "name, at")), "");
}

TEST_F(PartitionsOfPostgres, RowsOfOtherServersAreArchivedAndComeBack) {
  make_log();
  const std::string counted = rows();
  expand();
  contracts(try_contract());
  session().execute("INSERT INTO servers VALUES (8, 'second'); " + insert("8"));
  const std::string of_both = rows();
  is_refused(rollback(target(), options<RollbackOptions>()), "CV-OTHERS", "1 in logs_2025");
  put_aside();
  EXPECT_EQ(rows(), counted);
  convert_again_and_restore();
  EXPECT_EQ(rows(), of_both);
  session().execute("DELETE FROM logs WHERE server = 8; DELETE FROM servers WHERE server = 8");
}

TEST_F(PartitionsOfPostgres, WhatIsNotTheSimpleCaseIsRefused) {
  make_log();
  const auto refuses = [&](const std::string& how, const std::string& why, const std::string& back) {
    session().execute(how);
    is_refused(apply(target(), options<>()), "CV-PARTITIONED", why);
    session().execute(back);
  };
  refuses("CREATE TABLE notes (id bigint, at date, FOREIGN KEY (id, at) REFERENCES logs)", "leads to it",
          "DROP TABLE notes");
  refuses("ALTER TABLE logs_rest ADD UNIQUE (points)", "is a key of its partition logs_rest alone",
          "ALTER TABLE logs_rest DROP CONSTRAINT logs_rest_points_key");
  refuses("CREATE VIEW by_id AS SELECT id, at, name FROM logs GROUP BY id, at",
          "the view by_id hangs on its key", "DROP VIEW by_id");
  refuses("ALTER TABLE logs ADD COLUMN server bigint", "server may be NULL",
          "ALTER TABLE logs DROP COLUMN server");
}

}  // namespace
}  // namespace guildhall::convert
