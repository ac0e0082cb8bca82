#include "migrate/lock.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <thread>

#include "base/process.h"
#include "migrate/journal.h"
#include "tests/support/any_database.h"

namespace guildhall::migrate {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

/// The number of a process that has ended.
pid_t gone_process() {
  const pid_t child = fork();
  if (child == 0) _exit(0);
  waitpid(child, nullptr, 0);
  return child;
}

/// What a runner needs, taken in one go.
struct Runner {
  std::unique_ptr<store::SchemaSession> work;
  std::unique_ptr<Lock> lock;
};

template <class Fixture>
class LockTest : public Fixture {
 protected:
  Outcome<Runner> take(std::chrono::milliseconds wait = 0ms) {
    Runner runner{*target().open(""), nullptr};
    LockWish wish;
    wish.command = "up";
    wish.wait = wait;
    wish.timings = timings_;
    wish.say = [this](const std::string& line) {
      const std::scoped_lock lock(mutex_);
      said_ += line + "\n";
    };
    auto lock = Lock::take(target(), *runner.work, wish);
    if (!lock) return std::unexpected(lock.error());
    runner.lock = *std::move(lock);
    return runner;
  }
  std::string lock_table() const { return own_table(target().dialect, "migration_lock"); }
  /// As if the holder had been silent for so long.
  void age(std::chrono::seconds by) {
    const bool postgres = target().dialect == Dialect::postgres;
    session().execute(postgres
                          ? fmt::format("UPDATE {} SET heartbeat_at = clock_timestamp() - interval '{} s'",
                                        lock_table(), by.count())
                          : fmt::format("UPDATE {} SET heartbeat_at = {} - {}", lock_table(),
                                        now_of(Dialect::sqlite), by.count() * 1'000'000));
  }
  /// A row of a runner whose session is gone.
  void leave_row(const std::string& host, std::int64_t pid, std::chrono::seconds silent) {
    {
      const auto once = take();
    }  // makes the tables
    session().execute(
        fmt::format("INSERT INTO {} (lock_id, token, locked_by, host, os_pid, locked_at, heartbeat_at, "
                    "command) VALUES (1, 77, "
                    "'deploy', '{}', {}, {}, {}, 'up')",
                    lock_table(), host, pid, now_of(target().dialect), now_of(target().dialect)));
    age(silent);
  }

  using Fixture::session;
  using Fixture::target;

  LockTimings timings_{200ms, 1200ms, 600s, 300s, 20ms};
  std::mutex mutex_;
  std::string said_;
};

using AnyDatabaseLock = LockTest<test::OnAnyDatabase>;
using LockInPostgres = LockTest<test::OnPostgres>;

TEST_F(AnyDatabaseLock, OneHasItAndTheOthersAreToldWho) {
  const auto first = take();
  ASSERT_TRUE(first);
  const auto second = take();
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().exit, Exit::locked);
  EXPECT_EQ(second.error().finding.code, "MG-LOCK");
  EXPECT_THAT(second.error().finding.text, HasSubstr(fmt::format("pid {}", getpid())));
}

TEST_F(AnyDatabaseLock, ReleasedItIsFreeAndTheNextTokenIsHigher) {
  std::int64_t before = 0;
  {
    const auto first = take();
    ASSERT_TRUE(first);
    before = first->lock->token();
    EXPECT_TRUE(look_at_lock(session(), target().dialect).held);
  }
  EXPECT_FALSE(look_at_lock(session(), target().dialect).held);
  const auto second = take();
  ASSERT_TRUE(second);
  EXPECT_GT(second->lock->token(), before);
}

TEST_F(AnyDatabaseLock, WhoWaitsGetsItWhenItIsReleased) {
  auto first = take();
  ASSERT_TRUE(first);
  Outcome<Runner> second = stop(Exit::failed, "", "");
  {
    const std::jthread waiting([&] { second = take(30s); });
    std::this_thread::sleep_for(100ms);  // it may also ask first now: that is right too
    first->lock.reset();
  }
  EXPECT_TRUE(second) << second.error().finding.text;
}

TEST_F(AnyDatabaseLock, OfManyAtOnceOnlyOneHasIt) {
  std::atomic<int> inside{0};
  std::atomic<int> most{0};
  std::atomic<int> done{0};
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 8; ++i) {
      threads.emplace_back([&] {
        const auto runner = take(60s);
        if (!runner) return;
        const int now = ++inside;
        if (now > most) most = now;
        --inside;
        ++done;
      });
    }
  }
  EXPECT_EQ(most, 1);
  EXPECT_EQ(done, 8);
}

TEST_F(AnyDatabaseLock, OfTwentyRivalsForAStaleOneOneWins) {
  for (int round = 0; round < 5; ++round) {
    leave_row("another-host", 4711, 700s);
    std::atomic<int> winners{0};
    std::vector<Runner> kept(20);
    {
      std::vector<std::jthread> threads;
      for (int i = 0; i < 20; ++i) {
        threads.emplace_back([&, i] {
          auto runner = take();
          if (!runner) return;
          ++winners;
          kept[static_cast<std::size_t>(i)] = *std::move(runner);
        });
      }
    }
    EXPECT_EQ(winners, 1) << "round " << round;
  }
}

TEST_F(AnyDatabaseLock, ARunnerOfThisMachineWhoseProcessIsGoneIsReplacedAtOnce) {
  leave_row(host_name(), gone_process(), 0s);
  timings_.gone = 1h;
  const auto next = take();
  ASSERT_TRUE(next) << next.error().finding.text;
  EXPECT_GT(next->lock->token(), 77);
  EXPECT_THAT(said_, HasSubstr("taken over"));
}

TEST_F(AnyDatabaseLock, ARunnerOfAnotherMachineWhoseSessionIsGoneIsReplacedAfterTwoBeats) {
  leave_row("another-host", 4711, 1s);
  const auto begun = std::chrono::steady_clock::now();
  ASSERT_TRUE(take());
  EXPECT_GE(std::chrono::steady_clock::now() - begun, 150ms);
  EXPECT_THAT(said_, HasSubstr("taken over from another-host pid 4711 (session gone)"));
}

TEST_F(AnyDatabaseLock, WhoWakesAfterATakeoverCannotCommit) {
  auto frozen = take();
  ASSERT_TRUE(frozen);
  store::SchemaSession& work = *frozen->work;
  work.execute("CREATE TABLE kept (x int)");
  work.execute("BEGIN");
  work.execute("INSERT INTO kept VALUES (1)");
  EXPECT_TRUE(frozen->lock->check(work));
  work.execute("ROLLBACK");
  session().execute(fmt::format("UPDATE {} SET token = token + 1", lock_table()));
  work.execute("BEGIN");
  const auto checked = frozen->lock->check(work);
  work.execute("ROLLBACK");
  ASSERT_FALSE(checked);
  EXPECT_EQ(checked.error().exit, Exit::locked);
  frozen->lock.reset();
  EXPECT_TRUE(look_at_lock(session(), target().dialect).held) << "the row of the other is not ours to take";
}

TEST_F(AnyDatabaseLock, TheRowMayBeDeletedByHandAndThatIsNoticed) {
  const auto runner = take();
  ASSERT_TRUE(runner);
  session().execute(fmt::format("DELETE FROM {} WHERE lock_id = 1", lock_table()));
  EXPECT_FALSE(runner->lock->check(*runner->work));
}

// --- of PostgreSQL alone

TEST_F(LockInPostgres, TheHeartBeatsAndTellsWhatIsDone) {
  const auto runner = take();
  ASSERT_TRUE(runner);
  runner->lock->show("0004_x, statement 5 of 13");
  age(300s);
  for (int i = 0; i < 500 && look_at_lock(session(), target().dialect).heartbeat_age_ms > 100'000; ++i)
    std::this_thread::sleep_for(10ms);
  const LockHolder holder = look_at_lock(session(), target().dialect);
  EXPECT_LT(holder.heartbeat_age_ms, 100'000);
  EXPECT_EQ(holder.current_migration, "0004_x, statement 5 of 13");
}

TEST_F(LockInPostgres, WhoLosesItIsToldWhileItWorks) {
  const auto runner = take();
  ASSERT_TRUE(runner);
  std::atomic<bool> told{false};
  runner->lock->on_lost([&] {
    told = true;
    told.notify_all();
  });
  session().execute("DELETE FROM guildhall.migration_lock");
  told.wait(false);
  EXPECT_TRUE(told);
}

TEST_F(LockInPostgres, AStatementThatOutlivesItsRunnerKeepsOthersOut) {
  auto runner = take();
  ASSERT_TRUE(runner);
  // The runner's own session is gone, what it started is not.
  auto work = std::move(runner->work);
  session().execute(
      "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND database = (SELECT oid "
      "FROM pg_database WHERE datname = current_database()) AND pid <> (SELECT backend_pid FROM "
      "guildhall.migration_lock)");
  const auto next = take(2s);
  ASSERT_FALSE(next);
  EXPECT_THAT(next.error().finding.hint, HasSubstr("--terminate"));
  runner->lock.reset();
}

TEST_F(LockInPostgres, ARunnerWhoseProcessIsGoneIsWaitedForUntilItsServerNotices) {
  auto runner = take();
  ASSERT_TRUE(runner);
  const std::string dead = fmt::format("UPDATE guildhall.migration_lock SET os_pid = {}", gone_process());
  session().execute(dead);
  timings_.dies = 0ms;
  EXPECT_FALSE(take());
  timings_.dies = 60s;
  Outcome<Runner> next = stop(Exit::failed, "", "");
  {
    const std::jthread waiting([&] { next = take(); });
    runner->lock.reset();
  }
  EXPECT_TRUE(next);
}

TEST_F(LockInPostgres, AWaitingRunnerDoesNotHinderAnIndexThatIsBuiltBesideTheWriters) {
  auto runner = take();
  ASSERT_TRUE(runner);
  session().execute("CREATE TABLE big (x int); INSERT INTO big SELECT generate_series(1, 50000)");
  Outcome<Runner> second = stop(Exit::failed, "", "");
  {
    const std::jthread waiting([&] { second = take(60s); });
    std::this_thread::sleep_for(50ms);
    runner->work->execute("CREATE INDEX CONCURRENTLY big_x ON big (x)");
    EXPECT_EQ(
        session().query("SELECT indisvalid FROM pg_index WHERE indexrelid = 'big_x'::regclass").at(0).at(0),
        "t");
    runner->lock.reset();
  }
  EXPECT_TRUE(second);
}

TEST_F(LockInPostgres, ATableOfAnotherToolIsRespected) {
  session().execute(
      "CREATE TABLE migration_lock (lock_id int PRIMARY KEY CHECK (lock_id = 1), locked_at timestamp, "
      "locked_by "
      "varchar(255)); INSERT INTO migration_lock VALUES (1, now() AT TIME ZONE 'UTC', 'host-1-pid-7')");
  const auto refused = take();
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().finding.text, HasSubstr("host-1-pid-7"));
  session().execute("UPDATE migration_lock SET locked_at = locked_at - interval '11 minutes'");
  EXPECT_TRUE(take());
}

}  // namespace
}  // namespace guildhall::migrate
