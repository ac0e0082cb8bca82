// What people have to set right in Discord, looked at from outside: the token, intents, commands, and in each
// server what the bot may do where. Each fault with the way out of it. Only reads, and needs no running bot.
#pragma once

#include <boost/asio/io_context.hpp>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/metrics.h"
#include "bot/feature.h"
#include "bot/finding.h"
#include "net/http_client.h"
#include "platforms/discord/rest.h"
#include "platforms/discord/state.h"

namespace guildhall::bot {

/// The least with which everything works that the bot does in Discord: reading commands in messages,
/// answering them (which is a reply, also in a thread), and posting to channels.
inline constexpr discord::Permissions kBotPermissions =
    discord::kViewChannel | discord::routes::kCreateMessage.needs | discord::kReadMessageHistory |
    discord::kSendMessagesInThreads;

/// The address by which somebody who manages a server adds the bot to it, with these permissions.
std::string invite_link(discord::ApplicationId application);

struct CheckedServer {
  ServerId id;
  std::string name;
  std::vector<DiscordChannelId> channels;  // that its settings name: the bot posts there
  std::vector<discord::RoleId> roles;      // that the bot is to give
};

class DiscordCheckup {
 public:
  /// All of it outlives this. `loop`: where the client's calls run. `clock`: against which Discord's is held.
  DiscordCheckup(boost::asio::io_context& loop, const Declarations& declarations, net::HttpClient& http,
                 const Clock& clock, Metrics& metrics);

  /// What cannot be found out is a finding of its own, and everything else is looked at all the same, as far
  /// as it does not depend on that; nothing more where the token is refused or Discord does not say who the
  /// bot is.
  Task<Checkup> run(std::vector<CheckedServer> servers);

 private:
  struct Known {
    discord::ApplicationId application;
    DiscordUserId self;
  };
  /// A server's guild, channels and the bot's own membership, as far as Discord gave them.
  struct Look {
    json::Value guild;
    json::Value channels;
    json::Value self;
  };

  Task<Result<net::HttpResponse>> exchange(net::HttpClient& http, const net::HttpRequest& request);
  Task<bool> check_token();
  Task<void> check_application();
  void check_interactions(const discord::Application& application);
  void check_sign_in(const discord::Application& application);
  bool knows_application() const { return known_.application != discord::ApplicationId(); }
  Task<void> check_sessions();
  Task<void> check_commands();
  Task<void> check_server(CheckedServer server);
  Task<Result<Look>> look_at(ServerId server);
  void check_permissions(const CheckedServer& server, const discord::State& state);
  void check_channel(ServerId server, DiscordChannelId channel, const discord::State& state);
  void check_role(ServerId server, discord::RoleId role, const Look& look, const discord::State& state);
  Task<void> check_visibility(CheckedServer server, json::Value guild);
  void check_hidden(ServerId server, const json::Value& command);
  void check_clock();

  void add(std::string topic, Finding::Level level, std::string text, std::string hint = {});
  void add(ServerId server, std::string topic, Finding::Level level, std::string text, std::string hint = {});
  void add_failure(std::string topic, const Error& error, std::optional<ServerId> server = {});

  const Declarations& declarations_;
  const Clock& clock_;
  Metrics& metrics_;
  discord::RestClient rest_;
  Known known_;
  std::map<std::int64_t, std::string> command_names_;  // by Discord's id
  std::optional<Duration> skew_;                       // ours minus Discord's, by the quickest answer
  Duration quickest_ = Duration::max();
  Checkup report_;
};

}  // namespace guildhall::bot
