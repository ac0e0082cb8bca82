#include "migrate/space.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>

#include "migrate/run.h"
#include "tests/support/any_database.h"
#include "tests/support/counting_session.h"
#include "tests/support/foreign_database.h"

namespace guildhall::migrate {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

constexpr std::uintmax_t kMiB = 1ULL << 20;

template <class Fixture>
class SpaceTest : public Fixture {
 protected:
  using Fixture::session;
  using Fixture::target;

  void write(const std::string& name, const std::string& content) {
    std::ofstream(folder_.path() / name, std::ios::binary) << content;
  }
  template <class Options>
  Options with_space(Options options) {
    options.free_space = [this](const std::filesystem::path& folder) -> Result<std::uintmax_t> {
      asked_.push_back(folder.string());
      return free_;
    };
    options.lock.heartbeat = std::chrono::milliseconds(200);
    return options;
  }
  RunReport up(UpOptions options = {}) {
    set_ = *read_migrations(folder_.path().string(), target().dialect);
    return migrate::up(target(), set_, with_space(options));
  }
  RunReport down(DownOptions options = {}) {
    set_ = *read_migrations(folder_.path().string(), target().dialect);
    return migrate::down(target(), set_, with_space(options));
  }
  BackupWish wish() const { return {.folder = folder_.path() / "backups"}; }
  /// About 2 MiB.
  void make_table() { make_table(session()); }
  static void make_table(store::SchemaSession& session) {
    session.execute("CREATE TABLE t (id integer PRIMARY KEY, x text)");
    session.execute(
        "WITH RECURSIVE s (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < 20000) INSERT INTO t "
        "SELECT n, 'a text that is as long as about one hundred bytes, of which twenty thousand make two' "
        "FROM "
        "s");
  }
  void expect_nothing_done(const RunReport& report) {
    ASSERT_TRUE(report.failed);
    EXPECT_EQ(report.failed->exit, Exit::no_space);
    EXPECT_EQ(report.failed->finding.code, "MG-SPACE");
    EXPECT_EQ(report.token, 0) << "the lock was never asked for";
    EXPECT_FALSE(std::filesystem::exists(folder_.path() / "backups"));
  }

  test::TemporaryFolder folder_;
  MigrationSet set_;
  std::uintmax_t free_ = 0;
  std::vector<std::string> asked_;
};

using AnyDatabaseSpace = SpaceTest<test::OnAnyDatabase>;
using SpaceOfSqlite = SpaceTest<test::OnSqlite>;
using SpaceInPostgres = SpaceTest<test::OnPostgres>;

TEST_F(AnyDatabaseSpace, WithoutSpaceForItsBackupARunIsRefusedBeforeTheLock) {
  write("0001_table.sql", "CREATE TABLE u (x integer PRIMARY KEY);");
  write("0001_table.down.sql", "DROP TABLE u;");
  make_table();
  UpOptions options;
  options.backup = wish();
  free_ = 100'000;
  const auto refused = up(options);
  expect_nothing_done(refused);
  EXPECT_THAT(refused.failed->finding.text, HasSubstr("a backup "));
  EXPECT_THAT(refused.failed->finding.text, HasSubstr("(the database has "));
  EXPECT_FALSE(Journal(session(), target().dialect).exists());

  free_ = 100 * kMiB;
  const auto done = up(options);
  ASSERT_FALSE(done.failed) << done.failed->finding.text;
  const auto size = done.backup->record.size;
  DownOptions back;
  back.backup = wish();
  free_ = size * 11 / 10;
  const auto kept = down(back);
  ASSERT_TRUE(kept.failed);
  EXPECT_EQ(kept.failed->exit, Exit::no_space) << "1.2 times the last one are needed";
  EXPECT_THAT(kept.failed->finding.text, HasSubstr("(the last backup has "));
  EXPECT_EQ(kept.token, 0);
  back.backup.reset();
  EXPECT_FALSE(down(back).failed) << "without a backup it needs nothing";
}

TEST_F(AnyDatabaseSpace, AProgramOfTheOperatorsNeedsNoneHere) {
  write("0001_table.sql", "CREATE TABLE u (x integer PRIMARY KEY);");
  UpOptions options;
  options.backup = wish();
  options.backup->external = {"/bin/true"};
  EXPECT_FALSE(up(options).failed);
}

TEST_F(AnyDatabaseSpace, WhatIsMadeWithinTheRunIsEmpty) {
  write("0001_table.sql", "CREATE TABLE u (x integer PRIMARY KEY);\nCREATE INDEX u_x ON u (x);");
  EXPECT_FALSE(up().failed);
}

/// On PostgreSQL it depends on a right: see below.
TEST_F(SpaceOfSqlite, AnIndexIsRefusedWhereItsVolumeIsTooSmall) {
  make_table();
  write("0001_index.sql", "CREATE INDEX t_x ON t (x);");
  free_ = kMiB;
  const auto refused = up();
  expect_nothing_done(refused);
  EXPECT_THAT(refused.failed->finding.text, HasSubstr("0001_index.sql line 1: "));
  EXPECT_THAT(refused.failed->finding.text, HasSubstr(" for t"));
  EXPECT_THAT(refused.failed->finding.text, HasSubstr(target().url.substr(7, target().url.rfind('/') - 7)));
  free_ = 10 * kMiB;
  EXPECT_FALSE(up().failed);
}

/// It outlives the database in which it has rights.
struct ServerRole {
  ServerRole() {
    test::ask_server(fmt::format("CREATE ROLE {} IN ROLE pg_read_all_settings", name));
    test::ask_server(fmt::format("GRANT {} TO operator", name));
  }
  ~ServerRole() { test::ask_server("DROP ROLE " + name); }
  const std::string name = fmt::format("reader_of_settings_{}", getpid());
};

/// As a role that may read where the data directory is.
class ServerSpaceInPostgres : public SpaceInPostgres {
 protected:
  void SetUp() override {
    session_of_role().execute(
        fmt::format("GRANT ALL ON DATABASE {0} TO {1}; GRANT ALL ON SCHEMA public TO {1}",
                    database_.target().database, role_.name));
    target_ = database_.target();
    target_.open = [this](const std::string& settings) -> Result<std::unique_ptr<store::SchemaSession>> {
      auto opened = database_.target().open(settings);
      if (opened) (*opened)->execute("SET SESSION ROLE " + role_.name);
      return opened;
    };
  }
  store::SchemaSession& session_of_role() { return database_.session(); }
  RunReport up() {
    set_ = *read_migrations(folder_.path().string(), Dialect::postgres);
    return migrate::up(target_, set_, with_space(UpOptions{}));
  }

  ServerRole role_;
  test::AnyDatabase database_{Dialect::postgres};
  Target target_;
};

TEST_F(ServerSpaceInPostgres, ARewriteAndAnIndexAreAddedUpWhereTheServerKeepsItsData) {
  make_table(session_of_role());
  session_of_role().execute(fmt::format("ALTER TABLE t OWNER TO {}", role_.name));
  write("0001_rewrite.sql",
        "-- guildhall: allow=L02,L07 reason=\"a small table\"\nALTER TABLE t ALTER id TYPE bigint;\nCREATE "
        "INDEX t_x "
        "ON t (x);");
  free_ = 5 * kMiB;
  const auto refused = up();
  expect_nothing_done(refused);
  EXPECT_THAT(refused.failed->finding.text, HasSubstr("0001_rewrite.sql line 2: "));
  EXPECT_THAT(refused.failed->finding.text, HasSubstr("0001_rewrite.sql line 3: "));
  EXPECT_THAT(asked_, Not(IsEmpty()));
  EXPECT_THAT(asked_.back(), HasSubstr("/data"));
  free_ = 50 * kMiB;
  const auto done = up();
  EXPECT_FALSE(done.failed) << done.failed->finding.text;
}

TEST_F(SpaceInPostgres, OfTheTouchedTablesAloneTheBackupIsReckonedByThem) {
  make_table();
  session().execute("CREATE TABLE small (x integer PRIMARY KEY)");
  write("0001_small.sql", "ALTER TABLE small ADD COLUMN y integer;");
  UpOptions options;
  options.backup = wish();
  free_ = 200'000;
  EXPECT_EQ(up(options).failed->exit, Exit::no_space) << "of the whole database it is too much";
  options.backup->touched_only = true;
  const auto done = up(options);
  EXPECT_FALSE(done.failed) << done.failed->finding.text;
  write("0002_large.sql", "ALTER TABLE t ADD COLUMN y integer;");
  const auto refused = up(options);
  ASSERT_TRUE(refused.failed);
  EXPECT_EQ(refused.failed->exit, Exit::no_space);
  EXPECT_EQ(refused.token, 0);
}

TEST_F(SpaceInPostgres, WhereTheServersFoldersCannotBeLookedAtNothingIsRefused) {
  make_table();
  write("0001_index.sql", "CREATE INDEX CONCURRENTLY t_x ON t (x);");
  free_ = 0;
  const auto done = up();
  EXPECT_FALSE(done.failed) << done.failed->finding.text;
  EXPECT_THAT(asked_, IsEmpty());
}

TEST_F(AnyDatabaseSpace, WhatIsKnownOfTheTablesIsNotReadAgain) {
  make_table();
  free_ = 1'000 * kMiB;
  write("0001_index.sql", "CREATE INDEX i ON t (x);");
  set_ = *read_migrations(folder_.path().string(), target().dialect);
  const std::vector<Pending> pending{{&set_.migrations.at(0)}};
  test::CountingSession counting(session());
  Looking looking(counting, target().dialect, std::chrono::seconds(60));
  const auto round_trips = [&](const TableFacts& facts) {
    const std::size_t before = counting.round_trips();
    EXPECT_TRUE(check_space(looking, target(), pending, facts, nullptr, with_space(UpOptions{}).free_space));
    return counting.round_trips() - before;
  };
  const TableFacts known = read_table_facts(session(), target().dialect, pending);
  EXPECT_LE(round_trips(known), 1U) << "where the data lies";
  EXPECT_GT(round_trips({}), 1U);
}

}  // namespace
}  // namespace guildhall::migrate
