// What somebody may hand to `guildhall convert` on PostgreSQL that it cannot convert, or not yet: each time
// it says what is wrong and the way out, ends with the exit code of its kind, and has changed nothing.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/small_bot.h"

namespace guildhall::convert {
namespace {

using migrate::Exit;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::MatchesRegex;
using testing::Not;

class BadInputOfPostgres : public test::WithSmallBot {
 protected:
  /// What `apply` says when it refuses, having changed nothing; also no table of its own.
  static migrate::Problem refused(const migrate::Target& where, const Options& how = options<>()) {
    const std::string before = fingerprint();
    const auto applied = apply(where, how);
    EXPECT_EQ(fingerprint(), before);
    EXPECT_EQ(session().query("SELECT to_regnamespace('guildhall')")[0][0], "");
    EXPECT_FALSE(applied);
    if (applied) return {};
    EXPECT_NE(applied.error().finding.hint, "") << applied.error().finding.text;
    return applied.error();
  }
  static migrate::Problem refused(const Options& how = options<>()) { return refused(target(), how); }

  /// What `plan` finds with that code; everybody who may connect can ask.
  static std::vector<migrate::Finding> planned(std::string_view code, const Options& how = options<>()) {
    std::vector<migrate::Finding> found;
    const auto plan = convert::plan(session(), migrate::Dialect::postgres, how);
    EXPECT_TRUE(plan) << (plan ? "" : plan.error().finding.text);
    if (!plan) return found;
    for (const migrate::Finding& finding : plan->look.scheme.findings) {
      if (finding.code == code) found.push_back(finding);
    }
    return found;
  }

  static void expect(const migrate::Problem& problem, Exit exit, std::string_view code,
                     const std::string& text) {
    EXPECT_EQ(problem.exit, exit) << problem.finding.text;
    EXPECT_EQ(problem.finding.code, code);
    EXPECT_THAT(problem.finding.text, HasSubstr(text));
  }
};

// The address and the login.

TEST_F(BadInputOfPostgres, ADatabaseThatIsNotThere) {
  auto where = target();
  where =
      *migrate::any_target(test::postgres_url("operator", "no_such_database"), migrate::Missing::is_an_error);
  expect(refused(where), Exit::no_database, "MG-CONNECTION", "no_such_database");
}

TEST_F(BadInputOfPostgres, AServerThatIsNotThere) {
  const auto where =
      *migrate::any_target("postgres://bot@127.0.0.1:1/kickbot", migrate::Missing::is_an_error);
  expect(refused(where), Exit::no_database, "MG-CONNECTION", "127.0.0.1");
}

TEST_F(BadInputOfPostgres, AnAddressOfNoForm) {
  const auto where = migrate::any_target("mysql://bot@localhost/kickbot", migrate::Missing::is_an_error);
  ASSERT_FALSE(where);
  EXPECT_EQ(where.error().code, ErrorCode::usage);
  EXPECT_THAT(where.error().message, HasSubstr("postgres://USER@HOST/DATABASE")) << "the way out";
}

TEST_F(BadInputOfPostgres, ALoginWithoutRights) {
  change("CREATE ROLE bad_reader LOGIN", "DROP ROLE bad_reader");
  expect(refused(as("bad_reader")), Exit::no_permission, "CV-OWNER", "belongs to operator");
}

TEST_F(BadInputOfPostgres, ALoginThatReadsAndOwnsNothing) {
  change("CREATE ROLE bad_reader LOGIN; GRANT SELECT ON ALL TABLES IN SCHEMA public TO bad_reader",
         "REVOKE ALL ON ALL TABLES IN SCHEMA public FROM bad_reader; DROP ROLE bad_reader");
  const auto problem = refused(as("bad_reader"));
  expect(problem, Exit::no_permission, "CV-OWNER", "points belongs to operator");
  expect(problem, Exit::no_permission, "CV-OWNER", "guesses belongs to operator");
}

TEST_F(BadInputOfPostgres, AnOwnerWhoMayMakeNothingBesideItsTables) {
  change(
      "CREATE ROLE bad_owner LOGIN; GRANT bad_owner TO operator; GRANT CREATE ON SCHEMA public TO bad_owner; "
      "ALTER TABLE points OWNER TO bad_owner; ALTER TABLE guesses OWNER TO bad_owner; "
      "GRANT SELECT ON servers TO bad_owner; REVOKE CREATE ON SCHEMA public FROM bad_owner",
      "ALTER TABLE points OWNER TO operator; ALTER TABLE guesses OWNER TO operator; "
      "DROP OWNED BY bad_owner; DROP ROLE bad_owner");
  const auto problem = refused(as("bad_owner"));
  expect(problem, Exit::no_permission, "CV-RIGHTS", "bad_owner");
  EXPECT_THAT(problem.finding.hint, HasSubstr("GRANT CREATE ON SCHEMA \"public\" TO \"bad_owner\""));
  EXPECT_THAT(problem.finding.hint, HasSubstr("GRANT REFERENCES ON \"public\".\"servers\""));
  EXPECT_THAT(problem.finding.hint, Not(HasSubstr("GRANT INSERT"))) << "the home is registered";
}

// The server's id.

TEST_F(BadInputOfPostgres, IdsThatAreNone) {
  for (const char* id : {"0", "-1", "9223372036854775808", "", "7x", " 7", "0x7", "1e3"})
    EXPECT_FALSE(parse_server(id)) << id;
  EXPECT_EQ(parse_server("9223372036854775807"), 9'223'372'036'854'775'807);
}

TEST_F(BadInputOfPostgres, RowsOfServerZero) {
  change("ALTER TABLE points ADD COLUMN server bigint; UPDATE points SET server = 0 WHERE id = 3",
         "ALTER TABLE points DROP COLUMN server");
  expect(refused(), Exit::refused, "CV-ZERO", "1 row of points name server 0");
}

TEST_F(BadInputOfPostgres, RowsOfANegativeServer) {
  change("ALTER TABLE points ADD COLUMN server bigint; UPDATE points SET server = -5 WHERE id = 3",
         "ALTER TABLE points DROP COLUMN server");
  expect(refused(), Exit::refused, "CV-RANGE", "below 0");
}

TEST_F(BadInputOfPostgres, IdsAsTextOneOfThemTooGreat) {
  change("ALTER TABLE points ADD COLUMN server text DEFAULT '9223372036854775808'",
         "ALTER TABLE points DROP COLUMN server");
  const auto problem = refused();
  expect(problem, Exit::refused, "CV-COLUMN", "points.server is of type text");
  EXPECT_THAT(problem.finding.hint, HasSubstr("ALTER COLUMN \"server\" TYPE bigint"));
  EXPECT_EQ(planned("CV-RANGE").size(), 1U) << "2^63 is no bigint";
}

TEST_F(BadInputOfPostgres, ARegistryOfTexts) {
  change("ALTER TABLE servers ALTER COLUMN server TYPE text",
         "ALTER TABLE servers ALTER COLUMN server TYPE bigint USING server::bigint");
  expect(refused(), Exit::refused, "CV-REGISTRY", "no column server of type bigint");
}

// Tables that are no ordinary ones.

TEST_F(BadInputOfPostgres, APartitionedTable) {
  change(
      "ALTER TABLE guesses RENAME TO put_away; "
      "CREATE TABLE guesses (id bigint, session integer, at date NOT NULL, PRIMARY KEY (id, at)) PARTITION "
      "BY RANGE (at); "
      "CREATE TABLE guesses_old PARTITION OF guesses DEFAULT",
      "DROP TABLE guesses; ALTER TABLE put_away RENAME TO guesses");
  expect(refused(), Exit::refused, "CV-PARTITIONED", "guesses is partitioned");
}

TEST_F(BadInputOfPostgres, AForeignTable) {
  const auto admin = *as("postgres").open("");
  change("ALTER TABLE guesses RENAME TO put_away", "ALTER TABLE put_away RENAME TO guesses");
  admin->execute(
      "CREATE FOREIGN DATA WRAPPER elsewhere; CREATE SERVER elsewhere FOREIGN DATA WRAPPER elsewhere; "
      "CREATE FOREIGN TABLE guesses (id integer, session integer) SERVER elsewhere; "
      "ALTER FOREIGN TABLE guesses OWNER TO operator");
  expect(refused(), Exit::refused, "CV-FOREIGN", "guesses is a foreign table");
  admin->execute("DROP FOREIGN DATA WRAPPER elsewhere CASCADE");
}

TEST_F(BadInputOfPostgres, AnIndexThatSomebodyLeftHalfDone) {
  change("CREATE INDEX points_by_points ON points (points)", "DROP INDEX points_by_points");
  const auto admin = *as("postgres").open("");
  admin->execute("UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'points_by_points'::regclass");
  const auto problem = refused();
  expect(problem, Exit::refused, "CV-INVALID", "the index points_by_points of points is not finished");
  EXPECT_THAT(problem.finding.hint, HasSubstr("DROP INDEX CONCURRENTLY \"public\".\"points_by_points\""));
}

TEST_F(BadInputOfPostgres, AConstraintThatWasNeverChecked) {
  change("ALTER TABLE points ADD CONSTRAINT even CHECK (points % 2 = 0) NOT VALID",
         "ALTER TABLE points DROP CONSTRAINT even");
  expect(refused(), Exit::refused, "CV-INVALID", "the constraint even of points was never checked");
}

// Whose database it is.

/// The same database with another schema first.
migrate::Target in_schema(const migrate::Target& database, const std::string& schema) {
  migrate::Target target = database;
  target.open = [&database,
                 schema](const std::string& settings) -> Result<std::unique_ptr<store::SchemaSession>> {
    auto opened = database.open(settings);
    if (opened) (*opened)->execute("SET search_path = " + schema);
    return opened;
  };
  return target;
}

TEST_F(BadInputOfPostgres, ADatabaseOfAnotherProgram) {
  Options kick = options<>();
  kick.description = *read_description("kick");
  change(
      "CREATE SCHEMA shop; CREATE TABLE shop.links (id serial PRIMARY KEY, url text); "
      "CREATE TABLE shop.watchtime (id serial PRIMARY KEY, seconds integer)",
      "DROP SCHEMA shop CASCADE");
  expect(refused(in_schema(target(), "shop"), kick), Exit::usage, "CV-FILE", "kick_name");
}

TEST_F(BadInputOfPostgres, ADatabaseOfGuildhallsOwn) {
  session().execute(
      "CREATE SCHEMA guildhall; CREATE TABLE guildhall.points (id integer PRIMARY KEY, points integer)");
  const auto tried = apply(in_schema(target(), "guildhall"), options<>());
  ASSERT_FALSE(tried);
  expect(tried.error(), Exit::refused, "CV-OWN", "many servers already");
  session().execute("DROP SCHEMA guildhall CASCADE");
}

TEST_F(BadInputOfPostgres, ADatabaseWithoutOneOfTheTables) {
  Options other = options<>();
  other.description = *parse_description(
      "tenant_column = \"s\"\n[registry]\ntable = \"guilds\"\ncolumn = \"s\"\n[table.pets]\nclass = "
      "\"tenant\"\n",
      "test");
  expect(refused(other), Exit::refused, "CV-UNKNOWN", "none of the 3 tables here");
}

// The server and what runs there.

TEST_F(BadInputOfPostgres, ADiskThatIsTooSmall) {
  const auto admin = as("postgres");
  Options small = options<>();
  small.server_limits.free_space = [](const std::filesystem::path&) -> Result<std::uintmax_t> {
    return 1000;
  };
  const auto problem = refused(admin, small);
  expect(problem, Exit::no_space, "CV-SPACE", "1000 bytes are free");
  EXPECT_THAT(problem.finding.text, HasSubstr("/data'"));
  const auto hidden = planned("CV-SPACE", small);
  ASSERT_EQ(hidden.size(), 1U) << "a login that may not see where the data lies";
  EXPECT_EQ(hidden[0].level, migrate::Level::info);
}

TEST_F(BadInputOfPostgres, ALongTransactionIsToldBefore) {
  const auto reader = *target().open("");
  reader->execute("SET application_name = report; BEGIN; SELECT count(*) FROM points");
  const auto of_report = [&](std::chrono::milliseconds older) {
    Options patient = options<>();
    patient.server_limits.old_transaction = older;
    std::vector<std::string> texts;
    for (const migrate::Finding& finding : planned("CV-TRANSACTION", patient)) {
      if (finding.level == migrate::Level::warning && finding.text.contains("report"))
        texts.push_back(finding.text);
    }
    return texts;
  };
  EXPECT_THAT(of_report(std::chrono::hours(1)), testing::IsEmpty()) << "it has just begun";
  EXPECT_THAT(of_report(std::chrono::milliseconds(0)),
              ElementsAre(MatchesRegex("process [0-9]+ .report., in a transaction since [0-9: -]+ UTC: .*")));
}

TEST_F(BadInputOfPostgres, ALongTransactionThatDoesNotEnd) {
  const auto reader = *target().open("");
  reader->execute("SET application_name = report; BEGIN; LOCK points IN ACCESS SHARE MODE");
  Options impatient = options<>();
  impatient.limits.lock_timeout = std::chrono::milliseconds(20);
  impatient.limits.patience = std::chrono::milliseconds(100);
  const auto waited = apply(target(), impatient);
  ASSERT_FALSE(waited);
  expect(waited.error(), Exit::timed_out, "CV-BLOCKED", "(report), in a transaction for ");
  reader->execute("ROLLBACK");
  const auto back = rollback(target(), options<RollbackOptions>());
  EXPECT_TRUE(back) << back.error().finding.text;
  session().execute("DROP SCHEMA guildhall CASCADE");
}

TEST_F(BadInputOfPostgres, ASnapshotThatAnIndexHasToOutwait) {
  const auto reader = *target().open("");
  reader->execute(
      "SET application_name = report; BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM pg_class");
  Options impatient = options<>();
  impatient.limits.patience = std::chrono::milliseconds(100);
  const auto waited = apply(target(), impatient);
  ASSERT_FALSE(waited);
  expect(waited.error(), Exit::timed_out, "CV-BLOCKED", "older transactions did not end in ");
  reader->execute("ROLLBACK");
  const auto done = apply(target(), options<>());
  EXPECT_TRUE(done) << done.error().finding.text << ": what was left half done is in the way";
  EXPECT_TRUE(rollback(target(), options<RollbackOptions>()));
  session().execute("DROP SCHEMA guildhall CASCADE");
}

TEST_F(BadInputOfPostgres, ATableThatIsLeftOutAndRefersToOneThatIsNot) {
  change("CREATE TABLE prizes (of integer REFERENCES points)", "DROP TABLE prizes");
  Options how = options<>();
  how.description->tables["prizes"] = {
      .table = "prizes", .table_class = TableClass::global, .column = "server"};
  expect(refused(how), Exit::refused, "CV-FK",
         "the foreign key prizes_of_fkey of prizes, which is not converted");
}

// What was done before.

TEST_F(BadInputOfPostgres, ADatabaseThatIsConvertedAlready) {
  ASSERT_TRUE(apply(target(), options<>()));
  const auto again = apply(target(), options<>());
  ASSERT_TRUE(again);
  EXPECT_EQ(again->steps, 0U);
  ASSERT_TRUE(contract(target(), options<ContractOptions>()));
  const std::string contracted = fingerprint();
  const auto late = apply(target(), options<>());
  ASSERT_FALSE(late);
  expect(late.error(), Exit::refused, "CV-STATE", "the conversion is contracted");
  Options other = options<>();
  other.server = 8;
  expect(apply(target(), other).error(), Exit::refused, "CV-HOME", "began with server 7, not 8");
  EXPECT_EQ(fingerprint(), contracted);
  ASSERT_TRUE(rollback(target(), options<RollbackOptions>()));
  session().execute("DROP SCHEMA guildhall CASCADE");
}

}  // namespace
}  // namespace guildhall::convert
