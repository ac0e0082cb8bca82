#include "migrate/run.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <fstream>
#include <thread>

#include "migrate/proofs.h"
#include "tests/support/any_database.h"

namespace guildhall::migrate {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

template <class Fixture>
class RunTest : public Fixture {
 protected:
  using Fixture::session;
  using Fixture::target;

  void write(const std::string& name, const std::string& content) {
    std::ofstream(folder_.path() / name, std::ios::binary) << content;
  }
  void remove(const std::string& name) { std::filesystem::remove(folder_.path() / name); }
  MigrationSet set() { return *read_migrations(folder_.path().string(), target().dialect); }

  template <class Options>
  Options with_speed(Options options) {
    options.lock = {200ms, 1200ms, 600s, 300s, 20ms};
    options.limits.first_pause = 5ms;
    options.say = [this, say = options.say](const std::string& line) {
      said_ += line + "\n";
      say(line);
    };
    return options;
  }
  RunReport up(UpOptions options = {}) { return migrate::up(target(), set(), with_speed(options)); }
  /// On a session that is lost with that statement, once the lock is taken.
  RunReport up_losing(const std::string& statement, UpOptions options = {});
  RunReport down(DownOptions options = {}) { return migrate::down(target(), set(), with_speed(options)); }

  static std::vector<std::string> names(const RunReport& report) {
    std::vector<std::string> found;
    for (const Applied& one : report.applied) found.push_back(one.name);
    return found;
  }
  /// "0000_first applied"
  std::vector<std::string> standings() {
    std::vector<std::string> lines;
    for (const Standing& one : compare(set(), *Journal(session(), target().dialect).read()))
      lines.push_back(fmt::format("{} {}", one.name, name_of(one.state)));
    return lines;
  }
  std::string fingerprint() { return read_snapshot(session(), target().dialect).fingerprint(); }
  /// "OK", or the exit code and the code of the problem.
  static std::string result(const RunReport& report) {
    if (!report.failed) return "OK";
    return fmt::format("{} {}", static_cast<int>(report.failed->exit), report.failed->finding.code);
  }

  /// Of the shape of the first three of StreamBot.
  void write_three() {
    write("0000_foundation.sql",
          "CREATE TABLE users (id integer PRIMARY KEY, name text NOT NULL);\n--> statement-breakpoint\n"
          "CREATE TABLE links (id integer PRIMARY KEY, platform text NOT NULL, platform_user_id text NOT "
          "NULL);");
    write("0000_foundation.down.sql", "DROP TABLE links; DROP TABLE users;");
    write("0003_unique_link.sql", "CREATE UNIQUE INDEX links_once ON links (platform, platform_user_id);");
    write("0003_unique_link.down.sql", "DROP INDEX links_once;");
    write("0004_entry_count.sql",
          "ALTER TABLE users ADD COLUMN entry_count integer DEFAULT 0;\nCREATE TABLE attempts (id integer "
          "PRIMARY KEY, "
          "user_id integer);\nCREATE INDEX attempts_user ON attempts (user_id);");
    write("0004_entry_count.down.sql", "DROP TABLE attempts;\nALTER TABLE users DROP COLUMN entry_count;");
  }

  test::TemporaryFolder folder_;
  std::string said_;
};

using AnyDatabaseRun = RunTest<test::OnAnyDatabase>;
using RunInPostgres = RunTest<test::OnPostgres>;
using RunOfSqlite = RunTest<test::OnSqlite>;

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

TEST_F(AnyDatabaseRun, AnInterruptRollsBack) {
  write_three();
  Interrupt interrupt;
  UpOptions options;
  options.interrupt = &interrupt;
  options.say = [&](const std::string& line) {
    if (line.starts_with("lock: acquired")) interrupt.raise(SIGTERM);
  };
  EXPECT_EQ(result(up(options)), "143 MG-INTERRUPTED");
  EXPECT_THAT(standings(), testing::Contains("0000_foundation failed"));
  EXPECT_FALSE(look_at_lock(session(), target().dialect).held);
}

TEST_F(AnyDatabaseRun, WhatFailsAmongSeveralInOneTransactionIsInTheJournal) {
  write("0001_table.sql", "CREATE TABLE a (x integer);");
  write("0002_wrong.sql", "INSERT INTO nope VALUES (1);");
  UpOptions options;
  options.together = true;
  EXPECT_THAT(result(up(options)), testing::StartsWith("1 "));
  EXPECT_THAT(standings(), ElementsAre("0001_table pending", "0002_wrong failed"));
}

/// A session whose server takes the next COMMIT, or another statement, and is gone before it could say so.
class LosesTheAnswer final : public store::SchemaSession {
 public:
  LosesTheAnswer(std::unique_ptr<SchemaSession> session, std::string& to)
      : session_(std::move(session)), to_(to) {}
  void execute(const std::string& script) override {
    living().execute(script);
    lose(script);
  }
  std::int64_t run(const std::string& statement) override {
    const auto answer = living().run(statement);
    lose(statement);
    return answer;
  }
  void later(const std::string& sql, const std::vector<std::string>& values) override {
    living().later(sql, values);
  }
  Rows query(const std::string& sql, const std::vector<std::string>& values) override {
    return living().query(sql, values);
  }
  std::vector<store::ValueRow> read(const std::string& sql, const store::ValueRow& values) override {
    return living().read(sql, values);
  }
  void insert(const std::string& table, const std::vector<store::Column>& columns,
              const std::vector<store::ValueRow>& rows) override {
    living().insert(table, columns, rows);
  }
  void begin() override { living().begin(); }
  bool in_transaction() const override { return !is_lost_ && session_->in_transaction(); }
  std::function<void()> canceller() const override { return session_->canceller(); }
  std::int64_t backend() const override { return session_->backend(); }
  const std::string& name() const override { return session_->name(); }

 private:
  SchemaSession& living() {
    if (is_lost_) lost();
    return *session_;
  }
  [[noreturn]] static void lost() {
    throw store::DatabaseError(store::DbCode::connection_lost, "", "the connection is lost");
  }
  void lose(const std::string& statement) {
    if (to_.empty() || !statement.starts_with(to_)) return;
    to_.clear();
    is_lost_ = true;
    // The server notices, and what the session held is free.
    if (session_->in_transaction()) session_->execute("ROLLBACK");
    if (session_->backend() != 0) session_->query("SELECT pg_advisory_unlock_all()", {});
    lost();
  }

  std::unique_ptr<SchemaSession> session_;
  std::string& to_;
  bool is_lost_ = false;
};

template <class Fixture>
RunReport RunTest<Fixture>::up_losing(const std::string& statement, UpOptions options) {
  std::string to;
  Target losing = target();
  losing.open = [&](const std::string& settings) -> Result<std::unique_ptr<store::SchemaSession>> {
    return std::make_unique<LosesTheAnswer>(*target().open(settings), to);
  };
  options.say = [&](const std::string& line) {
    if (line.starts_with("lock: acquired")) to = statement;
  };
  const auto files = set();
  auto report = migrate::up(losing, files, with_speed(options));
  EXPECT_EQ(to, "") << "no connection was lost";
  return report;
}

TEST_F(AnyDatabaseRun, WhatWasCommittedWithoutAnAnswerIsApplied) {
  for (const bool together : {false, true}) {
    const std::string number = together ? "1" : "0";
    write("000" + number + "_first.sql", "CREATE TABLE IF NOT EXISTS a" + number + " (x integer);");
    write("001" + number + "_second.sql", "CREATE TABLE b" + number + " (x integer);");
    UpOptions options;
    options.together = together;
    options.allow_late = true;
    EXPECT_EQ(result(up_losing("COMMIT", options)), "OK");
  }
  EXPECT_THAT(standings(), ElementsAre("0000_first applied", "0001_first applied", "0010_second applied",
                                       "0011_second applied"));
}

TEST_F(AnyDatabaseRun, WhoGoesOnNamesBothBackupsInTheJournal) {
  write("0000_steps.sql",
        "-- guildhall: transaction=none\nCREATE TABLE a (x integer);\nINSERT INTO nope VALUES (1);");
  UpOptions options;
  options.backup = BackupWish{.folder = folder_.path() / "backups", .proof = Proof::read};
  const auto stopped = up(options);
  ASSERT_EQ(result(stopped).substr(0, 2), "7 ");
  write("0000_steps.sql", "-- guildhall: transaction=none\nCREATE TABLE a (x integer);");
  const auto resumed = up(options);
  ASSERT_EQ(result(resumed), "OK") << resumed.failed->finding.text;
  const auto row = Journal(session(), target().dialect).read()->at(0);
  EXPECT_EQ(row.backup_file, stopped.backup->file.filename());
  EXPECT_THAT(row.note, HasSubstr("gone on with after backup " + resumed.backup->file.filename().string()));
}

TEST_F(AnyDatabaseRun, WhatIsNotOneTransactionStoppedMidwayWhenTheConnectionIsLost) {
  write("0000_steps.sql",
        "-- guildhall: transaction=none\nCREATE TABLE a (x integer);\nCREATE TABLE b (x integer);");
  EXPECT_EQ(result(up_losing("CREATE TABLE b")), "7 MG-CONNECTION");
  EXPECT_THAT(standings(), ElementsAre("0000_steps partial"));
  EXPECT_EQ(result(up()), "OK");
}

// --- of SQLite alone

TEST_F(RunOfSqlite, AFileThatOthersWriteIsTriedFiveTimesAndNothingIsChanged) {
  write("0001_table.sql", "CREATE TABLE t (x integer);");
  up();
  write("0002_more.sql", "ALTER TABLE t ADD COLUMN y integer;");
  const auto other = *target().open("");
  UpOptions options;
  options.limits.lock_timeout = 10ms;
  options.say = [&](const std::string& line) {
    if (line.starts_with("lock: acquired")) other->execute("BEGIN IMMEDIATE");
  };
  EXPECT_EQ(result(up(options)), "9 MG-SQLITE_5");
  EXPECT_THAT(said_, HasSubstr("try 5 of 5"));
  other->execute("ROLLBACK");
  EXPECT_THAT(standings(), ElementsAre("0001_table applied", "0002_more pending"));
}

TEST_F(RunOfSqlite, AFileThatOthersWriteIsWaitedForAsLongAsAskedFor) {
  write("0001_table.sql", "CREATE TABLE t (x integer);");
  up();
  write("0002_more.sql", "ALTER TABLE t ADD COLUMN y integer;");
  const auto other = *target().open("");
  other->execute("BEGIN IMMEDIATE");
  EXPECT_EQ(result(up()), "9 MG-SQLITE_5");
  UpOptions options;
  options.lock_wait = 60s;
  RunReport report;
  {
    const std::jthread waiting([&] { report = up(options); });
    other->execute("ROLLBACK");
  }
  EXPECT_EQ(result(report), "OK");
}

// --- of PostgreSQL alone

TEST_F(RunInPostgres, AnIndexIsBuiltBesideTheWritersAndJournaledStepByStep) {
  write("0001_table.sql", "CREATE TABLE t (x integer, y integer);");
  write(
      "0002_index.sql",
      "-- guildhall: transaction=none\nCREATE INDEX CONCURRENTLY t_x ON t (x);\nCREATE TABLE u (x integer);\n"
      "CREATE INDEX CONCURRENTLY IF NOT EXISTS t_y ON t (y);");
  const auto report = up();
  ASSERT_EQ(result(report), "OK") << report.failed->finding.text;
  EXPECT_EQ(Journal(session(), Dialect::postgres).read()->at(1).statements_done, 3);
}

TEST_F(RunInPostgres, WhatStoppedMidwayGoesOnBehindItsLastStatement) {
  write("0001_table.sql", "CREATE TABLE t (x integer);");
  write("0002_steps.sql",
        "-- guildhall: transaction=none\nINSERT INTO t VALUES (1);\nCREATE UNIQUE INDEX CONCURRENTLY t_x ON "
        "t (x);\n"
        "INSERT INTO t VALUES (2);");
  session().execute("CREATE TABLE t (x integer); INSERT INTO t VALUES (1)");
  write("0001_table.sql", "CREATE TABLE IF NOT EXISTS t (x integer);");
  const auto stopped = up();
  EXPECT_EQ(result(stopped).substr(0, 2), "7 ");
  EXPECT_THAT(stopped.failed->finding.hint, HasSubstr("resume"));
  EXPECT_THAT(standings(), testing::Contains("0002_steps partial"));
  EXPECT_EQ(session().query("SELECT indisvalid FROM pg_index WHERE indexrelid = 't_x'::regclass").at(0).at(0),
            "f");
  session().execute("DELETE FROM t WHERE ctid = (SELECT min(ctid) FROM t)");
  UpOptions resume;
  resume.only_resume = true;
  const auto resumed = up(resume);
  EXPECT_EQ(result(resumed), "OK") << resumed.failed->finding.text;
  EXPECT_EQ(session().query("SELECT indisvalid FROM pg_index WHERE indexrelid = 't_x'::regclass").at(0).at(0),
            "t");
  EXPECT_EQ(session().query("SELECT count(*) FROM t").at(0).at(0), "2") << "the first statement ran once";
}

TEST_F(RunInPostgres, WhatIsDoneMayNotChangeBeforeTheRestRuns) {
  write("0001_steps.sql",
        "-- guildhall: transaction=none\nCREATE TABLE t (x integer);\nCREATE INDEX CONCURRENTLY i ON nowhere "
        "(x);");
  EXPECT_EQ(result(up()).substr(0, 2), "7 ");
  write("0001_steps.sql",
        "-- guildhall: transaction=none\nCREATE TABLE t (y integer);\nCREATE INDEX CONCURRENTLY i ON t (x);");
  EXPECT_EQ(result(up()), "5 MG-RESUME");
  write("0001_steps.sql",
        "-- guildhall: transaction=none\nCREATE TABLE t (x integer);\nCREATE INDEX CONCURRENTLY i ON t "
        "(x);\nDROP INDEX "
        "CONCURRENTLY i;");
  EXPECT_EQ(result(up()), "OK");
  EXPECT_EQ(Journal(session(), Dialect::postgres).read()->at(0).statements_total, 3);
}

TEST_F(RunInPostgres, AnInvalidIndexOfAnEarlierTryIsReplaced) {
  write("0001_table.sql", "CREATE TABLE t (x integer); INSERT INTO t VALUES (1), (1);");
  up();
  EXPECT_THROW(session().execute("CREATE UNIQUE INDEX CONCURRENTLY t_x ON t (x)"), store::DatabaseError);
  session().execute("DELETE FROM t WHERE ctid = (SELECT min(ctid) FROM t)");
  write("0002_index.sql", "CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS t_x ON t (x);");
  const auto report = up();
  EXPECT_EQ(result(report), "OK") << report.failed->finding.text;
  EXPECT_EQ(session().query("SELECT indisvalid FROM pg_index WHERE indexrelid = 't_x'::regclass").at(0).at(0),
            "t");
}

TEST_F(RunInPostgres, AStepWaitsForItsLockAsOftenAsATransaction) {
  write("0001_table.sql", "CREATE TABLE t (x integer);");
  up();
  write("0002_more.sql",
        "-- guildhall: transaction=none lock_timeout=20ms\nALTER TABLE t ADD COLUMN y integer;");
  session().execute("BEGIN; LOCK TABLE t IN ACCESS SHARE MODE");
  EXPECT_EQ(result(up()), "7 MG-55P03");
  EXPECT_THAT(said_, HasSubstr("try 5 of 5"));
  session().execute("ROLLBACK");
  EXPECT_EQ(result(up()), "OK");
}

TEST_F(RunInPostgres, WhatAScriptSetsIsSetForItAlone) {
  session().execute("CREATE ROLE other_role; GRANT other_role TO current_user");
  const std::string sets = "SET work_mem = '7MB'; SET ROLE other_role;";
  write("0001_sets.sql", sets);
  write("0002_steps.sql", "-- guildhall: transaction=none\n" + sets);
  write("0003_code.sql", "DO $$ BEGIN " + sets + " END $$;");
  write("0004_own.sql",
        "-- guildhall: lock_timeout=77ms\nCREATE TABLE own (x integer);\nDO $$ BEGIN PERFORM 1; END $$;");
  write("0005_seen.sql",
        "CREATE TABLE seen AS SELECT current_user = session_user AS me, current_setting('work_mem') AS mem, "
        "current_setting('lock_timeout') AS lock;");
  for (const bool together : {false, true}) {
    if (together) remove("0002_steps.sql");
    UpOptions options;
    options.together = together;
    const auto report = up(options);
    ASSERT_EQ(result(report), "OK") << report.failed->finding.text;
    EXPECT_THAT(session().query("SELECT me, mem, lock FROM seen").at(0), ElementsAre("t", "4MB", "3s"));
    session().execute("DROP TABLE own, seen; DROP SCHEMA guildhall CASCADE");
  }
  session().execute("DROP ROLE other_role");
}

TEST_F(RunInPostgres, ALockThatDoesNotComeIsTriedFiveTimesAndNothingIsChanged) {
  write("0001_table.sql", "CREATE TABLE t (x integer);");
  up();
  write("0002_more.sql", "-- guildhall: lock_timeout=20ms\nALTER TABLE t ADD COLUMN y integer;");
  session().execute("BEGIN; LOCK TABLE t IN ACCESS SHARE MODE");
  const auto report = up();
  session().execute("ROLLBACK");
  EXPECT_EQ(result(report), "9 MG-55P03");
  EXPECT_THAT(said_, HasSubstr("try 5 of 5"));
  EXPECT_THAT(standings(), ElementsAre("0001_table applied", "0002_more failed"));
  EXPECT_EQ(result(up()), "OK");
}

TEST_F(RunInPostgres, AStatementThatTakesTooLongEnds) {
  write("0001_slow.sql", "-- guildhall: statement_timeout=50ms\nSELECT pg_sleep(30);");
  EXPECT_EQ(result(up()), "9 MG-57014");
}

TEST_F(RunInPostgres, SettingsOfAFileEndWithIt) {
  write("0001_set.sql", "SET search_path = elsewhere; SET lock_timeout = 1;");
  write("0002_table.sql", "CREATE TABLE t (x integer);");
  const auto report = up();
  EXPECT_EQ(result(report), "OK") << report.failed->finding.text;
  EXPECT_EQ(session().query("SELECT to_regclass('public.t')").at(0).at(0), "t");
}

TEST_F(RunInPostgres, AServerThatOnlyReadsIsNotTouched) {
  write("0001_table.sql", "CREATE TABLE t (x integer);");
  session().execute(
      fmt::format("ALTER DATABASE {} SET default_transaction_read_only = on", target().database));
  EXPECT_EQ(result(up()), "3 MG-READONLY");
}

TEST_F(RunInPostgres, CtrlCEndsTheStatementThatRuns) {
  write("0001_slow.sql", "CREATE TABLE t (x integer); SELECT pg_sleep(30);");
  Interrupt interrupt;
  UpOptions options;
  options.interrupt = &interrupt;
  RunReport report;
  {
    const std::jthread running([&] { report = up(options); });
    for (int i = 0; i < 1000; ++i) {
      if (session()
              .query("SELECT 1 FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep(30)%' AND state = "
                     "'active' "
                     "AND datname = current_database()")
              .empty() == false)
        break;
      std::this_thread::sleep_for(10ms);
    }
    interrupt.raise(SIGINT);
  }
  EXPECT_EQ(result(report), "130 MG-INTERRUPTED");
  EXPECT_EQ(session().query("SELECT to_regclass('t')").at(0).at(0), "");
}

/// Not by the heartbeat, which comes too late: by the last statement before the commit.
TEST_F(AnyDatabaseRun, WhoseLockIsGoneAtTheEndCommitsNothing) {
  write("0001_own.sql", "CREATE TABLE t (x integer); DELETE FROM migration_lock WHERE lock_id = 1;");
  write("0002_more.sql", "CREATE TABLE u (x integer);");
  const std::string before = fingerprint();
  const auto report = up();
  EXPECT_EQ(result(report), "4 MG-FENCED");
  EXPECT_EQ(fingerprint(), before);
  EXPECT_THAT(*Journal(session(), target().dialect).read(), IsEmpty());
}

TEST_F(RunInPostgres, WhatFailsAtTheCommitItselfIsToldAsThat) {
  session().execute(
      "CREATE TABLE a (id integer PRIMARY KEY); CREATE TABLE b (a integer REFERENCES a "
      "DEFERRABLE INITIALLY DEFERRED)");
  write("0001_late.sql", "INSERT INTO b VALUES (7);");
  EXPECT_EQ(result(up()), "1 MG-23503");
  EXPECT_THAT(session().query("SELECT * FROM b"), IsEmpty());
}

TEST_F(RunInPostgres, WhoseLockIsTakenWhileItWorksIsEndedAndKeepsNothing) {
  write("0001_slow.sql", "CREATE TABLE t (x integer); SELECT pg_sleep(30);");
  RunReport report;
  {
    const std::jthread running([&] { report = up(); });
    for (int i = 0; i < 1000; ++i) {
      if (!session()
               .query("SELECT 1 FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep(30)%' AND state = "
                      "'active' "
                      "AND datname = current_database()")
               .empty())
        break;
      std::this_thread::sleep_for(10ms);
    }
    session().execute("DELETE FROM migration_lock WHERE lock_id = 1");
  }
  EXPECT_EQ(result(report), "4 MG-FENCED");
  EXPECT_EQ(session().query("SELECT to_regclass('t')").at(0).at(0), "");
}

TEST_F(AnyDatabaseRun, WhatStoppedMidwayAndHasLostItsFileIsMissing) {
  write("0000_two.sql",
        "-- guildhall: transaction=none\nCREATE TABLE a (x integer);\nINSERT INTO nope VALUES (1);");
  ASSERT_THAT(result(up()), testing::StartsWith("7 "));
  remove("0000_two.sql");
  write("0001_other.sql", "CREATE TABLE b (x integer);");
  EXPECT_THAT(standings(), ElementsAre("0000_two missing", "0001_other pending"));
  EXPECT_EQ(result(up()), "5 E-MISSING");
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

TEST_F(AnyDatabaseRun, WhoWaitsForTheLockHearsAnInterrupt) {
  const auto work = *open_work_session(target(), {});
  const auto rival = *open_work_session(target(), {});
  LockWish wish;
  wish.command = "up";
  const auto held = *Lock::take(target(), *work, wish);
  Interrupt interrupt;
  wish.interrupt = &interrupt;
  wish.wait = 10min;
  interrupt.raise(SIGINT);
  const auto refused = Lock::take(target(), *rival, wish);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().exit, Exit::interrupted);
}

TEST_F(AnyDatabaseRun, AnInterruptEndsTheBackupAndNothingIsRun) {
  write("0000_table.sql", "CREATE TABLE a (x integer);");
  Interrupt interrupt;
  UpOptions options;
  options.interrupt = &interrupt;
  options.backup.emplace();
  options.backup->folder = folder_.path() / "backups";
  options.backup->external = {"/bin/sleep", "600"};
  std::jthread presses([&] { interrupt.raise(SIGTERM); });
  EXPECT_EQ(result(up(options)), "143 MG-INTERRUPTED");
  EXPECT_THAT(standings(), ElementsAre("0000_table pending"));
}

}  // namespace
}  // namespace guildhall::migrate
