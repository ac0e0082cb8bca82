// Each thing that people set wrong in Discord, found in the simulated one and explained.
#include "bot/discord_checkup.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/post.hpp>
#include <future>
#include <map>

#include "bot/discord_commands.h"
#include "features/features.h"
#include "net/http_server.h"
#include "platforms/discord/posted_interactions.h"
#include "sim/sim.h"
#include "tests/support/temporary_folder.h"

namespace guildhall::bot {
namespace {

using namespace std::chrono_literals;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::StartsWith;

constexpr std::uint64_t kSendInThreads = std::uint64_t{1} << 38;

class CheckedDiscord : public testing::Test {
 protected:
  CheckedDiscord() {
    static const test::TemporaryFolder kKick;  // whose key takes longer than the tests
    sim::SimOptions options;
    options.clock = &discords_;
    options.size.servers = 1;
    options.size.members = 3;
    options.key_file = kKick.path() / "kick.pem";
    auto started = sim::Simulation::start(loops_.main(), options);
    if (!started) throw ErrorException(started.error());
    sim_ = *std::move(started);
    server().roles.front().permissions |= kSendInThreads;
    contract_ = *json::parse(sim_->contract_json());
    const json::Value& discord = contract_.at("discord");
    config_.discord_token = json::text_or(discord, "token", "");
    config_.discord_api_url = json::text_or(discord, "rest", "");
    declare_bot(declarations_);
    features::declare_all(declarations_);
    wanted_ = {ServerId(static_cast<std::int64_t>(server().id)), "Lantern Harbor", {}, {}};
    loops_.start();
    const discord::ApplicationId application(static_cast<std::int64_t>(sim_->world().bot.id));
    discord::RestClient rest(loops_.main(),
                             {config_.discord_api_url, config_.discord_token, "https://p.test"},
                             discord::http_sender(http_), discord::system_timing(), metrics_);
    const auto registered =
        net::run_to_end(rest.overwrite_commands(application, command_definitions(declarations_)));
    if (!registered) throw ErrorException(registered.error());
  }
  ~CheckedDiscord() override {
    sim_->stop();
    loops_.drain(10s);
    loops_.stop();
  }

  sim::Server& server() { return sim_->world().servers.front(); }
  std::string id() const { return wanted_.id.str(); }
  DiscordChannelId channel(std::size_t index) {
    return DiscordChannelId(static_cast<std::int64_t>(server().channels[index].id));
  }
  discord::RoleId role(std::size_t index) {
    return discord::RoleId(static_cast<std::int64_t>(server().roles[index].id));
  }
  /// A moderator's or the platform's hand.
  void change(const std::function<void()>& act) {
    std::promise<void> done;
    boost::asio::post(loops_.main(), [&] {
      act();
      done.set_value();
    });
    done.get_future().get();
  }
  json::Value control(const std::string& method, const std::string& path, const json::Value& body = nullptr) {
    net::HttpRequest request{method, json::text_or(contract_, "control", "") + path};
    if (!body.is_null()) request.body = json::write(body);
    const auto response = net::run_to_end(http_.send(std::move(request)));
    return response ? json::parse(response->body).value_or(json::Value(nullptr)) : json::Value(nullptr);
  }

  void look() {
    DiscordCheckup checkup(loops_.main(), declarations_, http_, ours_, metrics_);
    report_ = net::run_to_end(checkup.run({wanted_}));
  }
  /// Looks, and returns what is of that level, "topic: text".
  std::vector<std::string> found(Finding::Level level) {
    look();
    std::vector<std::string> lines;
    for (const Finding& finding : report_.findings) {
      if (finding.level == level) lines.push_back(finding.topic + ": " + finding.text);
      EXPECT_EQ(finding.hint.empty(), finding.level == Finding::Level::ok) << finding.text;
    }
    return lines;
  }
  std::vector<std::string> problems() { return found(Finding::Level::problem); }
  std::vector<std::string> warnings() { return found(Finding::Level::warning); }

  ManualClock discords_{from_micros(1'800'000'000'000'000)};
  ManualClock ours_{from_micros(1'800'000'000'500'000)};
  net::Loops loops_{1};
  net::HttpClient http_{loops_.main(), {}};
  Metrics metrics_;
  std::unique_ptr<sim::Simulation> sim_;
  json::Value contract_;
  Config config_;
  Declarations declarations_{config_};
  CheckedServer wanted_;
  Checkup report_;
};

TEST_F(CheckedDiscord, WhatIsInOrderIsSaidToBe) {
  wanted_.channels = {channel(0)};
  wanted_.roles = {role(1)};
  EXPECT_THAT(problems(), IsEmpty());
  EXPECT_THAT(warnings(), IsEmpty());
  EXPECT_THAT(
      found(Finding::Level::ok),
      ElementsAre("token: Discord knows the bot as guildhall",
                  "interactions: commands and buttons come over the bot's own connection",
                  "sign-in: members cannot sign in to the dashboard: discord.client_secret is not set",
                  "intents: Server Members Intent, Message Content Intent are on",
                  StartsWith("sessions: 1000 of 1000"), HasSubstr("are registered"),
                  "permissions: the bot can answer commands in 4 of the 6 text channels of Lantern Harbor",
                  "permissions: the bot can post to #general", "role: the bot can give \"Regular\"",
                  "clock: this machine's clock agrees with Discord's"));
  EXPECT_EQ(report_.invite,
            fmt::format("https://discord.com/oauth2/authorize?client_id={}&scope=bot+applications."
                        "commands&permissions=274877975552",
                        sim_->world().bot.id))
      << "view, send, in threads too, and read the history";
}

TEST_F(CheckedDiscord, AWrongTokenEndsIt) {
  config_.discord_token = "wrong";
  EXPECT_THAT(problems(), ElementsAre("token: Discord does not accept discord.token"));
  EXPECT_EQ(report_.findings.front().code, ErrorCode::token_refused);
  EXPECT_THAT(report_.findings.front().hint, HasSubstr("Reset Token"));
  EXPECT_EQ(report_.invite, "");
}

TEST_F(CheckedDiscord, WhereInteractionsArePostedTheirKeyIsNeeded) {
  const std::string key = json::text_or(contract_.at("discord"), "public_key", "");
  const discord::PostedInteractions posted(discords_, *Ed25519PublicKey::from_hex(key));
  const auto address = std::move(*net::HttpServer::start(
      loops_.main(), {.listen = {"127.0.0.1", 0}, .trusted_proxies = {}},
      [&](net::HttpRequest request) -> Task<net::HttpResponse> {
        const bool believed = posted.read(request).has_value();
        co_return net::make_response(believed ? 200 : 401, "application/json", R"({"type":1})");
      }));
  const std::string url = fmt::format("http://127.0.0.1:{}/", address->port());
  const auto said = [&](std::string configured) {
    config_.discord_public_key = std::move(configured);
    look();
    const auto finding = std::ranges::find(report_.findings, "interactions", &Finding::topic);
    return std::pair(finding->level, finding->text);
  };
  using testing::Pair;
  control("POST", "/discord/interactions-url", {{"url", url}});
  std::string state = "trying";
  while (state == "trying") state = json::text_or(control("GET", "/discord/interactions-url"), "state", "");
  ASSERT_EQ(state, "accepted");
  EXPECT_THAT(said(key), Pair(Finding::Level::ok, "commands and buttons come over HTTP, to " + url));
  EXPECT_THAT(said(std::string(64, '0')),
              Pair(Finding::Level::problem, StartsWith("discord.public_key is not this application's")));
  EXPECT_THAT(said(""), Pair(Finding::Level::problem,
                             StartsWith("commands and buttons are posted to " + url + ", and without")));
}

TEST_F(CheckedDiscord, AKeyWithoutAnAddressIsAWarning) {
  config_.discord_public_key = json::text_or(contract_.at("discord"), "public_key", "");
  EXPECT_THAT(warnings(),
              ElementsAre(StartsWith("interactions: discord.public_key is set, but the application posts")));
}

TEST_F(CheckedDiscord, WhoSignsInComesBackToARegisteredAddress) {
  config_.discord_client_secret = "secret";
  config_.web_public_url = "https://bot.example/";
  EXPECT_THAT(problems(), ElementsAre(StartsWith("sign-in: nobody can sign in to the dashboard: "
                                                 "https://bot.example/auth/discord/callback is not one")));
  control("POST", "/discord/redirect-uris",
          {{"uris", json::Array{"https://bot.example/auth/discord/callback"}}});
  EXPECT_THAT(problems(), IsEmpty());
}

TEST_F(CheckedDiscord, IntentsThatAreOffAreNamed) {
  control("POST", "/faults", {{"gateway_no_privileged", true}});
  EXPECT_THAT(problems(),
              ElementsAre("intents: switched off: Server Members Intent, Message Content Intent"));
}

TEST_F(CheckedDiscord, AChannelInWhichSomethingIsMissingIsNamedWithIt) {
  wanted_.channels = {channel(4), channel(5)};
  EXPECT_THAT(problems(),
              ElementsAre("permissions: the bot lacks \"Send Messages\" in #rules, which the settings name",
                          "permissions: the bot lacks \"View Channels\" in #staff, which the settings name"));
  wanted_.channels = {DiscordChannelId(404)};
  EXPECT_THAT(warnings(), ElementsAre(HasSubstr("channel 404, which the settings name, is no channel")));
}

TEST_F(CheckedDiscord, AChannelInWhichNoMessagesStandIsNamed) {
  wanted_.channels = {channel(0), channel(1)};
  change([&] {
    server().channels[0].type = 15;
    server().channels[1].type = 5;
  });
  EXPECT_THAT(problems(), ElementsAre("permissions: no messages stand in #general, which the settings name"));
}

TEST_F(CheckedDiscord, WithoutTheHistoryCommandsAreAnsweredAllTheSame) {
  change([&] {
    for (std::size_t i = 0; i < 4; ++i) {
      server().channels[i].overwrites = {{server().id, false, 0, discord::kReadMessageHistory}};
    }
  });
  EXPECT_THAT(
      found(Finding::Level::ok),
      Contains("permissions: the bot can answer commands in 4 of the 6 text channels of Lantern Harbor"));
}

TEST_F(CheckedDiscord, InATimeoutNothingIsSaidToBeInOrder) {
  wanted_.channels = {channel(0)};
  control("POST", "/discord/time-out",
          {{"guild", id()}, {"user", std::to_string(sim_->world().bot.id)}, {"seconds", 600}});
  EXPECT_THAT(problems(), ElementsAre("permissions: the bot is in a timeout, and may only read"));
  EXPECT_THAT(found(Finding::Level::ok), Not(Contains(StartsWith("permissions"))));
}

TEST_F(CheckedDiscord, WhatIsMissingInTheServerAsAWholeIsNamed) {
  change([&] {
    for (sim::Role& one : server().roles) one.permissions &= ~(kSendInThreads | discord::kSendMessages);
  });
  EXPECT_THAT(
      problems(),
      ElementsAre("permissions: the bot can answer commands in 0 of the 6 text channels of Lantern Harbor; "
                  "as a whole it lacks \"Send Messages\" and \"Send Messages in Threads\""));
  change([&] { server().roles.front().permissions |= discord::kSendMessages; });
  EXPECT_THAT(problems(), IsEmpty());
  EXPECT_THAT(warnings(), ElementsAre(HasSubstr("as a whole it lacks \"Send Messages in Threads\"")));
}

TEST_F(CheckedDiscord, ARoleAboveTheBotsOwnIsTooHigh) {
  wanted_.roles = {role(4), role(3), discord::RoleId(404)};
  EXPECT_THAT(
      problems(),
      ElementsAre("role: \"Moderator\" does not stand below the bot's highest role, \"Guildhall\"",
                  "role: nobody can give \"Guildhall\": it is Discord's own", "role: there is no role 404"));
  wanted_.roles = {role(1)};
  change([&] { server().roles[3].permissions &= ~discord::kManageRoles; });
  EXPECT_THAT(problems(), ElementsAre("role: the bot cannot give \"Regular\": it lacks \"Manage Roles\""));
}

TEST_F(CheckedDiscord, CommandsThatNobodySeesAreExplained) {
  std::map<std::string, json::Value> commands;
  for (const json::Value& command : control("GET", "/discord/commands").as_array())
    commands[json::text_or(command, "name", "")] = command.at("id");
  const auto without = [](const json::Value& command, std::int64_t whom, int type) {
    const json::Object one{{"id", std::to_string(whom)}, {"type", type}, {"permission", false}};
    return json::Object{{"id", command}, {"permissions", json::Array{one}}};
  };
  const std::int64_t guild = wanted_.id.value();
  const json::Array hidden{without(contract_.at("discord").at("application_id"), guild, 1),
                           without(commands["points"], guild - 1, 3),
                           without(commands["leaderboard"], channel(0).value(), 3)};
  control("POST", "/discord/command-permissions", {{"guild", id()}, {"permissions", hidden}});
  change([&] { server().roles.front().permissions &= ~discord::kUseCommands; });
  EXPECT_THAT(warnings(), ElementsAre("commands: members of Lantern Harbor see no commands: @everyone lacks "
                                      "\"Use Application Commands\"",
                                      StartsWith("commands: all commands are hidden from everyone"),
                                      StartsWith("commands: /points is hidden from all channels")))
      << "of one channel alone nothing is said";
}

TEST_F(CheckedDiscord, CommandsThatAreNotRegisteredAreNamed) {
  discord::RestClient rest(loops_.main(), {config_.discord_api_url, config_.discord_token, "https://p.test"},
                           discord::http_sender(http_), discord::system_timing(), metrics_);
  const discord::ApplicationId application(static_cast<std::int64_t>(sim_->world().bot.id));
  auto commands = command_definitions(declarations_);
  commands.front().description = "Something else";
  ASSERT_TRUE(net::run_to_end(rest.overwrite_commands(application, commands)));
  EXPECT_THAT(warnings(), ElementsAre("commands: what is registered is not what this version has"));
  const std::string name = commands.front().name;
  commands.erase(commands.begin());
  ASSERT_TRUE(net::run_to_end(rest.overwrite_commands(application, commands)));
  EXPECT_THAT(problems(), ElementsAre("commands: not registered: /" + name));
}

TEST_F(CheckedDiscord, AClockThatIsOffIsTold) {
  ours_.advance(-10s);
  EXPECT_THAT(warnings(), ElementsAre("clock: this machine's clock is 10 s behind Discord's"));
  ours_.advance(190s);
  EXPECT_THAT(problems(), ElementsAre("clock: this machine's clock is 180 s ahead of Discord's"));
}

TEST_F(CheckedDiscord, AServerThatTheBotIsNotInIsTold) {
  wanted_ = {ServerId(404), "Elsewhere", {}, {}};
  EXPECT_THAT(problems(), ElementsAre("server: the bot is not in Elsewhere"));
}

}  // namespace
}  // namespace guildhall::bot
