// The way to Discord and back, and those who would like to come in on it.
#include "web/discord_sign_in.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "net/oauth.h"
#include "tests/support/test_world.h"
#include "web/accounts.h"

namespace guildhall::web {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::Not;

class ByDiscord : public testing::Test {
 protected:
  ByDiscord() {
    world_.server(1);
    world_.server(2);
  }

  net::HttpRequest request(std::string path, net::Query query, std::string cookies = "") {
    net::HttpRequest request;
    request.url = std::move(path);
    request.query = std::move(query);
    request.headers = {{"cookie", std::move(cookies)}};
    request.peer = peer_;
    return request;
  }
  /// What the browser keeps of an answer: the cookie "name=value" that begins so.
  static std::string kept(const net::HttpResponse& response, std::string_view name) {
    for (const auto& [header, value] : response.headers) {
      if (header == "set-cookie" && value.starts_with(name)) return value.substr(0, value.find(';'));
    }
    return "";
  }
  static std::string where(const net::HttpResponse& response) {
    return response.header("location").value_or("");
  }

  net::HttpResponse start(std::string to = "/servers/1") {
    return net::run_to_end(sign_in_.start(request("/auth/discord/start", {{"to", std::move(to)}})));
  }
  net::HttpResponse finish(std::string state, std::string cookies, std::string code = "good") {
    const net::Query query{{"state", std::move(state)}, {"code", std::move(code)}};
    return net::run_to_end(sign_in_.finish(request("/auth/discord/callback", query, std::move(cookies))));
  }
  std::optional<Session> session_of(const net::HttpResponse& response) {
    const std::string cookie = kept(response, "guildhall_session=");
    if (cookie.empty()) return std::nullopt;
    return net::run_to_end(sessions_.find(cookie.substr(cookie.find('=') + 1)));
  }

  test::TestWorld world_;
  Sessions sessions_{world_.tenancy->global(), world_.clock};
  bot::OAuthStates states_{world_.tenancy->global(), world_.clock};
  std::string state_;      // that Discord was given last
  std::string challenge_;  // likewise
  std::string verifier_;   // that came with the code
  bool reachable_ = true;
  std::string peer_ = "127.0.0.1";
  const DiscordDoor door_{
      .address = [this](std::string state, std::string challenge) { return address(state, challenge); },
      .person = [this](std::string code, std::string verifier) { return person(code, verifier); }};
  DiscordSignIn sign_in_{*world_.tenancy, sessions_, states_, door_};

 private:
  Task<Result<std::string>> address(std::string state, std::string challenge) {
    if (!reachable_) co_return fail(ErrorCode::timeout, "no answer");
    state_ = std::move(state);
    challenge_ = std::move(challenge);
    co_return "https://discord.test/oauth2/authorize?state=" + state_;
  }
  Task<Result<DiscordDoor::Person>> person(std::string code, std::string verifier) {
    verifier_ = std::move(verifier);
    if (!reachable_) co_return fail(ErrorCode::timeout, "no answer");
    if (code != "good") co_return fail(ErrorCode::invalid, "a code that is none");
    co_return DiscordDoor::Person{DiscordUserId(7), "Owl", {ServerId(2), ServerId(77)}};
  }
};

TEST_F(ByDiscord, WhoComesBackIsSignedInWhereHeWantedToGo) {
  const auto away = start();
  EXPECT_EQ(away.status, 303);
  EXPECT_THAT(where(away), HasSubstr("https://discord.test/"));
  const auto back = finish(state_, kept(away, "guildhall_sign_in="));
  EXPECT_EQ(where(back), "/servers/1");
  EXPECT_EQ(net::pkce_challenge(verifier_), challenge_);
  const auto session = session_of(back);
  ASSERT_TRUE(session);
  EXPECT_EQ(session->principal, "discord:7");
  EXPECT_EQ(session->servers, std::vector{ServerId(2)}) << "where Guildhall is, too";
}

TEST_F(ByDiscord, AnotherBrowserIsNotSignedInByTheLink) {
  const auto mine = start();
  const std::string state = state_;
  const auto theirs = start();
  for (const std::string& cookie :
       {std::string(), std::string("guildhall_sign_in="), kept(theirs, "guildhall_sign_in=")}) {
    const auto refused = finish(state, cookie);
    EXPECT_EQ(where(refused), "/sign-in?error=expired") << cookie;
    EXPECT_FALSE(session_of(refused));
  }
  EXPECT_TRUE(session_of(finish(state, kept(mine, "guildhall_sign_in="))));
}

TEST_F(ByDiscord, AnAddressWorksOnceAndForTenMinutes) {
  const std::string cookie = kept(start(), "guildhall_sign_in=");
  const std::string state = state_;
  EXPECT_TRUE(session_of(finish(state, cookie)));
  EXPECT_FALSE(session_of(finish(state, cookie)));
  const std::string late = kept(start(), "guildhall_sign_in=");
  world_.clock.advance(10min);
  EXPECT_EQ(where(finish(state_, late)), "/sign-in?error=expired");
}

TEST_F(ByDiscord, WhoWentToConnectAChannelIsNotSignedInByThat) {
  const auto begun =
      net::run_to_end(states_.begin({"kick.channel", hash_of_secret("browser"), ServerId(1), "/"}));
  EXPECT_FALSE(session_of(finish(begun.state, "guildhall_sign_in=browser")));
}

TEST_F(ByDiscord, TheSessionOfBeforeEnds) {
  const std::string before =
      *net::run_to_end(sessions_.sign_in_member({DiscordUserId(8), "Somebody else", {}}));
  const auto away = start();
  const auto back = finish(state_, kept(away, "guildhall_sign_in=") + "; guildhall_session=" + before);
  EXPECT_EQ(session_of(back)->principal, "discord:7");
  EXPECT_FALSE(net::run_to_end(sessions_.find(before)));
}

/// Whoever plants his own session in another's browser is not signed in as the other.
TEST_F(ByDiscord, NobodyIsSignedInUnderAnIdThatSomebodyElseKnows) {
  const std::string planted = *net::run_to_end(sessions_.sign_in_member({DiscordUserId(8), "Attacker", {}}));
  const auto away = start();
  const auto back = finish(state_, kept(away, "guildhall_sign_in=") + "; guildhall_session=" + planted);
  ASSERT_TRUE(session_of(back));
  const auto known = net::run_to_end(sessions_.find(planted));
  EXPECT_FALSE(known && known->principal == "discord:7");
}

TEST_F(ByDiscord, OneAddressAndOneAccountHaveTenAttempts) {
  for (int i = 0; i < 10; ++i) EXPECT_EQ(start().status, 303);
  const auto late = start();
  EXPECT_EQ(late.status, 429);
  EXPECT_TRUE(late.header("retry-after"));
  for (int i = 0; i < 10; ++i) EXPECT_EQ(finish("none", "").status, 303);
  EXPECT_EQ(finish("none", "").status, 429);
}

TEST_F(ByDiscord, OneAccountHasTenAttemptsFromWhereverItComes) {
  const auto try_from = [&](int host) {
    peer_ = fmt::format("192.0.2.{}", host);
    const auto away = start();
    return finish(state_, kept(away, "guildhall_sign_in=")).status;
  };
  for (int host = 0; host < 10; ++host) EXPECT_EQ(try_from(host), 303);
  EXPECT_EQ(try_from(10), 429);
}

TEST_F(ByDiscord, WhatGoesWrongIsSaid) {
  const auto answer = [&](std::string code) {
    const auto away = start();
    return where(finish(state_, kept(away, "guildhall_sign_in="), std::move(code)));
  };
  EXPECT_EQ(answer(""), "/sign-in?error=denied");
  EXPECT_EQ(answer("bad"), "/sign-in?error=expired");
  net::run_to_end(Accounts(world_.tenancy->global(), world_.clock)
                      .disable(DiscordUserId(7), "", {"operator", "command_line"}));
  EXPECT_EQ(answer("good"), "/sign-in?error=disabled");
  reachable_ = false;
  EXPECT_EQ(where(start()), "/sign-in?error=unavailable");
}

TEST_F(ByDiscord, ItLeadsToPagesOfTheDashboardAlone) {
  for (const char* path : {"/", "/servers/1", "/servers/1/settings?x=1"}) EXPECT_EQ(local_path(path), path);
  for (const char* path : {"", "servers", "//evil.test", "https://evil.test", "/\\evil.test", "/a\\b",
                           "/a\r\nset-cookie: x=1", "/a b", "/\xff"})
    EXPECT_EQ(local_path(path), "/") << path;
  EXPECT_EQ(local_path("/" + std::string(400, 'a')), "/");
  const auto away = start("//evil.test");
  EXPECT_EQ(where(finish(state_, kept(away, "guildhall_sign_in="))), "/");
}

TEST_F(ByDiscord, AnotherSiteCannotBeginIt) {
  for (const auto& [site, begins] : {std::pair{"cross-site", false}, std::pair{"same-site", false},
                                     std::pair{"same-origin", true}, std::pair{"none", true}}) {
    auto wanted = request("/auth/discord/start", {});
    wanted.headers.emplace_back("sec-fetch-site", site);
    const std::string to = where(net::run_to_end(sign_in_.start(std::move(wanted))));
    EXPECT_EQ(to.starts_with("https://discord.test/"), begins) << site;
  }
}

TEST_F(ByDiscord, AForeignLinkToTheWayBackStopsNobody) {
  const auto away = start();
  EXPECT_EQ(kept(finish("x", kept(away, "guildhall_sign_in=")), "guildhall_sign_in="), "")
      << "the cookie of one who is on his way stays";
  EXPECT_TRUE(session_of(finish(state_, kept(away, "guildhall_sign_in="))));
}

TEST_F(ByDiscord, ItIsSlowedDown) {
  for (int i = 0; i < 10; ++i) EXPECT_EQ(start().status, 303);
  const auto refused = start();
  EXPECT_EQ(refused.status, 429);
  EXPECT_TRUE(refused.header("retry-after"));
  for (int i = 0; i < 10; ++i) finish("x", "");
  EXPECT_EQ(finish("x", "").status, 429);
}

TEST_F(ByDiscord, WithoutASecretItIsNotOffered) {
  const DiscordDoor shut;
  DiscordSignIn sign_in(*world_.tenancy, sessions_, states_, shut);
  EXPECT_FALSE(sign_in.is_offered());
  EXPECT_EQ(net::run_to_end(sign_in.start(request("/auth/discord/start", {}))).status, 404);
  EXPECT_EQ(net::run_to_end(sign_in.finish(request("/auth/discord/callback", {}))).status, 404);
}

}  // namespace
}  // namespace guildhall::web
