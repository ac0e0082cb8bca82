#include "platforms/discord/session.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/json.h"
#include "platforms/discord/gateway_testing.h"

namespace guildhall::discord {
namespace {

using namespace std::chrono_literals;  // NOLINT
using testing::ElementsAre;
using testing::HasSubstr;

TEST_F(GatewayTest, ASessionOfOtherShardsIsNotTakenUp) {
  store->session = SavedSession{"s-0", "wss://resume", 5, kDefaultIntents, {}};
  options.shard = {1, 2};
  begin();
  EXPECT_THAT(peer().url, HasSubstr("wss://main/"));
  hello();
  EXPECT_EQ(json::array(*json::find(last_frame(), "d"), "shard"), (json::Array{1, 2}));
}

/// A resumed session would not tell of the channels that somebody asks for.
TEST_F(GatewayTest, ASessionOfBeforeIsNotTakenUpWhereEachGuildIsToBeTold) {
  store->session = SavedSession{"s-0", "wss://resume", 5, kDefaultIntents, {}};
  State demanding({.channels = true, .members = false}, metrics);
  remembered = &demanding;
  begin();
  EXPECT_THAT(peer().url, HasSubstr("wss://main/"));
  stop();
}

/// A resumed session shows what it began with.
TEST_F(GatewayTest, APresenceThatWasConfiguredMeanwhileIsToldOnceTheSessionIsUp) {
  store->session = SavedSession{"s-0", "wss://resume", 5, kDefaultIntents, {}, {}, {}, "playing chess"};
  options.presence = "idle";
  begin();
  hello();
  advance(5s);
  EXPECT_THAT(ops(), ElementsAre(6));
  event("RESUMED", "{}", 6);
  ASSERT_THAT(ops(), ElementsAre(6, 3));
  EXPECT_EQ(json::text(*json::find(last_frame(), "d"), "status"), "idle");
  stop();
  begin();
  hello();
  event("RESUMED", "{}", 7);
  EXPECT_THAT(ops(), ElementsAre(6)) << "it is shown already";
}

TEST_F(GatewayTest, IntentsSwitchedOnMeanwhileCountFromTheNextStartOn) {
  begin();
  hello();
  close(4014);
  advance(7s);
  hello();
  ready();
  stop();
  begin();
  ASSERT_EQ(peers.size(), 3U);
  EXPECT_EQ(peer().url, "wss://main/?v=10&encoding=json");
  hello();
  EXPECT_EQ(json::integer(*json::find(last_frame(), "d"), "intents"), 1 + 2 + 512 + 32768);
}

/// A start is for all processes, a hand-over loses no event.
TEST_F(GatewayTest, ASessionWithoutRefusedIntentsIsHandedOver) {
  options.handed_over = true;
  store->session = SavedSession{"s-0", "wss://resume", 5, kGuilds | kGuildMessages, {}};
  begin();
  EXPECT_EQ(peer().url, "wss://resume/?v=10&encoding=json");
  EXPECT_THAT(listener.notes, ElementsAre("refused Server Members Intent, Message Content Intent"));
  EXPECT_EQ(gateway->health().refused_intents, kGuildMembers | kMessageContent);
  hello();
  event("RESUMED", "{}", 6);
  stop();
  EXPECT_EQ(store->session->intents, kGuilds | kGuildMessages);
  store->session->intents = kGuilds;  // of a version that asked for less
  begin();
  EXPECT_EQ(peer().url, "wss://main/?v=10&encoding=json");
}

TEST_F(GatewayTest, StoppingLeavesASessionThatTheNextStartResumes) {
  come_up(R"([{"id":"11","unavailable":true}])");
  message("x", 41);
  advance(16s);
  stop();
  EXPECT_EQ(peer().client_closed, 4000);
  ASSERT_TRUE(ended->has_value());
  EXPECT_TRUE(ended->value().has_value());
  ASSERT_TRUE(store->session);
  EXPECT_EQ(
      *store->session,
      (SavedSession{"s-1", "wss://resume", 41, kDefaultIntents, {ServerId(11)}, {}, DiscordUserId(99)}));

  listener.notes.clear();
  begin();
  EXPECT_EQ(peer().url, "wss://resume/?v=10&encoding=json");
  hello();
  EXPECT_EQ(json::integer(*json::find(last_frame(), "d"), "seq"), 41);
  event("GUILD_CREATE", R"({"id":"11","name":"back from an outage"})", 42);
  event("GUILD_CREATE", R"({"id":"12","name":"new"})", 43);
  EXPECT_THAT(listener.notes, ElementsAre("filled 11", "joined 12"));
}

TEST_F(GatewayTest, ASessionBegunWithOtherIntentsIsNotTakenUp) {
  store->session = SavedSession{"s-0", "wss://resume", 3, kGuilds, {}};
  begin();
  EXPECT_EQ(peer().url, "wss://main/?v=10&encoding=json");
}

TEST_F(GatewayTest, TheSequenceIsSavedWithEveryAnsweredBeatAndWhileEventsCome) {
  come_up();
  message("x", 30);
  EXPECT_LT(store->session->sequence, 30);
  advance(20s);
  say(R"({"op":11})");
  EXPECT_EQ(store->session->sequence, 30);
  advance(10s);
  message("y", 31);
  EXPECT_EQ(store->session->sequence, 31);
  message("z", 32);
  EXPECT_EQ(store->session->sequence, 31) << "not with each event";
}

TEST_F(GatewayTest, ASlowStoreEndsUpWithTheNewestSession) {
  store->timing = timing;
  begin();
  hello();
  ready();
  message("x", 2);
  advance(1s);
  message("y", 9);
  stop();
  advance(10s);
  EXPECT_TRUE(ended->has_value());
  EXPECT_EQ(store->session->sequence, 9);
}

/// A process that is killed takes with it what is not committed.
TEST_F(GatewayTest, WhatIsPutDownIsNoNewerThanWhatIsHandled) {
  come_up();
  message("x", 30);
  listener.keeps = true;
  member(7, 31);
  member(8, 32);
  message("y", 33);
  advance(20s);
  say(R"({"op":11})");
  EXPECT_EQ(store->session->sequence, 30);
  listener.kept.erase(listener.kept.begin());
  close(1006);
  advance(3s);
  EXPECT_EQ(store->session->sequence, 31);
  hello();
  EXPECT_EQ(json::integer(*json::find(last_frame(), "d"), "seq"), 33) << "the process itself has them all";
  listener.kept.clear();
  stop();
  EXPECT_EQ(store->session->sequence, 33);
}

TEST_F(GatewayTest, AStoreThatThrowsCostsOnlyTheMemory) {
  struct Broken final : SessionStore {
    Task<std::optional<SavedSession>> load() override {
      throw std::runtime_error("no database");
      co_return std::nullopt;
    }
    Task<void> save(std::optional<SavedSession>) override {
      throw std::runtime_error("no database");
      co_return;
    }
  };
  begin(std::make_shared<Broken>());
  hello();
  EXPECT_THAT(ops(), ElementsAre(2));
  ready();
  EXPECT_TRUE(gateway->health().connected);
  stop();
  EXPECT_TRUE(ended->has_value());
}

TEST(SavedSessions, AreAsTheyWereWrittenDown) {
  const SavedSession session{"id", "wss://r", 12, kDefaultIntents, {ServerId(9'007'199'254'740'993)}, {3, 4}};
  EXPECT_EQ(read_session(write_session(session)), session);
  EXPECT_EQ(read_session(write_session(std::nullopt)), std::nullopt);
  EXPECT_EQ(read_session("nonsense"), std::nullopt);
}

}  // namespace
}  // namespace guildhall::discord
