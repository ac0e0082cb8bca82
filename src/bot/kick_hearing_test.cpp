// When what Kick posts has reached us, and which times are gaps.
#include "bot/kick_hearing.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/test_world.h"

namespace guildhall::bot {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;

class Hearing : public testing::Test {
 protected:
  TimePoint now() const { return world_.clock.now(); }
  TimePoint after(Duration time) {
    world_.clock.set(now() + time);
    return now();
  }
  std::vector<std::string> hear() { return net::run_to_end(hearing_.hear(now())); }
  bool trust(const std::string& channel = "7") { return net::run_to_end(hearing_.trust(channel, now())); }
  void doubt(TimePoint since, const std::string& reason) {
    net::run_to_end(hearing_.doubt("7", since, reason));
  }
  std::vector<ChannelGap> gaps(const std::string& channel = "7") {
    return net::run_to_end(hearing_.gaps(channel));
  }

  test::TestWorld world_;
  KickHearing hearing_{world_.tenancy->global()};
};

TEST_F(Hearing, AShortRestartIsNoGapAndALongPauseIsOne) {
  EXPECT_FALSE(trust());
  after(2min);
  EXPECT_THAT(hear(), IsEmpty());
  const TimePoint last = now();
  const TimePoint back = after(1h);
  EXPECT_THAT(hear(), ElementsAre("7"));
  EXPECT_THAT(hear(), IsEmpty());
  ASSERT_EQ(gaps().size(), 1U);
  EXPECT_EQ(gaps()[0].from, last);
  EXPECT_EQ(gaps()[0].until, back);
  EXPECT_EQ(gaps()[0].reason, "stopped");
  EXPECT_THAT(gaps("8"), IsEmpty()) << "another channel's";
}

TEST_F(Hearing, WhatIsDoubtedIsAGapThatGoesOnUntilItIsTrusted) {
  trust();
  const TimePoint seen = after(2min);
  hear();
  after(2min);
  hear();
  doubt(seen, kUnsubscribed);
  doubt(now(), kSilent);
  after(10min);
  EXPECT_THAT(hear(), IsEmpty());
  ASSERT_EQ(gaps().size(), 1U);
  EXPECT_EQ(gaps()[0].from, seen);
  EXPECT_FALSE(gaps()[0].until);
  EXPECT_EQ(gaps()[0].reason, kUnsubscribed) << "the first doubt stays";

  EXPECT_TRUE(trust());
  EXPECT_FALSE(trust());
  ASSERT_EQ(gaps().size(), 1U);
  EXPECT_EQ(gaps()[0].until, now());
  after(2min);
  EXPECT_THAT(hear(), IsEmpty());
}

TEST_F(Hearing, AChannelThatIsNewOrThatNobodyListensToHasNoGap) {
  doubt(now() - 1h, kUnsubscribed);
  EXPECT_FALSE(trust());
  EXPECT_THAT(gaps(), IsEmpty());
  trust("8");
  net::run_to_end(hearing_.keep({"8"}));
  after(1h);
  EXPECT_THAT(hear(), ElementsAre("8"));
  EXPECT_FALSE(trust());
  EXPECT_THAT(gaps(), IsEmpty()) << "it comes back as a new one";
}

TEST_F(Hearing, GapsAreForgottenAfterAMonth) {
  trust();
  after(1h);
  hear();
  ASSERT_EQ(gaps().size(), 1U);
  after(std::chrono::days(40));
  hear();
  ASSERT_EQ(gaps().size(), 1U) << "the new one alone";
  EXPECT_EQ(gaps()[0].until, now());
}

TEST_F(Hearing, GapsAreForgottenAlsoWhereNothingStopsEver) {
  trust();
  after(1h);
  hear();
  ASSERT_EQ(gaps().size(), 1U);
  doubt(now(), kSilent);  // from here on no pause of the bot is a gap of its own
  after(std::chrono::days(40));
  EXPECT_THAT(hear(), IsEmpty());
  ASSERT_EQ(gaps().size(), 1U);
  EXPECT_FALSE(gaps()[0].until) << "the one that goes on";
}

}  // namespace
}  // namespace guildhall::bot
