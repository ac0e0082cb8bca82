#include "platforms/discord/connection.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "platforms/discord/gateway_testing.h"
#include "platforms/discord/window_limit.h"

namespace guildhall::discord {
namespace {

using namespace std::chrono_literals;  // NOLINT
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

TEST_F(GatewayTest, BeatsAfterAJitteredFirstIntervalAndThenEveryInterval) {
  timing->chance = 0.25;
  come_up();
  advance(9s);
  EXPECT_EQ(beats(), 0);
  advance(2s);
  EXPECT_EQ(beats(), 1);
  EXPECT_EQ(json::integer(last_frame(), "d"), 1);
  say(R"({"op":11,"d":null})");
  message("x", 7);
  advance(38s);
  EXPECT_EQ(beats(), 1);
  advance(2s);
  EXPECT_EQ(beats(), 2);
  EXPECT_EQ(json::integer(last_frame(), "d"), 7);
}

TEST_F(GatewayTest, ARequestedBeatGoesAtOnceAndShiftsNothing) {
  come_up();
  say(R"({"op":1,"d":null})");
  EXPECT_EQ(beats(), 1);
  advance(19s);
  EXPECT_EQ(beats(), 1);
  advance(1s);
  EXPECT_EQ(beats(), 2);
}

TEST_F(GatewayTest, AMissingAnswerToARequestedBeatIsNoZombie) {
  come_up();
  advance(19s);
  say(R"({"op":1,"d":null})");
  advance(2s);
  EXPECT_EQ(peer().client_closed, std::nullopt);
  EXPECT_EQ(peers.size(), 1U);
}

TEST_F(GatewayTest, AFloodOfBeatRequestsLeavesRoomForTheSchedule) {
  come_up();
  for (int i = 0; i < 500; ++i) say(R"({"op":1,"d":null})");
  EXPECT_LT(peer().from_client.size(), 120U);
  const auto before = beats();
  advance(20s);
  EXPECT_EQ(beats(), before + 1);
  EXPECT_LE(peer().from_client.size(), 120U);
}

TEST_F(GatewayTest, AFloodOfBeatRequestsLeavesRoomToIdentify) {
  begin();
  for (int i = 0; i < 500; ++i) say(R"({"op":1,"d":null})");
  hello();
  EXPECT_EQ(ops().back(), 2);
  ready();
  advance(20s);
  EXPECT_EQ(ops().back(), 1);
  EXPECT_LE(peer().from_client.size(), 120U);
}

TEST_F(GatewayTest, AnUnansweredBeatMeansADeadConnectionThatIsResumed) {
  come_up();
  message("x", 5);
  advance(20s);
  EXPECT_EQ(peer().client_closed, std::nullopt);
  advance(40s);
  EXPECT_EQ(peers.front()->client_closed, 4000);
  advance(2s);
  ASSERT_EQ(peers.size(), 2U);
  EXPECT_EQ(peer().url, "wss://resume/?v=10&encoding=json");
  hello();
  ASSERT_THAT(ops(), ElementsAre(6));
  const json::Value resume = *json::find(last_frame(), "d");
  EXPECT_EQ(json::text(resume, "token"), "a-token");
  EXPECT_EQ(json::text(resume, "session_id"), "s-1");
  EXPECT_EQ(json::integer(resume, "seq"), 5);
}

/// What came is read as fast as it can be, and behind it lies the answer.
TEST_F(GatewayTest, AnAnswerBehindABacklogIsNoSilence) {
  come_up();
  advance(20s);
  for (int i = 0; i < 2'500; ++i) {
    message("one of many", i + 2);
    advance(20ms);
  }
  EXPECT_EQ(beats(), 2) << "also while the first one has no answer";
  EXPECT_EQ(peers.size(), 1U);
  say(R"({"op":11})");
  advance(40s);
  EXPECT_EQ(peers.size(), 1U);
  // A pause in which an answer would have been read: there is none.
  message("the last one", 2'600);
  advance(30s);
  EXPECT_EQ(peers.front()->client_closed, 4000);
}

/// Nothing of this process ran, so neither was the answer read.
TEST_F(GatewayTest, WhoWasBusyWithSomethingElseDoesNotTakeTheOtherSideForDead) {
  come_up();
  advance(21s);
  EXPECT_EQ(beats(), 1);
  timing->sleep_through(50s);
  timing->move_on(timing->now());
  say(R"({"op":11})");  // was there all the time, but the clock is looked at first
  advance(10s);
  EXPECT_EQ(beats(), 2);
  EXPECT_EQ(peers.size(), 1U);
}

TEST_F(GatewayTest, AMachineThatSleptForAnHourResumesAtOnce) {
  come_up();
  message("x", 5);
  advance(20s);
  say(R"({"op":11})");
  timing->sleep_through(1h);
  advance(2s);
  EXPECT_EQ(peers.front()->client_closed, 4000);
  ASSERT_EQ(peers.size(), 2U);
  hello();
  ASSERT_THAT(ops(), ElementsAre(6));
  event("RESUMED", "{}", 6);
  for (int i = 0; i < 10; ++i) {
    advance(40s);
    say(R"({"op":11})");
  }
  EXPECT_EQ(peers.size(), 2U);
  EXPECT_EQ(asked, 1) << "nothing was identified";
}

/// The clock of beats stands still meanwhile, and what it waits for comes no sooner.
TEST_F(GatewayTest, AMachineThatSleptForAnHourIsNoticedWithinSeconds) {
  come_up();
  advance(20s);
  say(R"({"op":11})");
  timing->machine_slept += 35s;
  advance(39s);
  EXPECT_EQ(peers.size(), 1U) << "not yet too long for Discord";
  advance(1s);
  say(R"({"op":11})");
  timing->machine_slept += 1h;
  advance(5s);
  EXPECT_EQ(peer().client_closed, 4000);
  EXPECT_EQ(beats(), 2) << "none into the void";
  advance(2s);
  ASSERT_EQ(peers.size(), 2U);
  hello();
  EXPECT_THAT(ops(), ElementsAre(6));
  event("RESUMED", "{}", 2);
  advance(1min);
  EXPECT_EQ(peers.size(), 2U) << "and not the new connection's fault";
}

TEST_F(GatewayTest, AClockThatIsSetDisturbsNothing) {
  come_up();
  message("x", 5);
  for (const auto set : {24h, -48h, 0h}) {
    timing->clock_set = set;
    advance(20s);
    say(R"({"op":11})");
    advance(20s);
  }
  EXPECT_EQ(beats(), 3);
  EXPECT_EQ(peers.size(), 1U);
  timing->clock_set = -100h;
  close(1006);
  advance(2s);
  ASSERT_EQ(peers.size(), 2U);
  hello();
  EXPECT_EQ(json::integer(*json::find(last_frame(), "d"), "seq"), 5);
  say(R"({"op":9,"d":false})");
  advance(10s);
  ASSERT_EQ(peers.size(), 3U);
  hello();
  EXPECT_THAT(ops(), ElementsAre(2)) << "Discord says itself how many sessions are left";
}

TEST_F(GatewayTest, WhileItsHandlerIsFullNothingIsReadAndTheConnectionStays) {
  come_up();
  advance(20s);
  say(R"({"op":11})");
  listener.notes.clear();
  listener.full = true;
  for (int i = 0; i < 100; ++i) message("waiting", 10 + i);
  EXPECT_LE(listener.notes.size(), 1U) << "the one that was waited for";
  advance(10min);
  EXPECT_EQ(beats(), 16);
  EXPECT_EQ(peers.size(), 1U);
  for (int i = 0; i < 15; ++i) say(R"({"op":11})");
  listener.full = false;
  advance(1min);
  EXPECT_EQ(listener.notes.size(), 100U);
  EXPECT_EQ(peers.size(), 1U);
  EXPECT_THAT(metrics.text(), HasSubstr("guildhall_discord_reading_pauses_total 1\n"));
  listener.full = true;
  say("{}");
  stop();
  advance(1s);
  EXPECT_TRUE(ended->has_value());
}

TEST_F(GatewayTest, WhileItsHandlerIsFullAResumeIsNotLate) {
  come_up();
  close(1006);
  advance(2s);
  listener.full = true;
  hello();
  EXPECT_THAT(ops(), ElementsAre(6)) << "what is full takes no events, but the session waits for no one";
  message("replayed", 2);
  advance(10min);
  message("replayed", 3);
  event("RESUMED", "{}", 4);
  listener.full = false;
  advance(1s);
  EXPECT_EQ(peers.size(), 2U);
  EXPECT_TRUE(gateway->health().connected);
}

TEST_F(GatewayTest, ASecondHelloIsNotGreeted) {
  begin();
  hello();
  hello();
  EXPECT_THAT(ops(), ElementsAre(2));
}

TEST_F(GatewayTest, SilenceBeforeHelloAndBeforeReadyEnds) {
  begin();
  advance(11s);
  EXPECT_EQ(peers.front()->client_closed, 4000);
  advance(10s);
  ASSERT_GE(peers.size(), 2U);
  hello(300'000);
  const std::size_t before = peers.size();
  advance(61s);
  EXPECT_EQ(peers[before - 1]->client_closed, 4000);
}

TEST_F(GatewayTest, AReadyWithoutHelloIsNoSession) {
  begin();
  ready();
  advance(61s);
  EXPECT_EQ(peers.front()->client_closed, 4000);
}

TEST_F(GatewayTest, AFrameThatDiscordWouldRefuseIsNotSent) {
  begin();
  hello();
  event("READY",
        R"({"user":{"id":"99"},"resume_gateway_url":"wss://resume","guilds":[],"session_id":")" +
            std::string(4096, 's') + "\"}",
        1);
  close(1006);
  advance(2s);
  hello();
  EXPECT_THAT(ops(), IsEmpty());
  advance(8s);
  ASSERT_EQ(peers.size(), 3U);
  EXPECT_EQ(peer().url, "wss://main/?v=10&encoding=json");
}

TEST(WindowLimit, KeepsSomeFree) {
  WindowLimit limit(10, 60s);
  const SteadyTime start{};
  for (int i = 0; i < 6; ++i) limit.add(start + i * 1s);
  EXPECT_EQ(limit.next(start + 6s, 3), start + 6s);
  EXPECT_EQ(limit.next(start + 6s, 4), start + 60s);
  EXPECT_EQ(limit.next(start + 6s, 6), start + 62s);
  EXPECT_EQ(limit.next(start + 6s, 10), SteadyTime::max());
}

}  // namespace
}  // namespace guildhall::discord
