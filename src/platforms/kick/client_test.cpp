#include "platforms/kick/client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>

#include "base/json.h"
#include "net/loops.h"

namespace guildhall::kick {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

/// Answers as told, in order, and keeps what was asked.
class KickApi : public testing::Test {
 protected:
  Client client() {
    return {{"https://id.test", "https://api.test", "app", "secret"},
            [this](net::HttpRequest request) -> Task<Result<net::HttpResponse>> {
              asked_.push_back(std::move(request));
              auto answer = answers_.front();
              answers_.erase(answers_.begin());
              co_return answer;
            }};
  }
  void answers(int status, std::string body) {
    answers_.push_back(net::make_response(status, "application/json", std::move(body)));
  }
  void answers_token() {
    answers(200, R"({"access_token":"app-token","expires_in":"5184000","token_type":"Bearer"})");
  }

  std::vector<net::HttpResponse> answers_;
  std::vector<net::HttpRequest> asked_;
};

TEST_F(KickApi, AsksTheStreamerWithStateAndPkce) {
  const auto url =
      client().authorize_url("http://localhost:1/auth/kick/callback", "state", "challenge", kChannelScopes);
  EXPECT_THAT(url, HasSubstr("https://id.test/oauth/authorize?"));
  for (const char* part :
       {"response_type=code", "client_id=app", "state=state", "code_challenge=challenge",
        "code_challenge_method=S256", "redirect_uri=http%3A%2F%2Flocalhost%3A1%2Fauth%2Fkick%2Fcallback",
        "scope=user%3Aread%20channel%3Aread%20chat%3Awrite%20events%3Asubscribe"}) {
    EXPECT_THAT(url, HasSubstr(part));
  }
}

TEST_F(KickApi, TradesTheCodeInAForm) {
  answers(
      200,
      R"({"access_token":"a","refresh_token":"r","expires_in":7200,"scope":"user:read","token_type":"Bearer"})");
  auto one = client();
  const auto tokens = net::run_to_end(one.exchange_code("code", "verifier", "http://localhost/cb"));
  ASSERT_TRUE(tokens);
  EXPECT_EQ(tokens->refresh_token, "r");
  EXPECT_EQ(tokens->expires_in, std::chrono::seconds(7200));
  EXPECT_EQ(asked_[0].url, "https://id.test/oauth/token");
  EXPECT_EQ(asked_[0].header("content-type"), "application/x-www-form-urlencoded");
  EXPECT_FALSE(asked_[0].header("authorization"));
  const auto form = net::parse_query(asked_[0].body);
  EXPECT_EQ(form.at("code_verifier"), "verifier");
  EXPECT_EQ(form.at("client_secret"), "secret");
}

TEST_F(KickApi, ARefusedGrantIsNotAnOutage) {
  answers(400, R"({"error":"invalid_grant","error_description":"used"})");
  answers(502, "<html>");
  auto one = client();
  EXPECT_EQ(net::run_to_end(one.refresh("r")).error().code, ErrorCode::unauthenticated);
  EXPECT_EQ(net::run_to_end(one.refresh("r")).error().code, ErrorCode::unavailable);
}

TEST_F(KickApi, ReadsChannelsAndTheirState) {
  answers_token();
  answers(
      200,
      R"({"data":[{"broadcaster_user_id":7,"slug":"night","stream_title":"t","stream":{"is_live":true,"start_time":"2026-05-01T10:00:00Z"}}],"message":"OK"})");
  answers(
      200,
      R"({"data":[{"broadcaster_user_id":7,"slug":"night","stream":{"is_live":false,"start_time":"0001-01-01T00:00:00Z"}}],"message":"OK"})");
  answers(200, R"({"data":[],"message":"OK"})");
  auto one = client();
  const auto live = net::run_to_end(one.channels({"7", "8"}));
  ASSERT_EQ(live->size(), 1U);
  EXPECT_EQ(live->front().broadcaster_user_id, "7");
  EXPECT_EQ(format_rfc3339(*live->front().live_since), "2026-05-01T10:00:00Z");
  EXPECT_FALSE(net::run_to_end(one.channels({"7"}))->front().live_since);
  EXPECT_TRUE(net::run_to_end(one.channels({"9"}))->empty());
  EXPECT_EQ(asked_.size(), 4U) << "the app's token is asked for once";
  EXPECT_EQ(asked_[1].url, "https://api.test/public/v1/channels?broadcaster_user_id=7&broadcaster_user_id=8");
}

TEST_F(KickApi, AnAppTokenThatDiedIsRenewedOnce) {
  answers_token();
  answers(401, R"({"data":{},"message":"Unauthorized"})");
  answers_token();
  answers(401, R"({"data":"still","message":"Unauthorized"})");
  auto one = client();
  EXPECT_EQ(net::run_to_end(one.channels({"7"})).error().code, ErrorCode::unauthenticated);
  EXPECT_EQ(asked_.size(), 4U);
}

TEST_F(KickApi, ReadsErrorsOfSubscriptionsInsideA200) {
  answers_token();
  answers(
      200,
      R"({"data":[{"name":"livestream.status.updated","version":1,"subscription_id":"s"},{"name":"channel.subscription.gifts","error":"limit"}]})");
  answers(400, R"({"data":"event subscription limit reached","message":"Bad Request"})");
  auto one = client();
  const auto asked =
      net::run_to_end(one.subscribe("7", {"livestream.status.updated", "channel.subscription.gifts"}));
  ASSERT_EQ(asked->refused.size(), 1U);
  EXPECT_EQ(asked->refused[0].event, "channel.subscription.gifts");
  EXPECT_EQ(asked->refused[0].reason, "limit");
  ASSERT_EQ(asked->granted.size(), 1U);
  EXPECT_EQ(asked->granted[0].id, "s");
  EXPECT_EQ(asked->granted[0].event, "livestream.status.updated");
  const auto body = *json::parse(asked_[1].body);
  EXPECT_EQ(json::array(body, "events").size(), 2U);
  EXPECT_EQ(json::integer(body, "broadcaster_user_id"), 7);
  const auto full = net::run_to_end(one.subscribe("7", {"chat.message.sent"}));
  EXPECT_EQ(full.error().code, ErrorCode::refused_by_guard);
  EXPECT_THAT(full.error().message, HasSubstr("limit reached"));
  EXPECT_TRUE(net::run_to_end(one.subscribe("7", {}))->granted.empty());
  EXPECT_EQ(asked_.size(), 3U) << "nothing is asked for nothing";
}

TEST_F(KickApi, ListsSubscriptionsAndTakesThemAway) {
  answers_token();
  answers(
      200,
      R"({"data":[{"id":"a","broadcaster_user_id":7,"event":"chat.message.sent"},{"id":"b","broadcaster_user_id":8,"event":"kicks.gifted"}]})");
  answers(
      200,
      R"({"data":[{"id":"a","broadcaster_user_id":7,"event":"chat.message.sent"},{"id":"b","broadcaster_user_id":8,"event":"kicks.gifted"}]})");
  answers(204, "");
  auto one = client();
  const auto all = net::run_to_end(one.subscriptions());
  ASSERT_EQ(all->size(), 2U);
  EXPECT_EQ(all->at(1).broadcaster_user_id, "8");
  EXPECT_EQ(net::run_to_end(one.subscriptions("7"))->size(), 1U) << "others may come all the same";
  EXPECT_TRUE(net::run_to_end(one.unsubscribe({"a", "b&c"})));
  EXPECT_EQ(asked_[3].method, "DELETE");
  EXPECT_EQ(asked_[3].url, "https://api.test/public/v1/events/subscriptions?id=a&id=b%26c");
}

TEST_F(KickApi, SaysInWordsWhyChatWasNotSent) {
  answers(200, R"({"data":{"is_sent":true,"message_id":"m"},"message":"OK"})");
  answers(200, R"({"data":{"is_sent":false},"message":"OK"})");
  answers(400, R"({"data":"Channel not found","message":"Bad Request"})");
  answers(429, "");
  answers_.back().headers.emplace_back("retry-after", "0");
  answers(500, R"({"data":{},"message":"Internal Server Error"})");
  answers(502, "<html>");
  answers(400, R"({"data":"Invalid content","message":"Bad Request"})");
  answers(403, "");
  auto one = client();
  const auto send = [&](const char* type) {
    return net::run_to_end(one.send_chat("token", type, "7", "hello"));
  };
  EXPECT_TRUE(send("bot"));
  EXPECT_EQ(send("user").error().code, ErrorCode::refused_by_guard);
  const auto no_bot = send("bot");
  EXPECT_EQ(no_bot.error().code, ErrorCode::forbidden);
  EXPECT_THAT(no_bot.error().message, HasSubstr("Channel not found"));
  EXPECT_EQ(send("bot").error().code, ErrorCode::rate_limited);
  EXPECT_EQ(send("bot").error().code, ErrorCode::failed);
  EXPECT_EQ(send("bot").error().code, ErrorCode::unavailable);
  EXPECT_EQ(send("user").error().code, ErrorCode::refused_by_guard);
  EXPECT_EQ(send("bot").error().code, ErrorCode::forbidden);
  EXPECT_EQ(json::find(*json::parse(asked_[0].body), "broadcaster_user_id"), nullptr)
      << "the bot speaks in the channel of the token's owner";
  EXPECT_EQ(json::integer(*json::parse(asked_[1].body), "broadcaster_user_id"), 7);
  EXPECT_EQ(asked_[0].header("authorization"), "Bearer token");
}

/// Chats and other calls, begun and not waited for.
class KickThatRefuses : public KickApi {
 protected:
  void refuses(std::string retry_after) {
    answers(429, "");
    if (!retry_after.empty()) answers_.back().headers.emplace_back("retry-after", std::move(retry_after));
  }
  template <class T>
  void begin(Task<T> task) {
    boost::asio::co_spawn(loop_, std::move(task), boost::asio::detached);
    loop_.restart();
    loop_.poll();
  }
  Client client_ = client();
  boost::asio::io_context loop_;
};

TEST_F(KickThatRefuses, IsNotCalledWhileItWantsNoCalls) {
  refuses("30");
  answers(200, "{}");
  const auto first = net::run_to_end(client_.send_chat("token", "bot", "7", "hello"));
  EXPECT_EQ(first.error().code, ErrorCode::rate_limited);
  begin(client_.send_chat("token", "bot", "7", "again"));
  EXPECT_EQ(asked_.size(), 1U) << "Kick was asked although it wants 30 seconds of quiet";
}

TEST_F(KickThatRefuses, OneStreamersChatHoldsUpNobodyElse) {
  for (int i = 0; i < 60; ++i) answers(200, "{}");
  for (int i = 0; i < 61; ++i) begin(client_.send_chat("token", "bot", "7", "hello"));
  EXPECT_EQ(asked_.size(), 60U) << "that is its minute's share";
  refuses("30");
  begin(client_.send_chat("another", "bot", "8", "hello"));
  EXPECT_EQ(asked_.size(), 61U);
  answers_token();
  answers(200, R"({"data":[]})");
  begin(client_.channels({"7"}));
  EXPECT_EQ(asked_.size(), 63U);
}

TEST_F(KickThatRefuses, WhatCannotWaitSoLongIsGivenUpAtOnce) {
  refuses("30");
  net::run_to_end(client_.send_chat("token", "bot", "7", "hello"));
  const auto soon = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  const auto late = net::run_to_end(client_.send_chat("token", "bot", "7", "again", soon));
  EXPECT_EQ(late.error().code, ErrorCode::timeout);
  EXPECT_EQ(asked_.size(), 1U);
}

TEST_F(KickThatRefuses, IsLeftInPeaceForLongerEachTimeWhereItDoesNotSayForHowLong) {
  const auto is_asked_within = [&](std::chrono::seconds patience) {
    const std::size_t before = asked_.size();
    const auto latest = std::chrono::steady_clock::now() + patience;
    net::run_to_end(client_.send_chat("token", "bot", "7", "hello", latest));
    return asked_.size() > before;
  };
  for (const char* retry_after : {"0", "0", "", ""}) refuses(retry_after);
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(is_asked_within(std::chrono::seconds(1)));
  EXPECT_FALSE(is_asked_within(std::chrono::seconds(6))) << "two seconds, doubled twice";
}

}  // namespace
}  // namespace guildhall::kick
