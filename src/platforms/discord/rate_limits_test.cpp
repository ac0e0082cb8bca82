// Who goes first, and who is kept from going at all.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "platforms/discord/rest_testing.h"

namespace guildhall::discord {
namespace {

using namespace std::chrono_literals;  // NOLINT
using testing::ElementsAre;
using testing::HasSubstr;

struct RateLimitsTest : RestTest {
  auto post_for(std::int64_t guild, std::int64_t channel, Urgency urgency = Urgency::background,
                std::string text = "hi") {
    NewMessage message{.body = std::move(text), .urgency = urgency, .guild = ServerId(guild)};
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

TEST_F(RateLimitsTest, WhateverAGuildDoesInItsChannelsTakesItsOwnPartOnly) {
  for (int i = 0; i < 40; ++i) {
    const DiscordChannelId channel(1'000 + i);
    start(client.edit_message(ServerId(1), channel, MessageId(5), "x"));
    start(client.delete_messages(ServerId(1), channel, {MessageId(6)}, ""));
    start(
        client.delete_messages(ServerId(1), channel, {MessageId(1LL << 61), MessageId((1LL << 61) + 1)}, ""));
    start(client.modify_channel(ServerId(1), channel, {{"rate_limit_per_user", 5}}, ""));
  }
  for (int i = 0; i < 10; ++i) post_for(2, 2'000 + i);
  advance(10s);
  EXPECT_EQ(http.requests.size(), 170U);
  EXPECT_LE(sent_after(2'009), 1s);
}

TEST_F(RateLimitsTest, APauseThatIsNoNumberIsNotStated) {
  for (const auto* odd : {"nan", "inf", "soon"}) {
    http.requests.clear();
    http.then(429, "<!DOCTYPE html>", {{"retry-after", odd}});
    post(1);
    advance(59s);
    EXPECT_EQ(http.requests.size(), 1U) << odd << " makes nobody ask again at once";
    advance(20s);
    post(1);
    EXPECT_EQ(http.requests.size(), 2U) << odd << " closes the channel for a minute, as if nothing was said";
  }
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

/// Another channel's answer names the bucket of their route while they wait.
TEST_F(RateLimitsTest, AChannelsMessagesKeepTheirOrderWhileTheirBucketIsNamed) {
  for (int i = 0; i < 4; ++i) http.then(200, std::string(kSent), bucket("h", 3, "5"));
  http.delay = 500ms;
  post_for(1, 7, Urgency::background, "a");
  post_for(1, 7, Urgency::background, "b");
  http.delay = 100ms;
  post_for(1, 8);
  advance(200ms);
  post_for(1, 7, Urgency::background, "c");
  EXPECT_THAT(texts_in(7), ElementsAre("a"));
  advance(5s);
  post_for(1, 7, Urgency::background, "d");
  advance(1s);
  EXPECT_THAT(texts_in(7), ElementsAre("a", "b", "c", "d"));
}

TEST_F(RateLimitsTest, ARouteWhoseBucketTurnsOutToBeAnothersWaitsThereFromThenOn) {
  const auto look = [&](const auto& route) { start(client.call(route, {}, ServerId(1))); };
  http.then(200, "[]", bucket("same", 3, "5"));
  http.then(200, "[]", bucket("same", 3, "5"));
  look(routes::kRoles);
  look(routes::kChannels);
  http.then(200, "[]", bucket("same", 0, "5"));
  look(routes::kRoles);
  look(routes::kChannels);
  EXPECT_EQ(http.requests.size(), 3U);
  advance(6s);
  EXPECT_EQ(http.requests.size(), 4U);
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

TEST_F(RateLimitsTest, ManyWhoGiveUpTogetherLeaveTheGateToOthersToo) {
  http.then(429, R"({"message":"slow","retry_after":59,"global":true})", {{"x-ratelimit-scope", "global"}});
  flood(1, 60, Urgency::person);
  advance(1s);
  flood(2, 20);
  advance(64s);
  // A fifth of the fifty is for those who can wait; when the twenty answers that are left give up, they are
  // next.
  EXPECT_EQ(http.requests.size(), 1U + 50 + 10);
}

// With other processes ------------------------------------------------------------------------------------

TEST(GlobalParts, AreNeverTogetherMoreThanTheWholeUnlessThatWereTooLittle) {
  for (std::size_t processes = 1; processes <= 10; ++processes)
    EXPECT_LE(processes * global_part(processes), 50U) << processes;
  EXPECT_EQ(global_part(0), 50U);
  EXPECT_EQ(global_part(1), 50U);
  EXPECT_EQ(global_part(3), 16U);
  EXPECT_EQ(global_part(1'000), 5U);
}

TEST_F(RateLimitsTest, AProcessAmongOthersKeepsToItsPart) {
  client.share_limits(5);
  flood(1, 30);
  advance(1500ms);
  EXPECT_EQ(http.requests.size(), 20U);
  advance(10s);
  ASSERT_EQ(http.requests.size(), 30U);
  for (std::size_t i = 10; i < 30; ++i) EXPECT_GE(time(i) - time(i - 10), 1s) << i;
  client.share_limits(1);
  flood(2, 50);
  EXPECT_EQ(http.requests.size(), 80U);
}

TEST_F(RateLimitsTest, WhoIsJoinedByOthersWaitsUntilItsPartIsFreeAgain) {
  flood(1, 50);
  client.share_limits(2);
  flood(2, 30);
  EXPECT_EQ(http.requests.size(), 50U);
  advance(1s);
  EXPECT_EQ(http.requests.size(), 75U);
}

TEST_F(RateLimitsTest, WhoIsJoinedByOthersHasNotAtOnceUpItsPartOfRefusals) {
  const auto refused = [&] {
    http.then(403, R"({"code":50013,"message":"Missing Permissions"})");
    answer(static_cast<int>(http.requests.size()));
  };
  for (int i = 0; i < 700; ++i) refused();
  client.share_limits(3);
  for (int i = 0; i < 500; ++i) refused();
  // 700 of 2,000 are as much as 234 of 666.
  EXPECT_EQ(http.requests.size(), 700U + 666U - 234U);
}

TEST_F(RateLimitsTest, RefusalsOfAllProcessesAreCountedInPartsToo) {
  client.share_limits(4);
  for (int i = 0; i < 501; ++i) {
    http.then(403, R"({"code":50013,"message":"Missing Permissions"})");
    answer(i);
  }
  EXPECT_EQ(http.requests.size(), 500U);
}

// What is not even tried ---------------------------------------------------------------------------------

struct RefusalsTest : RateLimitsTest {
  void refuse(int status, int code) {
    http.then(status, R"({"message":"no","code":)" + std::to_string(code) + "}");
  }
  template <class T>
  static ErrorCode error_of(const std::shared_ptr<std::optional<Result<T>>>& answer) {
    return answer->value().error().code;
  }
  auto rename(std::int64_t channel, json::Object changes = {{"name", "n"}}) {
    return start(client.modify_channel(std::nullopt, DiscordChannelId(channel), std::move(changes), ""));
  }
};

TEST_F(RefusalsTest, AChannelThatRefusedIsLeftInPeace) {
  refuse(403, 50013);
  EXPECT_EQ(error_of(post(1)), ErrorCode::forbidden);
  const auto again = post(1);
  EXPECT_EQ(error_of(again), ErrorCode::forbidden);
  EXPECT_THAT(again->value().error().message, HasSubstr("channel 1"));
  EXPECT_EQ(http.requests.size(), 1U);
  post(2);
  start(client.edit_message(std::nullopt, DiscordChannelId(1), MessageId(5),
                            "own messages can still be edited"));
  EXPECT_EQ(http.requests.size(), 3U);
  advance(1min);
  EXPECT_TRUE(post(1)->has_value());
  EXPECT_EQ(http.requests.size(), 4U);
}

TEST_F(RefusalsTest, WhatStaysRefusedIsAskedEverMoreSeldom) {
  for (int i = 0; i < 20; ++i) refuse(403, 50013);
  std::vector<std::chrono::nanoseconds> asked;
  for (int minute = 0; minute < 200; ++minute) {
    const std::size_t before = http.requests.size();
    post(1);
    if (http.requests.size() > before) asked.push_back(std::chrono::minutes(minute));
    advance(1min);
  }
  EXPECT_THAT(asked, ElementsAre(0min, 1min, 3min, 7min, 15min, 31min, 63min, 123min, 183min));
}

TEST_F(RefusalsTest, OneThatSucceedsEndsTheSeries) {
  refuse(403, 50013);
  post(1);
  advance(1min);
  EXPECT_TRUE(post(1)->has_value());
  refuse(403, 50013);
  post(1);
  advance(1min);
  post(1);
  EXPECT_EQ(http.requests.size(), 4U);
}

TEST_F(RefusalsTest, WhoWaitsForSuchAChannelIsNotSentEither) {
  http.delay = 100ms;
  refuse(403, 50001);
  std::vector<std::shared_ptr<std::optional<Result<MessageId>>>> waiting;
  for (int i = 0; i < 20; ++i) waiting.push_back(post(1));
  advance(1s);
  EXPECT_EQ(http.requests.size(), 1U);
  for (const auto& one : waiting) EXPECT_EQ(error_of(one), ErrorCode::forbidden);
}

TEST_F(RefusalsTest, WhereItMayNotReplyItMaySpeak) {
  const auto reply = [&] {
    return start(client.create_message(DiscordChannelId(1), {.body = "x", .reply_to = MessageId(5)}));
  };
  refuse(403, 160002);
  EXPECT_EQ(error_of(reply()), ErrorCode::forbidden);
  EXPECT_EQ(error_of(reply()), ErrorCode::forbidden);
  EXPECT_EQ(http.requests.size(), 1U);
  EXPECT_TRUE(post(1)->has_value());
  EXPECT_EQ(http.requests.size(), 2U);
}

TEST_F(RefusalsTest, WhereItMayNotSpeakItNeitherRepliesNorAttaches) {
  refuse(403, 50013);
  post(1);
  const auto say = [&](NewMessage message) {
    return error_of(start(client.create_message(DiscordChannelId(1), std::move(message))));
  };
  EXPECT_EQ(say({.body = "x", .reply_to = MessageId(5)}), ErrorCode::forbidden);
  EXPECT_EQ(say({.body = "x", .files = {{.name = "n", .bytes = "x"}}}), ErrorCode::forbidden);
  EXPECT_EQ(http.requests.size(), 1U);

  refuse(403, 50013);
  EXPECT_EQ(
      error_of(start(client.create_message(DiscordChannelId(2), {.body = "x", .reply_to = MessageId(5)}))),
      ErrorCode::forbidden);
  EXPECT_EQ(error_of(post(2)), ErrorCode::forbidden) << "want of the history has a code of its own";
  EXPECT_EQ(http.requests.size(), 2U);
}

TEST_F(RefusalsTest, WhatNobodyKnowsTheNeedsOfClosesNothingElse) {
  const auto start_thread = [&] {
    return start(
        client.call(routes::kStartThread, {.body = json::Object{{"name", "n"}}}, DiscordChannelId(1)));
  };
  refuse(403, 50013);
  EXPECT_EQ(error_of(start_thread()), ErrorCode::forbidden);
  EXPECT_EQ(error_of(start_thread()), ErrorCode::forbidden);
  EXPECT_EQ(http.requests.size(), 1U);
  EXPECT_TRUE(post(1)->has_value());
  EXPECT_EQ(http.requests.size(), 2U);
}

TEST_F(RefusalsTest, AChannelClosedForOneGuildIsOpenForAnother) {
  for (const int code : {50001, 50013}) {
    refuse(403, code);
    EXPECT_EQ(error_of(post_for(1, code)), ErrorCode::forbidden);
    EXPECT_TRUE(post_for(2, code)->has_value());
    EXPECT_EQ(error_of(post_for(1, code)), ErrorCode::forbidden)
        << "whoever calls for another guild opens nothing";
  }
  EXPECT_EQ(http.requests.size(), 4U);
}

TEST_F(RefusalsTest, AChannelThatCannotBeSeenIsClosedToEveryCall) {
  refuse(403, 50001);
  start(client.call(routes::kMessages, {}, DiscordChannelId(1)));
  EXPECT_EQ(error_of(post(1)), ErrorCode::forbidden);
  EXPECT_EQ(error_of(start(client.edit_message(std::nullopt, DiscordChannelId(1), MessageId(5), "x"))),
            ErrorCode::forbidden);
  EXPECT_EQ(http.requests.size(), 1U);
}

TEST_F(RefusalsTest, ChangedPermissionsOpenTheirGuildsChannels) {
  for (const std::int64_t guild : {1, 2}) {
    refuse(403, 50013);
    post_for(guild, 10 + guild);
  }
  client.permissions_changed(ServerId(1));
  settle();
  post_for(1, 11);
  EXPECT_EQ(http.requests.size(), 3U);
  EXPECT_EQ(error_of(post_for(2, 12)), ErrorCode::forbidden);
  EXPECT_EQ(http.requests.size(), 3U);
}

TEST_F(RefusalsTest, WhatConcernsOneMessageClosesNothing) {
  const auto erase = [&] {
    return start(client.call(routes::kDeleteMessage, {}, DiscordChannelId(1), MessageId(5)));
  };
  refuse(403, 50013);
  EXPECT_EQ(error_of(erase()), ErrorCode::forbidden);
  EXPECT_TRUE(erase()->value());
  refuse(403, 50005);
  start(client.edit_message(std::nullopt, DiscordChannelId(1), MessageId(5), "x"));
  refuse(403, 200000);
  post(1);
  EXPECT_TRUE(post(1)->has_value());
  EXPECT_EQ(http.requests.size(), 5U);
}

TEST_F(RefusalsTest, WhoTakesNoDirectMessagesIsNotWrittenToAgain) {
  refuse(403, 50007);
  post(1);
  EXPECT_EQ(error_of(post(1)), ErrorCode::forbidden);
  EXPECT_EQ(http.requests.size(), 1U);
}

TEST_F(RefusalsTest, ADeletedWebhookIsForgottenForEver) {
  const CallOptions text{.body = json::Object{{"content", "x"}}};
  refuse(404, 10015);
  EXPECT_EQ(error_of(start(client.call(routes::kExecuteWebhook, text, WebhookId(6), "s"))),
            ErrorCode::not_found);
  advance(24h);
  EXPECT_EQ(error_of(start(client.call(routes::kExecuteWebhook, text, WebhookId(6), "other"))),
            ErrorCode::not_found);
  EXPECT_EQ(error_of(start(client.call(routes::kDeleteWebhook, {}, WebhookId(6)))), ErrorCode::not_found);
  EXPECT_EQ(http.requests.size(), 1U);
  EXPECT_TRUE(start(client.call(routes::kExecuteWebhook, text, WebhookId(7), "s"))->value());
}

TEST_F(RefusalsTest, OneInteractionThatIsOverEndsNoOther) {
  refuse(404, 10015);
  EXPECT_EQ(error_of(start(client.edit_answer(ApplicationId(98), "old", "x"))), ErrorCode::not_found);
  EXPECT_TRUE(start(client.edit_answer(ApplicationId(98), "new", "x"))->value());
}

TEST_F(RefusalsTest, AnInteractionThatIsOverOrAnsweredIsNotTriedAgain) {
  for (const auto& [status, code] : {std::pair{404, 10062}, std::pair{400, 40060}}) {
    refuse(status, code);
    answer(4);
    refuse(status, code);
    start(client.edit_answer(ApplicationId(98), "s", "x"));
  }
  advance(1h);
  EXPECT_EQ(http.requests.size(), 4U);
}

// The limit that no header shows -------------------------------------------------------------------------

TEST_F(RefusalsTest, ARefusedNameHoldsBackNamesOfThatChannelOnly) {
  http.then(200, "{}", bucket("h", 3, "5"));
  http.then(200, "{}", bucket("h", 3, "5"));
  rename(1, {{"rate_limit_per_user", 5}});
  rename(1);
  http.then(429, R"({"message":"slow","retry_after":420.5,"global":false})", bucket("h", 2, "5"));
  EXPECT_EQ(error_of(rename(1)), ErrorCode::rate_limited);
  EXPECT_EQ(error_of(rename(1, {{"topic", "t"}})), ErrorCode::rate_limited);
  EXPECT_EQ(http.requests.size(), 3U);
  EXPECT_TRUE(rename(1, {{"rate_limit_per_user", 6}})->value());
  EXPECT_TRUE(rename(2)->value());
  EXPECT_TRUE(post(1)->has_value());
  EXPECT_EQ(http.requests.size(), 6U);
  advance(421s);
  EXPECT_TRUE(rename(1)->value());
}

/// Five of its tries at once would be five of the refusals that are counted.
TEST_F(RateLimitsTest, ARefusalOfTheEdgeHoldsUpAnInteractionsAnswerToo) {
  http.then(429, "<html>", {{"retry-after", "7"}});
  const auto edited = start(client.edit_answer(ApplicationId(98), "secret", "x"));
  advance(6s);
  EXPECT_EQ(http.requests.size(), 1U);
  advance(2s);
  EXPECT_EQ(http.requests.size(), 2U);
  EXPECT_TRUE(edited->value());
}

}  // namespace
}  // namespace guildhall::discord
