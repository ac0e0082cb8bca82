// Between Discord's client and the bot: gateway events become events and calls, answers become
// messages; servers appear, leave and come back.
#pragma once

#include <boost/asio/io_context.hpp>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/config.h"
#include "base/metrics.h"
#include "bot/app_emojis.h"
#include "bot/discord_interactions.h"
#include "bot/discord_shards.h"
#include "bot/dispatcher.h"
#include "bot/feature.h"
#include "bot/outbox.h"
#include "bot/role_changes.h"
#include "bot/topics.h"
#include "bot/under_way.h"
#include "net/http_client.h"
#include "platforms/discord/gateway.h"
#include "platforms/discord/posted_interactions.h"
#include "platforms/discord/rest.h"
#include "platforms/discord/sign_in.h"
#include "tenancy/scopes.h"

namespace guildhall::bot {

/// Everything that both bridges work with. All of it outlives them.
struct BridgeServices {
  boost::asio::io_context& loop;
  const Config& config;
  const Clock& clock;
  Metrics& metrics;
  tenancy::Tenancy& tenancy;
  const Declarations& declarations;
  Dispatcher& dispatcher;
  TopicHub& topics;
  net::HttpClient& http;
};

/// Where people come back to who sign in by Discord; it has to be one of the application's redirects.
std::string sign_in_callback(const Config& config);

/// How Discord's HTTP interface is called.
discord::RestOptions rest_options(const Config& config);

class DiscordBridge final : private discord::GatewayHandler {
 public:
  /// `secrets` outlives it; `holder` and `predecessors` as of Leases: which process this is.
  DiscordBridge(BridgeServices services, const Secrets& secrets, std::string holder,
                std::string predecessors);
  ~DiscordBridge() override;

  /// Runs until `stop`; returns what cannot be mended by trying again (`token_refused`, ...).
  Task<Result<void>> run();
  void stop();

  discord::GatewayHealth health() const { return shards_.health(); }
  /// Do this server's events come to this process now? On the bridge's loop.
  bool serves(ServerId server) const { return shards_.is_up(server); }

  /// Of POST /webhooks/discord/interactions, whoever posts it. 401: not Discord, or long ago; 404: without
  /// `discord.public_key` nothing is believed.
  Task<net::HttpResponse> handle_posted(net::HttpRequest request);

  /// What Discord says of somebody in a server: by the bot's own word, whatever he says himself.
  struct Standing {
    bool owner = false;
    discord::Permissions permissions = 0;  // in the server as a whole
    std::vector<discord::RoleId> roles;
  };
  /// On the bridge's loop. Nothing: he is no member, or the bot is not there. Errors: `unavailable`, ...:
  /// Discord cannot be asked.
  Task<Result<std::optional<Standing>>> standing(ServerId server, DiscordUserId user);

  /// Who signs in by Discord does so at this bot's application. On the bridge's loop. Errors as of
  /// discord::SignInClient, and as of the bot's calls.
  Task<Result<std::string>> sign_in_address(std::string state, std::string challenge);
  Task<Result<discord::SignedIn>> sign_in(std::string code, std::string verifier);

  /// Called on the bridge's loop when the bot may be allowed what it was not in a server. Set before `run`.
  void on_permissions(std::function<void(ServerId)> listener) { permissions_listener_ = std::move(listener); }

  /// Sends a message of the outbox, or edits or deletes one, and returns its id. From any loop. Errors:
  /// `forbidden`, without asking Discord where it is certain: the bot lacks a permission there, which it
  /// names; `not_found`: what is to be edited is gone; `invalid`: the channel is another server's;
  /// `unavailable`,
  /// ...: nobody can say whose it is.
  Task<Result<std::string>> send(ServerId server, Outgoing message);
  /// Gives a member a role, or takes it. From any loop. Errors as of the bot's calls; `forbidden` without
  /// asking Discord where that is certain.
  Task<Result<RoleAnswer>> change_role(ServerId server, RoleChange change);
  /// What a role is called, by a word of Discord that is ten minutes old at most; empty: it cannot be asked.
  /// From any loop.
  Task<std::string> role_name(ServerId server, std::string role_id);

 private:
  void on_ready(discord::Ready ready, discord::Receipt receipt) override;
  void on_intents_refused(discord::Intents refused) override;
  void on_guild(discord::GuildSnapshot guild, discord::GuildArrival arrival,
                discord::Receipt receipt) override;
  void on_guild_renamed(ServerId guild, std::string name, discord::Receipt receipt) override;
  void on_guild_unavailable(ServerId guild) override;
  void on_guild_removed(ServerId guild, discord::Receipt receipt) override;
  void on_permissions_changed(ServerId guild) override;
  void on_member_joined(discord::MemberJoin join, discord::Receipt receipt) override;
  void on_member_left(discord::MemberLeave leave, discord::Receipt receipt) override;
  void on_message(discord::Message message) override;
  void on_interaction(discord::Interaction interaction) override;
  bool is_full() const override;

  struct OnItsWay;
  template <class Event>
  void deliver(tenancy::ServerScope scope, Event event, discord::Receipt receipt);
  template <class Event>
  void submit(tenancy::ServerScope scope, Event event, std::shared_ptr<OnItsWay> on_its_way);
  /// A coming or going that cannot be written. On the bridge's loop.
  void give_up(ServerId server);
  /// A line for many events of a server.
  void warn(const std::string& trouble, ServerId server);
  /// Message events carry role ids only.
  Permission permission_of(const discord::Message& message) const;
  /// Discord says it once, so it is tried until it is in the database, or Discord says something newer.
  Task<void> carry_through(ServerId server, std::string_view what, std::function<Task<void>()> step);
  Task<void> arrive(ServerId server, std::string name);
  Task<void> leave(ServerId server);
  Task<void> leave_missing(discord::Ready ready);
  Task<Result<std::optional<std::vector<discord::RoleId>>>> roles_in(ServerId server, DiscordUserId user);
  Task<Result<discord::ApplicationId>> application();
  Task<void> register_commands();
  Task<Result<bool>> sync_commands();
  Task<void> know_guild(ServerId server);
  Task<void> know_channel(ServerId server, DiscordChannelId channel);
  Task<bool> know_thread(ServerId server, DiscordChannelId thread, json::Value channels);
  Task<void> know_again(ServerId server);
  bool is_open(ServerId server, DiscordChannelId channel) const;
  Task<Result<std::string>> create(ServerId server, DiscordChannelId channel, Outgoing message,
                                   std::optional<ServerId> guild);
  Task<Result<std::string>> send_direct(ServerId server, Outgoing message);
  Task<Result<std::string>> edit(ServerId server, DiscordChannelId channel, Outgoing message);
  Task<Result<void>> prepare(ServerId server, DiscordChannelId channel);
  Task<Result<void>> require_own(ServerId server, DiscordChannelId channel);
  void note_home(DiscordChannelId channel, ServerId server);
  Result<void> foresee(const discord::RestCall& call) const;
  struct RoleNames {
    std::chrono::steady_clock::time_point told_at;
    std::map<std::string, std::string> by_id;
  };
  Task<Result<AppEmojis::Emojis>> read_emojis();
  Task<Outgoing> with_emojis(Outgoing message);
  Task<std::string> look_up_role(ServerId server, std::string role_id);
  Task<void> handle_message(discord::Message message, UnderWay::Place place);
  bool lacks_history_alone(const discord::Message& message, const Error& error) const;
  Task<void> reply(discord::Message message, Answer answer);

  BridgeServices services_;
  std::shared_ptr<discord::Timing> timing_;
  discord::RestClient rest_;
  DiscordInteractions interactions_;
  discord::SignInOptions sign_in_options_;
  discord::SignInClient sign_in_;
  std::optional<discord::ApplicationId> application_;   // once it is known
  std::map<ServerId, RoleNames> role_names_;            // on the bridge's loop
  AppEmojis emojis_{[this] { return read_emojis(); }};  // likewise
  std::optional<discord::PostedInteractions> posted_;
  Counter& posted_taken_;
  Counter& posted_refused_;
  Counter& lost_;
  Counter& passed_over_;
  discord::State state_;
  DiscordShards shards_;
  std::shared_ptr<UnderWay> under_way_ = std::make_shared<UnderWay>();
  std::map<ServerId, std::uint64_t> told_;  // how often Discord told of a server's coming, name or going
  std::map<std::pair<std::string, ServerId>, std::chrono::steady_clock::time_point> warn_again_;
  std::map<ServerId, std::chrono::steady_clock::time_point> guild_asked_;  // not again before then
  std::map<ServerId, std::chrono::steady_clock::time_point> self_asked_;
  std::map<std::pair<ServerId, DiscordChannelId>, std::chrono::steady_clock::time_point> channel_asked_;
  std::map<DiscordChannelId, ServerId> homes_;  // whose a channel is, which never changes; 0: a direct one
  std::function<void(ServerId)> permissions_listener_;
};

}  // namespace guildhall::bot
