// Tokens are renewed once, kept alive, and given up only when Kick says that they are no good.
#include "bot/kick_tokens.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "tests/support/test_world.h"

namespace guildhall::bot {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

const tenancy::ChannelKey kChannel{"kick", "900001"};

/// Two processes with one database and one key file, and a Kick that answers as it is told.
class ChannelTokens : public testing::Test {
 protected:
  ChannelTokens() {
    world_.server(1);
    net::run_to_end(world_.tenancy->channels().know(kChannel, "slug", "Streamer", world_.clock.now()));
    consent("first");
  }
  static Secrets made(const std::filesystem::path& file) {
    if (auto created = Secrets::create(file); !created) throw ErrorException(created.error());
    return *Secrets::load(file);
  }
  void consent(const std::string& token) {
    const kick::Tokens tokens{token, "refresh " + token, 2h, ""};
    const bool granted = net::run_to_end(world_.tenancy->grants().grant(kChannel, {"discord:1"}, "chat:write",
                                                                        tokens_.seal(kChannel, tokens),
                                                                        ServerId(1), world_.clock.now()));
    ASSERT_TRUE(granted);
  }
  Task<Result<net::HttpResponse>> answer(net::HttpRequest request) {
    if (request.url.find("/oauth/revoke") != std::string::npos) {
      revoked_.push_back(request.url);
      co_return net::make_response(revoke_status_, "text/plain", "OK");
    }
    asked_.push_back(net::parse_query(request.body)["refresh_token"]);
    if (const auto act = std::exchange(meanwhile_, nullptr)) co_await act();
    if (slow_) co_await release_.async_wait(boost::asio::as_tuple(boost::asio::use_awaitable));
    if (status_ != 200) co_return net::make_response(status_, "application/json", error_);
    const std::string next = "token " + std::to_string(asked_.size());
    co_return net::make_response(
        200, "application/json",
        R"({"access_token":")" + next + R"(","refresh_token":"refresh )" + next + R"(","expires_in":7200})");
  }
  Result<std::string> access(std::string refused = {}) {
    return net::run_to_end(tokens_.access(kChannel, std::move(refused)));
  }
  std::string state() {
    return std::string(tenancy::consent_of(*world_.tenancy->channels().find(kChannel), world_.clock.now()));
  }

  test::TestWorld world_;
  Secrets secrets_ = made(world_.folder.path() / "test.key");
  boost::asio::io_context loop_;
  boost::asio::steady_timer release_{loop_, std::chrono::steady_clock::time_point::max()};
  std::vector<std::string> asked_;  // with which refresh tokens
  std::vector<std::string> revoked_;
  std::vector<std::string> ended_;
  std::function<Task<void>()> meanwhile_;  // happens while Kick renews
  bool slow_ = false;
  int status_ = 200;
  int revoke_status_ = 200;
  std::string error_ = R"({"error":"invalid_grant"})";
  kick::Client client_{{"https://id.test", "https://api.test", "app", "secret"},
                       [this](net::HttpRequest request) { return answer(std::move(request)); }};
  KickTokens tokens_{
      client_,        world_.tenancy->grants(),
      secrets_,       world_.clock,
      world_.metrics, [this](const tenancy::ChannelKey& key) { ended_.push_back(key.platform_user_id); }};
};

TEST_F(ChannelTokens, AreUsedAsLongAsTheyAreGood) {
  world_.clock.advance(80min);
  EXPECT_EQ(access(), "first");
  world_.clock.advance(20min);
  EXPECT_EQ(access(), "token 1");
  EXPECT_EQ(access(), "token 1");
  EXPECT_THAT(asked_, ElementsAre("refresh first"));
}

TEST_F(ChannelTokens, OneThatKickRefusesIsRenewedOnce) {
  EXPECT_EQ(access("first"), "token 1");
  EXPECT_EQ(access("first"), "token 1") << "somebody else was refused the same one";
  EXPECT_THAT(asked_, ElementsAre("refresh first"));
}

TEST_F(ChannelTokens, ManyWhoNeedThemAskKickOnce) {
  world_.clock.advance(3h);
  slow_ = true;
  std::vector<std::string> got;
  for (int i = 0; i < 5; ++i) {
    boost::asio::co_spawn(
        loop_,
        [&]() -> Task<void> {
          const auto token = co_await tokens_.access(kChannel);
          got.push_back(token ? *token : token.error().message);
        },
        boost::asio::detached);
  }
  loop_.run_for(300ms);
  EXPECT_EQ(asked_.size(), 1U);
  slow_ = false;
  release_.cancel();
  loop_.restart();
  loop_.run_for(2s);
  EXPECT_THAT(got, ElementsAre("token 1", "token 1", "token 1", "token 1", "token 1"));
  EXPECT_EQ(asked_.size(), 1U);
}

TEST_F(ChannelTokens, WhoDiedWhileRenewingHoldsUpNobodyForLong) {
  world_.clock.advance(3h);
  const auto version = net::run_to_end(world_.tenancy->grants().of(kChannel))->token_version;
  // Another process has asked, and died between Kick's answer and its commit.
  ASSERT_TRUE(net::run_to_end(world_.tenancy->grants().begin_renewal(kChannel, version, world_.clock.now(),
                                                                     world_.clock.now() + 30s)));
  world_.clock.advance(31s);
  EXPECT_EQ(access(), "token 1");
  EXPECT_THAT(asked_, ElementsAre("refresh first")) << "the pair before is still there";
}

TEST_F(ChannelTokens, AreGivenUpWhenKickSaysThatTheyAreNoGood) {
  world_.clock.advance(3h);
  status_ = 400;
  EXPECT_EQ(access().error().code, ErrorCode::unauthenticated);
  EXPECT_EQ(state(), "revoked");
  EXPECT_THAT(ended_, ElementsAre("900001"));
  EXPECT_EQ(access().error().code, ErrorCode::unauthenticated);
  EXPECT_EQ(asked_.size(), 1U) << "asking again cannot help";
  consent("second");
  EXPECT_EQ(access(), "second");
}

TEST_F(ChannelTokens, ThatNobodyRenewedForAMonthHaveRunOut) {
  world_.clock.advance(std::chrono::hours(24 * 31));
  status_ = 400;
  EXPECT_FALSE(access());
  EXPECT_EQ(state(), "needs_reauth");
}

TEST_F(ChannelTokens, SurviveAKickThatIsDownAndAWrongSecretOfTheApp) {
  world_.clock.advance(100min);
  status_ = 503;
  EXPECT_EQ(access(), "first") << "there are minutes left";
  status_ = 401;
  error_ = R"({"error":"invalid_client"})";
  EXPECT_EQ(access(), "first");
  world_.clock.advance(1h);
  EXPECT_EQ(access().error().code, ErrorCode::configuration);
  EXPECT_EQ(state(), "connected");
  status_ = 200;
  EXPECT_THAT(*access(), HasSubstr("token")) << "and nobody had to connect again";
}

TEST_F(ChannelTokens, AreRenewedDailyWhenNobodyNeedsThem) {
  for (int day = 0; day < 40; ++day) {
    world_.clock.advance(24h);
    net::run_to_end(tokens_.renew_idle());
    net::run_to_end(tokens_.renew_idle());
  }
  EXPECT_EQ(asked_.size(), 40U);
  EXPECT_EQ(asked_.back(), "refresh token 39") << "always with the newest";
  EXPECT_EQ(state(), "connected");
}

TEST_F(ChannelTokens, WhatIsWithdrawnIsToldToKickAndForgotten) {
  ASSERT_TRUE(
      net::run_to_end(world_.tenancy->grants().withdraw(kChannel, {"discord:1"}, world_.clock.now())));
  EXPECT_EQ(access().error().code, ErrorCode::unauthenticated);
  revoke_status_ = 503;
  net::run_to_end(tokens_.end_withdrawn());
  EXPECT_TRUE(net::run_to_end(world_.tenancy->grants().of(kChannel))) << "Kick does not know yet";
  revoke_status_ = 200;
  net::run_to_end(tokens_.end_withdrawn());
  EXPECT_FALSE(net::run_to_end(world_.tenancy->grants().of(kChannel)));
  EXPECT_THAT(revoked_.back(), HasSubstr("refresh%20first"));
  net::run_to_end(tokens_.end_withdrawn());
  EXPECT_EQ(revoked_.size(), 2U);
}

TEST_F(ChannelTokens, ThatComeAfterTheConsentWasWithdrawnAreGivenBack) {
  world_.clock.advance(3h);
  meanwhile_ = [&]() -> Task<void> {
    co_await world_.tenancy->grants().withdraw(kChannel, {"discord:1"}, world_.clock.now());
  };
  EXPECT_EQ(access().error().code, ErrorCode::unauthenticated);
  ASSERT_EQ(revoked_.size(), 1U);
  EXPECT_THAT(revoked_.back(), HasSubstr("refresh%20token%201"));
}

TEST_F(ChannelTokens, ThatComeSecondAreDroppedWhileTheFirstAreInUse) {
  world_.clock.advance(3h);
  meanwhile_ = [&]() -> Task<void> {
    const kick::Tokens tokens{"second", "refresh second", 2h, ""};
    co_await world_.tenancy->grants().grant(kChannel, {"discord:1"}, "chat:write",
                                            tokens_.seal(kChannel, tokens), ServerId(1), world_.clock.now());
  };
  EXPECT_EQ(access(), "second");
  EXPECT_THAT(revoked_, testing::IsEmpty()) << "Kick might end them all";
}

TEST_F(ChannelTokens, AreAskedForWhenSomebodyWantsToKnow) {
  EXPECT_TRUE(net::run_to_end(tokens_.are_good(kChannel)));
  EXPECT_EQ(access(), "token 1");
  status_ = 503;
  EXPECT_TRUE(net::run_to_end(tokens_.are_good(kChannel))) << "nobody knows better";
  status_ = 400;
  EXPECT_FALSE(net::run_to_end(tokens_.are_good(kChannel)));
  EXPECT_EQ(state(), "revoked");
  EXPECT_FALSE(net::run_to_end(tokens_.are_good({"kick", "5"}))) << "there are none";
}

TEST_F(ChannelTokens, OfAnOlderProgramThatRanOutAreNotWaitedFor) {
  world_.execute("UPDATE channels SET token_state = 'needs_reauth', grant_end = ''");
  const auto begun = std::chrono::steady_clock::now();
  EXPECT_EQ(access().error().code, ErrorCode::unauthenticated);
  EXPECT_LT(std::chrono::steady_clock::now() - begun, 5s);
}

TEST_F(ChannelTokens, LieNowhereInTheOpen) {
  const std::string everything =
      world_.dump("SELECT * FROM channels") + world_.dump("SELECT * FROM channel_bindings");
  EXPECT_THAT(everything, Not(HasSubstr("first")));
}

}  // namespace
}  // namespace guildhall::bot
