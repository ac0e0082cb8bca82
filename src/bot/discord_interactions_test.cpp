// What people press in the simulated Discord, answered by the bridge, the dispatcher and the features.
#include "bot/discord_interactions.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <boost/asio/post.hpp>
#include <future>
#include <thread>

#include "base/crypto.h"
#include "base/log.h"
#include "bot/discord_bridge.h"
#include "bot/ledger.h"
#include "net/http_server.h"
#include "platforms/discord/scripted.h"
#include "sim/sim.h"
#include "tests/support/test_world.h"

namespace guildhall::bot {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::Not;

void wait_until(const std::function<bool()>& reached) {
  const auto deadline = std::chrono::steady_clock::now() + 20s;
  while (!reached()) {
    if (std::chrono::steady_clock::now() > deadline) throw std::runtime_error("nothing moves any more");
    std::this_thread::sleep_for(2ms);
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
    loops_.drain(10s);
    world_.close(loops_);
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

class InDiscord : public testing::Test {
 protected:
  explicit InDiscord(Remembered remembered = {}) {
    world_.declarations.remembered = remembered;
    // The key of the simulated Kick takes longer than the whole test, so it is made once.
    static const test::TemporaryFolder kKick;
    sim::SimOptions options;
    options.clock = &world_.clock;
    options.size.servers = 2;
    options.size.members = 3;
    options.key_file = kKick.path() / "kick.pem";
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
    sim_loops_.drain(10s);
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
      request.caller = {{kDiscord, "1", "Owner"}, true};
      request.operation_id = "give " + id(servers_[server].id) + " " + std::to_string(i);
      request.line = fmt::format("!points add <@{}> {} raid", 5'000 + i, 1'000 - i);
      std::promise<Outcome> done;
      bot_->dispatcher().submit(*world_.tenancy->scopes().for_operator(ServerId(servers_[server].id)),
                                std::move(request),
                                [&](Outcome outcome, std::optional<Answer>) { done.set_value(outcome); });
      ASSERT_EQ(done.get_future().get(), Outcome::committed);
    }
  }

  /// Posts to a channel as the outbox does; what is refused for.
  std::string post_to(std::size_t channel) {
    const auto sent = send(0, servers_[0].channels[channel].id);
    return sent ? "" : sent.error().message;
  }
  Result<void> send(std::size_t server, sim::Snowflake channel) {
    return net::run_to_end(bot_->bridge().send(ServerId(servers_[server].id), id(channel), "news", ""));
  }
  ErrorCode refused(std::size_t server, sim::Snowflake channel) {
    const auto sent = send(server, channel);
    return sent ? ErrorCode::failed : sent.error().code;
  }
  /// The platform's own hand: no event tells of it.
  void change(const std::function<void(sim::World&)>& act) {
    std::promise<void> done;
    boost::asio::post(sim_loops_.main(), [&] {
      act(sim_->world());
      done.set_value();
    });
    done.get_future().get();
  }
  bool under_way(int events) const {
    return world_.metrics.text().find(fmt::format("\nguildhall_discord_events_under_way {}\n", events)) !=
           std::string::npos;
  }
  std::int64_t count(const std::string& name, const std::string& labels) {
    return world_.metrics.counter(name, "", labels).value();
  }
  /// What a moderator does; the answer, which has to have this status.
  json::Value moderate(std::string method, const std::string& path, std::string body, int status) {
    const json::Value& discord = contract_.at("discord");
    net::HttpRequest request{std::move(method), json::text_or(discord, "rest", "") + "/v10" + path};
    request.headers = {{"user-agent", "DiscordBot (https://p.test, 1)"},
                       {"authorization", "Bot " + json::text_or(discord, "token", "")},
                       {"content-type", "application/json"}};
    request.body = std::move(body);
    std::promise<net::HttpResponse> answered;
    net::spawn(sim_loops_.main(), "moderator", [this, &answered, request]() -> Task<void> {
      auto response = co_await http_.send(request);
      answered.set_value(response ? *std::move(response) : net::HttpResponse{});
    });
    const net::HttpResponse response = answered.get_future().get();
    EXPECT_EQ(response.status, status);
    return json::parse(response.body).value_or(json::Value(nullptr));
  }
  /// What @everyone is denied in a channel.
  void deny(std::size_t channel, std::string permissions) {
    moderate("PUT",
             fmt::format("/channels/{}/permissions/{}", servers_[0].channels[channel].id, servers_[0].id),
             fmt::format(R"({{"type":0,"allow":"0","deny":"{}"}})", permissions), 204);
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
  json::Value ask(std::size_t server, sim::Snowflake user, json::Object options) {
    return told("/discord/command", {{"guild", id(servers_[server].id)},
                                     {"user", id(user)},
                                     {"name", "leaderboard"},
                                     {"options", std::move(options)}});
  }
  json::Value press(std::size_t server, sim::Snowflake user, const json::Value& message,
                    const std::string& custom_id, bool forged = false) {
    return told("/discord/click", {{"guild", id(servers_[server].id)},
                                   {"user", id(user)},
                                   {"message", message.at("id")},
                                   {"custom_id", custom_id},
                                   {"forged", forged}});
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

TEST_F(InDiscord, AListIsReadPageByPageAlsoAfterARestart) {
  give_points(0, 7);
  const auto asker = member(0, 0);
  const json::Value first = ask(0, asker, {{"of", "points"}, {"count", 3}}).at("answer");
  EXPECT_EQ(content(first), "Most points:\n1. 5001: 999\n2. 5002: 998\n3. 5003: 997");
  EXPECT_EQ(json::boolean(button(first, 0), "disabled"), true) << "there is nothing before the first page";
  EXPECT_EQ(json::boolean(button(first, 1), "disabled"), false);

  press(0, asker, first, next(first));
  const json::Value second = look(0, first);
  EXPECT_EQ(content(second), "Most points:\n4. 5004: 996\n5. 5005: 995\n6. 5006: 994");

  restart();
  press(0, asker, second, next(second));
  const json::Value third = look(0, first);
  EXPECT_EQ(content(third), "Most points:\n7. 5007: 993");
  EXPECT_EQ(json::boolean(button(third, 1), "disabled"), true) << "it is the last page";
  press(0, asker, third, previous(third));
  EXPECT_EQ(content(look(0, first)), content(second));
  EXPECT_EQ(messages(0).size(), 1U) << "it was one message all the time";
}

TEST_F(InDiscord, AShortListHasNoButtons) {
  give_points(0, 3);
  const json::Value list = ask(0, member(0, 0), {{"of", "points"}, {"count", 3}}).at("answer");
  EXPECT_THAT(content(list), HasSubstr("3. 5003"));
  EXPECT_EQ(json::write(list.at("components")), "[]");
}

TEST_F(InDiscord, AButtonWorksForWhomItWasMadeInItsServerAlone) {
  give_points(0, 7);
  give_points(1, 7);
  const auto asker = member(0, 0);
  const json::Value here = ask(0, asker, {{"of", "points"}, {"count", 3}}).at("answer");
  const json::Value there = ask(1, member(1, 0), {{"of", "points"}, {"count", 4}}).at("answer");
  const auto refused = [&](std::size_t server, sim::Snowflake user, const json::Value& message,
                           const std::string& custom_id, const std::string& says) {
    const json::Value story = press(server, user, message, custom_id, true);
    const json::Array& late = json::array(story, "followups");
    const json::Value said = look(server, late.empty() ? story.at("answer") : late.at(0));
    EXPECT_EQ(json::boolean(said, "ephemeral"), true);
    EXPECT_THAT(content(said), HasSubstr(says)) << custom_id;
    EXPECT_EQ(content(look(server, message)), content(message)) << "the message stays as it is";
  };
  refused(0, member(0, 1), here, next(here), "for whoever used the command");
  refused(0, asker, here, next(there), "does not work here");
  refused(1, asker == member(1, 0) ? member(1, 1) : member(1, 0), there, next(here), "does not work here");
  std::string forged = next(here);
  forged.replace(forged.find(",2:"), 3, ",3:");
  refused(0, asker, here, forged, "does not work here");
  refused(0, asker, here, "join:1", "does not work here");
}

TEST_F(InDiscord, AMessageInDiscordIsAnsweredWithButtonsToo) {
  give_points(0, 7);
  const auto asker = member(0, 0);
  control("POST", "/discord/message",
          {{"guild", id(servers_[0].id)}, {"user", id(asker)}, {"content", "!leaderboard points 3"}});
  json::Value said;
  wait_until([&] {
    for (const json::Value& one : messages(0)) {
      if (content(one).starts_with("Most points")) said = one;
    }
    return !said.is_null();
  });
  press(0, asker, said, next(said));
  EXPECT_THAT(content(look(0, said)), HasSubstr("4. 5004"));
  EXPECT_THAT(content(look(0, said)), Not(HasSubstr("3. 5003")));
}

TEST_F(InDiscord, WhatIsPostedIsAnsweredAsWhatTheGatewayTells) {
  const auto tried = [&] {
    control("POST", "/discord/interactions-url", {{"url", bot_->url()}});
    std::string state;
    wait_until([&] {
      state = json::text_or(control("GET", "/discord/interactions-url"), "state", "");
      return state != "trying";
    });
    return state;
  };
  give_points(0, 7);
  ASSERT_EQ(tried(), "accepted");
  const auto asker = member(0, 0);
  const json::Value first = ask(0, asker, {{"of", "points"}, {"count", 3}}).at("answer");
  EXPECT_THAT(content(first), HasSubstr("3. 5003"));
  press(0, asker, first, next(first));
  EXPECT_THAT(content(look(0, first)), HasSubstr("4. 5004"));
  const json::Value other = press(0, member(0, 1), first, previous(look(0, first)), true);
  EXPECT_EQ(json::boolean(other, "ephemeral"), true);
  EXPECT_THAT(content(other.at("answer")), HasSubstr("for whoever used the command"));
  const json::Value told = control("GET", "/witness").at("discord");
  EXPECT_EQ(json::find(told, "INTERACTION_CREATE"), nullptr) << "none came over the gateway";
  world_.config.discord_public_key.clear();
  restart();
  EXPECT_EQ(tried(), "refused") << "without the key nothing is believed";
}

TEST_F(InDiscord, WhatTheBotMayNotSayIsNotAskedOfDiscord) {
  const auto expect_refused = [&] {
    wait_until([&] { return bot_->bridge().health().connected; });
    EXPECT_EQ(post_to(0), "");
    EXPECT_THAT(post_to(4),
                HasSubstr("lacks \"Send Messages\" in channel " + id(servers_[0].channels[4].id)));
    EXPECT_THAT(post_to(5), HasSubstr("lacks \"View Channels\" in channel "));
    EXPECT_EQ(count("guildhall_discord_requests_total", "answer=\"4xx\""), 0) << "Discord was not asked";
  };
  expect_refused();
  bot_.reset();
  world_.reopen();
  run();
  expect_refused();
  EXPECT_EQ(count("guildhall_discord_events_total", "event=\"GUILD_CREATE\""), 2)
      << "of no server it was told again";

  deny(4, "0");
  wait_until([&] { return post_to(4).empty(); });
  deny(0, "2048");
  wait_until([&] { return !post_to(0).empty(); });
  EXPECT_THAT(post_to(0), HasSubstr("lacks \"Send Messages\""));
  EXPECT_LE(count("guildhall_discord_requests_total", "answer=\"4xx\""), 1) << "that was under way at most";
}

TEST_F(InDiscord, NothingIsPostedForAServerInAnothersChannel) {
  wait_until([&] { return bot_->bridge().health().connected; });
  const auto theirs = servers_[1].channels[0].id;
  const auto hidden = servers_[1].channels[5].id;
  control("POST", "/faults", {{"discord_cdn_403", 2}});
  EXPECT_NE(refused(0, theirs), ErrorCode::failed) << "nobody says whose it is";
  control("POST", "/faults", {{"discord_cdn_403", 0}});
  for (int i = 0; i < 2; ++i) EXPECT_EQ(refused(0, theirs), ErrorCode::invalid);
  EXPECT_THAT(send(0, theirs).error().message, HasSubstr("does not belong to this Discord server"));
  EXPECT_EQ(refused(0, hidden), ErrorCode::forbidden);
  EXPECT_EQ(messages(1).size(), 0U);

  EXPECT_TRUE(send(1, theirs)) << "that others tried closes nothing";
  EXPECT_EQ(messages(1).size(), 1U);
  EXPECT_TRUE(send(0, servers_[0].channels[0].id));
  EXPECT_EQ(messages(0).size(), 1U);
}

TEST_F(InDiscord, AThreadOfTheServerIsItsOwnAndHasItsChannelsPermissions) {
  wait_until([&] { return bot_->bridge().health().connected; });
  change([&](sim::World& world) {
    world.servers[0].roles.front().permissions |=
        discord::kCreatePublicThreads | discord::kSendMessagesInThreads;
  });
  const json::Value made = moderate("POST", fmt::format("/channels/{}/threads", servers_[0].channels[0].id),
                                    R"({"name":"talk","type":11})", 201);
  const auto thread = static_cast<sim::Snowflake>(json::id(made, "id").value_or(0));
  EXPECT_EQ(refused(1, thread), ErrorCode::invalid);

  deny(0, std::to_string(discord::kSendMessagesInThreads));
  EXPECT_THAT(send(0, thread).error().message,
              HasSubstr("lacks \"Send Messages in Threads\" in channel " + id(thread)));
  EXPECT_EQ(post_to(0), "") << "its channel is open";
  EXPECT_EQ(count("guildhall_discord_requests_total", "answer=\"4xx\""), 0) << "Discord was not asked";
  deny(0, "0");
  wait_until([&] { return send(0, thread).has_value(); });
}

TEST_F(InDiscord, AChannelThatRefusedAnAnswerIsKnownFromThenOn) {
  wait_until([&] { return bot_->bridge().health().connected; });
  std::atomic<int> refused = 0;
  const log::Capture capture([&](std::string_view line) {
    if (line.find("reply not sent") != std::string_view::npos) ++refused;
  });
  const auto say_in_rules = [&](std::string command) {
    const int before = refused;
    control("POST", "/discord/message",
            {{"guild", id(servers_[0].id)},
             {"channel", id(servers_[0].channels[4].id)},
             {"user", id(servers_[0].owner)},
             {"content", std::move(command)}});
    wait_until([&] { return refused == before + 1; });
  };
  say_in_rules("!points");
  EXPECT_EQ(count("guildhall_discord_requests_total", "answer=\"4xx\""), 1);
  // It opens what refused, and changes nothing there.
  control("POST", "/discord/role-permissions",
          {{"guild", id(servers_[0].id)}, {"role", id(servers_[0].roles[1].id)}, {"permissions", "0"}});
  wait_until([&] { return count("guildhall_discord_events_total", "event=\"GUILD_ROLE_UPDATE\"") == 1; });
  say_in_rules("!watchtime");
  EXPECT_EQ(count("guildhall_discord_requests_total", "answer=\"4xx\""), 1);
}

TEST_F(InDiscord, RolesOfWhichNoEventToldAreAskedForAgain) {
  wait_until([&] { return bot_->bridge().health().connected; });
  for (const std::size_t role : {0, 3}) {
    control("POST", "/discord/role-permissions",
            {{"guild", id(servers_[0].id)},
             {"role", id(servers_[0].roles[role].id)},
             {"permissions", std::to_string(discord::kViewChannel)}});
  }
  wait_until([&] { return count("guildhall_discord_events_total", "event=\"GUILD_ROLE_UPDATE\"") == 2; });
  change([](sim::World& world) { world.servers[0].roles.front().permissions |= discord::kSendMessages; });
  EXPECT_EQ(post_to(0), "");
}

TEST_F(InDiscord, WhereTheBotMayNotReplyItAnswersWithoutThat) {
  const auto answered = [&](std::string command) {
    const std::size_t before = messages(0).size();
    control("POST", "/discord/message",
            {{"guild", id(servers_[0].id)}, {"user", id(member(0, 0))}, {"content", std::move(command)}});
    json::Array all;
    wait_until([&] {
      all = messages(0);
      return all.size() == before + 2;
    });
    return all.back();
  };
  EXPECT_NE(json::find(answered("!points"), "message_reference"), nullptr);
  deny(0, "65536");
  for (const char* command : {"!watchtime", "!leaderboard"})
    EXPECT_EQ(json::find(answered(command), "message_reference"), nullptr);
  EXPECT_EQ(count("guildhall_discord_requests_total", "answer=\"4xx\""), 1)
      << "what is refused is not tried again";
}

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
    const ButtonIds ids(secrets_, world_.declarations.commands);
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

TEST_F(AtTheDeadline, ALateCommandIsDeferredAndThenEdited) {
  const auto other = world_.database->hold_writer(1);
  take(command("help"));
  advance(2s);
  ASSERT_EQ(http.requests.size(), 1U);
  EXPECT_EQ(sent(0), "POST /interactions/1/secret/callback");
  EXPECT_EQ(json::write(body(0)), R"({"type":5,"data":{"flags":64}})") << "help is for its caller";
  other->execute("COMMIT");
  expect_requests(2);
  EXPECT_EQ(sent(1), "PATCH /webhooks/98/secret/messages/@original");
  EXPECT_THAT(json::text_or(body(1), "content", ""), HasSubstr("leaderboard"));
}

TEST_F(AtTheDeadline, AButtonIsDeferredUnseenAndThenItsMessageChanges) {
  const auto other = world_.database->hold_writer(1);
  take(press("points"));
  advance(2s);
  ASSERT_EQ(http.requests.size(), 1U);
  EXPECT_EQ(json::write(body(0)), R"({"type":6})");
  other->execute("COMMIT");
  expect_requests(2);
  EXPECT_EQ(sent(1), "PATCH /webhooks/98/secret/messages/@original");
  EXPECT_EQ(json::text(body(1), "content"), "Nobody is on the board yet.");
}

TEST_F(AtTheDeadline, ALateRefusalOfAPublicCommandIsSaidToTheCallerAlone) {
  switch_points_off();
  const auto other = world_.database->hold_writer(1);
  take(command("points"));
  advance(2s);
  ASSERT_EQ(http.requests.size(), 1U);
  EXPECT_EQ(json::write(body(0)), R"({"type":5})") << "what was promised to everybody";
  other->execute("COMMIT");
  expect_requests(3);
  EXPECT_EQ(sent(1), "DELETE /webhooks/98/secret/messages/@original");
  EXPECT_EQ(sent(2), "POST /webhooks/98/secret");
  EXPECT_EQ(json::integer(body(2), "flags"), 64);
  EXPECT_THAT(json::text_or(body(2), "content", ""), HasSubstr("switched off"));
}

TEST_F(AtTheDeadline, ARefusalIsNotSaidWhereThePromiseCannotBeTakenBack) {
  switch_points_off();
  const auto other = world_.database->hold_writer(1);
  http.then(204, "");
  http.then(403, R"({"code":50013,"message":"Missing Permissions"})");
  take(command("points"));
  advance(2s);
  other->execute("COMMIT");
  expect_requests(2);
  advance(10s);
  EXPECT_EQ(http.requests.size(), 2U) << "it would stand in the place of the promise, before everybody";
}

TEST_F(AtTheDeadline, ThatItIsBusyIsSaidByOneCallEvenLate) {
  take(command("help"));
  expect_requests(1);
  const auto other = world_.database->hold_writer(1);
  std::promise<void> gate;
  boost::asio::post(loops_.of(ServerId(1)), [passed = gate.get_future().share()] { passed.wait(); });
  const auto scope = world_.server(1);
  const MemberLeft left{DiscordUserId(7), "x", "leave", world_.clock.now()};
  for (int i = 0; i < 2'000; ++i) dispatcher_.submit(scope, left, [](Outcome) {});
  take(command("points"));
  advance(2s);
  ASSERT_EQ(http.requests.size(), 2U);
  EXPECT_EQ(json::write(body(1)), R"({"type":5})");
  gate.set_value();
  expect_requests(3);
  ASSERT_EQ(sent(2), "PATCH /webhooks/98/secret/messages/@original");
  EXPECT_THAT(json::text_or(body(2), "content", ""), HasSubstr("busy"));
  other->execute("COMMIT");
}

TEST_F(AtTheDeadline, OfEditsThatWaitForOneMessageOnlyTheLatestIsMade) {
  const auto other = world_.database->hold_writer(1);
  for (const char* token : {"a", "b", "c", "d"}) {
    auto pressed = press("points");
    pressed.token = token;
    pressed.message = discord::MessageId(77);
    take(pressed);
  }
  auto elsewhere = press("points");
  elsewhere.message = discord::MessageId(78);
  take(elsewhere);
  advance(2s);
  ASSERT_EQ(http.requests.size(), 5U) << "each is put off";
  http.delay = 1s;
  other->execute("COMMIT");
  expect_requests(7);
  advance(10s);
  ASSERT_EQ(http.requests.size(), 8U);
  EXPECT_EQ(sent(5), "PATCH /webhooks/98/a/messages/@original");
  EXPECT_EQ(sent(6), "PATCH /webhooks/98/secret/messages/@original") << "another message waits for none";
  EXPECT_EQ(sent(7), "PATCH /webhooks/98/d/messages/@original");
}

/// Several presses of the buttons of one message, each with a token of its own.
class OnOneMessage : public AtTheDeadline {
 protected:
  /// Those who are deferred, as the database is slow; then the first's edit goes out.
  void begin_late(const std::vector<std::string>& tokens) {
    const auto other = world_.database->hold_writer(1);
    for (const std::string& token : tokens) press_on(token);
    advance(2s);
    ASSERT_EQ(http.requests.size(), tokens.size());
    http.delay = 1s;
    other->execute("COMMIT");
    expect_requests(tokens.size() + 1);
    EXPECT_EQ(sent(tokens.size()), edit_of(tokens.front()));
  }
  void press_on(const std::string& token) {
    auto pressed = press("points");
    pressed.token = token;
    pressed.message = discord::MessageId(77);
    take(pressed);
  }
  /// Its command is done: that of somebody else behind it in the server's line is answered.
  void press_to_the_end(const std::string& token) {
    const std::size_t before = http.requests.size();
    press_on(token);
    take(command("help"));
    expect_requests(before + 1);
    ASSERT_EQ(http.requests.size(), before + 1) << "the press waits for the edit under way";
    EXPECT_EQ(sent(before), fmt::format("POST /interactions/{}/secret/callback", last_id_));
  }
  static std::string edit_of(const std::string& token) {
    return "PATCH /webhooks/98/" + token + "/messages/@original";
  }
};

TEST_F(OnOneMessage, AnAnswerAtOnceOvertakesTheEditsThatWait) {
  begin_late({"a", "b"});
  press_to_the_end("c");
  advance(10s);
  ASSERT_EQ(http.requests.size(), 5U) << "the second would bring back what was before";
  EXPECT_THAT(sent(4), HasSubstr("/c/callback"));
  EXPECT_EQ(json::integer(body(4), "type"), 7);
}

TEST_F(OnOneMessage, AnAnswerWaitsForTheRetriesOfAnOlderOne) {
  http.then(204, "");
  for (int i = 0; i < 2; ++i) http.then(503, "");
  begin_late({"a"});
  http.answers.emplace_front(net::make_response(204, "", ""));  // of help
  press_to_the_end("b");
  advance(20s);
  std::vector<std::string> changes;
  for (std::size_t i = 3; i < http.requests.size(); ++i) {
    if (json::integer(body(i), "type") != 6) changes.push_back(sent(i));
  }
  ASSERT_EQ(changes.size(), 3U);
  EXPECT_EQ(changes[0], edit_of("a"));
  EXPECT_EQ(changes[1], edit_of("a"));
  EXPECT_THAT(changes[2], HasSubstr("/b/")) << "what came last is what stands";
}

TEST_F(OnOneMessage, AnEditThatWaitsIsMadeIfTheNewerAnswerComesToNothing) {
  begin_late({"a", "b"});
  http.then(204, "");  // of help
  http.then(404, R"({"code":10062,"message":"Unknown interaction"})");
  press_to_the_end("c");
  advance(10s);
  ASSERT_EQ(http.requests.size(), 6U);
  EXPECT_THAT(sent(4), HasSubstr("/c/callback"));
  EXPECT_EQ(sent(5), edit_of("b"));
}

TEST_F(AtTheDeadline, ARequestIsRememberedAsLongAsItIsBelieved) {
  const auto once = command("help");
  EXPECT_EQ(answer_to(post(once)).status, 200);
  const auto typing = asked(discord::InteractionType::autocomplete);
  for (int i = 0; i < 100'000; ++i) {
    auto stroke = typing;
    stroke.id = discord::InteractionId(1'000 + i);
    interactions_.take(std::nullopt, std::move(stroke), false);
  }
  advance(10min);
  EXPECT_EQ(answer_to(post(once)).status, 409);
  advance(2min);
  const auto again = post(once);
  advance(3s);
  EXPECT_EQ(answer_to(again).status, 202) << "it is forgotten at last";
}

TEST_F(AtTheDeadline, ALateRefusalOfAButtonIsSaidToTheCallerAlone) {
  switch_points_off();
  const auto other = world_.database->hold_writer(1);
  take(press("points"));
  advance(2s);
  ASSERT_EQ(http.requests.size(), 1U);
  other->execute("COMMIT");
  expect_requests(2);
  EXPECT_EQ(sent(1), "POST /webhooks/98/secret") << "the message with the button stays as it is";
  EXPECT_EQ(json::integer(body(1), "flags"), 64);
  EXPECT_THAT(json::text_or(body(1), "content", ""), HasSubstr("switched off"));
}

TEST_F(AtTheDeadline, AfterTheTokensTimeAPublicAnswerGoesToTheChannel) {
  const auto late = [&](std::string name) {
    auto interaction = command(std::move(name));
    interaction.channel = DiscordChannelId(4);
    http.then(204, "");
    http.then(401, R"({"message":"Invalid Webhook Token","code":50027})");
    const auto other = world_.database->hold_writer(1);
    take(interaction);
    advance(16min);
    other->execute("COMMIT");
  };
  late("points");
  expect_requests(3);
  EXPECT_EQ(sent(2), "POST /channels/4/messages");
  EXPECT_THAT(json::text_or(body(2), "content", ""), HasSubstr("no points yet"));
  EXPECT_EQ(json::write(body(2).at("allowed_mentions")), R"({"parse":[]})");
  late("help");
  expect_requests(5);
  advance(1min);
  EXPECT_EQ(http.requests.size(), 5U) << "what is for one alone is said to nobody else";
}

TEST_F(AtTheDeadline, AnAnswerThatMayHaveArrivedIsNotSaidAgain) {
  http.then_fail(ErrorCode::timeout);
  take(press("points"));
  expect_requests(2);
  EXPECT_EQ(json::integer(body(0), "type"), 7);
  EXPECT_EQ(sent(1), "PATCH /webhooks/98/secret/messages/@original");
  advance(10s);
  EXPECT_EQ(http.requests.size(), 2U);
}

TEST_F(AtTheDeadline, WhatIsToldAgainIsDoneOnlyIfNobodyHasAnswered) {
  const std::map<std::string, std::string, std::less<>> gift{
      {"user", "777"}, {"amount", "5"}, {"reason", "x"}};
  http.then(404, R"({"code":10062,"message":"Unknown interaction"})");
  take(command("points-add", gift), true);
  advance(10s);
  EXPECT_EQ(json::integer(body(0), "type"), 5);
  EXPECT_EQ(world_.dump("SELECT count(*) FROM ledger"), "0\n");
  take(command("points-add", gift), true);
  expect_requests(3);
  EXPECT_EQ(sent(2), "PATCH /webhooks/98/secret/messages/@original");
  EXPECT_EQ(world_.dump("SELECT count(*) FROM ledger"), "1\n");
}

TEST_F(AtTheDeadline, WhatIsPostedIsAnsweredOnItsRequest) {
  world_.in(1, [&](store::Tx& tx) { return provisional_identity(tx, kKick, "Owl", world_.clock.now()); });
  const auto said = answer_to(post(command("help")));
  EXPECT_EQ(said.status, 200);
  EXPECT_EQ(said.header("content-type"), "application/json");
  const json::Value first = *json::parse(said.body);
  EXPECT_EQ(json::integer(first, "type"), 4);
  EXPECT_EQ(json::integer(first.at("data"), "flags"), 64);
  EXPECT_EQ(json::write(first.at("data").at("allowed_mentions")), R"({"parse":[]})");
  auto typing = asked(discord::InteractionType::autocomplete);
  typing.command = "points";
  typing.options["viewer"] = "o";
  typing.focused = "viewer";
  EXPECT_EQ(answer_to(post(typing)).body, R"({"type":8,"data":{"choices":[{"name":"Owl","value":"Owl"}]}})");
  advance(10s);
  EXPECT_TRUE(http.requests.empty()) << "no call is made";
  EXPECT_EQ(answer_to(post(asked(discord::InteractionType::modal))).status, 409) << "we show no forms";
}

TEST_F(AtTheDeadline, WhatIsPostedAndTakesLongIsPutOffByACall) {
  const auto other = world_.database->hold_writer(1);
  const auto response = post(command("points"));
  advance(1s);
  EXPECT_FALSE(response->has_value());
  advance(1s);
  EXPECT_EQ(answer_to(response).status, 202);
  EXPECT_EQ(answer_to(response).body, "");
  ASSERT_EQ(http.requests.size(), 1U);
  EXPECT_EQ(sent(0), "POST /interactions/1/secret/callback");
  EXPECT_EQ(json::integer(body(0), "type"), 5);
  other->execute("COMMIT");
  expect_requests(2);
  EXPECT_EQ(sent(1), "PATCH /webhooks/98/secret/messages/@original");
}

TEST_F(AtTheDeadline, WhatComesByBothRoadsIsTakenOnce) {
  const auto gift = command("points-add", {{"user", "777"}, {"amount", "5"}, {"reason", "x"}});
  EXPECT_EQ(answer_to(post(gift)).status, 200);
  take(gift);
  take(gift, true);
  EXPECT_EQ(answer_to(post(gift)).status, 409);
  const auto second = command("points-add", {{"user", "777"}, {"amount", "5"}, {"reason", "x"}});
  take(second);
  expect_requests(1);
  EXPECT_EQ(answer_to(post(second)).status, 409);
  advance(10s);
  EXPECT_EQ(http.requests.size(), 1U);
  EXPECT_EQ(world_.dump("SELECT count(*) FROM ledger"), "2\n");
}

TEST_F(AtTheDeadline, WhoPressesTooFastIsToldSoWithoutATransaction) {
  take(command("help"));
  expect_requests(1);
  const auto other = world_.database->hold_writer(1);
  for (int i = 0; i < 10; ++i) take(press("points"));
  advance(100ms);
  EXPECT_EQ(http.requests.size(), 1U) << "they wait for the database";
  take(press("points"));
  expect_requests(2);
  EXPECT_EQ(json::integer(body(1), "type"), 4);
  EXPECT_EQ(json::integer(body(1).at("data"), "flags"), 64);
  EXPECT_THAT(json::text_or(body(1).at("data"), "content", ""), HasSubstr("a little fast"));
  auto somebody = press("points");
  somebody.user.id = DiscordUserId(556);
  take(somebody);
  expect_requests(3);
  EXPECT_THAT(json::text_or(body(2).at("data"), "content", ""), HasSubstr("whoever used the command"))
      << "each has a budget of his own";
  advance(1s);
  take(press("points"));
  advance(100ms);
  EXPECT_EQ(http.requests.size(), 3U) << "after a second there is room for one more";
  other->execute("COMMIT");
  expect_requests(14);
}

TEST_F(AtTheDeadline, WhoTypesTooFastIsOfferedNothingForAMoment) {
  world_.in(1, [&](store::Tx& tx) { return provisional_identity(tx, kKick, "Owl", world_.clock.now()); });
  const auto offered = [&] {
    auto typing = asked(discord::InteractionType::autocomplete);
    typing.command = "points";
    typing.options["viewer"] = "o";
    typing.focused = "viewer";
    const std::size_t before = http.requests.size();
    take(typing);
    expect_requests(before + 1);
    return json::array(body(before).at("data"), "choices").size();
  };
  for (int i = 0; i < 30; ++i) EXPECT_EQ(offered(), 1U) << i;
  EXPECT_EQ(offered(), 0U);
  advance(500ms);
  EXPECT_EQ(offered(), 1U);
}

TEST_F(AtTheDeadline, ButtonsForWhichThereIsNoRoomAreLeftOut) {
  Answer answer{"many"};
  for (int i = 1; i <= 26; ++i)
    answer.buttons.push_back({"b", {"leaderboard", {{"of", "points"}, {"page", std::to_string(i)}}}});
  const auto body = interactions_.body_of(answer, ServerId(1), "555");
  ASSERT_EQ(body.rows.size(), discord::kMostRows);
  EXPECT_EQ(std::get<discord::ButtonRow>(body.rows.back()).size(), discord::kButtonsInARow);
  EXPECT_TRUE(discord::message_json(body)) << "the message goes out";
}

TEST_F(AtTheDeadline, BehindTheLastPageOfAllThereIsNone) {
  world_.in(1, [&](store::Tx& tx) -> store::TxTask<void> {
    std::vector<std::string> names;
    for (int i = 0; i < 1'001; ++i) names.push_back("owl" + std::to_string(i));
    const auto people = co_await identities_of_names(tx, kKick, names, world_.clock.now());
    LedgerOperation all{"all", "admin_adjust", "x", "t", {}};
    for (const auto& one : people) all.entries.push_back({one.identity.person_id, 5});
    const auto booked = co_await apply(tx, kPoints, all, world_.clock.now());
    EXPECT_TRUE(booked);
  });
  const ButtonIds ids(secrets_, world_.declarations.commands);
  const auto next_after = [&](const char* page) {
    auto pressed = asked(discord::InteractionType::component);
    pressed.custom_id =
        *ids.make(ServerId(1), {"leaderboard", {{"of", "points"}, {"count", "1"}, {"page", page}}}, "555");
    const std::size_t before = http.requests.size();
    take(pressed);
    expect_requests(before + 1);
    return body(before).at("data").at("components").at(0).at("components").at(1).at("disabled").as_bool();
  };
  EXPECT_FALSE(next_after("999"));
  EXPECT_TRUE(next_after("1000")) << "page 1,001 is none that can be asked for";
}

TEST_F(AtTheDeadline, NothingHappensForAnybodyElsesButton) {
  world_.in(1, [&](store::Tx& tx) {
    return change_server_setting(tx, world_.declarations, ServerId(1), {"language", "de"}, {"t", "system"},
                                 world_.clock.now());
  });
  auto pressed = press("points");
  pressed.user.id = DiscordUserId(556);
  take(pressed);
  expect_requests(1);
  EXPECT_EQ(json::integer(body(0), "type"), 4);
  EXPECT_EQ(json::integer(body(0).at("data"), "flags"), 64);
  EXPECT_THAT(json::text_or(body(0).at("data"), "content", ""), HasSubstr("den Befehl benutzt hat"))
      << "in the language of the server";
  auto outside = press("points");
  outside.guild.reset();
  interactions_.take(std::nullopt, outside, false);
  expect_requests(2);
  EXPECT_THAT(json::text_or(body(1).at("data"), "content", ""), HasSubstr("in a server"));
}

TEST_F(AtTheDeadline, NamesOfViewersAreOfferedWhileOneIsTyped) {
  for (const char* name : {"Nightowl_7", "NightOwl", "nightfox", "Day", "123456"}) {
    world_.in(1, [&](store::Tx& tx) { return provisional_identity(tx, kKick, name, world_.clock.now()); });
    world_.in(2, [&](store::Tx& tx) {
      return provisional_identity(tx, kKick, std::string("elsewhere") + name, world_.clock.now());
    });
  }
  const auto offered = [&](std::string typed, std::string focused = "viewer", std::string name = "points",
                           discord::Permissions permissions = 0) {
    auto typing = asked(discord::InteractionType::autocomplete);
    typing.command = std::move(name);
    typing.options["viewer"] = std::move(typed);
    typing.focused = std::move(focused);
    typing.permissions = permissions;
    const std::size_t before = http.requests.size();
    take(typing);
    expect_requests(before + 1);
    std::string names;
    EXPECT_EQ(json::integer(body(before), "type"), 8);
    for (const json::Value& choice : json::array(body(before).at("data"), "choices"))
      names += json::text_or(choice, "value", "") + ";";
    return names;
  };
  EXPECT_EQ(offered("NIGHT"), "nightfox;NightOwl;Nightowl_7;");
  EXPECT_EQ(offered("nightowl_"), "Nightowl_7;");
  EXPECT_EQ(offered("@Night"), "nightfox;NightOwl;Nightowl_7;") << "as people write names elsewhere";
  EXPECT_EQ(offered(""), "123456;Day;nightfox;NightOwl;Nightowl_7;");
  EXPECT_EQ(offered("else"), "") << "those of another server";
  EXPECT_EQ(offered("%"), "");
  EXPECT_EQ(offered("n", "user"), "");
  EXPECT_EQ(offered("n", "viewer", "points-add"), "") << "only administrators may call it";
  EXPECT_EQ(offered("nightf", "viewer", "points-add", discord::kAdministrator), "nightfox;");
  EXPECT_EQ(offered("n", "viewer", "gone"), "");
}

TEST_F(AtTheDeadline, AViewerIsNamedInPlaceOfAMember) {
  for (const char* name : {"Nightowl_7", "123456"})
    world_.in(1, [&](store::Tx& tx) { return provisional_identity(tx, kKick, name, world_.clock.now()); });
  take(command("points-add", {{"viewer", "nightowl_7"}, {"amount", "5"}, {"reason", "x"}}));
  expect_requests(1);
  EXPECT_THAT(json::text_or(body(0).at("data"), "content", ""), HasSubstr("Nightowl\\_7 got 5 points"));
  take(command("points-add", {{"viewer", "@123456"}, {"amount", "5"}, {"reason", "x"}}));
  expect_requests(2);
  EXPECT_THAT(json::text_or(body(1).at("data"), "content", ""), HasSubstr("123456 got 5 points"))
      << "digits are a name too, and nobody's number";
  EXPECT_EQ(world_.dump("SELECT count(*) FROM identities WHERE platform = 'discord'"), "0\n");
  take(command("points-add", {{"viewer", "x"}, {"user", "777"}, {"amount", "5"}, {"reason", "x"}}));
  expect_requests(3);
  EXPECT_THAT(json::text_or(body(2).at("data"), "content", ""), HasSubstr("either a member or a viewer"));
  take(command("points-add", {{"amount", "5"}, {"reason", "x"}}));
  expect_requests(4);
  EXPECT_THAT(json::text_or(body(3).at("data"), "content", ""), HasSubstr("missing: user"));
}

TEST_F(AtTheDeadline, TheMenuOfAUserAnswersItsCallerAlone) {
  take(command("points-add", {{"user", "777"}, {"amount", "5"}, {"reason", "x"}}));
  expect_requests(1);
  auto menu = asked(discord::InteractionType::command);
  menu.kind = discord::CommandKind::user_menu;
  menu.command = "Show points";
  menu.target = 777;
  take(menu);
  expect_requests(2);
  EXPECT_EQ(json::integer(body(1).at("data"), "flags"), 64);
  EXPECT_THAT(json::text_or(body(1).at("data"), "content", ""), HasSubstr("777 has 5 points"));
  menu.id = discord::InteractionId(900);
  menu.command = "points";
  take(menu);
  expect_requests(3);
  EXPECT_THAT(json::text_or(body(2).at("data"), "content", ""), HasSubstr("not known any more"));
}

TEST_F(InDiscord, CommandsAreKnownInBothLanguagesAndInTheMenuOfAUser) {
  give_points(0, 1);
  bool menu = false;
  for (const json::Value& command : control("GET", "/discord/commands").as_array()) {
    const json::Value* names = json::find(command, "name_localizations");
    ASSERT_NE(names, nullptr) << json::write(command);
    if (json::text_or(command, "name", "") == "points") EXPECT_EQ(json::text(*names, "de"), "punkte");
    if (json::text_or(command, "name", "") == "Show points") menu = json::integer(command, "type") == 2;
  }
  EXPECT_TRUE(menu);
  const json::Value story = told("/discord/command", {{"guild", id(servers_[0].id)},
                                                      {"user", id(member(0, 0))},
                                                      {"name", "Show points"},
                                                      {"target", id(member(0, 1))}});
  EXPECT_EQ(json::boolean(story, "ephemeral"), true);
  EXPECT_THAT(content(story.at("answer")), HasSubstr("known here yet")) << "nobody has seen that member";
}

/// What is never over would make the bot stop reading for good.
TEST_F(InDiscord, WhatIsUnderWayIsCountedUntilItIsOver) {
  wait_until([&] { return under_way(0); });
  world_.touch(static_cast<std::int64_t>(servers_[0].id));
  const auto other = world_.database->hold_writer(static_cast<std::int64_t>(servers_[0].id));
  const auto somebody = member(0, 0);
  control("POST", "/discord/message",
          {{"guild", id(servers_[0].id)}, {"user", id(somebody)}, {"content", "!leaderboard points"}});
  control("POST", "/discord/member-leave", {{"guild", id(servers_[0].id)}, {"user", id(somebody)}});
  wait_until([&] { return under_way(2); });
  other->execute("COMMIT");
  wait_until([&] { return under_way(0); });
}

/// Discord gives up on whoever presses or types after 3 s; a message waits for ever.
TEST_F(InDiscord, BehindTheMessagesOfABusyServerNobodyWaitsWhoTypes) {
  const auto server = static_cast<std::int64_t>(servers_[0].id);
  const json::Object somebody{{"guild", id(servers_[0].id)}, {"user", id(member(0, 0))}};
  wait_until([&] { return under_way(0); });
  world_.touch(server);
  const auto other = world_.database->hold_writer(server);
  // Its settings are read anew, and until they are there everything of the server waits.
  bot_->dispatcher().refresh(*world_.tenancy->scopes().for_operator(ServerId(server)));
  json::Object message = somebody;
  message["content"] = "hello";
  constexpr int kBeyond = 3;
  for (int i = 0; i < static_cast<int>(UnderWay::kMostOfAServer) + kBeyond; ++i)
    control("POST", "/discord/message", message);
  wait_until([&] { return count("guildhall_discord_messages_passed_over_total", "") == kBeyond; });
  EXPECT_TRUE(under_way(UnderWay::kMostOfAServer));
  json::Object typing = somebody;
  typing["name"] = "points";
  typing["options"] = json::Object{{"viewer", "n"}};
  typing["focused"] = "viewer";
  told("/discord/type", typing);
  EXPECT_TRUE(under_way(UnderWay::kMostOfAServer)) << "they had not to be over first";
  other->execute("COMMIT");
  wait_until([&] { return under_way(0); });
}

class InDiscordWithMembers : public InDiscord {
 protected:
  InDiscordWithMembers() : InDiscord({.members = true}) {}
};

TEST_F(InDiscordWithMembers, WhereAFeatureNeedsThemAllAreAskedForAndRemembered) {
  std::size_t members = 0;
  for (const sim::Server& server : servers_) members += server.members.size();
  const std::string all = "\nguildhall_discord_members " + std::to_string(members) + "\n";
  wait_until([&] { return world_.metrics.text().find(all) != std::string::npos; });
  EXPECT_THAT(world_.metrics.text(),
              HasSubstr("guildhall_discord_member_lists_total{outcome=\"complete\"} 2\n"));
}

}  // namespace
}  // namespace guildhall::bot
