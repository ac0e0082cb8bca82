// For the tests of the bot in Discord: the bot in the simulated one, and interactions in virtual time.
#pragma once

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_future.hpp>
#include <future>
#include <thread>

#include "base/crypto.h"
#include "bot/discord_bridge.h"
#include "net/http_server.h"
#include "platforms/discord/permissions.h"
#include "platforms/discord/scripted.h"
#include "sim/sim.h"
#include "tests/support/test_world.h"

namespace guildhall::bot {

inline void wait_until(const std::function<bool()>& reached) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (!reached()) {
    if (std::chrono::steady_clock::now() > deadline) throw std::runtime_error("nothing moves any more");
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
}

/// One run of the bot, from its start to its end.
class RunningBot {
 public:
  RunningBot(test::TestWorld& world, const Secrets& secrets)
      : dispatcher_(loops_, world.declarations, world.clock, topics_, world.metrics),
        bridge_({loops_.main(), world.config, world.clock, world.metrics, *world.tenancy, world.declarations,
                 dispatcher_, topics_, http_},
                secrets, "everything " + hex(random_bytes(4)), "everything "),
        world_(world) {
    net::spawn(loops_.main(), "discord", [this]() -> Task<void> { co_await bridge_.run(); });
    net::HttpServerOptions options;
    options.listen = {"127.0.0.1", 0};
    web_ = *net::HttpServer::start(loops_.main(), options, [this](net::HttpRequest request) {
      return bridge_.handle_posted(std::move(request));
    });
    loops_.start();
  }
  ~RunningBot() {
    web_->stop();
    bridge_.stop();
    loops_.drain(std::chrono::seconds(10));
    world_.close(loops_);
  }

  /// Runs it where the bridge lives.
  template <class T>
  T on_loop(Task<T> task) {
    return boost::asio::co_spawn(loops_.main(), std::move(task), boost::asio::use_future).get();
  }
  Dispatcher& dispatcher() { return dispatcher_; }
  /// Where interactions can be posted.
  std::string url() const { return fmt::format("http://127.0.0.1:{}/", web_->port()); }
  DiscordBridge& bridge() { return bridge_; }

 private:
  net::Loops loops_{2};
  TopicHub topics_;
  net::HttpClient http_{loops_.main(), {}};
  Dispatcher dispatcher_;
  DiscordBridge bridge_;
  std::unique_ptr<net::HttpServer> web_;
  test::TestWorld& world_;
};

/// The bot in a simulated Discord of two servers.
class InDiscord : public testing::Test {
 protected:
  explicit InDiscord(Remembered remembered = {}) {
    world_.declarations.remembered = remembered;
    // The key of the simulated Kick takes longer than the whole test, so it is made once.
    static const test::TemporaryFolder kKeys;
    sim::SimOptions options;
    options.clock = &world_.clock;
    options.size.servers = 2;
    options.size.members = 3;
    options.key_file = kKeys.path() / "kick.pem";
    auto started = sim::Simulation::start(sim_loops_.main(), options);
    if (!started) throw ErrorException(started.error());
    sim_ = *std::move(started);
    contract_ = *json::parse(sim_->contract_json());
    servers_ = sim_->world().servers;
    sim_bot_ = sim_->world().bot.id;
    sim_loops_.start();
    const json::Value& discord = contract_.at("discord");
    world_.config.discord_token = json::text_or(discord, "token", "");
    world_.config.discord_api_url = json::text_or(discord, "rest", "");
    world_.config.discord_gateway_url = json::text_or(discord, "gateway", "");
    world_.config.discord_public_key = json::text_or(discord, "public_key", "");
    if (auto made = Secrets::create(world_.config.key_file()); !made) throw ErrorException(made.error());
    run();
  }
  ~InDiscord() override {
    bot_.reset();
    sim_->stop();
    sim_loops_.drain(std::chrono::seconds(10));
    sim_loops_.stop();
  }

  /// The bot starts, and has what a start gives it: the connection, its commands, the servers.
  void run() {
    secrets_.emplace(*Secrets::load(world_.config.key_file()));
    bot_ = std::make_unique<RunningBot>(world_, *secrets_);
    wait_until([&] {
      const json::Value health = control("GET", "/healthz");
      return json::integer(health, "gateway_connections") == 1 &&
             json::write(control("GET", "/discord/commands")).find("leaderboard") != std::string::npos &&
             world_.tenancy->servers().list().size() == 2;
    });
  }
  void restart() {
    bot_.reset();
    world_.reopen();
    run();
  }

  json::Value control(const std::string& method, const std::string& path, const json::Value& body = nullptr) {
    net::HttpRequest request{method, json::text_or(contract_, "control", "") + path};
    if (!body.is_null()) request.body = json::write(body);
    std::promise<std::string> answered;
    net::spawn(sim_loops_.main(), "control", [this, &answered, request]() -> Task<void> {
      auto response = co_await http_.send(request);
      answered.set_value(response ? response->body : response.error().message);
    });
    return json::parse(answered.get_future().get()).value_or(json::Value(nullptr));
  }
  std::string id(sim::Snowflake value) const { return std::to_string(value); }
  sim::Snowflake member(std::size_t server, std::size_t number) const {
    auto found = servers_[server].members.begin();
    for (std::size_t i = 0;; ++found) {
      if (found->first == servers_[server].owner || found->first == sim_bot_) continue;
      if (i++ == number) return found->first;
    }
  }

  /// So many people with points, the first has most.
  void give_points(std::size_t server, int people) {
    for (int i = 1; i <= people; ++i) {
      CommandRequest request;
      request.door = Door::prefix;
      request.caller = {{kDiscord, "1", "Owner"}, Permission::administrator};
      request.operation_id = "give " + id(servers_[server].id) + " " + std::to_string(i);
      request.line = fmt::format("!points add <@{}> {} raid", 5'000 + i, 1'000 - i);
      std::promise<Outcome> done;
      bot_->dispatcher().submit(*world_.tenancy->scopes().for_operator(ServerId(servers_[server].id)),
                                std::move(request),
                                [&](Outcome outcome, std::optional<Answer>) { done.set_value(outcome); });
      ASSERT_EQ(done.get_future().get(), Outcome::committed);
    }
  }

  /// The interaction that this act began, as soon as it is answered.
  json::Value told(const std::string& act, const json::Value& body) {
    const std::string interaction = json::text_or(control("POST", act, body), "interaction", "");
    if (interaction.empty()) throw std::runtime_error("nothing was asked");
    json::Value story;
    wait_until([&] {
      story = control("GET", "/discord/interactions?id=" + interaction).at(0);
      return json::text_or(story, "state", "") == "answered" || !json::array(story, "followups").empty();
    });
    return story;
  }
  json::Value ask(std::size_t server, sim::Snowflake user, json::Object options,
                  std::string name = "leaderboard") {
    return told("/discord/command", {{"guild", id(servers_[server].id)},
                                     {"user", id(user)},
                                     {"name", std::move(name)},
                                     {"options", std::move(options)}});
  }
  /// From the menu of a user.
  json::Value ask_about(sim::Snowflake target, sim::Snowflake user, std::string name) {
    return told("/discord/command", {{"guild", id(servers_[0].id)},
                                     {"user", id(user)},
                                     {"name", std::move(name)},
                                     {"target", id(target)}});
  }
  json::Value press(std::size_t server, sim::Snowflake user, const json::Value& message,
                    const std::string& custom_id, bool forged = false) {
    return told("/discord/click", {{"guild", id(servers_[server].id)},
                                   {"user", id(user)},
                                   {"message", message.at("id")},
                                   {"custom_id", custom_id},
                                   {"forged", forged}});
  }
  json::Value choose(std::size_t server, sim::Snowflake user, const json::Value& message,
                     const json::Value& select, std::string value, bool forged = false) {
    return told("/discord/click", {{"guild", id(servers_[server].id)},
                                   {"user", id(user)},
                                   {"message", message.at("id")},
                                   {"custom_id", select.at("custom_id")},
                                   {"values", json::Array{std::move(value)}},
                                   {"forged", forged}});
  }
  /// What was said to whoever began it, early or late, and to nobody else.
  std::string said_to_caller(std::size_t server, const json::Value& story) {
    const json::Array& late = json::array(story, "followups");
    const json::Value said = late.empty() ? story.at("answer") : look(server, late.at(0));
    EXPECT_TRUE(json::boolean(said, "ephemeral") == true || json::boolean(story, "ephemeral") == true)
        << json::write(story);
    return content(said);
  }
  /// The message as it stands now.
  json::Value look(std::size_t server, const json::Value& message) {
    for (const json::Value& one : messages(server)) {
      if (one.at("id") == message.at("id")) return one;
    }
    return nullptr;
  }
  json::Array messages(std::size_t server) {
    return control("GET", "/discord/messages?guild=" + id(servers_[server].id)).as_array();
  }
  static std::string content(const json::Value& message) { return json::text_or(message, "content", ""); }
  static json::Value button(const json::Value& message, std::size_t number) {
    return message.at("components").at(0).at("components").at(number);
  }
  static std::string previous(const json::Value& message) {
    return json::text_or(button(message, 0), "custom_id", "");
  }
  static std::string next(const json::Value& message) {
    return json::text_or(button(message, 1), "custom_id", "");
  }

  test::TestWorld world_;
  net::Loops sim_loops_{1};
  net::HttpClient http_{sim_loops_.main(), {}};
  std::unique_ptr<sim::Simulation> sim_;
  json::Value contract_;
  sim::Snowflake sim_bot_ = 0;
  std::vector<sim::Server> servers_;
  std::optional<Secrets> secrets_;
  std::unique_ptr<RunningBot> bot_;
};

/// Interactions on a loop in virtual time, whose answers are HTTP requests that a script answers.
class AtTheDeadline : public testing::Test, protected discord::TestLoop {
 protected:
  AtTheDeadline() {
    world_.server(1);
    world_.touch(1);  // with a file per server it is there from now on
    loops_.start();
  }
  ~AtTheDeadline() override { world_.close(loops_); }

  static Secrets new_secrets(const test::TestWorld& world) {
    if (auto made = Secrets::create(world.config.key_file()); !made) throw ErrorException(made.error());
    return *Secrets::load(world.config.key_file());
  }

  discord::Interaction asked(discord::InteractionType type) {
    discord::Interaction interaction;
    interaction.id = discord::InteractionId(++last_id_);
    interaction.application = discord::ApplicationId(98);
    interaction.type = type;
    interaction.token = "secret";
    interaction.guild = ServerId(1);
    interaction.user = {DiscordUserId(555), "member", "Member"};
    interaction.permissions = discord::kAdministrator;
    return interaction;
  }
  discord::Interaction press(std::string of) {
    const CustomIds ids(secrets_, world_.declarations.commands, Door::button);
    auto interaction = asked(discord::InteractionType::component);
    interaction.custom_id =
        *ids.make(ServerId(1), {"leaderboard", {{"of", std::move(of)}, {"page", "1"}}}, "555");
    return interaction;
  }
  discord::Interaction command(std::string name,
                               std::map<std::string, std::string, std::less<>> options = {}) {
    auto interaction = asked(discord::InteractionType::command);
    interaction.command = std::move(name);
    interaction.options = std::move(options);
    return interaction;
  }
  discord::Interaction menu(std::string name) {
    auto interaction = asked(discord::InteractionType::command);
    interaction.kind = discord::CommandKind::user_menu;
    interaction.command = std::move(name);
    interaction.target = 777;
    interaction.users[DiscordUserId(777)] = "Owl";
    return interaction;
  }
  /// The form that went out with that request comes back.
  discord::Interaction submit(std::size_t request,
                              std::map<std::string, std::vector<std::string>, std::less<>> fields) {
    auto interaction = asked(discord::InteractionType::modal);
    interaction.custom_id = json::text_or(body(request).at("data"), "custom_id", "");
    interaction.fields = std::move(fields);
    return interaction;
  }
  void take(discord::Interaction interaction, bool told_again = false) {
    interactions_.take(world_.server(1), std::move(interaction), told_again);
    settle();
  }
  /// What the request of one that was posted is answered, as soon as it is.
  using Response = std::shared_ptr<std::optional<net::HttpResponse>>;
  Response post(discord::Interaction interaction) {
    return start(interactions_.take_posted(world_.server(1), std::move(interaction)));
  }
  net::HttpResponse answer_to(const Response& response) {
    wait_until([&] {
      settle();
      return response->has_value();
    });
    return **response;
  }
  void switch_points_off() {
    world_.in(1, [&](store::Tx& tx) {
      return change_server_setting(tx, world_.declarations, ServerId(1), {"points_enabled", "false"},
                                   {"t", "system"}, world_.clock.now());
    });
  }
  /// Lets the database work until so many requests went out.
  void expect_requests(std::size_t count) {
    wait_until([&] {
      settle();
      return http.requests.size() >= count;
    });
  }
  std::string sent(std::size_t index) {
    const net::HttpRequest& request = http.requests.at(index);
    return request.method + " " + request.url.substr(request.url.find("v10") + 3);
  }
  json::Value body(std::size_t index) { return *json::parse(http.requests.at(index).body); }

  net::Loops loops_{2};
  test::TestWorld world_;
  TopicHub topics_;
  Dispatcher dispatcher_{loops_, world_.declarations, world_.clock, topics_, world_.metrics};
  net::HttpClient unused_{loop, {}};
  Secrets secrets_ = new_secrets(world_);
  discord::ScriptedHttp http{*this};
  discord::RestClient rest_{
      loop,
      {.api_url = "https://discord.test/api", .token = "t", .project_url = "https://p.test"},
      [this](net::HttpRequest request) { return http.send(std::move(request)); },
      timing,
      world_.metrics};
  BridgeServices services_{loop,           world_.config,   world_.clock,
                           world_.metrics, *world_.tenancy, world_.declarations,
                           dispatcher_,    topics_,         unused_};
  DiscordInteractions interactions_{services_, secrets_, rest_, timing};
  std::int64_t last_id_ = 0;
};

}  // namespace guildhall::bot
