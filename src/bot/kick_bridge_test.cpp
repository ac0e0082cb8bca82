// Channels that are connected, left, withdrawn and taken over, at the simulated Kick.
#include "bot/kick_bridge.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_future.hpp>
#include <future>
#include <thread>

#include "base/log.h"
#include "bot/persons.h"
#include "net/http_client.h"
#include "net/http_server.h"
#include "sim/sim.h"
#include "tests/support/test_world.h"

namespace guildhall::bot {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr const char* kBrowser = "a session's hash";
const tenancy::Granter kOwl{"discord:1"};
const tenancy::Granter kFox{"discord:2"};

/// The bridge of two servers; everybody who comes back from Kick may connect a channel.
class InKick : public testing::Test {
 protected:
  explicit InKick(store::Layout layout = test::tested_layout()) : world_(layout) {
    // The key takes longer than the whole test, so it is made once.
    static const test::TemporaryFolder kKeys;
    sim::SimOptions options;
    options.clock = &world_.clock;
    options.key_file = kKeys.path() / "kick.pem";
    auto started = sim::Simulation::start(loops_.main(), options);
    if (!started) throw ErrorException(started.error());
    sim_ = *std::move(started);
    const json::Value contract = *json::parse(sim_->contract_json());
    const json::Value& kick = contract.at("kick");
    control_ = json::text_or(contract, "control", "");
    world_.config.kick_oauth_url = json::text_or(kick, "oauth", "");
    world_.config.kick_api_url = json::text_or(kick, "api", "");
    world_.config.kick_client_id = json::text_or(kick, "client_id", "");
    world_.config.kick_client_secret = json::text_or(kick, "client_secret", "");
    channels_ = sim_->world().kick_channels;
    const auto& viewers = channels_[0].viewers;  // the streamer is the first
    const auto viewer =
        std::find_if(viewers.begin() + 1, viewers.end(), [](const sim::Viewer& one) { return !one.bot; });
    viewer_ = sim_->world().kick_user(viewer->user)->slug;
    world_.server(1);
    world_.server(2);
  }
  void SetUp() override {
    if (auto made = Secrets::create(world_.folder.path() / "test.key"); !made)
      throw ErrorException(made.error());
    secrets_.emplace(*Secrets::load(world_.folder.path() / "test.key"));
    states_.emplace(world_.tenancy->global(), world_.clock);
    bridge_.emplace(BridgeServices{loops_.main(), world_.config, world_.clock, world_.metrics,
                                   *world_.tenancy, world_.declarations, dispatcher_, topics_, http_},
                    *secrets_, *states_, std::nullopt);
    net::HttpServerOptions options;
    options.listen = {"127.0.0.1", 0};
    web_ = *net::HttpServer::start(loops_.main(), options, [this](net::HttpRequest request) {
      return bridge_->handle_webhook(std::move(request));
    });
    sim_->set_kick_webhook(fmt::format("http://127.0.0.1:{}/webhooks/kick", web_->port()));
    bridge_->start();
    loops_.start();
  }
  ~InKick() override {
    web_->stop();
    sim_->stop();
    loops_.drain(10s);
    world_.close(loops_);
  }

  template <class T>
  T run(Task<T> task) {
    return boost::asio::co_spawn(loops_.main(), std::move(task), boost::asio::use_future).get();
  }
  static void wait_until(const std::function<bool()>& reached) {
    const auto deadline = std::chrono::steady_clock::now() + 20s;
    while (!reached()) {
      if (std::chrono::steady_clock::now() > deadline) throw std::runtime_error("nothing moves any more");
      std::this_thread::sleep_for(5ms);
    }
  }
  void act(const std::string& what, const json::Value& body) {
    net::HttpRequest request{"POST", control_ + what};
    request.body = json::write(body);
    ASSERT_EQ(run(http_.send(std::move(request)))->status, 200);
  }
  void go_live(std::size_t channel) {
    act("/kick/live", {{"slug", channels_[channel].slug}, {"title", "T"}});
  }

  /// A streamer consents at Kick, and comes back.
  Result<ServerId> connect(std::int64_t server, std::size_t channel, const tenancy::Granter& by = kOwl) {
    const auto address = run(bridge_->start_connect(kBrowser, ServerId(server)));
    const auto consent = run(http_.send({"GET", *address + "&as=" + channels_[channel].slug}));
    const std::string back = consent->header("location").value_or("");
    net::Query query = net::parse_query(back.substr(back.find('?') + 1));
    return run(bridge_->finish_connect(query["state"], query["code"], {kBrowser, by},
                                       [](ServerId) -> Task<Result<void>> { co_return Result<void>{}; }));
  }
  Result<void> disconnect(std::int64_t server) {
    return run(bridge_->disconnect(ServerId(server), {"tester", "dashboard"}));
  }
  /// The streamer takes his consent back at Kick, which tells nobody.
  void revoke(std::size_t channel) {
    const auto grant = *run(world_.tenancy->grants().of(key(channel)));
    const std::string context = token_context(kKick, grant.platform_user_id, "refresh_token");
    const std::string token = *secrets_->open(grant.refresh_token->bytes, context);
    const std::string address =
        world_.config.kick_oauth_url + "/oauth/revoke?token=" + net::percent_encode(token);
    ASSERT_EQ(run(http_.send({"POST", address}))->status, 200);
  }
  tenancy::ChannelKey key(std::size_t channel) const {
    return {kKick, std::to_string(channels_[channel].broadcaster)};
  }
  std::vector<ServerId> servers_of(std::size_t channel) {
    return world_.tenancy->channels().servers_of(key(channel));
  }
  /// Kinds of its events that are posted to us.
  std::string subscriptions(std::size_t channel) {
    return world_.dump("SELECT count(*) FROM channel_subscriptions WHERE platform_user_id = '" +
                       key(channel).platform_user_id + "'");
  }
  /// What kick_channel shows.
  std::string shown(std::int64_t server) {
    return world_.dump("SELECT value FROM settings WHERE key = 'kick_channel' AND discord_server_id = " +
                       std::to_string(server));
  }
  void set(std::int64_t server, std::string key, std::string value) {
    const SettingWish wish{.key = std::move(key), .value = std::move(value), .of_program = true};
    world_.in(server, [&](store::Tx& tx) {
      return change_server_setting(tx, world_.declarations, ServerId(server), wish, {"tester", "system"},
                                   world_.clock.now());
    });
  }
  /// Streams that are live for it.
  std::string live_for(std::int64_t server) {
    return world_.dump(
        "SELECT count(*) FROM watch_conditions WHERE kind = 'live' AND until_us IS NULL AND "
        "discord_server_id = " +
        std::to_string(server));
  }

  net::Loops loops_{1};
  test::TestWorld world_;
  TopicHub topics_;
  Dispatcher dispatcher_{loops_, world_.declarations, world_.clock, topics_, world_.metrics};
  std::unique_ptr<sim::Simulation> sim_;
  std::string control_;
  net::HttpClient http_{loops_.main(), {}};
  std::vector<sim::KickChannel> channels_;
  std::string viewer_;  // of the first channel
  std::optional<Secrets> secrets_;
  std::optional<OAuthStates> states_;
  std::optional<KickBridge> bridge_;
  std::unique_ptr<net::HttpServer> web_;
};

TEST_F(InKick, ARefusedAttemptChangesNothing) {
  ASSERT_TRUE(connect(1, 0));
  go_live(1);
  ASSERT_TRUE(connect(2, 1, kFox));
  EXPECT_EQ(live_for(2), "1\n");
  const auto refused = connect(2, 0, kFox);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::conflict);
  EXPECT_EQ(live_for(2), "1\n") << "the stream that it watches goes on";
  EXPECT_THAT(servers_of(1), ElementsAre(ServerId(2)));
}

TEST_F(InKick, AServerThatTurnsToAnotherChannelIsDoneWithTheFirstStream) {
  go_live(0);
  ASSERT_TRUE(connect(1, 0));
  EXPECT_EQ(live_for(1), "1\n");
  ASSERT_TRUE(connect(1, 1));
  EXPECT_EQ(live_for(1), "0\n");
  EXPECT_EQ(shown(1), channels_[1].slug + "\n");
}

TEST_F(InKick, WhoComesBackDuringAStreamIsInItAgain) {
  set(1, "live_alert_enabled", "true");
  set(1, "live_alert_channel_id", "77");
  go_live(0);
  ASSERT_TRUE(connect(1, 0));
  world_.clock.advance(5min);
  ASSERT_TRUE(disconnect(1));
  EXPECT_EQ(live_for(1), "0\n");
  EXPECT_THAT(world_.dump("SELECT text FROM posts"), HasSubstr("was live"));
  world_.clock.advance(5min);
  ASSERT_TRUE(connect(1, 0));
  EXPECT_EQ(live_for(1), "1\n");
  EXPECT_THAT(world_.dump("SELECT text FROM posts"), HasSubstr("is live"));
  EXPECT_EQ(shown(1), channels_[0].slug + "\n");
}

TEST_F(InKick, AConsentThatIsTakenBackAtKickEndsTheListening) {
  set(1, "log_channel_id", "55");
  ASSERT_TRUE(connect(1, 0));
  ASSERT_TRUE(connect(2, 0));
  ASSERT_TRUE(connect(2, 1));
  wait_until([&] { return subscriptions(0) == "3\n"; });
  revoke(0);
  world_.clock.advance(3h);  // the token has to be renewed for the answer
  act("/kick/chat", {{"slug", channels_[0].slug}, {"user", viewer_}, {"content", "!points"}});
  wait_until([&] { return servers_of(0).empty() && shown(1).empty(); });
  EXPECT_THAT(servers_of(1), ElementsAre(ServerId(2))) << "that is another channel";
  EXPECT_THAT(world_.dump("SELECT body FROM outbox"), HasSubstr("no longer listens"));
  EXPECT_EQ(shown(2), channels_[1].slug + "\n");
  ASSERT_TRUE(connect(2, 0));
  EXPECT_THAT(servers_of(0), ElementsAre(ServerId(2))) << "a consent is for one server";
}

TEST_F(InKick, AnotherOwnerTakesOverWhatWasTakenBackAndNotItsServers) {
  ASSERT_TRUE(connect(1, 0));
  revoke(0);
  ASSERT_TRUE(connect(2, 0, kFox)) << "Kick was asked whether the former consent still holds";
  EXPECT_THAT(servers_of(0), ElementsAre(ServerId(2)));
  wait_until([&] { return shown(1).empty(); });
  EXPECT_FALSE(connect(1, 0)) << "it is another's now";
}

TEST_F(InKick, WhatIsWaitedForCanBeLeft) {
  set(1, "kick_channel", "somebody");
  EXPECT_TRUE(disconnect(1));
  EXPECT_EQ(shown(1), "");
  const auto again = disconnect(1);
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code, ErrorCode::not_found);
}

TEST_F(InKick, AFailureToConnectStandsInTheLog) {
  std::string log;
  const log::Capture capture([&](std::string_view line) { log += line; });
  const auto address = run(bridge_->start_connect(kBrowser, ServerId(1)));
  const net::Query query = net::parse_query(*address);
  const auto refused =
      run(bridge_->finish_connect(query.at("state"), "no code", {kBrowser, kOwl},
                                  [](ServerId) -> Task<Result<void>> { co_return Result<void>{}; }));
  ASSERT_FALSE(refused);
  EXPECT_THAT(log, HasSubstr("kick channel not connected"));
}

TEST_F(InKick, AStreamThatWasSaidToBeOverByMistakeGoesOn) {
  go_live(0);
  ASSERT_TRUE(connect(1, 0));
  world_.clock.advance(5min);
  const auto known = *world_.tenancy->channels().find(key(0));
  StreamStatus over{key(0), false, *known.live_since, world_.clock.now(), known.name};
  std::promise<Outcome> told;
  dispatcher_.submit(*world_.tenancy->scopes().for_job(ServerId(1)), over,
                     [&](Outcome outcome) { told.set_value(outcome); });
  ASSERT_EQ(told.get_future().get(), Outcome::committed);
  run(world_.tenancy->channels().set_live(key(0), false, known.live_since, world_.clock.now()));
  ASSERT_TRUE(connect(1, 0));
  EXPECT_EQ(live_for(1), "0\n") << "one look may be older than the end";
  ASSERT_TRUE(connect(1, 0));
  EXPECT_EQ(live_for(1), "1\n");
  EXPECT_EQ(world_.dump("SELECT live FROM channels WHERE live_since IS NOT NULL"), "live\n");
}

class InKickInWholeFiles : public InKick {
 protected:
  InKickInWholeFiles() : InKick(store::Layout::sqlite_per_server) {}
  std::string live() { return world_.dump("SELECT live FROM channels WHERE live_since IS NOT NULL"); }
};

TEST_F(InKickInWholeFiles, AStreamIsOverOnceEveryServerKnowsIt) {
  go_live(0);
  ASSERT_TRUE(connect(1, 0));
  ASSERT_TRUE(connect(2, 0));
  ASSERT_EQ(live(), "live\n");
  auto held = world_.database->hold_writer(1);
  act("/kick/offline", {{"slug", channels_[0].slug}});
  wait_until([&] { return live_for(2) == "0\n"; });
  EXPECT_EQ(live(), "live\n") << "the first is to be told again";
  held.reset();
  wait_until([&] { return live_for(1) == "0\n" && live() == "offline\n"; });
}

class InKickInFiles : public InKick {
 protected:
  InKickInFiles() : InKick(store::Layout::sqlite_per_server) {
    world_.listen(1, std::to_string(channels_[0].broadcaster), channels_[0].slug);
    world_.listen(2, std::to_string(channels_[0].broadcaster), channels_[0].slug);
    world_.touch(2);
    world_.execute("DROP TABLE server_marker", 1);
    world_.reopen();
  }
};

TEST_F(InKickInFiles, AServerWhoseFileIsUnusableIsNoReasonForKickToPostEverythingAgain) {
  wait_until([&] { return subscriptions(0) == "3\n"; });
  go_live(0);
  wait_until([&] { return live_for(2) == "1\n"; });
  wait_until([&] {
    return world_.metrics.text().find("webhooks_total{outcome=\"accepted\"} 1") != std::string::npos;
  });
}

TEST_F(InKickInFiles, AServerWhoseFileIsUnusableCostsTheOthersNothing) {
  wait_until([&] { return !shown(2).empty(); });
  EXPECT_TRUE(run(bridge_->withdraw(key(0), kOwl, std::nullopt))) << "nor does it keep a consent alive";
  EXPECT_THAT(servers_of(0), IsEmpty());
  wait_until([&] { return shown(2).empty(); });
}

}  // namespace
}  // namespace guildhall::bot
