#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "base/text.h"
#include "platforms/discord/rest_testing.h"

namespace guildhall::discord {
namespace {

using namespace std::chrono_literals;  // NOLINT
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

TEST_F(RestTest, ACallCarriesVersionTokenAndUserAgent) {
  http.then(
      200,
      R"({"url":"wss://gateway","session_start_limit":{"total":1000,"remaining":7,"reset_after":5000}})");
  const auto info = start(client.gateway_info());
  ASSERT_EQ(http.requests.size(), 1U);
  const net::HttpRequest& request = http.requests[0];
  EXPECT_EQ(request.method, "GET");
  EXPECT_EQ(request.url, "https://discord.test/api/v10/gateway/bot");
  EXPECT_EQ(request.header("authorization"), "Bot a-token");
  EXPECT_THAT(request.header("user-agent").value_or(""),
              testing::MatchesRegex(R"(DiscordBot \(https://example\.org, [0-9.]+\))"));
  EXPECT_EQ(request.header("content-type"), std::nullopt);
  ASSERT_TRUE(info->value());
  EXPECT_EQ(info->value()->url, "wss://gateway");
  EXPECT_EQ(info->value()->identifies->left, 7);
  EXPECT_EQ(info->value()->identifies->resets_after, 5s);
}

TEST_F(RestTest, ReadsWhoTheBotIs) {
  http.then(200, R"({"id":"98","name":"Guildhall","flags":0})");
  http.then(200, R"({"id":"99","username":"guildhall","bot":true})");
  http.then(200, R"({"id":"5","name":"Club","owner_id":"7","roles":[{"id":"5","permissions":"8"}]})");
  EXPECT_EQ(start(client.application())->value()->id, ApplicationId(98));
  EXPECT_EQ(start(client.self())->value()->name, "guildhall");
  const auto guild = start(client.guild(ServerId(5)));
  EXPECT_EQ(path(2), "/guilds/5");
  EXPECT_EQ(json::array(guild->value().value(), "roles").size(), 1U);
}

TEST_F(RestTest, AMessagePingsNobodyAndIsPostedOncePerNonce) {
  http.then(200, std::string(kSent));
  const auto sent =
      start(client.create_message(DiscordChannelId(5), NewMessage{"@everyone", "n-1", MessageId(9)}));
  EXPECT_EQ(sent->value(), MessageId(77));
  EXPECT_EQ(path(0), "/channels/5/messages");
  EXPECT_EQ(http.requests[0].header("content-type"), "application/json");
  EXPECT_EQ(body(0), *json::parse(R"({"content":"@everyone","allowed_mentions":{"parse":[]},"nonce":"n-1",
      "enforce_nonce":true,"message_reference":{"message_id":"9","fail_if_not_exists":false}})"));
}

TEST_F(RestTest, AnInteractionIsAnsweredWithoutTheToken) {
  http.then(204, "");
  EXPECT_TRUE(start(client.answer({.id = InteractionId(4), .token = "secret/1"}, Say{"hi", true}))->value());
  EXPECT_EQ(path(0), "/interactions/4/secret%2F1/callback");
  EXPECT_EQ(http.requests[0].header("authorization"), std::nullopt);
  EXPECT_EQ(body(0),
            *json::parse(R"({"type":4,"data":{"content":"hi","allowed_mentions":{"parse":[]},"flags":64}})"));

  EXPECT_TRUE(start(client.answer({.id = InteractionId(4), .token = "secret"}, Defer{true}))->value());
  EXPECT_EQ(body(1), *json::parse(R"({"type":5,"data":{"flags":64}})"));
  EXPECT_TRUE(start(client.answer({.id = InteractionId(4), .token = "secret"}, Defer{}))->value());
  EXPECT_EQ(body(2), *json::parse(R"({"type":5})"));

  EXPECT_TRUE(start(client.edit_answer(ApplicationId(98), "secret", "done"))->value());
  EXPECT_EQ(http.requests[3].method, "PATCH");
  EXPECT_EQ(path(3), "/webhooks/98/secret/messages/@original");
  EXPECT_EQ(
      body(3),
      *json::parse(R"({"content":"done","embeds":[],"components":[],"allowed_mentions":{"parse":[]}})"));

  EXPECT_TRUE(start(client.follow_up(ApplicationId(98), "secret", Say{"psst", true}))->value());
  EXPECT_EQ(http.requests[4].method, "POST");
  EXPECT_EQ(path(4), "/webhooks/98/secret");
  EXPECT_EQ(body(4), *json::parse(R"({"content":"psst","allowed_mentions":{"parse":[]},"flags":64})"));
}

TEST_F(RestTest, WhatDiscordWouldRefuseIsNotSent) {
  EXPECT_EQ(post(1, "")->value().error().code, ErrorCode::invalid);
  EXPECT_EQ(post(1, " \u3000\n")->value().error().code, ErrorCode::invalid);
  EXPECT_EQ(start(client.answer({.id = InteractionId(1), .token = "t"}, Update{"x"}))->value().error().code,
            ErrorCode::invalid)
      << "no message to change";
  EXPECT_TRUE(http.requests.empty());
}

TEST_F(RestTest, TextsAreCutToWhatDiscordTakes) {
  std::string smileys;
  for (int i = 0; i < 1001; ++i) smileys += "🙂";
  post(1, smileys);
  start(client.edit_answer(ApplicationId(1), "t", smileys));
  EXPECT_EQ(utf16_length(json::text_or(body(0), "content", "")), 1'999U) << "999 of two units each, and …";
  EXPECT_EQ(json::text(body(0), "content"), json::text(body(1), "content"));
}

TEST_F(RestTest, AChannelsMessagesGoOneAfterTheOtherAndChannelsSideBySide) {
  http.delay = 100ms;
  for (int i = 0; i < 3; ++i) post(1, std::to_string(i));
  post(2);
  EXPECT_EQ(http.requests.size(), 2U);
  advance(1s);
  ASSERT_EQ(http.requests.size(), 4U);
  EXPECT_EQ(path(1), "/channels/2/messages");
  EXPECT_EQ(json::text(body(0), "content"), "0");
  EXPECT_EQ(json::text(body(2), "content"), "1");
  EXPECT_EQ(json::text(body(3), "content"), "2");
  EXPECT_EQ(time(3) - time(2), 100ms);
}

TEST_F(RestTest, AnEmptiedBucketRestsForTheStatedFractionOfASecond) {
  http.then(200, std::string(kSent), bucket("h", 1, "0.75"));
  http.then(200, std::string(kSent), bucket("h", 0, "0.35"));
  for (int i = 0; i < 3; ++i) post(1);
  post(2);
  advance(5s);
  ASSERT_EQ(http.requests.size(), 4U);
  EXPECT_EQ(path(2), "/channels/2/messages");
  EXPECT_EQ(time(1), time(0));
  EXPECT_EQ(time(2), time(0));
  EXPECT_EQ(time(3) - time(1), 350ms);
}

TEST_F(RestTest, RoutesThatShareABucketWaitForEachOther) {
  http.then(200, R"({"id":"1","username":"b"})", bucket("same", 1, "3"));
  http.then(200, R"({"id":"1"})", bucket("same", 0, "3"));
  start(client.self());
  start(client.application());
  start(client.self());
  EXPECT_EQ(http.requests.size(), 2U);
  advance(2900ms);
  EXPECT_EQ(http.requests.size(), 2U);
  advance(200ms);
  EXPECT_EQ(http.requests.size(), 3U);
}

TEST_F(RestTest, MethodsThatShareAHashDoNotShareACounter) {
  http.then(200, "[]", bucket("same", 0, "30"));
  http.then(200, "[]", bucket("same", 3, "30"));
  start(client.commands(ApplicationId(98)));
  start(client.overwrite_commands(ApplicationId(98), {}));
  start(client.overwrite_commands(ApplicationId(98), {}));
  EXPECT_EQ(http.requests.size(), 3U);
}

TEST_F(RestTest, WhoWaitsMovesAlongWhenTwoBucketsTurnOutToBeOne) {
  http.delay = 100ms;
  for (int i = 0; i < 4; ++i) {
    http.then(200, R"({"id":"1","username":"b"})", bucket("same", 3, "3"));
  }
  start(client.self());
  start(client.application());
  const auto third = start(client.self());
  const auto fourth = start(client.application());
  advance(1s);
  EXPECT_TRUE(third->has_value());
  EXPECT_TRUE(fourth->has_value());
  EXPECT_EQ(http.requests.size(), 4U);
}

TEST_F(RestTest, ARefusalHoldsBackItsOwnBucketOnly) {
  http.then(429, R"({"message":"slow","retry_after":1.5,"global":false})", {{"x-ratelimit-scope", "user"}});
  http.then(200, std::string(kSent));
  http.then(200, std::string(kSent));
  const auto sent = post(1);
  post(2);
  EXPECT_EQ(http.requests.size(), 2U);
  advance(1500ms);
  EXPECT_EQ(http.requests.size(), 2U);
  advance(250ms);
  ASSERT_EQ(http.requests.size(), 3U);
  EXPECT_EQ(path(2), "/channels/1/messages");
  EXPECT_TRUE(sent->value());
}

TEST_F(RestTest, AGlobalRefusalHoldsBackEverythingButInteractions) {
  http.then(429, R"({"message":"slow","retry_after":2,"global":true})",
            {{"x-ratelimit-scope", "global"}, {"x-ratelimit-global", "true"}});
  post(1);
  post(2);
  EXPECT_EQ(http.requests.size(), 1U);
  answer(3);
  start(client.edit_answer(ApplicationId(98), "secret", "done"));
  EXPECT_EQ(http.requests.size(), 3U);
  advance(3s);
  EXPECT_EQ(http.requests.size(), 5U);
  EXPECT_GE(time(3) - time(0), 2s);
}

TEST_F(RestTest, ARefusalOfTheEdgeStopsEverythingForItsTimeOrAMinute) {
  http.then(429, "<html>slow down</html>", {{"retry-after", "7"}});
  http.then(429, "<html>slow down</html>");
  const auto sent = post(1);
  post(2);
  advance(7s);
  EXPECT_EQ(http.requests.size(), 1U);
  advance(250ms);
  EXPECT_GE(http.requests.size(), 2U);
  advance(10s);
  // A minute more is beyond anybody's patience.
  ASSERT_TRUE(sent->has_value());
  EXPECT_EQ(sent->value().error().code, ErrorCode::rate_limited);
}

TEST_F(RestTest, AWaitBeyondThePatienceFailsAtOnce) {
  http.then(429, R"({"retry_after":300.5,"global":false})");
  const auto first = post(1);
  const auto second = post(1);
  EXPECT_EQ(first->value().error().code, ErrorCode::rate_limited);
  EXPECT_EQ(second->value().error().code, ErrorCode::rate_limited);
  EXPECT_EQ(http.requests.size(), 1U);
  advance(301s);
  EXPECT_TRUE(post(1)->has_value());
  EXPECT_EQ(http.requests.size(), 2U);
}

TEST_F(RestTest, NoSecondHoldsMoreThanFiftyRequests) {
  for (int channel = 1; channel <= 130; ++channel) post(channel);
  advance(5s);
  ASSERT_EQ(http.requests.size(), 130U);
  for (std::size_t i = 50; i < 130; ++i) EXPECT_GE(time(i) - time(i - 50), 1s);
  EXPECT_LE(time(129) - time(0), 3s);
  EXPECT_EQ(path(129), "/channels/130/messages");
}

TEST_F(RestTest, InteractionAnswersDoNotCountTowardsTheFifty) {
  for (int i = 1; i <= 200; ++i) answer(i);
  EXPECT_EQ(http.requests.size(), 200U);
  post(1);
  EXPECT_EQ(http.requests.size(), 201U);
}

TEST_F(RestTest, AnInteractionsFirstAnswerIsNeverRepeated) {
  http.then_fail(ErrorCode::timeout);
  http.then(502, "");
  http.then(429, R"({"retry_after":0.1})");
  EXPECT_EQ(answer(1)->value().error().code, ErrorCode::timeout);
  EXPECT_EQ(answer(2)->value().error().code, ErrorCode::unavailable);
  EXPECT_EQ(answer(3)->value().error().code, ErrorCode::rate_limited);
  advance(1min);
  EXPECT_EQ(http.requests.size(), 3U);
}

TEST_F(RestTest, WhatMayHaveArrivedIsRepeatedOnlyWhereThatIsHarmless) {
  http.then_fail(ErrorCode::timeout);
  EXPECT_EQ(post(1)->value().error().code, ErrorCode::timeout);
  http.then(503, "");
  EXPECT_EQ(post(1)->value().error().code, ErrorCode::unavailable);
  advance(1min);
  EXPECT_EQ(http.requests.size(), 2U);

  http.then_fail(ErrorCode::unavailable);
  http.then(502, "<html>");
  http.then(200, std::string(kSent));
  const auto sent = post(1, "hi", "n-1");
  advance(10s);
  EXPECT_TRUE(sent->value());
  ASSERT_EQ(http.requests.size(), 5U);
  EXPECT_EQ(body(2), body(4));
  EXPECT_GE(time(3) - time(2), 500ms);
}

TEST_F(RestTest, AfterFiveTriesTheErrorStands) {
  for (int i = 0; i < 9; ++i) http.then(500, "");
  const auto me = start(client.self());
  advance(1min);
  EXPECT_EQ(me->value().error().code, ErrorCode::unavailable);
  EXPECT_EQ(http.requests.size(), 5U);
}

TEST_F(RestTest, ARefusedTokenStopsEverythingThatUsesIt) {
  http.then(401, R"({"message":"401: Unauthorized","code":0})");
  EXPECT_FALSE(post(1)->value());
  EXPECT_EQ(post(2)->value().error().code, ErrorCode::token_refused);
  EXPECT_EQ(start(client.gateway_info())->value().error().code, ErrorCode::token_refused);
  EXPECT_EQ(http.requests.size(), 1U);
}

TEST_F(RestTest, ASpentInteractionTokenStopsNothing) {
  http.then(401, R"({"message":"Invalid Webhook Token","code":50027})");
  EXPECT_EQ(start(client.edit_answer(ApplicationId(1), "old", "x"))->value().error().code,
            ErrorCode::unauthenticated);
  post(1);
  EXPECT_EQ(http.requests.size(), 2U);
}

TEST_F(RestTest, TooManyRefusalsOpenTheCircuitForTenMinutes) {
  for (int i = 0; i < 2000; ++i) {
    http.then(403, R"({"code":50013,"message":"Missing Permissions"})");
    answer(i);
  }
  EXPECT_EQ(http.requests.size(), 2000U);
  EXPECT_EQ(post(1)->value().error().code, ErrorCode::unavailable);
  EXPECT_EQ(answer(1)->value().error().code, ErrorCode::unavailable);
  EXPECT_EQ(http.requests.size(), 2000U);
  advance(10min);
  post(1);
  EXPECT_EQ(http.requests.size(), 2001U);
}

TEST_F(RestTest, SharedRefusalsAreNotCounted) {
  for (int i = 0; i < 2100; ++i) {
    http.then(429, R"({"retry_after":0.1,"global":false})", {{"x-ratelimit-scope", "shared"}});
    answer(i);
  }
  EXPECT_EQ(http.requests.size(), 2100U);
  post(1);
  EXPECT_EQ(http.requests.size(), 2101U);
}

TEST_F(RestTest, AQueueHasAnEnd) {
  http.delay = 1s;
  for (int i = 0; i < 501; ++i) post(1);
  const auto one_more = post(1);
  ASSERT_TRUE(one_more->has_value());
  EXPECT_EQ(one_more->value().error().code, ErrorCode::rate_limited);
}

TEST_F(RestTest, WhoWaitsTooLongInTheQueueGivesUp) {
  http.delay = 10s;
  std::vector<std::shared_ptr<std::optional<Result<MessageId>>>> waiting;
  for (int i = 0; i < 10; ++i) {
    http.then(200, std::string(kSent));
    waiting.push_back(post(1));
  }
  advance(2min);
  EXPECT_TRUE(waiting.front()->value());
  ASSERT_TRUE(waiting.back()->has_value());
  EXPECT_EQ(waiting.back()->value().error().code, ErrorCode::rate_limited);
  EXPECT_LT(http.requests.size(), 9U);
  const auto later = post(1);
  advance(11s);
  EXPECT_TRUE(later->value());
}

struct ErrorCase {
  int status;
  std::string body;
  ErrorCode means;
  std::string says;
};

struct RestErrors : RestTest, testing::WithParamInterface<ErrorCase> {};

TEST_P(RestErrors, SayWhatDiscordRefused) {
  http.then(GetParam().status, GetParam().body);
  const auto sent = post(1, "a private text");
  const Error& error = sent->value().error();
  EXPECT_EQ(error.code, GetParam().means);
  EXPECT_THAT(error.message, HasSubstr(GetParam().says));
  EXPECT_THAT(error.message, Not(HasSubstr("private text")));
}

INSTANTIATE_TEST_SUITE_P(
    Answers, RestErrors,
    testing::Values(
        ErrorCase{404, R"({"code":10003,"message":"Unknown Channel"})", ErrorCode::not_found, "10003"},
        ErrorCase{403, R"({"code":50001,"message":"Missing Access"})", ErrorCode::forbidden,
                  "the bot lacks \"View Channels\" in channel 1"},
        ErrorCase{403, R"({"code":50013,"message":"Missing Permissions"})", ErrorCode::forbidden,
                  "the bot lacks \"Send Messages\" in channel 1"},
        ErrorCase{400, R"({"code":200000,"message":"x"})", ErrorCode::invalid, "AutoMod"},
        ErrorCase{403, R"({"code":50007,"message":"x"})", ErrorCode::forbidden, "direct messages"},
        ErrorCase{404, R"({"code":10062,"message":"x"})", ErrorCode::not_found, "interaction"},
        ErrorCase{400, R"({"code":40060,"message":"x"})", ErrorCode::conflict, "answered already"},
        ErrorCase{400, R"({"code":30003,"message":"x"})", ErrorCode::too_large, "pinned"},
        ErrorCase{413, R"({"code":40005,"message":"x"})", ErrorCode::too_large, "files"},
        ErrorCase{404, R"({"code":10026,"message":"x"})", ErrorCode::not_found, "not banned"},
        ErrorCase{400, R"({"code":30034,"message":"x"})", ErrorCode::rate_limited, "commands"},
        ErrorCase{400, R"({"code":50035,"message":"Invalid Form Body","errors":{"embeds":{"0":{"title":{
            "_errors":[{"code":"BASE_TYPE_MAX_LENGTH","message":"Must be 256 or fewer in length."}]}}}}})",
                  ErrorCode::invalid, "embeds.0.title: Must be 256"},
        ErrorCase{403, "<html>1015</html>", ErrorCode::forbidden, "403"},
        ErrorCase{418, R"({"code":123456789,"message":"New rule"})", ErrorCode::failed, "New rule"},
        ErrorCase{404, R"({"code":0,"message":"404: Not Found"})", ErrorCode::not_found, "404"},
        ErrorCase{200, R"([])", ErrorCode::unavailable, "lacks"},
        ErrorCase{200, R"({"id":)", ErrorCode::invalid, "JSON"}));

std::vector<CommandDefinition> some_commands() {
  return {{.name = "points", .description = "Your points", .translations = {{"de", "Deine Punkte"}}}};
}

TEST_F(RestTest, CommandsAreOverwrittenOnlyWhenTheyDiffer) {
  http.then(
      200,
      R"([{"id":"1","application_id":"98","version":"5","type":1,"name":"points","description":"Your points",
    "description_localizations":{"de":"Deine Punkte"},"name_localizations":null,"default_member_permissions":null,
    "dm_permission":false,"nsfw":false,"contexts":[0],"integration_types":[0]}])");
  EXPECT_EQ(start(client.sync_commands(ApplicationId(98), some_commands()))->value(), false);
  ASSERT_EQ(http.requests.size(), 1U);
  EXPECT_EQ(path(0), "/applications/98/commands?with_localizations=true");

  http.then(200, "[]");
  http.then(200, "[]");
  EXPECT_EQ(start(client.sync_commands(ApplicationId(98), some_commands()))->value(), true);
  ASSERT_EQ(http.requests.size(), 3U);
  EXPECT_EQ(http.requests[2].method, "PUT");
  EXPECT_EQ(path(2), "/applications/98/commands");
  EXPECT_EQ(body(2), commands_json(some_commands()));
}

TEST(RestRequest, AnAuditReasonIsPercentEncodedUtf8) {
  std::ifstream file(GUILDHALL_SOURCE_DIR "/tests/fixtures/official/vectors.json");
  std::stringstream text;
  text << file.rdbuf();
  const auto vectors = json::parse(text.str());
  ASSERT_TRUE(vectors);
  const json::Value& vector = *json::find(*vectors, "audit_reason");
  RestCall call = *make_call(routes::kBan, {"1", "2"}, {.reason = *json::text(vector, "text")});
  const auto request = http_request(call, {"https://discord.test/api", "t", "DiscordBot (x, 1)"});
  EXPECT_EQ(request.header("x-audit-log-reason"), json::text(vector, "header"));
}

}  // namespace
}  // namespace guildhall::discord
