#include "convert/step_runner.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "migrate/apply.h"
#include "tests/support/any_database.h"

namespace guildhall::convert {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

class StepRunnerOfPostgres : public test::OnPostgres {
 protected:
  /// Runs the one step in a session as a conversion has it. What is in the way is in the way for too long.
  migrate::Outcome<void> run(const Step& step, const std::string& before = "SELECT 1") {
    migrate::ApplyLimits limits;
    limits.lock_timeout = 10ms;
    const auto session = *migrate::open_work_session(target(), limits);
    session->execute(before);
    Records(*session, migrate::Dialect::postgres).prepare();
    const auto lock = migrate::Lock::take(target(), *session, {});
    if (!lock) return std::unexpected(lock.error());
    StepRunner runner({.session = *session,
                       .lock = **lock,
                       .limits = {.lock_timeout = limits.lock_timeout, .patience = 0ms},
                       .say = [this](const std::string& line) { said_.push_back(line); }},
                      1);
    return runner.run({step});
  }

  std::vector<std::string> said_;
  const Step backfill_{.table = "points",
                       .what = "rows get their server",
                       .kind = StepKind::backfill,
                       .statements = {"UPDATE points SET server = 7 WHERE server IS NULL AND ctid >= $1::tid "
                                      "AND ctid < $2::tid"}};
};

TEST_F(StepRunnerOfPostgres, ABackfillNamesWhoHoldsItsTableAndGoesOnAfterwards) {
  session().execute("CREATE TABLE points (server bigint); INSERT INTO points VALUES (NULL), (8)");
  session().execute("SET application_name = 'a long report'; BEGIN; LOCK TABLE points");
  const auto blocked = run(backfill_);
  session().execute("ROLLBACK");
  ASSERT_FALSE(blocked);
  EXPECT_EQ(blocked.error().finding.code, "CV-BLOCKED");
  EXPECT_THAT(blocked.error().finding.text, HasSubstr("a long report"));
  const auto done = run(backfill_);
  EXPECT_TRUE(done) << done.error().finding.text;
  EXPECT_EQ(session().query("SELECT count(*) FILTER (WHERE server = 7), count(*) FROM points").at(0),
            (std::vector<std::string>{"1", "2"}));
}

/// What a session sees of the standbys: one that left, and one whose replay was paused an hour ago.
constexpr const char* kPausedStandby =
    "CREATE TEMP VIEW pg_stat_replication AS SELECT * FROM (VALUES (NULL::pg_lsn, NULL::interval, 'gone'), "
    "('0/1', '1 hour', 'reports'), ('0/1', '5 s', 'copy')) AS standby (replay_lsn, replay_lag, "
    "application_name)";

TEST_F(StepRunnerOfPostgres, AStandbyThatDoesNotCatchUpEndsTheRunWithItsNameAndItGoesOnAfterwards) {
  session().execute("CREATE TABLE points (server bigint); INSERT INTO points VALUES (NULL)");
  Step step = backfill_;
  for (const bool grows : {true, false}) {
    step.grows_with_size = grows;
    const auto ended = run(step, kPausedStandby);
    ASSERT_FALSE(ended);
    EXPECT_EQ(ended.error().exit, migrate::Exit::timed_out);
    EXPECT_EQ(ended.error().finding.code, "CV-LAG");
    EXPECT_THAT(ended.error().finding.text, HasSubstr("the standby reports did not come within 10000 ms"));
    EXPECT_THAT(ended.error().finding.hint, HasSubstr("--max-lag"));
    EXPECT_EQ(session().query("SELECT server FROM points").at(0).at(0), grows ? "" : "7")
        << "what is large is not begun, what was done stays";
  }
  EXPECT_TRUE(run(step));
}

}  // namespace
}  // namespace guildhall::convert
