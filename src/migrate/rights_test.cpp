#include "migrate/rights.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "migrate/run.h"
#include "tests/support/counting_session.h"
#include "tests/support/foreign_database.h"
#include "tests/support/temporary_folder.h"

namespace guildhall::migrate {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

/// A database, and a login that may connect to it and has the rights that a test gives it.
class RightsInPostgres : public testing::Test {
 protected:
  void SetUp() override {
    database_.emplace();
    database_->execute(
        "CREATE TABLE t (id integer PRIMARY KEY, x integer); CREATE VIEW v AS SELECT id FROM t; CREATE "
        "SEQUENCE "
        "s; CREATE TYPE mood AS ENUM ('good'); CREATE INDEX t_x ON t (x); CREATE FUNCTION f() RETURNS "
        "integer "
        "LANGUAGE sql AS 'SELECT 1'; CREATE SCHEMA other; CREATE TABLE other.u (id integer)");
    grant("CREATE ON DATABASE " + database_->name());
    grant("CREATE, USAGE ON SCHEMA public");
  }
  void grant(const std::string& right) {
    database_->execute(fmt::format("GRANT {} TO {}", right, database_->weak_login()));
  }
  Target target() const { return *any_target(database_->weak_url(), Missing::is_an_error); }

  void write(const std::string& name, const std::string& content) {
    std::ofstream(folder_.path() / name, std::ios::binary) << content;
  }
  /// What the weak login lacks for it.
  std::vector<std::string> missing(const std::string& sql) {
    const std::vector<EmbeddedFile> files{{"0001_up.sql", sql}};
    const MigrationSet set = read_migrations(files, "test", Dialect::postgres);
    const std::vector<Pending> pending{{&set.migrations.at(0)}};
    const auto session = *target().open("");
    test::CountingSession counting(*session);
    Looking looking(counting, Dialect::postgres, std::chrono::seconds(60));
    std::vector<std::string> texts;
    const auto facts = read_table_facts(*session, Dialect::postgres, pending);
    const std::size_t before = counting.round_trips();
    for (const PrecheckFinding& one : find_missing_rights(looking, pending, facts))
      texts.push_back(one.finding.text);
    round_trips_ = counting.round_trips() - before;
    return texts;
  }
  RunReport up(const UpOptions& options = {}) {
    set_ = *read_migrations(folder_.path().string(), Dialect::postgres);
    return migrate::up(target(), set_, options);
  }

  std::optional<test::ForeignDatabase> database_;
  test::TemporaryFolder folder_;
  MigrationSet set_;
  std::size_t round_trips_ = 0;  // of the last `missing`
};

TEST_F(RightsInPostgres, WhatIsChangedHasToBeOwned) {
  EXPECT_THAT(missing("ALTER TABLE t ADD COLUMN a integer"), ElementsAre("must be owner of table t"));
  EXPECT_THAT(missing("ALTER TABLE t ADD COLUMN a integer; ALTER TABLE t ADD COLUMN b integer"),
              ElementsAre("must be owner of table t"));
  EXPECT_THAT(missing("CREATE INDEX i ON t (id)"), ElementsAre("must be owner of table t"));
  EXPECT_THAT(missing("COMMENT ON TABLE t IS 'x'"), ElementsAre("must be owner of table t"));
  EXPECT_THAT(missing("COMMENT ON COLUMN public.t.x IS 'x'"), ElementsAre("must be owner of table public.t"));
  EXPECT_THAT(missing("CREATE POLICY p ON t USING (true)"), ElementsAre("must be owner of table t"));
  EXPECT_THAT(missing("DROP VIEW v"), ElementsAre("must be owner of view v"));
  EXPECT_THAT(missing("CREATE OR REPLACE VIEW v AS SELECT id FROM t"),
              ElementsAre("must be owner of view v"));
  EXPECT_THAT(missing("DROP SEQUENCE s"), ElementsAre("must be owner of sequence s"));
  EXPECT_THAT(missing("ALTER TYPE mood ADD VALUE 'bad'"), ElementsAre("must be owner of type mood"));
  EXPECT_THAT(missing("DROP INDEX t_x"), ElementsAre("must be owner of index t_x"));
  EXPECT_THAT(missing("DROP FUNCTION f()"), ElementsAre("must be owner of function f"));
  EXPECT_THAT(missing("DROP SCHEMA other CASCADE"), ElementsAre("must be owner of schema other"));
  EXPECT_THAT(missing("DO $$ BEGIN ALTER TABLE t ADD CHECK (x > 0); END $$"),
              ElementsAre("must be owner of table t"));
}

TEST_F(RightsInPostgres, PrivilegesAreAskedOneByOne) {
  EXPECT_THAT(missing("INSERT INTO t VALUES (1, 1)"),
              ElementsAre("permission denied for table t: INSERT is needed"));
  EXPECT_THAT(missing("UPDATE t SET x = 1; DELETE FROM t; TRUNCATE t"),
              ElementsAre("permission denied for table t: UPDATE is needed",
                          "permission denied for table t: DELETE is needed",
                          "permission denied for table t: TRUNCATE is needed"));
  EXPECT_THAT(missing("CREATE TABLE n (t integer REFERENCES t)"),
              ElementsAre("permission denied for table t: REFERENCES is needed"));
  grant("USAGE ON SCHEMA other");
  EXPECT_THAT(missing("CREATE TABLE other.n (a integer)"),
              ElementsAre("permission denied for schema other: CREATE is needed"));
  EXPECT_THAT(missing("CREATE ROLE someone"),
              ElementsAre("permission denied to change roles: CREATEROLE is needed"));
  EXPECT_THAT(missing("CREATE EXTENSION file_fdw"),
              ElementsAre("must be superuser to create extension file_fdw"));
  EXPECT_THAT(missing("CREATE TABLE n (a integer); ALTER TABLE n OWNER TO operator"),
              ElementsAre("must be member of role operator"));
  grant("INSERT, REFERENCES ON t");
  grant("UPDATE (x) ON t");
  EXPECT_THAT(
      missing("INSERT INTO t VALUES (1, 1); UPDATE t SET x = 1; CREATE TABLE n (t integer REFERENCES t)"),
      IsEmpty());
}

TEST_F(RightsInPostgres, WhatTheRunMakesIsItsOwn) {
  EXPECT_THAT(
      missing("CREATE SCHEMA mine; CREATE TABLE mine.a (x integer); CREATE TABLE n (a integer); ALTER TABLE "
              "n ADD b integer; CREATE INDEX n_a ON n (a); INSERT INTO n VALUES (1); DROP TABLE n"),
      IsEmpty());
  EXPECT_THAT(missing("ALTER TABLE IF EXISTS nowhere ADD a integer"), IsEmpty());
  EXPECT_THAT(missing("CREATE TEMP TABLE n (a integer)"), IsEmpty());
  EXPECT_THAT(missing("ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO operator"), IsEmpty());
}

TEST_F(RightsInPostgres, AllNamesOfAKindAreOneQuestion) {
  std::string tables;
  std::string sql = "ALTER TABLE t ADD a integer;";
  for (int i = 0; i < 50; ++i) {
    tables += fmt::format("CREATE TABLE t{} (id integer);", i);
    sql += fmt::format(
        "ALTER TABLE t{0} ADD a integer; INSERT INTO t{0} VALUES (1); CREATE TABLE n{0} (id integer);", i);
  }
  database_->execute(tables);
  const auto found = missing(sql);
  EXPECT_EQ(found.size(), 101U);
  EXPECT_EQ(round_trips_, 4U) << "the role, owners, privileges, the schema";
  EXPECT_THAT(found.at(1), HasSubstr("owner of table t0")) << "in the order of the statements";
  EXPECT_THAT(found.at(2), HasSubstr("table t0: INSERT"));
}

TEST_F(RightsInPostgres, ANameThatMayNotBeLookedUpSpoilsNoOther) {
  database_->execute("CREATE TABLE \"odd \\ name\" (id integer)");
  EXPECT_THAT(missing("ALTER TABLE \"odd \\ name\" ADD a integer"),
              ElementsAre("must be owner of table \"odd \\ name\""));
  EXPECT_THAT(missing("ALTER TABLE t ADD a integer; ALTER TABLE other.u ADD a integer; DROP VIEW v"),
              ElementsAre("must be owner of table t", HasSubstr("permission denied for schema other"),
                          "must be owner of view v"));
  write("0001_theirs.sql", "ALTER TABLE other.u ADD a integer;");
  const auto refused = up();
  ASSERT_TRUE(refused.failed);
  EXPECT_EQ(refused.failed->finding.code, "MG-PERMISSION");
  EXPECT_EQ(refused.failed->where(), "at 0001_theirs.sql line 1");
}

TEST_F(RightsInPostgres, UnderAnotherRoleOrPathNothingIsAsked) {
  for (const char* set : {"SET LOCAL ROLE operator", "SET search_path = other",
                          "SELECT set_config('search_path', 'other', true)"})
    EXPECT_THAT(missing(fmt::format("{}; ALTER TABLE t ADD a integer", set)), IsEmpty()) << set;
}

TEST_F(RightsInPostgres, AMemberThatDoesNotInheritIsToldToSetTheRole) {
  database_->execute(fmt::format("ALTER ROLE {} NOINHERIT", database_->weak_login()));
  database_->execute(fmt::format("CREATE ROLE {}_owner; GRANT {}_owner TO {}, operator", database_->name(),
                                 database_->name(), database_->weak_login()));
  database_->execute(fmt::format("GRANT ALL ON SCHEMA public TO {0}_owner; ALTER TABLE t OWNER TO {0}_owner",
                                 database_->name()));
  write("0001_up.sql", "ALTER TABLE t ADD COLUMN a integer;");
  const auto refused = up();
  ASSERT_TRUE(refused.failed);
  EXPECT_THAT(refused.failed->finding.hint,
              HasSubstr(fmt::format("SET ROLE {}_owner first", database_->name())));
  write("0001_up.sql",
        fmt::format("SET LOCAL ROLE {}_owner;\nALTER TABLE t ADD COLUMN a integer;\nRESET ROLE;",
                    database_->name()));
  const auto done = up();
  EXPECT_FALSE(done.failed) << done.failed->finding.text;
  database_->execute(fmt::format(
      "ALTER TABLE t OWNER TO operator; DROP OWNED BY {0}_owner; DROP ROLE {0}_owner", database_->name()));
}

TEST_F(RightsInPostgres, ARunIsRefusedBeforeItsBackupAndItsLock) {
  write("0001_mine.sql", "CREATE TABLE mine (id integer PRIMARY KEY);");
  write("0002_theirs.sql",
        "ALTER TABLE mine ADD a integer;\nALTER TABLE t ADD COLUMN a integer;\nDROP VIEW v;");
  UpOptions options;
  options.backup = BackupWish{.folder = folder_.path() / "backups"};
  const auto refused = up(options);
  ASSERT_TRUE(refused.failed);
  EXPECT_EQ(refused.failed->exit, Exit::no_permission);
  EXPECT_EQ(refused.failed->finding.code, "MG-PERMISSION");
  EXPECT_EQ(refused.failed->finding.text, "must be owner of table t (and 1 more)");
  EXPECT_EQ(refused.failed->where(), "at 0002_theirs.sql line 2");
  EXPECT_THAT(refused.failed->finding.hint, HasSubstr("It belongs to operator"));
  EXPECT_EQ(refused.failed_name, "0002_theirs");
  EXPECT_EQ(refused.token, 0) << "the lock was never asked for";
  EXPECT_FALSE(std::filesystem::exists(folder_.path() / "backups"));
  EXPECT_EQ(database_->dump("SELECT to_regclass('mine'), to_regnamespace('guildhall')"), "|\n");
}

TEST_F(RightsInPostgres, AWayBackIsRefusedBeforeItsLock) {
  write("0001_mine.sql", "CREATE TABLE mine (id integer PRIMARY KEY);");
  write("0001_mine.down.sql", "DROP TABLE mine;");
  ASSERT_FALSE(up().failed);
  database_->execute(
      fmt::format("GRANT {} TO operator; ALTER TABLE mine OWNER TO operator", database_->weak_login()));
  const auto refused = migrate::down(target(), set_, {});
  ASSERT_TRUE(refused.failed);
  EXPECT_EQ(refused.failed->exit, Exit::no_permission);
  EXPECT_EQ(refused.failed->finding.text, "must be owner of table mine");
  EXPECT_EQ(refused.token, 0);
}

TEST_F(RightsInPostgres, TheJournalsSchemaNeedsItsRightToo) {
  database_->execute(
      fmt::format("REVOKE CREATE ON DATABASE {} FROM {}", database_->name(), database_->weak_login()));
  write("0001_mine.sql", "CREATE TABLE mine (id integer PRIMARY KEY);");
  const auto refused = up();
  ASSERT_TRUE(refused.failed);
  EXPECT_EQ(refused.failed->exit, Exit::no_permission);
  EXPECT_THAT(refused.failed->finding.text,
              HasSubstr(fmt::format("database {}: CREATE is needed", database_->name())));
}

TEST_F(RightsInPostgres, WhatMayBeRunButNotReadStopsAtTheBackup) {
  write("0001_mine.sql", "CREATE TABLE mine (id integer PRIMARY KEY);");
  UpOptions options;
  options.backup = BackupWish{.folder = folder_.path() / "backups"};
  const auto refused = up(options);
  ASSERT_TRUE(refused.failed);
  EXPECT_EQ(refused.failed->exit, Exit::no_backup);
  EXPECT_THAT(refused.failed->finding.hint, HasSubstr("GRANT SELECT ON TABLE public.t"));
  EXPECT_EQ(database_->dump("SELECT to_regclass('mine')"), "\n");
  EXPECT_FALSE(look_at_lock(**target().open(""), Dialect::postgres).held);
  EXPECT_THAT(*list_backups(folder_.path() / "backups"), IsEmpty());
}

}  // namespace
}  // namespace guildhall::migrate
