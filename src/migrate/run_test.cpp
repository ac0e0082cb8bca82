#include "migrate/run.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "migrate/proofs.h"
#include "tests/support/migration_run.h"

namespace guildhall::migrate {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

TEST_F(AnyDatabaseRun, AThreeFileSetGoesUpWithAFingerprintAfterEach) {
  write_three();
  const auto report = up();
  ASSERT_EQ(result(report), "OK") << report.failed->finding.text;
  EXPECT_THAT(names(report), ElementsAre("0000_foundation", "0003_unique_link", "0004_entry_count"));
  EXPECT_EQ(report.pending, 0U);
  const auto rows = *Journal(session(), target().dialect).read();
  ASSERT_EQ(rows.size(), 3U);
  EXPECT_EQ(rows[0].fingerprint_after, rows[1].fingerprint_before);
  EXPECT_EQ(rows[1].fingerprint_after, rows[2].fingerprint_before);
  EXPECT_EQ(rows[2].fingerprint_after, fingerprint());
  EXPECT_NE(rows[0].fingerprint_after, rows[1].fingerprint_after);
  EXPECT_EQ(rows[2].statements_done, 3);
  EXPECT_THAT(rows[2].schema_changes, HasSubstr("added table"));
  EXPECT_THAT(rows[0].applied_by, HasSubstr("process"));
  EXPECT_TRUE(rows[0].applied_at);
  EXPECT_THAT(said_, HasSubstr("up 3/3 0004_entry_count ... ok"));
}

TEST_F(AnyDatabaseRun, DownThreeTimesIsEmptyAndUpAgainIsTheSame) {
  write_three();
  const std::string empty = fingerprint();
  up();
  const std::string full = fingerprint();
  for (const char* name : {"0004_entry_count", "0003_unique_link", "0000_foundation"}) {
    const auto report = down();
    ASSERT_EQ(result(report), "OK") << report.failed->finding.text;
    EXPECT_THAT(names(report), ElementsAre(name));
  }
  EXPECT_EQ(fingerprint(), empty);
  EXPECT_THAT(names(down()), IsEmpty());
  EXPECT_THAT(names(up()), testing::SizeIs(3));
  EXPECT_EQ(fingerprint(), full);
}

TEST_F(AnyDatabaseRun, NothingToDoTakesNoLock) {
  write_three();
  const auto first = up();
  said_.clear();
  const auto second = up();
  EXPECT_EQ(result(second), "OK");
  EXPECT_EQ(second.token, 0);
  EXPECT_EQ(second.applied_in_all, 3U);
  EXPECT_EQ(said_, "");
  EXPECT_THAT(names(second), IsEmpty());
  EXPECT_GT(first.token, 0);
}

TEST_F(AnyDatabaseRun, AsFarAsAskedFor) {
  write_three();
  UpOptions to;
  to.to = "0003";
  EXPECT_THAT(names(up(to)), ElementsAre("0000_foundation", "0003_unique_link"));
  UpOptions step;
  step.steps = 1;
  EXPECT_THAT(names(up(step)), ElementsAre("0004_entry_count"));
  DownOptions back;
  back.to = "0000_foundation";
  EXPECT_THAT(names(down(back)), ElementsAre("0004_entry_count", "0003_unique_link"));
  to.to = "0009";
  EXPECT_EQ(result(up(to)), "2 E-NAME");
}

TEST_F(AnyDatabaseRun, AFailureLeavesTheDatabaseAsItWasAndIsNamed) {
  write_three();
  write("0005_broken.sql", "CREATE TABLE half (x integer);\n\nINSERT INTO half (y)\nVALUES (1);");
  const auto report = up();
  EXPECT_EQ(result(report).substr(0, 5), "1 MG-");
  EXPECT_EQ(report.failed_name, "0005_broken");
  EXPECT_THAT(report.failed->where(), HasSubstr("0005_broken.sql line 3, statement 2 of 2"));
  EXPECT_EQ(report.failed->place.file, "0005_broken.sql");
  EXPECT_EQ(report.failed->finding.line, 3U);
  EXPECT_EQ(report.failed->place.statement, 2U);
  EXPECT_EQ(report.failed->place.statements, 2U);
  EXPECT_TRUE(report.failed->was_run);
  EXPECT_THAT(said_, HasSubstr("rolled back"));
  EXPECT_THAT(names(report), testing::SizeIs(3));
  EXPECT_THAT(standings(), testing::Contains("0005_broken failed"));
  EXPECT_EQ(fingerprint(), Journal(session(), target().dialect).read()->at(2).fingerprint_after);
  EXPECT_FALSE(look_at_lock(session(), target().dialect).held);
  write("0005_broken.sql", "CREATE TABLE half (x integer);");
  EXPECT_THAT(names(up()), ElementsAre("0005_broken"));
}

TEST_F(AnyDatabaseRun, AllInOneTransactionOrNone) {
  write_three();
  write("0005_broken.sql", "INSERT INTO nowhere VALUES (1);");
  UpOptions options;
  options.together = true;
  const std::string empty = fingerprint();
  const auto failed = up(options);
  EXPECT_EQ(result(failed).substr(0, 5), "1 MG-");
  EXPECT_EQ(failed.failed_name, "0005_broken");
  EXPECT_THAT(failed.failed->where(), HasSubstr("0005_broken.sql line 1"));
  EXPECT_THAT(names(failed), IsEmpty());
  EXPECT_EQ(fingerprint(), empty);
  remove("0005_broken.sql");
  const auto done = up(options);
  EXPECT_THAT(names(done), testing::SizeIs(3));
  EXPECT_EQ(done.applied[2].fingerprint_after, fingerprint());
  EXPECT_EQ(done.fingerprint, fingerprint());
}

TEST_F(AnyDatabaseRun, LaterFilesAreNotTriedAfterAFailure) {
  write("0001_bad.sql", "SELECT * FROM nothing_here");
  write("0002_good.sql", "CREATE TABLE good (x integer)");
  const auto report = up();
  EXPECT_THAT(names(report), IsEmpty());
  EXPECT_EQ(report.pending, 2U);
}

TEST_F(AnyDatabaseRun, AnEditedFileIsDriftAndAReindentedOneIsNot) {
  write_three();
  up();
  write(
      "0000_foundation.sql",
      "create table users (\r\n\tid integer PRIMARY KEY,\r\n\tname text NOT NULL);\r\n-- cosmetic\r\n"
      "CREATE TABLE links (id integer PRIMARY KEY, platform text NOT NULL, platform_user_id text NOT NULL);");
  EXPECT_THAT(standings(), testing::Contains("0000_foundation cosmetic"));
  EXPECT_EQ(result(up()), "OK");
  write(
      "0000_foundation.sql",
      "CREATE TABLE users (id integer PRIMARY KEY, name text NOT NULL DEFAULT 'x');\n"
      "CREATE TABLE links (id integer PRIMARY KEY, platform text NOT NULL, platform_user_id text NOT NULL);");
  EXPECT_EQ(result(up()), "5 E-CHANGED");
  remove("0000_foundation.sql");
  remove("0000_foundation.down.sql");
  EXPECT_EQ(result(up()), "5 E-MISSING");
}

TEST_F(AnyDatabaseRun, ALateFileIsDrift) {
  write_three();
  up();
  write("0001_late.sql", "CREATE TABLE late (x integer)");
  EXPECT_THAT(standings(), testing::Contains("0001_late late"));
  EXPECT_EQ(result(up()), "5 E-LATE");
}

TEST_F(AnyDatabaseRun, ALateFileThatHarmsNothingIsProvedAndApplied) {
  write_three();
  up();
  write("0001_late.sql", "CREATE TABLE late (x integer)");
  UpOptions options;
  options.allow_late = true;
  const auto report = up(options);
  EXPECT_EQ(result(report), "OK") << report.failed->finding.text;
  EXPECT_THAT(names(report), ElementsAre("0001_late"));
  EXPECT_EQ(result(up()), "OK");
}

TEST_F(AnyDatabaseRun, ALateFileThatMakesAnotherSchemaIsNotApplied) {
  write_three();
  up();
  write("0001_late.sql", "CREATE TABLE IF NOT EXISTS attempts (other integer)");
  UpOptions options;
  options.allow_late = true;
  EXPECT_EQ(result(up(options)), "5 E-LATE");
  write("0001_late.sql", "CREATE TABLE attempts (id integer PRIMARY KEY, user_id integer);");
  const auto refused = up(options);
  EXPECT_EQ(result(refused), "5 E-LATE");
  EXPECT_THAT(refused.failed->finding.text, HasSubstr("0001_late cannot be applied"));
  EXPECT_THAT(standings(), testing::Contains("0001_late late"));
}

TEST_F(AnyDatabaseRun, WaysBackAreProvedBeforeTheyAreNeeded) {
  write_three();
  const auto prove = [&] { return *prove_round_trips(target(), set(), "", [](const std::string&) {}); };
  EXPECT_THAT(prove(), IsEmpty());
  EXPECT_FALSE(Journal(session(), target().dialect).exists()) << "the database itself is not touched";
  write("0004_entry_count.down.sql", "DROP TABLE attempts;");
  ASSERT_THAT(prove(), testing::SizeIs(1));
  EXPECT_EQ(prove()[0].code, "E-ROUNDTRIP");
  EXPECT_EQ(prove()[0].name, "0004_entry_count");
}

TEST_F(AnyDatabaseRun, ErrorsInTheFilesStopBeforeAnything) {
  write_three();
  write("0004_again.sql", "SELECT 1");
  EXPECT_EQ(result(up()), "5 E-DUPNUM");
  remove("0004_again.sql");
  write("0005_begin.sql", "BEGIN; SELECT 1; COMMIT;");
  const auto report = up();
  EXPECT_EQ(result(report), "5 E-TXCTL");
  EXPECT_THAT(report.failed->where(), HasSubstr("0005_begin.sql line 1"));
  EXPECT_EQ(report.failed->place.file, "0005_begin.sql");
  EXPECT_EQ(report.failed->place.statement, 0U);
  EXPECT_EQ(report.failed->ending(), "refused");
  EXPECT_THAT(said_, Not(HasSubstr("rolled back")));
  EXPECT_FALSE(Journal(session(), target().dialect).exists());
}

TEST_F(AnyDatabaseRun, TheJournalIsOnlyEverAddedTo) {
  write_three();
  up();
  const std::string table = own_table(target().dialect, "migration_journal");
  EXPECT_THROW(session().execute("DELETE FROM " + table), store::DatabaseError);
  EXPECT_THROW(session().execute("UPDATE " + table + " SET name = 'x'"), store::DatabaseError);
}

TEST_F(AnyDatabaseRun, WhatIsAppliedIsAlsoWhereOtherToolsKeepIt) {
  write_three();
  up();
  down();
  const auto rows =
      session().query("SELECT id, filename, length(checksum) FROM drizzle_migrations ORDER BY id");
  EXPECT_THAT(rows, ElementsAre(ElementsAre("0000_foundation", "0000_foundation.sql", "64"),
                                ElementsAre("0003_unique_link", "0003_unique_link.sql", "64")));
  EXPECT_THROW(session().execute("DELETE FROM drizzle_migrations"), store::DatabaseError);
  EXPECT_THAT(session().query("SELECT * FROM migration_lock"), IsEmpty());
}

TEST_F(AnyDatabaseRun, ANewerJournalIsNotTouched) {
  write_three();
  up();
  session().execute(
      fmt::format("UPDATE {} SET version = 99", own_table(target().dialect, "migration_journal_version")));
  EXPECT_EQ(result(up()), "3 MG-JOURNAL");
}

TEST_F(AnyDatabaseRun, TwoRunnersApplyEachOnce) {
  write_three();
  write("0005_rows.sql", "CREATE TABLE counted (x integer); INSERT INTO counted VALUES (1);");
  const auto files = set();
  std::vector<RunReport> reports(2);
  {
    std::vector<std::jthread> threads;
    for (auto& report : reports) {
      threads.emplace_back([&] {
        UpOptions options;
        options.lock = {200ms, 1200ms, 600s, 300s, 20ms};
        options.lock_wait = 60s;
        report = migrate::up(target(), files, options);
      });
    }
  }
  for (const RunReport& report : reports) EXPECT_EQ(result(report), "OK") << report.failed->finding.text;
  EXPECT_EQ(reports[0].applied.size() + reports[1].applied.size(), 4U);
  EXPECT_EQ(session().query("SELECT count(*) FROM counted").at(0).at(0), "1");
}

}  // namespace
}  // namespace guildhall::migrate
