#include "bot/chat_sender.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "base/json.h"
#include "tests/support/test_world.h"

namespace guildhall::bot {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::SizeIs;

const tenancy::ChannelKey kOne{"kick", "900001"};
const tenancy::ChannelKey kTwo{"kick", "900002"};

Secrets new_secrets(const test::TestWorld& world) {
  const auto file = world.folder.path() / "test.key";
  if (auto made = Secrets::create(file); !made) throw ErrorException(made.error());
  return *Secrets::load(file);
}

/// Chat of two connected channels, and a Kick that answers as it is told.
class Chat : public testing::Test {
 protected:
  Chat() {
    for (const auto& channel : {kOne, kTwo}) {
      world_.server(1);
      net::run_to_end(world_.tenancy->channels().know(channel, "slug" + channel.platform_user_id, "Streamer",
                                                      world_.clock.now()));
      const kick::Tokens tokens{"token-" + channel.platform_user_id, "refresh", 2h, ""};
      net::run_to_end(world_.tenancy->grants().grant(channel, {"discord:1"}, "chat:write",
                                                     tokens_.seal(channel, tokens), ServerId(1),
                                                     world_.clock.now()));
    }
  }

  Task<Result<net::HttpResponse>> answer(net::HttpRequest request) {
    if (request.url.ends_with("/oauth/token")) {
      ++refreshes_;
      if (refresh_status_ != 200)
        co_return net::make_response(refresh_status_, "application/json", R"({"error":"invalid_grant"})");
      co_return net::make_response(200, "application/json",
                                   R"({"access_token":"new","refresh_token":"new","expires_in":7200})");
    }
    const auto body = json::parse(request.body);
    const Said said{request.header("authorization").value_or(""), json::text_or(*body, "type", ""),
                    json::text_or(*body, "content", "")};
    said_.push_back(said);
    if (said.authorization == blocked_)
      co_await release_.async_wait(boost::asio::as_tuple(boost::asio::use_awaitable));
    const int status = statuses_.empty() ? 200 : statuses_.front();
    if (!statuses_.empty()) statuses_.erase(statuses_.begin());
    auto response = net::make_response(status, "application/json", answer_);
    if (status == 429) response.headers.emplace_back("retry-after", retry_after_);
    co_return response;
  }

  /// Until everything that was said has had its answer.
  void run() {
    loop_.restart();
    loop_.run();
  }
  std::vector<std::string> texts() const {
    std::vector<std::string> all;
    for (const Said& said : said_) all.push_back(said.text);
    return all;
  }
  std::int64_t sent() {
    return world_.metrics.counter("guildhall_chat_sent_total", "Texts sent to stream chats.").value();
  }
  std::int64_t dropped() {
    return world_.metrics
        .counter("guildhall_chat_dropped_total", "Texts for stream chats that were not sent.")
        .value();
  }

  struct Said {
    std::string authorization;
    std::string type;
    std::string text;
  };

  test::TestWorld world_;
  Secrets secrets_ = new_secrets(world_);
  boost::asio::io_context loop_;
  boost::asio::steady_timer release_{loop_, std::chrono::steady_clock::time_point::max()};
  std::vector<Said> said_;
  std::vector<int> statuses_;  // of the next answers; then 200
  std::string answer_ = R"({"data":{"is_sent":true}})";
  std::string retry_after_ = "0";
  std::string blocked_;  // whoever speaks with this waits for release_
  int refresh_status_ = 200;
  int refreshes_ = 0;
  kick::Client client_{{"https://id.test", "https://api.test", "app", "secret"},
                       [this](net::HttpRequest request) { return answer(std::move(request)); }};
  KickTokens tokens_{client_,      world_.tenancy->grants(), secrets_,
                     world_.clock, world_.metrics,           [](const tenancy::ChannelKey&) {}};
  ChatSender chat_{loop_, client_, tokens_, world_.metrics};
};

TEST_F(Chat, LongTextsGoOutInPiecesAndInOrder) {
  std::string longer;
  for (int i = 0; i < 300; ++i) longer += "word" + std::to_string(i) + " ";
  chat_.send(kOne, longer);
  chat_.send(kOne, "after it");
  run();
  ASSERT_GT(said_.size(), 3U);
  std::string joined;
  for (const std::string& text : texts()) {
    EXPECT_LE(text.size(), 500U);
    joined += text + " ";
  }
  EXPECT_EQ(joined, longer + "after it ");
}

TEST_F(Chat, AChannelThatIsSlowDoesNotHoldUpAnother) {
  blocked_ = "Bearer token-900001";
  chat_.send(kOne, "slow 1");
  chat_.send(kOne, "slow 2");
  chat_.send(kTwo, "quick");
  loop_.restart();
  for (const auto end = std::chrono::steady_clock::now() + 10s;
       said_.size() < 2 && std::chrono::steady_clock::now() < end;)
    loop_.run_one_for(10ms);
  EXPECT_THAT(texts(), testing::UnorderedElementsAre("slow 1", "quick"));
  blocked_.clear();
  release_.cancel();
  run();
  EXPECT_EQ(texts().back(), "slow 2");
  EXPECT_EQ(sent(), 3);
}

TEST_F(Chat, NothingIsSaidTwiceWhateverKickAnswers) {
  statuses_ = {500, 502, 200};
  for (const char* text : {"one", "two", "three"}) chat_.send(kOne, text);
  run();
  EXPECT_THAT(texts(), ElementsAre("one", "two", "three"));
  EXPECT_EQ(sent(), 1);
  EXPECT_EQ(dropped(), 2);
}

TEST_F(Chat, WhatKickWantsLaterIsSaidLaterAndInOrder) {
  statuses_ = {429, 429, 200};
  for (const char* text : {"one", "two"}) chat_.send(kOne, text);
  run();
  EXPECT_THAT(texts(), ElementsAre("one", "one", "one", "two"));
  EXPECT_EQ(sent(), 2);
  EXPECT_EQ(dropped(), 0);
}

TEST_F(Chat, WhatKickWantsAMinuteLaterIsDropped) {
  statuses_ = {429};
  retry_after_ = "60";
  for (const char* text : {"one", "two"}) chat_.send(kOne, text);
  run();
  EXPECT_THAT(texts(), ElementsAre("one"));
  EXPECT_EQ(dropped(), 2);
}

TEST_F(Chat, ATokenThatDiedIsRenewedOnceAndTheTextSaidWithTheNewOne) {
  statuses_ = {401};
  chat_.send(kOne, "hello");
  chat_.send(kOne, "again");
  run();
  EXPECT_THAT(texts(), ElementsAre("hello", "hello", "again"));
  EXPECT_EQ(said_[0].authorization, "Bearer token-900001");
  EXPECT_EQ(said_[1].authorization, "Bearer new");
  EXPECT_EQ(said_[2].authorization, "Bearer new");
  EXPECT_EQ(refreshes_, 1);
  EXPECT_EQ(sent(), 2);
}

TEST_F(Chat, ATokenIsRenewedBeforeItEnds) {
  world_.clock.advance(100min);
  chat_.send(kOne, "hello");
  run();
  ASSERT_THAT(said_, SizeIs(1));
  EXPECT_EQ(said_[0].authorization, "Bearer new");
}

TEST_F(Chat, AConsentThatIsGoneIsSaidToBeAndNothingMoreIsSent) {
  statuses_ = {401};
  refresh_status_ = 400;
  chat_.send(kOne, "hello");
  run();
  EXPECT_THAT(said_, SizeIs(1));
  EXPECT_EQ(dropped(), 1);
  EXPECT_EQ(world_.tenancy->channels().find(kOne)->token_state, "needs_reauth");
  EXPECT_EQ(world_.tenancy->channels().find(kTwo)->token_state, "connected");
}

TEST_F(Chat, WhereTheAppsBotMayNotSpeakTheStreamerDoes) {
  statuses_ = {403};
  chat_.send(kOne, "hello");
  chat_.send(kOne, "again");
  run();
  EXPECT_THAT(texts(), ElementsAre("hello", "hello", "again"));
  EXPECT_EQ(said_[0].type, "bot");
  EXPECT_EQ(said_[1].type, "user");
  EXPECT_EQ(said_[2].type, "user") << "asks again for what was refused";
}

TEST_F(Chat, WhereKickNeverTakesAWordOfTheBotTheStreamerSpeaksFromTheNextLineOn) {
  statuses_ = {500, 500, 200, 500, 500, 500};
  for (int i = 1; i <= 8; ++i) chat_.send(kOne, std::to_string(i));
  run();
  std::vector<std::string> spoken;
  for (const Said& said : said_) spoken.push_back(said.text + said.type);
  EXPECT_THAT(spoken, ElementsAre("1bot", "2bot", "3bot", "4bot", "5bot", "6bot", "7user", "8user"));
}

TEST_F(Chat, ATextThatKickDoesNotWantIsNotSaidByTheStreamer) {
  answer_ = R"({"data":{"is_sent":false}})";
  chat_.send(kOne, "refused");
  run();
  answer_ = R"({"data":"Invalid content"})";
  statuses_ = {400};
  chat_.send(kOne, "this too");
  run();
  answer_ = "{}";
  chat_.send(kOne, "after it");
  run();
  EXPECT_THAT(texts(), ElementsAre("refused", "this too", "after it"));
  for (const Said& said : said_) EXPECT_EQ(said.type, "bot");
  EXPECT_EQ(dropped(), 2);
}

TEST_F(Chat, AChannelThatIsNotConnectedSaysNothing) {
  chat_.send({"kick", "1"}, "hello");
  run();
  EXPECT_THAT(said_, SizeIs(0));
  EXPECT_EQ(dropped(), 1);
}

TEST_F(Chat, TheQueueHasAnEnd) {
  blocked_ = "Bearer token-900001";
  for (int i = 0; i < 60; ++i) chat_.send(kOne, std::to_string(i));
  loop_.restart();
  for (const auto end = std::chrono::steady_clock::now() + 10s;
       said_.empty() && std::chrono::steady_clock::now() < end;)
    loop_.run_one_for(10ms);
  EXPECT_EQ(dropped(), 9) << "one is being said, fifty wait";
  blocked_.clear();
  release_.cancel();
  run();
  EXPECT_EQ(sent(), 51);
  EXPECT_EQ(texts().back(), "50");
}

}  // namespace
}  // namespace guildhall::bot
