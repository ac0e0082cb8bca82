#include "migrate/migrate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <fstream>
#include <thread>

#include "migrate/lint.h"
#include "migrate/lock.h"
#include "migrate/proofs.h"
#include "tests/support/any_database.h"
#include "tests/support/test_world.h"

namespace guildhall::migrate {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

class Migrate : public testing::Test {
 protected:
  Result<Report> run(std::vector<EmbeddedFile> files) {
    auto session = store::open_schema_session(file());
    if (!session) return std::unexpected(session.error());
    return bring_up_to_date(**session, own_file(file()), set_of(files));
  }
  static MigrationSet set_of(const std::vector<EmbeddedFile>& files) {
    return read_migrations(files, "the test's", Dialect::sqlite);
  }
  std::string file() const { return (folder_.path() / "test.db").string(); }
  std::string journal() {
    std::string text;
    auto session = *store::open_schema_session(file());
    for (const auto& row : session->query("SELECT name, state FROM migration_journal ORDER BY seq"))
      text += row[0] + " " + row[1] + "\n";
    return text;
  }
  test::TemporaryFolder folder_;
  const EmbeddedFile first_{"0001_first.sqlite.sql", "CREATE TABLE a (x INTEGER) STRICT;"};
  const EmbeddedFile second_{"0002_second.sqlite.sql",
                             "CREATE TABLE b (x INTEGER) STRICT; INSERT INTO b VALUES (1);"};
};

TEST_F(Migrate, AppliesWhatIsPendingOnce) {
  EXPECT_THAT(run({first_})->applied, ElementsAre("0001_first"));
  EXPECT_THAT(run({first_, second_})->applied, ElementsAre("0002_second"));
  EXPECT_THAT(run({first_, second_})->applied, IsEmpty());
  EXPECT_EQ(journal(), "0001_first applied\n0002_second applied\n");
}

TEST_F(Migrate, AFailureLeavesNothing) {
  const auto failed = run(
      {first_,
       {"0002_broken.sqlite.sql", "CREATE TABLE b (x INTEGER) STRICT; CREATE TABLE a (x INTEGER) STRICT;"}});
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().code, ErrorCode::storage);
  EXPECT_THAT(failed.error().message, HasSubstr("0002_broken"));
  EXPECT_THAT(
      (*store::open_schema_session(file()))
          ->query("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'migration%'"),
      IsEmpty());
  EXPECT_THAT(run({first_, second_})->applied, ElementsAre("0001_first", "0002_second"));
}

TEST_F(Migrate, WhatWasRefusedBeforeItRanIsNotCalledRolledBack) {
  ASSERT_TRUE(run({first_}));
  const auto refused = run({first_, {"0002_lossy.sqlite.sql", "DROP TABLE a;"}});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::refused_by_guard);
  EXPECT_THAT(refused.error().message, HasSubstr("was refused"));
  EXPECT_THAT(refused.error().message, Not(HasSubstr("rolled back")));
  const auto failed = run({first_, {"0002_broken.sqlite.sql", "INSERT INTO nowhere VALUES (1);"}});
  ASSERT_FALSE(failed);
  EXPECT_THAT(failed.error().message, HasSubstr("failed and was rolled back"));
}

TEST_F(Migrate, AChangedFileStopsTheStart) {
  ASSERT_TRUE(run({first_}));
  const auto refused = run({{"0001_first.sqlite.sql", "CREATE TABLE a (y INTEGER) STRICT;"}});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::schema);
  EXPECT_THAT(refused.error().message, HasSubstr("0001_first was changed"));
}

TEST_F(Migrate, ANewerDatabaseStopsTheStart) {
  ASSERT_TRUE(run({first_, second_}));
  const auto refused = run({first_});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::schema);
  EXPECT_THAT(refused.error().message, HasSubstr("newer than this program"));
}

TEST_F(Migrate, TwoProcessesAtOnceApplyOnce) {
  std::vector<Result<Report>> results(4, Report{});
  {
    std::vector<std::jthread> threads;
    for (auto& result : results) threads.emplace_back([&] { result = run({first_, second_}); });
  }
  for (const auto& result : results) EXPECT_TRUE(result) << (result ? "" : result.error().message);
  EXPECT_EQ(journal(), "0001_first applied\n0002_second applied\n");
}

TEST_F(Migrate, ADamagedFileIsNamedWithTheWayOut) {
  std::ofstream(folder_.path() / "test.db") << "this is no database, however long it may be";
  const auto refused = run({first_});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::storage);
  EXPECT_THAT(refused.error().message, HasSubstr("test.db' is damaged"));
  EXPECT_THAT(refused.error().hint, HasSubstr(".recover"));
}

TEST_F(Migrate, AFolderThatCannotBeWrittenIsNamed) {
  const auto refused = store::open_schema_session("/proc/nowhere/test.db");
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, HasSubstr("/proc/nowhere/test.db"));
}

TEST_F(Migrate, AFileForTheOtherDatabaseIsPassedOver) {
  const EmbeddedFile other{"0001_first.postgres.sql", "CREATE SCHEMA no_such_thing_here;"};
  EXPECT_THAT(run({other, first_})->applied, ElementsAre("0001_first"));
}

TEST_F(Migrate, WhoMayNotChangeTheSchemaIsToldThatItIsOld) {
  ASSERT_TRUE(run({first_}));
  auto session = *store::open_schema_session(file());
  EXPECT_TRUE(check_version(*session, set_of({first_}), Dialect::sqlite));
  const auto refused = check_version(*session, set_of({first_, second_}), Dialect::sqlite);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::schema);
  EXPECT_THAT(refused.error().message, HasSubstr("lacks migration 0002_second"));
}

TEST_F(Migrate, WhoOnlyComparesLeavesAnOlderDatabaseToOthersAndMakesANewOne) {
  const auto compare = [&](std::vector<EmbeddedFile> files) {
    auto session = *store::open_schema_session(file());
    return bring_up_to_date(*session, own_file(file()), set_of(files), {.migrates = false});
  };
  EXPECT_THAT(compare({first_})->applied, ElementsAre("0001_first"))
      << "nothing can run on what is not there";
  EXPECT_THAT(compare({first_})->applied, IsEmpty());
  const auto refused = compare({first_, second_});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::schema);
  EXPECT_THAT(refused.error().message, HasSubstr("older than this program: it lacks migration 0002_second"));
  EXPECT_THAT(refused.error().hint, HasSubstr("`guildhall migrate up`"));
  EXPECT_EQ(journal(), "0001_first applied\n") << "nothing was done";
  EXPECT_THAT(run({first_, second_})->applied, ElementsAre("0002_second"));
  EXPECT_TRUE(compare({first_, second_}));
  EXPECT_FALSE(compare({first_})) << "newer";
}

TEST_F(Migrate, ASignalAtTheStartEndsItAndNothingIsHalfDone) {
  ASSERT_TRUE(run({first_}));
  Interrupt interrupt;
  interrupt.raise(SIGTERM);
  auto session = *store::open_schema_session(file());
  const auto ended =
      bring_up_to_date(*session, own_file(file()), set_of({first_, second_}), {.interrupt = &interrupt});
  ASSERT_FALSE(ended);
  EXPECT_EQ(ended.error().code, ErrorCode::failed);
  EXPECT_THAT(ended.error().message, HasSubstr("interrupted"));
  EXPECT_THAT(session->query("SELECT name FROM sqlite_schema WHERE name = 'b'"), IsEmpty());
  EXPECT_FALSE(look_at_lock(*session, Dialect::sqlite).held);
  EXPECT_THAT(run({first_, second_})->applied, ElementsAre("0002_second"));
}

TEST_F(Migrate, BeforeSomethingIsLostABackupIsTaken) {
  const auto backups = folder_.path() / "backups";
  const auto start = [&](std::vector<EmbeddedFile> files) {
    auto session = *store::open_schema_session(file());
    return bring_up_to_date(*session, own_file(file()), set_of(files), {.backups = backups});
  };
  ASSERT_TRUE(start({first_}));
  EXPECT_FALSE(std::filesystem::exists(backups)) << "of what is empty there is nothing to keep";
  ASSERT_TRUE(start({first_, second_}));
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(backups), {}), 2)
      << "it, and what is said of it";
}

TEST_F(Migrate, AJournalFromBeforeItHadAVersionIsTakenOver) {
  auto session = *store::open_schema_session(file());
  session->execute(
      "CREATE TABLE migration_journal (seq INTEGER PRIMARY KEY, name TEXT NOT NULL, direction TEXT NOT NULL, "
      "state TEXT NOT NULL, checksum TEXT NOT NULL, norm_checksum TEXT, down_checksum TEXT, down_source "
      "TEXT, "
      "statements_total INTEGER, statements_done INTEGER, started_at INTEGER NOT NULL, applied_at INTEGER, "
      "duration_ms INTEGER, applied_by TEXT NOT NULL, tool_version TEXT NOT NULL, git_revision TEXT, "
      "backup_file TEXT, backup_sha256 TEXT, fingerprint_before TEXT, fingerprint_after TEXT, lock_token "
      "INTEGER, error TEXT) STRICT; CREATE TABLE a (x INTEGER) STRICT");
  const std::string digits = set_of({first_}).migrations[0].up->checksum.substr(7);
  session->execute(
      "INSERT INTO migration_journal (seq, name, direction, state, checksum, started_at, applied_at, "
      "duration_ms, applied_by, tool_version) VALUES (4, '0001_first', 'up', 'applied', '" +
      digits + "', 1800000000000000, 1800000000000000, 1, 'somebody', '0.1.0')");
  EXPECT_TRUE(check_version(*session, set_of({first_}), Dialect::sqlite)) << "it is read as it is";
  const auto compared = bring_up_to_date(*session, own_file(file()), set_of({first_}), {.migrates = false});
  ASSERT_FALSE(compared);
  EXPECT_THAT(compared.error().message, HasSubstr("its journal of migrations is of an earlier version"));
  EXPECT_EQ(Journal(*session, Dialect::sqlite).version(), 0);
  EXPECT_THAT(run({first_})->applied, IsEmpty());
  EXPECT_EQ(Journal(*session, Dialect::sqlite).version(), kJournalVersion);
  const auto rows = *Journal(*session, Dialect::sqlite).read();
  ASSERT_EQ(rows.size(), 1U);
  EXPECT_EQ(rows[0].seq, 4);
  EXPECT_EQ(rows[0].applied_at, from_micros(1'800'000'000'000'000));
  EXPECT_EQ(rows[0].applied_by, "somebody");
  EXPECT_THAT(run({first_, second_})->applied, ElementsAre("0002_second"));
}

/// Of Guildhall's own migrations.
class AnyDatabaseOfOurs : public test::OnAnyDatabase {};

TEST_F(AnyDatabaseOfOurs, EachGoesUpDownAndUpToTheSameSchema) {
  const MigrationSet& set = own_migrations(target().dialect);
  const auto findings = prove_round_trips(target(), set, "", [](const std::string&) {});
  ASSERT_TRUE(findings) << findings.error().finding.text;
  for (const Finding& one : *findings) ADD_FAILURE() << one.name << ": " << one.text;
  for (const Migration& one : set.migrations) EXPECT_TRUE(one.down) << one.name << " has no way back";
}

TEST_F(AnyDatabaseOfOurs, NothingIsWrongWithTheFiles) {
  const MigrationSet& set = own_migrations(target().dialect);
  for (const Finding& one : set.findings) ADD_FAILURE() << one.name << ": " << one.text;
  for (const Finding& one : lint_files(set, target().dialect))
    EXPECT_NE(one.level, Level::error)
        << one.name << " line " << one.line << ": " << one.code << " " << one.text;
}

TEST(MigrateInPostgres, WhoReadsATableThatIsSealedIsNotWaitedFor) {
  test::TestWorld world(store::Layout::postgres);
  auto reader = *store::open_schema_session(world.place());
  reader->execute("BEGIN; SELECT 1 FROM persons LIMIT 1");
  std::vector<EmbeddedFile> files(embedded_files().begin(), embedded_files().end());
  files.push_back({"9998_more.postgres.sql", "CREATE TABLE more_of_it (x BIGINT PRIMARY KEY);"});
  auto session = *store::open_schema_session(world.place());
  const auto report = bring_up_to_date(*session, own_target(world.place(), world.declarations.tables),
                                       read_migrations(files, "the test's", Dialect::postgres));
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_THAT(report->applied, ElementsAre("9998_more"));
}

/// Whoever is told so can do something about it.
TEST(MigrateInPostgres, AServerThatGoesWhileItIsLookedAtIsToldWithAWayOut) {
  const test::AnyDatabase database(Dialect::postgres);
  const auto session = *database.target().open("");
  const auto other = *database.target().open("");
  other->query("SELECT pg_terminate_backend($1::int)", {std::to_string(session->backend())});
  const auto checked = check_version(*session, own_migrations(Dialect::postgres), Dialect::postgres);
  ASSERT_FALSE(checked);
  EXPECT_EQ(checked.error().code, ErrorCode::storage);
  EXPECT_THAT(checked.error().message, HasSubstr("terminat"));
  EXPECT_THAT(checked.error().hint, HasSubstr("do the same again"));
}

TEST_F(Migrate, RowsThatReferToNothingEndWhatIsNotOneTransaction) {
  const auto refused =
      run({{"0001_rows.sqlite.sql",
            "-- guildhall: transaction=none\nCREATE TABLE p (id INTEGER PRIMARY KEY) STRICT; CREATE TABLE c "
            "(p INTEGER REFERENCES p) STRICT; INSERT INTO c VALUES (7);"}});
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, HasSubstr("that are not there"));
}

}  // namespace
}  // namespace guildhall::migrate
