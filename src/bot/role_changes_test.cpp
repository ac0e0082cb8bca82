#include "bot/role_changes.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <condition_variable>
#include <thread>

#include "tests/support/test_world.h"

namespace guildhall::bot {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;

/// A Discord that does what it is told, or answers as the test says.
class RoleChanges : public testing::Test {
 protected:
  RoleChanges() {
    world_.server(1);
    world_.server(2);
    world_.execute("INSERT INTO settings VALUES (1, 'log_channel_id', '42', 0)", 1);
    loops_.start();
  }
  ~RoleChanges() override { world_.close(loops_); }

  void want(std::string member, std::string role, std::string wanted = "add", std::int64_t server = 1) {
    world_.execute(
        fmt::format("INSERT INTO role_changes VALUES ({}, '{}', '{}', '{}', 'watchtime', '', 90, 0, "
                    "0, '')",
                    server, member, role, wanted),
        server);
  }
  /// Of a group's, of which 101 stands above 100. `attempts`: of which nobody knows what became.
  void want_of_group(std::string role, int attempts = 0) {
    world_.execute(
        fmt::format("INSERT INTO role_changes VALUES (1, '5', '{0}', 'add', 'watchtime', 'g', {0}, {1}, "
                    "{2}, '')",
                    role, attempts, attempts > 0 ? to_micros(world_.clock.now() + 5min) : 0),
        1);
  }

  Task<Result<RoleAnswer>> take(ServerId server, RoleChange change) {
    const std::scoped_lock lock(mutex_);
    calls_.push_back(
        fmt::format("{} {} {} {}", server.str(), change.wanted, change.member_id, change.role_id));
    const auto answer = answers_.find(change.role_id);
    if (answer == answers_.end()) co_return RoleAnswer::done;
    co_return answer->second;
  }

  /// Lets the worker come to its end, and returns what it called.
  std::vector<std::string> work() {
    net::run_to_end(worker_.sweep());
    loops_.drain(20s);
    const std::scoped_lock lock(mutex_);
    return std::exchange(calls_, {});
  }
  std::string waiting() {
    return world_.dump("SELECT member_id, role_id, wanted FROM role_changes ORDER BY 1, 2");
  }
  std::string grants() { return world_.dump("SELECT member_id, role_id FROM role_grants ORDER BY 1, 2"); }
  std::string said() { return world_.dump("SELECT body FROM outbox ORDER BY sequence"); }

  net::Loops loops_{2};  // outlive the database, whose answers they carry
  test::TestWorld world_;
  std::mutex mutex_;
  std::vector<std::string> calls_;
  std::map<std::string, Result<RoleAnswer>> answers_;
  RoleWorker worker_{loops_, *world_.tenancy, world_.declarations, world_.clock,
                     [this](ServerId server, RoleChange change) { return take(server, std::move(change)); }};
};

TEST_F(RoleChanges, WhatIsWantedIsDoneOnce) {
  want("5", "100");
  want("6", "100", "add", 2);
  EXPECT_THAT(work(), testing::UnorderedElementsAre("1 add 5 100", "2 add 6 100"));
  EXPECT_EQ(waiting(), "");
  EXPECT_EQ(grants(), "5|100\n6|100\n");
  EXPECT_THAT(work(), ElementsAre());
  want("5", "100", "remove");
  EXPECT_THAT(work(), ElementsAre("1 remove 5 100"));
  EXPECT_EQ(grants(), "6|100\n");
}

TEST_F(RoleChanges, ManyAreDoneOneAfterTheOther) {
  for (int member = 1; member <= 45; ++member) want(std::to_string(member), "100");
  EXPECT_EQ(work().size(), 45U);
  EXPECT_EQ(waiting(), "");
}

/// Killed between Discord's answer and the commit: the lease ends, and it is done once more.
TEST_F(RoleChanges, WhatNobodyFinishedIsDoneWhenItsLeaseIsOver) {
  want("5", "100");
  world_.execute(
      fmt::format("UPDATE role_changes SET lease_until = {}", to_micros(world_.clock.now() + 5min)), 1);
  EXPECT_THAT(work(), ElementsAre());
  world_.clock.advance(5min);
  EXPECT_THAT(work(), ElementsAre("1 add 5 100"));
  EXPECT_EQ(grants(), "5|100\n");
}

TEST_F(RoleChanges, WhoLeftHasItNotedForHisReturn) {
  answers_["100"] = RoleAnswer::no_member;
  want("5", "100");
  work();
  EXPECT_EQ(waiting(), "");
  EXPECT_EQ(grants(), "5|100\n");
  world_.in(1, [](store::Tx& tx) { return restore_roles(tx, "5", {"watchtime"}); });
  EXPECT_EQ(waiting(), "5|100|add\n");
}

TEST_F(RoleChanges, ARefusedRoleIsNamedOnceAndRests) {
  answers_["100"] = fail(ErrorCode::forbidden, "not allowed");
  for (const char* member : {"5", "6"}) want(member, "100");
  want("5", "101");
  EXPECT_THAT(work(), testing::UnorderedElementsAre("1 add 5 100", "1 add 5 101"));
  EXPECT_THAT(said(), HasSubstr("<@&100>"));
  EXPECT_EQ(grants(), "5|101\n");
  const std::string once = said();
  EXPECT_THAT(work(), ElementsAre());
  want("7", "100");
  world_.clock.advance(10min);
  EXPECT_EQ(work().size(), 1U);
  EXPECT_EQ(said(), once);
}

TEST_F(RoleChanges, WhatRestsIsTriedAtOnceWhenTheBotMayMore) {
  answers_["100"] = fail(ErrorCode::forbidden, "not allowed");
  want("5", "100");
  work();
  answers_.clear();
  worker_.resume(world_.server(1));
  loops_.drain(20s);
  EXPECT_EQ(grants(), "5|100\n");
}

TEST_F(RoleChanges, OfARestingRoleOneIsTriedAndTheOthersAreLeftAlone) {
  answers_["100"] = fail(ErrorCode::forbidden, "not allowed");
  for (int member = 10; member < 15; ++member) want(std::to_string(member), "100");
  work();
  EXPECT_EQ(world_.dump("SELECT count(*) FROM role_changes WHERE lease_until = 0 AND last_error = ''"),
            "4\n");
  world_.clock.advance(10min);
  EXPECT_EQ(work().size(), 1U);
  answers_.clear();
  worker_.resume(world_.server(1));
  loops_.drain(20s);
  EXPECT_EQ(waiting(), "");
}

/// A moderator gave by hand what the bot could not.
TEST_F(RoleChanges, WhatTheBotNeverGaveIsNotTakenForAHigherRole) {
  answers_["100"] = fail(ErrorCode::forbidden, "not allowed");
  want_of_group("100");
  work();
  want_of_group("101");
  work();
  answers_.clear();
  world_.clock.advance(10min);
  EXPECT_THAT(work(), ElementsAre());
  EXPECT_EQ(waiting(), "");
  EXPECT_EQ(grants(), "5|101\n");
}

/// Killed after Discord's answer.
TEST_F(RoleChanges, WhatTheBotMayHaveGivenIsTakenForAHigherRole) {
  want_of_group("100", 1);
  want_of_group("101");
  EXPECT_THAT(work(), ElementsAre("1 add 5 101", "1 remove 5 100"));
  EXPECT_EQ(waiting(), "");
}

TEST_F(RoleChanges, ARoleThatIsGoneIsNamed) {
  answers_["100"] = RoleAnswer::no_role;
  want("5", "100");
  work();
  EXPECT_THAT(said(), HasSubstr("not there any more"));
  EXPECT_THAT(said(), HasSubstr("(100)")) << "for its name is shown no more";
  EXPECT_EQ(grants(), "");
}

TEST_F(RoleChanges, ARoleThatIsGoneNeedsNotBeTaken) {
  want("5", "100");
  work();
  answers_["100"] = RoleAnswer::no_role;
  want("5", "100", "remove");
  work();
  EXPECT_EQ(waiting(), "");
  EXPECT_EQ(grants(), "");
  EXPECT_EQ(said(), "");
}

TEST_F(RoleChanges, WhatFailsForNowIsTriedLater) {
  answers_["100"] = fail(ErrorCode::rate_limited, "slow down");
  for (const char* member : {"5", "6"}) want(member, "100");
  EXPECT_THAT(work(), ElementsAre("1 add 5 100"));
  EXPECT_EQ(said(), "");
  answers_.clear();
  EXPECT_THAT(work(), ElementsAre("1 add 6 100"));
  world_.clock.advance(10s);
  EXPECT_THAT(work(), ElementsAre("1 add 5 100"));
}

/// It comes back before all that was put in meanwhile is done.
TEST_F(RoleChanges, WhatFailsAgainAndAgainHoldsUpNobody) {
  answers_["100"] = fail(ErrorCode::unavailable, "Discord is at its wits' end");
  want("1", "100");
  work();
  for (int member = 2; member < 30; ++member) want(std::to_string(member), "101");
  world_.clock.advance(10min);
  work();
  EXPECT_EQ(waiting(), "1|100|add\n");
}

TEST_F(RoleChanges, AMemberIsToldOnceWhatHeHasEarned) {
  worker_.on_names([](ServerId, std::string) -> Task<std::string> { co_return "Regular*"; });
  want("7", "100");
  work();
  EXPECT_EQ(said(), "") << "nobody asked for that";
  world_.execute("INSERT INTO settings VALUES (1, 'watchtime_roles_message', 'true', 0)", 1);
  want("8", "100");
  want("9", "100");
  answers_["100"] = RoleAnswer::done;
  work();
  EXPECT_EQ(world_.dump("SELECT destination FROM outbox ORDER BY 1"), "member:8\nmember:9\n");
  EXPECT_THAT(said(), testing::AllOf(HasSubstr("90 minutes (1.5 h)"), HasSubstr("Regular\\*")));
  want("8", "100");
  work();
  want("8", "100", "remove");
  answers_["100"] = RoleAnswer::no_member;
  want("10", "100");
  work();
  EXPECT_EQ(world_.dump("SELECT count(*) FROM outbox"), "2\n") << "he has it already, or has left";
}

TEST_F(RoleChanges, IdsAreTakenFromMentions) {
  EXPECT_EQ(normalise_role_id("<@&77>"), "77");
  EXPECT_EQ(normalise_role_id("77"), "77");
  for (const char* wrong : {"", "<@77>", "-5", "0", "role"}) EXPECT_FALSE(normalise_role_id(wrong)) << wrong;
}

}  // namespace
}  // namespace guildhall::bot
