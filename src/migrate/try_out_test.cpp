#include "migrate/try_out.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "migrate/run.h"
#include "migrate/schema_copy.h"
#include "tests/support/any_database.h"

namespace guildhall::migrate {
namespace {

using ::testing::HasSubstr;

template <class Fixture>
class TryOutTest : public Fixture {
 protected:
  using Fixture::session;
  using Fixture::target;

  void write(const std::string& name, const std::string& content) {
    std::ofstream(folder_.path() / name, std::ios::binary) << content;
  }
  void apply(const std::string& name, const std::string& sql) {
    write(name, sql);
    ASSERT_EQ(up(), "OK");
  }
  std::string up() {
    set_ = *read_migrations(folder_.path().string(), target().dialect);
    const RunReport report = migrate::up(target(), set_, {});
    return report.failed ? report.failed->finding.text : "OK";
  }
  void read() {
    set_ = *read_migrations(folder_.path().string(), target().dialect);
    standings_ = compare(set_, *Journal(session(), target().dialect).read());
    const auto chosen = *to_apply(standings_, {});
    pending_.clear();
    for (const Standing* one : chosen) pending_.push_back(pending_of(*one));
  }
  Outcome<std::string> in_copy(const TrialOptions& options = {}) {
    read();
    return try_out_in_copy(target(), pending_, options);
  }
  Outcome<std::string> in_transaction(const TrialOptions& options = {}) {
    read();
    const auto session = open_work_session(target(), {});
    return session ? try_out(**session, target(), pending_, options) : std::unexpected(session.error());
  }
  std::string fingerprint() { return read_snapshot(session(), target().dialect).fingerprint(); }

  test::TemporaryFolder folder_;
  MigrationSet set_;
  std::vector<Standing> standings_;
  std::vector<Pending> pending_;
};

using AnyDatabaseTryOut = TryOutTest<test::OnAnyDatabase>;
using TryOutInPostgres = TryOutTest<test::OnPostgres>;

TEST_F(AnyDatabaseTryOut, InACopyAllOfItRunsAndTheSchemaIsWhatARunMakes) {
  apply("0001_table.sql",
        "CREATE TABLE t (id integer PRIMARY KEY, name text);\nCREATE VIEW v AS SELECT name FROM t;\n"
        "CREATE INDEX t_name ON t (name);");
  session().execute("INSERT INTO t VALUES (1, 'a'), (2, 'a')");
  write("0002_steps.sql",
        std::string("-- guildhall: transaction=none\nALTER TABLE t ADD COLUMN x integer;\n") +
            (target().dialect == Dialect::postgres ? "CREATE INDEX CONCURRENTLY t_x ON t (x);" : "VACUUM;"));
  write("0003_more.sql", "CREATE TABLE u (id integer PRIMARY KEY);");
  const std::string before = fingerprint();
  const auto rows = Journal(session(), target().dialect).read()->size();
  const auto tried = in_copy();
  ASSERT_TRUE(tried) << tried.error().finding.text;
  EXPECT_FALSE(fits_one_transaction(pending_, target().dialect));
  EXPECT_EQ(fingerprint(), before);
  EXPECT_EQ(Journal(session(), target().dialect).read()->size(), rows);
  ASSERT_EQ(up(), "OK");
  EXPECT_EQ(fingerprint(), *tried);
}

TEST_F(AnyDatabaseTryOut, WhatFailsInACopyIsNamedAndLeavesNothing) {
  apply("0001_table.sql", "CREATE TABLE t (id integer PRIMARY KEY);");
  write("0002_bad.sql", "-- guildhall: transaction=none\nCREATE TABLE u (x integer);\nDROP INDEX nowhere;");
  const std::string before = fingerprint();
  const auto tried = in_copy();
  ASSERT_FALSE(tried);
  EXPECT_EQ(tried.error().place.file, "0002_bad.sql");
  EXPECT_EQ(tried.error().place.statement, 2U);
  EXPECT_EQ(tried.error().finding.line, 3U);
  EXPECT_EQ(fingerprint(), before);
}

TEST_F(AnyDatabaseTryOut, OfWhatStoppedMidwayTheRestIsTried) {
  write("0001_steps.sql", "-- guildhall: transaction=none\nCREATE TABLE t (x integer);\nDROP INDEX nowhere;");
  EXPECT_NE(up(), "OK");
  write("0001_steps.sql",
        "-- guildhall: transaction=none\nCREATE TABLE t (x integer);\nCREATE INDEX t_x ON t (x);");
  const auto tried = in_copy();
  ASSERT_TRUE(tried) << tried.error().finding.text;
  ASSERT_EQ(up(), "OK");
  EXPECT_EQ(fingerprint(), *tried);
}

TEST_F(AnyDatabaseTryOut, RowsThatReferToNothingAreToldAsByTheRunItself) {
  write("0001_tables.sql",
        "CREATE TABLE t (id integer PRIMARY KEY);\nCREATE TABLE u (t integer REFERENCES t (id) DEFERRABLE "
        "INITIALLY DEFERRED);\nINSERT INTO u VALUES (1);");
  write("0002_more.sql", "CREATE TABLE v (id integer PRIMARY KEY);");
  for (const auto& tried : {in_transaction(), in_copy()}) {
    ASSERT_FALSE(tried);
    EXPECT_EQ(tried.error().exit, Exit::failed);
    EXPECT_EQ(tried.error().finding.name, "0001_tables");
    EXPECT_EQ(tried.error().place.file, "0001_tables.sql");
    EXPECT_EQ(tried.error().ending(), "rolled back");
  }
  EXPECT_NE(up(), "OK");
}

TEST_F(TryOutInPostgres, WhatOneScriptSetsIsNotThereForTheNext) {
  const std::string role = target().database + "_role";
  session().execute(fmt::format(
      "CREATE SCHEMA elsewhere; CREATE TABLE t (x integer); ALTER DATABASE {} SET search_path = elsewhere; "
      "CREATE ROLE {}; GRANT {} TO current_user",
      target().database, role, role));
  write("0001_sets.sql", fmt::format("SET search_path = public;\nSET ROLE {};\nSELECT 1;", role));
  write("0002_table.sql", "-- guildhall: lock_timeout=77ms\nCREATE TABLE u (x integer);");
  write("0003_seen.sql", "DO $$ BEGIN ASSERT current_setting('lock_timeout') = '3s'; END $$;");
  const auto together = in_transaction({.together = true});
  for (const auto& tried : {in_transaction(), together, in_copy(), in_copy({.together = true})}) {
    ASSERT_TRUE(tried) << tried.error().finding.text;
    EXPECT_EQ(*tried, *together);
  }
  ASSERT_EQ(up(), "OK");
  EXPECT_EQ(fingerprint(), *together);
  EXPECT_EQ(session().query("SELECT to_regclass('elsewhere.u') IS NOT NULL").at(0).at(0), "t");
  session().execute(fmt::format("DROP OWNED BY {}; DROP ROLE {}", role, role));
}

/// A table whose rows wait for the end of their transaction to be checked is not changed before.
TEST_F(TryOutInPostgres, WhatWaitsForTheEndIsCheckedAfterEachAndWaitsAgain) {
  const std::string back_and_forth = "INSERT INTO u VALUES (1, 1);\nINSERT INTO t VALUES (1, 1);";
  write("0001_tables.sql",
        "CREATE TABLE t (id integer PRIMARY KEY, u integer);\nCREATE TABLE u (id integer PRIMARY KEY, t "
        "integer REFERENCES t (id) DEFERRABLE INITIALLY DEFERRED);\nALTER TABLE t ADD FOREIGN KEY (u) "
        "REFERENCES u (id) DEFERRABLE INITIALLY DEFERRED;\n" +
            back_and_forth);
  write("0002_change.sql", "ALTER TABLE u ADD COLUMN x integer;");
  write("0003_again.sql",
        "CREATE TABLE w (id integer PRIMARY KEY, t integer REFERENCES t (id) DEFERRABLE INITIALLY DEFERRED);"
        "\nINSERT INTO w VALUES (1, 2);\nINSERT INTO u VALUES (2, 2);\nINSERT INTO t VALUES (2, 2);");
  for (const auto& tried : {in_transaction(), in_copy()}) ASSERT_TRUE(tried) << tried.error().finding.text;
  ASSERT_EQ(up(), "OK");
}

TEST_F(TryOutInPostgres, ARunInOneTransactionIsCheckedAtItsEndAlone) {
  write("0001_tables.sql",
        "CREATE TABLE t (id integer PRIMARY KEY);\nCREATE TABLE u (t integer REFERENCES t (id) DEFERRABLE "
        "INITIALLY DEFERRED);\nINSERT INTO u VALUES (1);");
  write("0002_row.sql", "INSERT INTO t VALUES (1);");
  EXPECT_FALSE(in_transaction());
  EXPECT_FALSE(in_copy());
  EXPECT_TRUE(in_transaction({.together = true}));
  EXPECT_TRUE(in_copy({.together = true}));
  write("0002_row.sql", "INSERT INTO t VALUES (2);");
  EXPECT_FALSE(in_transaction({.together = true}));
}

TEST_F(AnyDatabaseTryOut, ACopyHasTheSchemaAndNoRows) {
  session().execute(
      target().dialect == Dialect::postgres
          ? "CREATE SCHEMA shop; CREATE TYPE shop.mood AS ENUM ('good', 'bad'); CREATE TABLE shop.t (id "
            "bigserial PRIMARY KEY, m shop.mood DEFAULT 'good', CHECK (id > 0)); CREATE FUNCTION f() RETURNS "
            "trigger LANGUAGE plpgsql AS 'BEGIN RETURN new; END'; CREATE TRIGGER g BEFORE INSERT ON shop.t "
            "FOR "
            "EACH ROW EXECUTE FUNCTION f(); INSERT INTO shop.t DEFAULT VALUES; COMMENT ON TABLE shop.t IS "
            "'sold'"
          : "CREATE TABLE t (id INTEGER PRIMARY KEY AUTOINCREMENT, n TEXT); CREATE VIRTUAL TABLE words USING "
            "fts5 (word); CREATE TRIGGER g AFTER INSERT ON t BEGIN INSERT INTO words VALUES (new.n); END; "
            "INSERT INTO t (n) VALUES ('a')");
  const auto copy = copy_schema(target(), "");
  ASSERT_TRUE(copy) << copy.error().finding.text;
  auto there = *(*copy)->target().open("");
  EXPECT_EQ(read_snapshot(*there, target().dialect).fingerprint(), fingerprint());
  const std::string table = target().dialect == Dialect::postgres ? "shop.t" : "t";
  EXPECT_EQ(there->query("SELECT count(*) FROM " + table).at(0).at(0), "0");
  EXPECT_EQ(session().query("SELECT count(*) FROM " + table).at(0).at(0), "1");
}

TEST_F(TryOutInPostgres, ACopyThatIsNotTheSameIsNoProofOfAnything) {
  session().execute("CREATE TABLE t (x integer); INSERT INTO t VALUES (1), (1)");
  try {
    session().run("CREATE UNIQUE INDEX CONCURRENTLY t_x ON t (x)");
    FAIL() << "it should have left an INVALID index";
  } catch (const store::DatabaseError&) {
  }
  const auto copy = copy_schema(target(), "");
  ASSERT_FALSE(copy);
  EXPECT_EQ(copy.error().finding.code, "MG-COPY");
  EXPECT_EQ(copy.error().exit, Exit::refused);
  EXPECT_THAT(copy.error().finding.text, HasSubstr("t_x"));
}

}  // namespace
}  // namespace guildhall::migrate
