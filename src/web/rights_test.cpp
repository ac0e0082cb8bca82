// What members who signed in by Discord may open and change on the dashboard.
#include "web/rights.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_future.hpp>

#include "base/json.h"
#include "bot/oauth_states.h"
#include "tests/support/test_world.h"
#include "web/api.h"

namespace guildhall::web {
namespace {

using tenancy::Access;
using testing::HasSubstr;
using testing::Not;

class Members : public testing::Test {
 protected:
  Members() {
    for (const std::int64_t server : {1, 2, 3}) world_.server(server);
    sign_in({ServerId(1), ServerId(2)});
    loops_.start();
  }
  ~Members() override { loops_.stop(); }

  void sign_in(std::vector<ServerId> servers) {
    cookie_ = *net::run_to_end(sessions_.sign_in_member({DiscordUserId(7), "Owl", std::move(servers)}));
  }
  net::HttpRequest request(std::string method, std::string path, std::string body = "{}") {
    const auto session = net::run_to_end(sessions_.find(cookie_));
    net::HttpRequest request;
    request.method = std::move(method);
    request.url = "/api/v1" + path;
    request.headers = {{"cookie", "guildhall_session=" + cookie_}, {"x-csrf-token", session->csrf_token}};
    request.body = std::move(body);
    request.peer = "127.0.0.1";
    return request;
  }
  net::HttpResponse call(std::string method, std::string path, std::string body = "{}") {
    return net::run_to_end(api_.handle(request(std::move(method), std::move(path), std::move(body))));
  }
  /// The session id that the browser is given with an answer; empty: it keeps its own.
  static std::string given_by(const net::HttpResponse& response) {
    const std::string cookie = response.header("set-cookie").value_or("=");
    const auto from = cookie.find('=') + 1;
    return cookie.substr(from, cookie.find(';') - from);
  }
  int status(std::string method, std::string path) { return call(std::move(method), std::move(path)).status; }
  json::Value answer(std::string path) { return *json::parse(call("GET", std::move(path)).body); }
  net::HttpResponse change(std::int64_t server) {
    return call("PUT", fmt::format("/servers/{}/settings/points_per_5min", server),
                R"({"value":"5","expected":null})");
  }

  net::Loops loops_{1};  // outlive the database, whose answers they carry
  test::TestWorld world_;
  bot::TopicHub topics_;
  bot::Dispatcher dispatcher_{loops_, world_.declarations, world_.clock, topics_, world_.metrics};
  Sessions sessions_{world_.tenancy->global(), world_.clock};
  std::map<ServerId, Access> access_;  // as Discord says
  bool reachable_ = true;
  bool has_role_ = false;  // one that may open a dashboard
  bool runs_it_all_ = false;
  std::vector<ServerId> asked_;
  const Doors doors_{.discord = {
                         .place = [this](ServerId server, DiscordUserId) { return place(server); },
                         .is_operator = [this](DiscordUserId) { return runs_it_all_; },
                     },
                     .checkup = []() -> Task<bot::Checkup> {
                       co_return bot::Checkup{
                           {{"token", bot::Finding::Level::problem, "Discord refuses it", "Reset it."}},
                           "https://discord.test/invite"};
                     }};
  Api api_{loops_.main(), *world_.tenancy, world_.declarations, dispatcher_,
           topics_,       sessions_,       world_.clock,        doors_};
  std::string cookie_;

 private:
  Task<Result<DiscordDoor::Place>> place(ServerId server) {
    asked_.push_back(server);
    if (!reachable_) co_return fail(ErrorCode::timeout, "no answer");
    const auto found = access_.find(server);
    const Access access = found == access_.end() ? Access::none : found->second;
    co_return DiscordDoor::Place{access, [this, access](const bot::Settings&) {
                                   return access == Access::member && has_role_ ? Access::viewer : access;
                                 }};
  }
};

TEST_F(Members, SeeTheirServersAndNoOthers) {
  access_ = {
      {ServerId(1), Access::administrator}, {ServerId(2), Access::member}, {ServerId(3), Access::owner}};
  const json::Value listed = answer("/servers");
  ASSERT_EQ(json::array(listed, "servers").size(), 1U);
  EXPECT_EQ(json::text(json::array(listed, "servers")[0], "id"), "1");
  EXPECT_EQ(json::text(json::array(listed, "servers")[0], "access"), "administrator");
  EXPECT_EQ(status("GET", "/servers/1"), 200);
  const auto refused = call("GET", "/servers/2");
  auto missing = call("GET", "/servers/99").body;
  EXPECT_EQ(refused.status, 404);
  missing.replace(missing.find("99"), 2, "2");
  EXPECT_EQ(refused.body, missing) << "not yours and not there look the same";
  EXPECT_EQ(status("GET", "/servers/3"), 404) << "it was none of his when he signed in";
  EXPECT_THAT(asked_, Not(testing::Contains(ServerId(3)))) << "nobody is asked about others";
}

TEST_F(Members, ThoseBelowAdministratorsLookAndChangeNothing) {
  for (const Access access : {Access::viewer, Access::moderator}) {
    access_[ServerId(1)] = access;
    EXPECT_EQ(status("GET", "/servers/1/settings"), 200);
    EXPECT_EQ(change(1).status, 403);
    EXPECT_EQ(status("POST", "/servers/1/kick/connect"), 403);
  }
  EXPECT_EQ(world_.dump("SELECT count(*) FROM settings"), "0\n");
  access_[ServerId(1)] = Access::administrator;
  EXPECT_EQ(change(1).status, 200);
  EXPECT_EQ(world_.dump("SELECT actor, door FROM audit_log"), "discord:7|dashboard\n");
}

TEST_F(Members, OpenOfAServerWhatEachRouteNeeds) {
  for (const bot::RouteSpec& route : world_.declarations.routes.all()) {
    EXPECT_GE(route.needs, route.method == "GET" ? Access::viewer : Access::administrator) << route.path;
    std::string path = "/servers/1" + route.path;
    if (const auto key = path.find("{key}"); key != std::string::npos) path.replace(key, 5, "time_zone");
    for (const Access access : {Access::none, Access::member, Access::viewer, Access::moderator,
                                Access::administrator, Access::owner}) {
      access_[ServerId(1)] = access;
      const int answered = status(route.method, path);
      if (access < Access::viewer) {
        EXPECT_EQ(answered, 404) << route.method << ' ' << path;
      } else {
        EXPECT_EQ(answered == 403, access < route.needs) << route.method << ' ' << path << ' ' << answered;
      }
    }
  }
}

TEST_F(Members, ReadWhoChangedWhatWhereTheyManageTheServer) {
  access_[ServerId(1)] = Access::viewer;
  EXPECT_EQ(status("GET", "/servers/1/audit"), 403);
  access_[ServerId(1)] = Access::moderator;
  EXPECT_EQ(status("GET", "/servers/1/audit"), 200);
}

TEST_F(Members, LookAtTheSetupWhereTheyRunIt) {
  EXPECT_EQ(status("GET", "/setup"), 403);
  runs_it_all_ = true;
  const json::Value setup = answer("/setup");
  ASSERT_EQ(json::array(setup, "findings").size(), 1U);
  EXPECT_EQ(json::text(json::array(setup, "findings")[0], "level"), "problem");
  EXPECT_EQ(json::text(json::array(setup, "findings")[0], "hint"), "Reset it.");
  EXPECT_EQ(json::text(setup, "invite"), "https://discord.test/invite");
}

TEST_F(Members, ListenWithTwentyPagesAndNoMore) {
  std::vector<net::HttpResponse> open;
  for (int i = 0; i < 20; ++i) open.push_back(call("GET", "/events"));
  EXPECT_EQ(open.back().status, 200);
  const auto refused = call("GET", "/events");
  EXPECT_EQ(refused.status, 429);
  EXPECT_TRUE(refused.header("retry-after"));
  open.pop_back();
  EXPECT_EQ(call("GET", "/events").status, 200) << "one is closed";
  sign_in({ServerId(1)});
  EXPECT_EQ(call("GET", "/events").status, 200) << "another browser has its own";
}

TEST_F(Members, CannotMakeTheBotSpeakInAStrangersChannel) {
  access_[ServerId(1)] = Access::owner;
  const auto name = [&](std::string value) {
    return call("PUT", "/servers/1/settings/kick_channel", R"({"value":)" + value + R"(,"expected":null})")
        .status;
  };
  EXPECT_EQ(name(R"("somebodys")"), 403);
  EXPECT_EQ(name("null"), 403);
  runs_it_all_ = true;
  EXPECT_EQ(name(R"("somebodys")"), 403) << "nor can who runs it all";
  EXPECT_EQ(world_.dump("SELECT count(*) FROM settings"), "0\n");
}

TEST_F(Members, SeeWhatTheyHaveGrantedAndNobodyElsesConsent) {
  world_.listen(2, "900001", "others");
  const tenancy::ChannelKey own{"kick", "900002"};
  net::run_to_end(world_.tenancy->channels().know(own, "mine", "Mine", world_.clock.now()));
  net::run_to_end(world_.tenancy->grants().grant(own, {"discord:7"}, "user:read chat:write", {}, ServerId(1),
                                                 world_.clock.now()));
  const json::Value mine = answer("/channels");
  ASSERT_EQ(json::array(mine, "channels").size(), 1U);
  EXPECT_EQ(json::text(json::array(mine, "channels")[0], "slug"), "mine");
  EXPECT_EQ(json::array(json::array(mine, "channels")[0], "scopes").size(), 2U);
  EXPECT_EQ(json::text(json::array(json::array(mine, "channels")[0], "servers")[0], "id"), "1");
  runs_it_all_ = true;
  EXPECT_EQ(json::array(answer("/channels"), "channels").size(), 2U);
}

TEST_F(Members, ARoleOpensTheDashboardToLook) {
  access_[ServerId(1)] = Access::member;
  EXPECT_EQ(status("GET", "/servers/1"), 404);
  has_role_ = true;
  EXPECT_EQ(json::text(answer("/servers/1"), "access"), "viewer");
  EXPECT_EQ(change(1).status, 403);
}

TEST_F(Members, WhatDiscordTakesAwayIsGone) {
  access_[ServerId(1)] = Access::owner;
  EXPECT_EQ(change(1).status, 200);
  access_.clear();
  EXPECT_EQ(status("GET", "/servers/1"), 404);
  EXPECT_EQ(json::array(answer("/servers"), "servers").size(), 0U);
}

TEST_F(Members, WhereDiscordCannotBeAskedNothingIsOpenAndNothingLooksGone) {
  access_[ServerId(1)] = Access::owner;
  reachable_ = false;
  EXPECT_EQ(status("GET", "/servers/1"), 503);
  EXPECT_EQ(status("GET", "/servers"), 503);
  EXPECT_EQ(change(1).status, 503);
}

TEST_F(Members, WhoRunsItAllOpensEveryServer) {
  runs_it_all_ = true;
  sign_in({});
  EXPECT_EQ(json::array(answer("/servers"), "servers").size(), 3U);
  EXPECT_EQ(change(3).status, 200);
  EXPECT_EQ(json::boolean(answer("/session"), "operator"), true);
  runs_it_all_ = false;
  EXPECT_EQ(status("GET", "/servers/3"), 404);
}

TEST_F(Members, TheSessionSaysWhoItIs) {
  const json::Value session = answer("/session");
  EXPECT_EQ(json::text(session, "principal"), "discord:7");
  EXPECT_EQ(json::text(session, "name"), "Owl");
  EXPECT_EQ(json::boolean(session, "operator"), false);
}

TEST_F(Members, GetAnotherSessionIdWhenTheirRightsChange) {
  const auto given = [&] { return given_by(call("GET", "/servers")); };
  EXPECT_EQ(given(), "") << "he is nothing anywhere";
  for (const Access access : {Access::viewer, Access::administrator, Access::none}) {
    access_[ServerId(1)] = access;
    const std::string before = cookie_;
    const std::string fresh = given();
    ASSERT_NE(fresh, "");
    EXPECT_EQ(status("GET", "/session"), 200) << "what was under way with the one before comes in";
    cookie_ = fresh;
    EXPECT_EQ(given(), "") << "once";
    world_.clock.advance(std::chrono::minutes(1));
    EXPECT_FALSE(net::run_to_end(sessions_.find(before)));
    EXPECT_EQ(status("GET", "/session"), 200);
  }
}

TEST_F(Members, GoOnWithWhatTheyBeganUnderTheIdBefore) {
  access_[ServerId(1)] = Access::owner;
  bot::OAuthStates states(world_.tenancy->global(), world_.clock);
  const auto session = *net::run_to_end(sessions_.find(cookie_));
  const auto begun = net::run_to_end(states.begin({"kick.channel", session.hash, ServerId(1), "/"}));
  const auto response = call("GET", "/servers/1");
  ASSERT_TRUE(response.header("set-cookie"));
  const auto later = net::run_to_end(sessions_.find_by_hash(session.hash));
  ASSERT_TRUE(later) << "a page that listens is not sent away";
  EXPECT_NE(later->hash, session.hash);
  EXPECT_EQ(later->csrf_token, session.csrf_token);
  EXPECT_TRUE(net::run_to_end(states.take(begun.state, "kick.channel", later->hash)));
}

TEST_F(Members, GetOneOtherIdHoweverMuchTheirPageAsksAtOnce) {
  access_[ServerId(1)] = Access::owner;
  const auto given_at_once = [&] {
    std::vector<std::future<net::HttpResponse>> answers;
    for (int i = 0; i < 5; ++i)
      answers.push_back(boost::asio::co_spawn(loops_.main(), api_.handle(request("GET", "/servers/1")),
                                              boost::asio::use_future));
    std::vector<std::string> given;
    for (auto& answer : answers) {
      const auto response = answer.get();
      EXPECT_EQ(response.status, 200);
      if (response.header("set-cookie")) given.push_back(given_by(response));
    }
    return given;
  };
  const auto given = given_at_once();
  ASSERT_EQ(given.size(), 1U);
  EXPECT_EQ(given_at_once().size(), 0U) << "nor by the one before";
  cookie_ = given.front();
  EXPECT_EQ(given_at_once().size(), 0U);
}

TEST_F(Members, KeepTheirIdWhereDiscordCannotBeAsked) {
  access_[ServerId(1)] = Access::owner;
  cookie_ = given_by(call("GET", "/servers/1"));
  reachable_ = false;
  EXPECT_FALSE(call("GET", "/servers/1").header("set-cookie"));
  reachable_ = true;
  EXPECT_FALSE(call("GET", "/servers/1").header("set-cookie"));
}

TEST_F(Members, HaveTheScopeOfTheirServerAlone) {
  const auto& scopes = world_.tenancy->scopes();
  const tenancy::SessionRights owner{.server = ServerId(1), .access = Access::owner};
  EXPECT_TRUE(scopes.for_session(ServerId(1), owner));
  EXPECT_EQ(scopes.for_session(ServerId(2), owner).error().code, ErrorCode::not_found);
  EXPECT_EQ(scopes.for_session(ServerId(1), {}).error().code, ErrorCode::not_found);
  EXPECT_EQ(scopes.for_session(ServerId(99), {true}).error().code, ErrorCode::not_found);
}

}  // namespace
}  // namespace guildhall::web
