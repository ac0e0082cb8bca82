// Who goes first, and who is kept from going at all.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

#include "platforms/discord/rest_testing.h"

namespace guildhall::discord {
namespace {

using namespace std::chrono_literals;  // NOLINT
using testing::ElementsAre;

struct RateLimitsTest : RestTest {
  auto post_for(std::int64_t guild, std::int64_t channel, Urgency urgency = Urgency::background,
                std::string text = "hi") {
    NewMessage message{.content = std::move(text), .urgency = urgency, .guild = ServerId(guild)};
    return start(client.create_message(DiscordChannelId(channel), std::move(message)));
  }
  /// A guild writes in `channels` of its channels at once.
  void flood(std::int64_t guild, int channels, Urgency urgency = Urgency::background) {
    for (int i = 0; i < channels; ++i) post_for(guild, guild * 1'000 + i, urgency);
  }
  /// When the channel's first message went out, counted from the first request of all.
  std::chrono::nanoseconds sent_after(std::int64_t channel) {
    for (std::size_t i = 0; i < http.requests.size(); ++i) {
      if (path(i) == "/channels/" + std::to_string(channel) + "/messages") return time(i) - time(0);
    }
    return std::chrono::hours(1);
  }
  std::vector<std::string> texts_in(std::int64_t channel) {
    std::vector<std::string> texts;
    for (std::size_t i = 0; i < http.requests.size(); ++i) {
      if (path(i) == "/channels/" + std::to_string(channel) + "/messages")
        texts.push_back(json::text_or(body(i), "content", ""));
    }
    return texts;
  }
};

TEST_F(RateLimitsTest, OneGuildsFloodDelaysAnothersMessageByItsTurnOnly) {
  flood(1, 450);
  flood(2, 300);
  post_for(3, 3'000);
  advance(20s);
  EXPECT_EQ(http.requests.size(), 751U);
  EXPECT_LE(sent_after(3'000), 1s);
  // The two take turns: the smaller flood is over when as much of the larger one is.
  EXPECT_LE(sent_after(2'299), 14s);
  for (std::size_t i = 50; i < http.requests.size(); ++i) EXPECT_GE(time(i) - time(i - 50), 1s) << i;
}

TEST_F(RateLimitsTest, WhoIsWaitedForOvertakesWhatCanWait) {
  flood(1, 200);
  post_for(1, 7, Urgency::person);
  start(client.edit_answer(ApplicationId(98), "secret", "done"));
  EXPECT_EQ(path(http.requests.size() - 1), "/webhooks/98/secret/messages/@original");
  advance(5s);
  EXPECT_EQ(sent_after(7), 1s);
  EXPECT_EQ(sent_after(1'199), 4s);
}

TEST_F(RateLimitsTest, AnInteractionsLateAnswerOvertakesOtherAnswers) {
  flood(1, 200, Urgency::person);
  post_for(1, 7, Urgency::interaction);
  advance(5s);
  EXPECT_EQ(sent_after(7), 1s);
  EXPECT_EQ(sent_after(1'199), 4s);
}

TEST_F(RateLimitsTest, WhatCanWaitGoesOnBesideAFloodOfAnswers) {
  flood(1, 300, Urgency::person);
  post_for(2, 2'000);
  advance(10s);
  EXPECT_LE(sent_after(2'000), 1s);
}

TEST_F(RateLimitsTest, AChannelsMessagesKeepTheirOrderThroughAFlood) {
  http.delay = 20ms;
  flood(1, 200);
  for (const char* text : {"a", "b", "c", "d"}) post_for(1, 7, Urgency::background, text);
  advance(30s);
  EXPECT_THAT(texts_in(7), ElementsAre("a", "b", "c", "d"));
}

TEST_F(RateLimitsTest, AnAnswerOvertakesWhatWaitsInItsOwnChannel) {
  http.delay = 100ms;
  for (const char* text : {"a", "b", "c"}) post_for(1, 7, Urgency::background, text);
  for (const char* text : {"x", "y"}) post_for(1, 7, Urgency::person, text);
  advance(5s);
  EXPECT_THAT(texts_in(7), ElementsAre("a", "x", "y", "b", "c"));
}

TEST_F(RateLimitsTest, AFullQueueTurnsItsOwnGuildAwayOnly) {
  http.delay = 10s;
  flood(1, 50);  // this second is over
  flood(2, 500);
  const auto one_more = post_for(2, 9);
  ASSERT_TRUE(one_more->has_value());
  EXPECT_EQ(one_more->value().error().code, ErrorCode::rate_limited);
  EXPECT_FALSE(post_for(3, 10)->has_value());
  advance(15s);
  EXPECT_LE(sent_after(10), 2s);
}

TEST_F(RateLimitsTest, WhoGivesUpAtTheGateLeavesItToTheOthers) {
  http.then(429, R"({"message":"slow","retry_after":59,"global":true})", {{"x-ratelimit-scope", "global"}});
  flood(1, 60);
  advance(1s);
  flood(2, 60);
  advance(64s);
  // After 59 s fifty go, of each guild as many. The patience of those who came first is over when more may.
  EXPECT_EQ(http.requests.size(), 1U + 50 + 35);
  EXPECT_LE(sent_after(2'059), 61s);
}

}  // namespace
}  // namespace guildhall::discord
