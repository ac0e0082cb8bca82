// Of DiscordBridge: who people are, by Discord's word, for the dashboard; and which roles they get.
#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>

#include "bot/discord_bridge.h"
#include "platforms/discord/parse.h"
#include "platforms/discord/rest_errors.h"

namespace guildhall::bot {
namespace {

constexpr std::chrono::minutes kNamesHold{10};

/// Discord itself says that he or the bot is not there: what stands between us and Discord answers 403 and
/// 404, too.
bool is_nobody(const Error& error) {
  switch (discord::api_code::of(error)) {
    case discord::api_code::kUnknownGuild:
    case discord::api_code::kUnknownMember:
    case discord::api_code::kUnknownUser:
    case discord::api_code::kMissingAccess: return true;
    default: return false;
  }
}

/// As State reckons it, of a server whose events come to another process.
DiscordBridge::Standing standing_by(const json::Value& server, DiscordUserId user,
                                    std::vector<discord::RoleId> roles) {
  discord::Permissions held = 0;
  for (const json::Value& role : json::array(server, "roles")) {
    const auto id = discord::read_id<discord::RoleId>(role, "id");
    const bool everyone = id && id->value() == json::id(server, "id");
    if (id && (everyone || std::ranges::find(roles, *id) != roles.end()))
      held |= discord::read_permissions(role, "permissions");
  }
  const bool owner = json::id(server, "owner_id") == user.value();
  return {owner, discord::guild_permissions(owner, held), std::move(roles)};
}

}  // namespace

std::string sign_in_callback(const Config& config) { return config.public_url() + "/auth/discord/callback"; }

/// Nothing: he is no member.
Task<Result<std::optional<std::vector<discord::RoleId>>>> DiscordBridge::roles_in(ServerId server,
                                                                                  DiscordUserId user) {
  using Roles = std::optional<std::vector<discord::RoleId>>;
  if (shards_.is_up(server)) {
    if (auto known = state_.roles_of(server, user)) co_return known;
  }
  discord::CallOptions options;
  options.urgency = discord::Urgency::person;
  options.guild = server;
  const auto member = co_await rest_.call(discord::routes::kMember, std::move(options), server, user);
  if (member) co_return Roles(discord::read_role_ids(*member));
  if (is_nobody(member.error())) co_return Roles();
  co_return std::unexpected(member.error());
}

Task<Result<std::optional<DiscordBridge::Standing>>> DiscordBridge::standing(ServerId server,
                                                                             DiscordUserId user) {
  // Each of Discord's refusals counts against the bot, and a server that it has left gives nothing else.
  if (!services_.tenancy.servers().is_active(server)) co_return std::optional<Standing>();
  auto roles = co_await roles_in(server, user);
  if (!roles) co_return std::unexpected(roles.error());
  if (!*roles) co_return std::optional<Standing>();
  if (shards_.is_up(server)) co_await know_guild(server);
  if (const auto permissions = state_.guild_permissions(server, user, **roles);
      permissions && shards_.is_up(server))
    co_return Standing{state_.owner(server) == user, *permissions, **std::move(roles)};
  const auto told = co_await rest_.guild(server);
  if (told) co_return standing_by(*told, user, **std::move(roles));
  if (is_nobody(told.error())) co_return std::optional<Standing>();
  co_return std::unexpected(told.error());
}

/// Foresight needs the server's roles. Nobody waits: people's calls go first.
Task<Result<RoleAnswer>> DiscordBridge::change_role(ServerId server, RoleChange change) {
  const auto member = DiscordUserId::parse(change.member_id);
  const auto role = discord::RoleId::parse(change.role_id);
  if (!member || !role) co_return fail(ErrorCode::invalid, "not a member's or a role's id");
  co_await boost::asio::co_spawn(services_.loop, know_guild(server), boost::asio::use_awaitable);
  discord::CallOptions options;
  options.reason = change.reason == "linked" ? "linked account" : "watch time";
  options.urgency = discord::Urgency::background;
  options.guild = server;
  const auto& route =
      change.wanted == "add" ? discord::routes::kAddMemberRole : discord::routes::kRemoveMemberRole;
  const auto told = co_await rest_.call(route, std::move(options), server, *member, *role);
  if (told) co_return RoleAnswer::done;
  switch (discord::api_code::of(told.error())) {
    case discord::api_code::kUnknownMember:
    case discord::api_code::kUnknownUser: co_return RoleAnswer::no_member;
    case discord::api_code::kUnknownRole: co_return RoleAnswer::no_role;
    default: co_return std::unexpected(told.error());
  }
}

Task<std::string> DiscordBridge::role_name(ServerId server, std::string role_id) {
  return boost::asio::co_spawn(services_.loop, look_up_role(server, std::move(role_id)),
                               boost::asio::use_awaitable);
}

Task<std::string> DiscordBridge::look_up_role(ServerId server, std::string role_id) {
  const auto now = std::chrono::steady_clock::now();
  std::erase_if(role_names_, [&](const auto& one) { return now - one.second.told_at > kNamesHold; });
  if (!role_names_.contains(server)) {
    RoleNames names{now, {}};
    // Where it cannot be asked it is not asked for each member either.
    const auto told = co_await rest_.guild(server);
    if (told) {
      for (const json::Value& role : json::array(*told, "roles"))
        names.by_id[json::text_or(role, "id", "")] = json::text_or(role, "name", "");
    }
    role_names_[server] = std::move(names);
  }
  const auto& names = role_names_[server].by_id;
  const auto found = names.find(role_id);
  co_return found == names.end() ? "" : found->second;
}

Task<Result<discord::ApplicationId>> DiscordBridge::application() {
  if (application_) co_return *application_;
  const auto told = co_await rest_.application();
  if (!told) co_return std::unexpected(told.error());
  application_ = told->id;
  co_return told->id;
}

Task<Result<std::string>> DiscordBridge::sign_in_address(std::string state, std::string challenge) {
  const auto client = co_await application();
  if (!client) co_return std::unexpected(client.error());
  co_return discord::sign_in_address(sign_in_options_, *client, sign_in_callback(services_.config), state,
                                     challenge);
}

Task<Result<discord::SignedIn>> DiscordBridge::sign_in(std::string code, std::string verifier) {
  const auto client = co_await application();
  if (!client) co_return std::unexpected(client.error());
  discord::SignInClient::Proof proof{std::move(code), std::move(verifier),
                                     sign_in_callback(services_.config)};
  co_return co_await sign_in_.finish(*client, std::move(proof));
}

}  // namespace guildhall::bot
