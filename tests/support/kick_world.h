// For the tests of the bot in Kick: the bridge of two servers at the simulated one.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_future.hpp>
#include <thread>

#include "bot/kick_bridge.h"
#include "bot/persons.h"
#include "net/http_client.h"
#include "net/http_server.h"
#include "tests/support/simulated_kick.h"
#include "tests/support/test_world.h"

namespace guildhall::bot {

inline constexpr const char* kBrowser = "a session's hash";
inline const tenancy::Granter kOwl{"discord:1"};
inline const tenancy::Granter kFox{"discord:2"};

/// The bridge of two servers; everybody who comes back from Kick may connect a channel.
class InKick : public testing::Test {
 protected:
  explicit InKick(store::Layout layout = test::tested_layout()) : world_(layout) {
    kick_ = test::start_kick(loops_.main(), world_.clock, world_.config);
    channels_ = kick_.sim->world().kick_channels;
    const auto& viewers = channels_[0].viewers;  // the streamer is the first
    const auto viewer =
        std::find_if(viewers.begin() + 1, viewers.end(), [](const sim::Viewer& one) { return !one.bot; });
    viewer_ = kick_.sim->world().kick_user(viewer->user)->slug;
    world_.server(1);
    world_.server(2);
  }
  void SetUp() override {
    if (auto made = Secrets::create(world_.folder.path() / "test.key"); !made)
      throw ErrorException(made.error());
    secrets_.emplace(*Secrets::load(world_.folder.path() / "test.key"));
    states_.emplace(world_.tenancy->global(), world_.clock);
    make_bridge();
    net::HttpServerOptions options;
    options.listen = {"127.0.0.1", 0};
    web_ = *net::HttpServer::start(loops_.main(), options, [this](net::HttpRequest request) {
      return bridge_->handle_webhook(std::move(request));
    });
    kick_.sim->set_kick_webhook(fmt::format("http://127.0.0.1:{}/webhooks/kick", web_->port()));
    bridge_->start();
    loops_.start();
  }
  ~InKick() override {
    web_->stop();
    kick_.sim->stop();
    loops_.drain(std::chrono::seconds(10));
    world_.close(loops_);
  }

  /// From here on; one from before goes on, and is told nothing by Kick.
  void make_bridge() {
    const BridgeServices services{loops_.main(),  world_.config,   world_.clock,
                                  world_.metrics, *world_.tenancy, world_.declarations,
                                  dispatcher_,    topics_,         http_};
    bridges_.push_back(std::make_unique<KickBridge>(services, *secrets_, *states_, std::nullopt));
    bridge_ = bridges_.back().get();
  }
  template <class T>
  T run(Task<T> task) {
    return boost::asio::co_spawn(loops_.main(), std::move(task), boost::asio::use_future).get();
  }
  static void wait_until(const std::function<bool()>& reached) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (!reached()) {
      if (std::chrono::steady_clock::now() > deadline) throw std::runtime_error("nothing moves any more");
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
  }
  void act(const std::string& what, const json::Value& body) {
    net::HttpRequest request{"POST", kick_.control + what};
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
  test::SimulatedKick kick_;
  net::HttpClient http_{loops_.main(), {}};
  std::vector<sim::KickChannel> channels_;
  std::string viewer_;  // of the first channel
  std::optional<Secrets> secrets_;
  std::optional<OAuthStates> states_;
  std::vector<std::unique_ptr<KickBridge>> bridges_;
  KickBridge* bridge_ = nullptr;  // the last of them
  std::unique_ptr<net::HttpServer> web_;
};

}  // namespace guildhall::bot
