#include "migrate/application.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <thread>

#include "tests/support/migration_run.h"

namespace guildhall::migrate {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

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

class AnyDatabaseLosingRun : public AnyDatabaseRun {
 protected:
  /// On a session that is lost with that statement, once the lock is taken.
  RunReport up_losing(const std::string& statement, UpOptions options = {}) {
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
};

TEST_F(AnyDatabaseLosingRun, WhatWasCommittedWithoutAnAnswerIsApplied) {
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

TEST_F(AnyDatabaseLosingRun, WhatIsNotOneTransactionStoppedMidwayWhenTheConnectionIsLost) {
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
