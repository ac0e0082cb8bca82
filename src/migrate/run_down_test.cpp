#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/migration_run.h"

namespace guildhall::migrate {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

TEST_F(AnyDatabaseRun, ADownBelowNewerOnesIsRefusedUnlessSaid) {
  write_three();
  up();
  DownOptions one;
  one.name = "0003";
  const auto refused = down(one);
  EXPECT_EQ(result(refused), "6 MG-NEWER");
  EXPECT_THAT(refused.failed->finding.text, HasSubstr("0004_entry_count"));
  one.cascade = true;
  EXPECT_THAT(names(down(one)), ElementsAre("0004_entry_count", "0003_unique_link"));
}

TEST_F(AnyDatabaseRun, JustOneInTheMiddleGoesBackAndIsLateThen) {
  write_three();
  up();
  DownOptions one;
  one.name = "0003";
  one.only = true;
  const auto report = down(one);
  EXPECT_EQ(result(report), "OK") << report.failed->finding.text;
  EXPECT_THAT(standings(), testing::Contains("0003_unique_link late"));
}

TEST_F(AnyDatabaseRun, OneInTheMiddleHasToUndoWhatItDidAndNothingElse) {
  write_three();
  write("0003_unique_link.down.sql", "DROP INDEX links_once; DROP INDEX attempts_user;");
  up();
  DownOptions one;
  one.name = "0003";
  one.only = true;
  const auto report = down(one);
  EXPECT_EQ(result(report), "5 MG-FINGERPRINT");
  EXPECT_THAT(report.failed->finding.text, HasSubstr("too much: dropped index"));
  EXPECT_THAT(standings(), testing::Contains("0003_unique_link applied"));
}

TEST_F(AnyDatabaseRun, DataThatGoesIsCountedAndNeedsAConfirmation) {
  write_three();
  up();
  session().execute(
      "INSERT INTO users (id, name, entry_count) VALUES (1, 'a', 5); INSERT INTO users (id, name) VALUES (2, "
      "'b'); "
      "INSERT INTO attempts VALUES (1, 1); INSERT INTO attempts VALUES (2, 1)");
  const auto refused = down();
  EXPECT_EQ(result(refused), "6 MG-DATALOSS");
  EXPECT_THAT(refused.failed->finding.text, HasSubstr("table attempts (2 rows)"));
  EXPECT_THAT(refused.failed->finding.text, HasSubstr("users.entry_count"));
  EXPECT_THAT(standings(), testing::Contains("0004_entry_count applied"));
  DownOptions confirmed;
  confirmed.confirm_data_loss = true;
  EXPECT_EQ(result(down(confirmed)), "OK");
  EXPECT_EQ(session().query("SELECT count(*) FROM users").at(0).at(0), "2");
}

TEST_F(AnyDatabaseRun, TheFoundationNeedsAWordOfItsOwn) {
  write_three();
  up();
  session().execute("INSERT INTO users (id, name) VALUES (1, 'a')");
  DownOptions all;
  all.name = "0000";
  all.cascade = true;
  all.confirm_data_loss = true;
  EXPECT_EQ(result(down(all)), "6 MG-FOUNDATION");
  EXPECT_EQ(session().query("SELECT count(*) FROM users").at(0).at(0), "1");
  all.confirm_all = true;
  all.earlier_backups = folder_.path() / "none";
  const auto unsaved = down(all);
  EXPECT_EQ(result(unsaved), "6 MG-FOUNDATION");
  EXPECT_THAT(unsaved.failed->finding.text, HasSubstr("no verified backup of the last hour"));
  EXPECT_EQ(session().query("SELECT count(*) FROM users").at(0).at(0), "1");
  all.backup = BackupWish{.folder = folder_.path() / "backups"};
  all.backup->external = {"/bin/true"};
  EXPECT_EQ(result(down(all)), "6 MG-FOUNDATION") << "nobody has proved that one";
  all.backup->external.clear();
  EXPECT_EQ(result(down(all)), "OK");
}

TEST_F(AnyDatabaseRun, TheFoundationGoesWithABackupOfTheLastHour) {
  write_three();
  UpOptions saved;
  saved.backup = BackupWish{.folder = folder_.path() / "backups"};
  const auto taken = up(saved);
  ASSERT_TRUE(taken.backup);
  session().execute("INSERT INTO users (id, name) VALUES (1, 'a')");
  DownOptions all;
  all.name = "0000";
  all.cascade = all.confirm_all = true;
  all.earlier_backups = folder_.path() / "backups";
  const auto record = record_file(taken.backup->file);
  // Two hours before, the same one is too old.
  BackupRecord old = taken.backup->record;
  const BackupName name{safe_file_name(target().database), old.taken_at - std::chrono::hours(2),
                        target().dialect};
  const auto older = all.earlier_backups / name.text();
  std::filesystem::rename(taken.backup->file, older);
  std::filesystem::rename(record, record_file(older));
  EXPECT_EQ(result(down(all)), "6 MG-FOUNDATION");
  std::filesystem::rename(older, taken.backup->file);
  EXPECT_EQ(result(down(all)), "6 MG-FOUNDATION") << "without its record";
  old.verified = static_cast<int>(Proof::whole);
  std::ofstream(record) << write_record(old);
  EXPECT_EQ(result(down(all)), "6 MG-FOUNDATION") << "one that was not proved";
  old.verified = static_cast<int>(Proof::restored);
  std::ofstream(record) << write_record(old);
  EXPECT_EQ(result(down(all)), "OK");
}

TEST_F(AnyDatabaseRun, AWayBackThatDoesNotLeadBackIsRolledBack) {
  write_three();
  write("0004_entry_count.down.sql", "DROP TABLE attempts;");
  up();
  const std::string full = fingerprint();
  const auto report = down();
  EXPECT_EQ(result(report), "5 MG-FINGERPRINT");
  EXPECT_THAT(report.failed->finding.text, HasSubstr("entry_count"));
  EXPECT_EQ(fingerprint(), full);
}

TEST_F(AnyDatabaseRun, WithoutAWayBackNothingIsDone) {
  write("0001_table.sql", "CREATE TABLE a (x integer);");
  write("0002_data.sql", "INSERT INTO a VALUES (1);");
  up();
  EXPECT_EQ(result(down()), "6 MG-NOWAY");
}

TEST_F(AnyDatabaseRun, AWayBackThatNobodyWroteIsDerivedAndLeadsBack) {
  const std::string empty = fingerprint();
  write("0001_tables.sql",
        "CREATE TABLE a (x integer); CREATE TABLE b (y integer); CREATE INDEX b_y ON b (y); INSERT INTO b "
        "VALUES (1);");
  write("0002_column.sql", "ALTER TABLE a ADD COLUMN z integer;");
  up();
  const auto rows = *Journal(session(), target().dialect).read();
  EXPECT_EQ(rows[0].down_source, "derived");
  EXPECT_THAT(rows[1].down_script, HasSubstr("DROP COLUMN"));
  EXPECT_EQ(result(down()), "OK");
  EXPECT_EQ(result(down()), "6 MG-FOUNDATION") << "the row that it put there counts as data";
  DownOptions all;
  all.confirm_all = true;
  all.backup = BackupWish{.folder = folder_.path() / "backups"};
  EXPECT_EQ(result(down(all)), "OK");
  EXPECT_EQ(fingerprint(), empty);
}

TEST_F(AnyDatabaseRun, WhyThereIsNoWayBackIsInTheJournal) {
  write("0001_table.sql", "CREATE TABLE a (x integer); CREATE TABLE b (x integer);");
  write("0002_gone.sql", "DROP TABLE b;");
  up();
  const auto row = Journal(session(), target().dialect).read()->at(1);
  EXPECT_EQ(row.down_source, "none");
  EXPECT_THAT(row.note, HasSubstr("no way back: "));
  EXPECT_EQ(result(down()), "6 MG-NOWAY");
}

TEST_F(AnyDatabaseRun, AWayBackThatStoppedMidwayIsFinished) {
  const std::string empty = fingerprint();
  write("0000_two.sql", "CREATE TABLE a (x integer);\nCREATE TABLE b (x integer);");
  write("0000_two.down.sql", "-- guildhall: transaction=none\nDROP TABLE b;\nDROP TABLE nope;");
  ASSERT_EQ(result(up()), "OK");
  DownOptions all;
  all.confirm_all = true;
  ASSERT_THAT(result(down(all)), testing::StartsWith("7 "));
  write("0000_two.down.sql", "-- guildhall: transaction=none\nDROP TABLE b;\nDROP TABLE a;");
  ASSERT_EQ(result(down(all)), "OK");
  EXPECT_EQ(fingerprint(), empty);
  EXPECT_THAT(standings(), ElementsAre("0000_two pending"));
}

TEST_F(AnyDatabaseRun, AWayBackIsDerivedAlsoOfWhatIsNotOneTransaction) {
  const std::string empty = fingerprint();
  write("0000_table.sql",
        "-- guildhall: transaction=none\nCREATE TABLE a (x integer);\nCREATE TABLE b (x integer);");
  ASSERT_EQ(result(up()), "OK");
  DownOptions all;
  all.confirm_all = true;
  const auto report = down(all);
  EXPECT_EQ(result(report), "OK") << report.failed->finding.text;
  EXPECT_EQ(fingerprint(), empty);
}

}  // namespace
}  // namespace guildhall::migrate
