// What a bot does to a server: its members, roles, channels and invites. Each act needs its permission, and
// its place in the order of roles; each is entered in the audit log.
#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "sim/discord_rest.h"
#include "sim/discord_shapes.h"
#include "sim/permissions.h"

namespace guildhall::sim {
namespace {

constexpr std::size_t kKeptEntries = 5'000;
constexpr std::size_t kLongestReason = 512;
constexpr std::uint64_t kLongestBanWindow = 604'800;  // seconds of messages that a ban deletes

std::string text(Snowflake value) { return std::to_string(value); }

/// A text of the body within its limits; absent is fine.
void check_length(const json::Value& body, std::string_view key, std::size_t least, std::size_t most,
                  Complaints& complaints) {
  const auto value = json::text(body, key);
  if (!value) return;
  const std::size_t length = utf16_length(*value);
  if (length < least || length > most) {
    complaints.add(key, "BASE_TYPE_BAD_LENGTH",
                   fmt::format("Must be between {} and {} in length.", least, most));
  }
}

std::uint64_t bits_of(const json::Value& body, std::string_view key, std::uint64_t otherwise) {
  const auto bits = json::id(body, key);
  return bits ? static_cast<std::uint64_t>(*bits) : otherwise;
}

json::Object invite_shape(const Server& server, const Invite& invite, bool with_uses) {
  json::Object out{{"type", 0},
                   {"code", invite.code},
                   {"guild", json::Object{{"id", text(server.id)}, {"name", server.name}}},
                   {"channel", json::Object{{"id", text(invite.channel)}, {"type", 0}}},
                   {"created_at", shapes::iso_time(invite.created_at)},
                   {"max_uses", invite.max_uses},
                   {"max_age", invite.max_age},
                   {"temporary", false}};
  if (with_uses) out["uses"] = invite.uses;
  return out;
}

}  // namespace

std::expected<Server*, ApiError> DiscordRest::server_with(Call& call, std::uint64_t bits) {
  const auto server = server_of(call.number(0));
  if (!server) return server;
  if ((server_permissions(**server, stage_.world.bot.id) & bits) != bits)
    return api_error::missing_permissions();
  return server;
}

std::expected<DiscordRest::Place, ApiError> DiscordRest::place_with(Call& call, std::uint64_t bits) {
  auto place = place_of(call.number(0));
  if (!place) return place;
  if (place->server == nullptr) {
    return api_error::make(400, 50024, "Cannot execute action on this channel type");
  }
  if ((place->permissions & bits) != bits) return api_error::missing_permissions();
  return place;
}

std::expected<Snowflake, ApiError> DiscordRest::lesser_member(const Server& server, Call& call) const {
  const Snowflake user = call.number(1);
  if (!server.members.contains(user)) return api_error::unknown_member();
  const bool below = highest_position(server, user) < highest_position(server, stage_.world.bot.id);
  if (user == server.owner || !below) return api_error::missing_permissions();
  return user;
}

std::expected<const Role*, ApiError> DiscordRest::lesser_role(const Server& server, Call& call) const {
  const Role* role = server.role(call.number(1));
  if (role == nullptr) return api_error::unknown_role();
  if (role->position >= highest_position(server, stage_.world.bot.id))
    return api_error::missing_permissions();
  return role;
}

void DiscordRest::audit(Server& server, int action, Snowflake target, const Call& call) {
  std::string reason = net::percent_decode(call.request.header("x-audit-log-reason").value_or(""));
  server.audit_log.push_back(
      {stage_.mint.snowflake(), action, stage_.world.bot.id, target, shorten(reason, kLongestReason)});
  if (server.audit_log.size() > kKeptEntries) server.audit_log.erase(server.audit_log.begin());
}

// Members -------------------------------------------------------------------------------------------

ApiAnswer DiscordRest::leave_server(Call& call) {
  const auto server = server_of(call.number(0));
  if (!server) return std::unexpected(server.error());
  (void)discord_.bot_leaves((*server)->id);
  return ApiReply{204};
}

ApiAnswer DiscordRest::search_members(Call& call) {
  const auto server = server_of(call.number(0));
  if (!server) return std::unexpected(server.error());
  const std::string wanted = to_lower_ascii(call.query("query").value_or(""));
  const std::size_t limit = std::clamp<std::uint64_t>(call.query_number("limit").value_or(1), 1, 1'000);
  json::Array out;
  for (const auto& [user, member] : (*server)->members) {
    const bool named = to_lower_ascii(stage_.world.user(user)->username).starts_with(wanted) ||
                       to_lower_ascii(member.nick).starts_with(wanted);
    if (named && out.size() < limit) out.emplace_back(shapes::member(stage_.world, member));
  }
  return ApiReply{200, std::move(out)};
}

ApiAnswer DiscordRest::kick(Call& call) {
  const auto server = server_with(call, permission::kKickMembers);
  if (!server) return std::unexpected(server.error());
  const auto user = lesser_member(**server, call);
  if (!user) return std::unexpected(user.error());
  audit(**server, audit_action::kMemberKick, *user, call);
  (void)discord_.leave((*server)->id, *user);
  return ApiReply{204};
}

ApiAnswer DiscordRest::ban(Call& call) {
  const auto server = server_with(call, permission::kBanMembers);
  if (!server) return std::unexpected(server.error());
  const Snowflake user = call.number(1);
  if (stage_.world.user(user) == nullptr) return api_error::make(404, 10013, "Unknown User");
  if (bits_of(call.body, "delete_message_seconds", 0) > kLongestBanWindow) {
    Complaints complaints;
    complaints.add("delete_message_seconds", "NUMBER_TYPE_MAX",
                   "int value should be less than or equal to 604800.");
    return complaints.refuse();
  }
  if ((*server)->members.contains(user)) {
    const auto lesser = lesser_member(**server, call);
    if (!lesser) return std::unexpected(lesser.error());
  }
  audit(**server, audit_action::kMemberBan, user, call);
  const bool banned = (*server)->bans.insert(user).second;
  (void)discord_.leave((*server)->id, user);
  const json::Object event{{"guild_id", call.arguments[0]}, {"user", shapes::user(*stage_.world.user(user))}};
  if (banned) discord_.gateway.dispatch("GUILD_BAN_ADD", (*server)->id, event);
  return ApiReply{204};
}

ApiAnswer DiscordRest::unban(Call& call) {
  const auto server = server_with(call, permission::kBanMembers);
  if (!server) return std::unexpected(server.error());
  const Snowflake user = call.number(1);
  if ((*server)->bans.erase(user) == 0) return api_error::make(404, 10026, "Unknown Ban");
  audit(**server, audit_action::kMemberUnban, user, call);
  discord_.gateway.dispatch(
      "GUILD_BAN_REMOVE", (*server)->id,
      {{"guild_id", call.arguments[0]}, {"user", shapes::user(*stage_.world.user(user))}});
  return ApiReply{204};
}

// Roles ---------------------------------------------------------------------------------------------

ApiAnswer DiscordRest::count_roles(Call& call) {
  const auto server = server_of(call.number(0));
  if (!server) return std::unexpected(server.error());
  std::map<Snowflake, std::int64_t> counts;
  for (const Role& role : (*server)->roles) {
    if (role.id != (*server)->id) counts[role.id] = 0;
  }
  for (const auto& [user, member] : (*server)->members) {
    for (const Snowflake role : member.roles) ++counts[role];
  }
  json::Object out;
  for (const auto& [role, count] : counts) out[text(role)] = count;
  return ApiReply{200, std::move(out)};
}

ApiAnswer DiscordRest::create_role(Call& call) {
  const auto server = server_with(call, permission::kManageRoles);
  if (!server) return std::unexpected(server.error());
  const std::uint64_t everyone = (*server)->roles.front().permissions;
  const std::uint64_t bits = bits_of(call.body, "permissions", everyone);
  if ((bits & ~server_permissions(**server, stage_.world.bot.id)) != 0)
    return api_error::missing_permissions();
  const auto id = discord_.create_role((*server)->id, json::text_or(call.body, "name", "new role"), bits);
  audit(**server, audit_action::kRoleCreate, *id, call);
  return ApiReply{200, shapes::role(*(*server)->role(*id))};
}

ApiAnswer DiscordRest::modify_role(Call& call) {
  const auto server = server_with(call, permission::kManageRoles);
  if (!server) return std::unexpected(server.error());
  const auto role = lesser_role(**server, call);
  if (!role) return std::unexpected(role.error());
  const Snowflake id = (*role)->id;
  const std::uint64_t bits = bits_of(call.body, "permissions", (*role)->permissions);
  const std::uint64_t added = bits & ~(*role)->permissions;
  if ((added & ~server_permissions(**server, stage_.world.bot.id)) != 0)
    return api_error::missing_permissions();
  if (const auto name = json::text(call.body, "name")) (void)discord_.rename_role((*server)->id, id, *name);
  if (bits != (*role)->permissions) (void)discord_.change_role_permissions((*server)->id, id, bits);
  audit(**server, audit_action::kRoleUpdate, id, call);
  return ApiReply{200, shapes::role(*(*server)->role(id))};
}

ApiAnswer DiscordRest::delete_role(Call& call) {
  const auto server = server_with(call, permission::kManageRoles);
  if (!server) return std::unexpected(server.error());
  const auto role = lesser_role(**server, call);
  if (!role) return std::unexpected(role.error());
  const Snowflake id = (*role)->id;
  if (!discord_.delete_role((*server)->id, id)) return api_error::missing_permissions();
  audit(**server, audit_action::kRoleDelete, id, call);
  return ApiReply{204};
}

ApiAnswer DiscordRest::read_audit_log(Call& call) {
  const auto server = server_with(call, permission::kViewAuditLog);
  if (!server) return std::unexpected(server.error());
  const std::size_t limit = std::clamp<std::uint64_t>(call.query_number("limit").value_or(50), 1, 100);
  const auto action = call.query_number("action_type");
  const auto user = call.query_number("user_id");
  json::Array entries;
  const auto& log = (*server)->audit_log;
  for (auto it = log.rbegin(); it != log.rend() && entries.size() < limit; ++it) {
    if (action && static_cast<std::uint64_t>(it->action) != *action) continue;
    if (user && it->user != *user) continue;
    json::Object entry{{"id", text(it->id)},
                       {"action_type", it->action},
                       {"user_id", text(it->user)},
                       {"target_id", text(it->target)}};
    if (!it->reason.empty()) entry["reason"] = it->reason;
    entries.push_back(std::move(entry));
  }
  json::Object out{{"audit_log_entries", std::move(entries)}};
  for (const char* key : {"application_commands", "auto_moderation_rules", "guild_scheduled_events",
                          "integrations", "threads", "users", "webhooks"}) {
    out[key] = json::Array{};
  }
  return ApiReply{200, std::move(out)};
}

// Channels and invites ------------------------------------------------------------------------------

ApiAnswer DiscordRest::create_channel(Call& call) {
  const auto server = server_with(call, permission::kManageChannels);
  if (!server) return std::unexpected(server.error());
  Complaints complaints;
  if (!json::text(call.body, "name")) complaints.add("name", "BASE_TYPE_REQUIRED", "This field is required");
  check_length(call.body, "name", 1, 100, complaints);
  check_length(call.body, "topic", 0, 1'024, complaints);
  if (!complaints.empty()) return complaints.refuse();
  const auto position = static_cast<int>((*server)->channels.size());
  Channel channel{stage_.mint.snowflake(),
                  *json::text(call.body, "name"),
                  static_cast<int>(json::integer(call.body, "type").value_or(0)),
                  position,
                  {},
                  json::text_or(call.body, "topic", "")};
  const json::Object shape = shapes::channel(**server, channel);
  audit(**server, audit_action::kChannelCreate, channel.id, call);
  (*server)->channels.push_back(std::move(channel));
  discord_.gateway.dispatch("CHANNEL_CREATE", (*server)->id, shape);
  return ApiReply{201, shape};
}

ApiAnswer DiscordRest::modify_channel(Call& call) {
  const auto place = place_with(call, permission::kManageChannels);
  if (!place) return std::unexpected(place.error());
  Complaints complaints;
  check_length(call.body, "name", 1, 100, complaints);
  check_length(call.body, "topic", 0, 1'024, complaints);
  if (!complaints.empty()) return complaints.refuse();
  Channel& channel = *place->server->channel(place->channel);
  if (const auto name = json::text(call.body, "name")) channel.name = *name;
  if (const json::Value* topic =
          call.body.is_object() ? call.body.get_object().if_contains("topic") : nullptr) {
    channel.topic = topic->is_string() ? std::string(topic->get_string()) : "";
  }
  audit(*place->server, audit_action::kChannelUpdate, channel.id, call);
  const json::Object shape = shapes::channel(*place->server, channel);
  discord_.gateway.dispatch("CHANNEL_UPDATE", place->server->id, shape);
  return ApiReply{200, shape};
}

ApiAnswer DiscordRest::delete_channel(Call& call) {
  const auto place = place_with(call, permission::kManageChannels);
  if (!place) return std::unexpected(place.error());
  const json::Object shape = shapes::channel(*place->server, *place->server->channel(place->channel));
  audit(*place->server, audit_action::kChannelDelete, place->channel, call);
  std::erase_if(place->server->channels, [&](const Channel& one) { return one.id == place->channel; });
  std::erase_if(webhooks_, [&](const auto& entry) { return entry.second.channel == place->channel; });
  discord_.gateway.dispatch("CHANNEL_DELETE", place->server->id, shape);
  return ApiReply{200, shape};
}

ApiAnswer DiscordRest::set_overwrite(Call& call) {
  const auto place = place_with(call, permission::kManageRoles);
  if (!place) return std::unexpected(place.error());
  const auto type = json::integer(call.body, "type");
  if (!type || *type < 0 || *type > 1) {
    Complaints complaints;
    complaints.add("type", "BASE_TYPE_CHOICES", "Value must be one of {0, 1}.");
    return complaints.refuse();
  }
  const Overwrite overwrite{call.number(1), *type == 1, bits_of(call.body, "allow", 0),
                            bits_of(call.body, "deny", 0)};
  if (((overwrite.allow | overwrite.deny) & ~place->permissions) != 0)
    return api_error::missing_permissions();
  Channel& channel = *place->server->channel(place->channel);
  std::erase_if(channel.overwrites, [&](const Overwrite& one) { return one.id == overwrite.id; });
  channel.overwrites.push_back(overwrite);
  audit(*place->server, audit_action::kOverwriteCreate, channel.id, call);
  discord_.gateway.dispatch("CHANNEL_UPDATE", place->server->id, shapes::channel(*place->server, channel));
  return ApiReply{204};
}

ApiAnswer DiscordRest::delete_overwrite(Call& call) {
  const auto place = place_with(call, permission::kManageRoles);
  if (!place) return std::unexpected(place.error());
  Channel& channel = *place->server->channel(place->channel);
  const auto gone =
      std::erase_if(channel.overwrites, [&](const Overwrite& one) { return one.id == call.number(1); });
  if (gone == 0) return api_error::make(404, 10009, "Unknown Overwrite");
  audit(*place->server, audit_action::kOverwriteDelete, channel.id, call);
  discord_.gateway.dispatch("CHANNEL_UPDATE", place->server->id, shapes::channel(*place->server, channel));
  return ApiReply{204};
}

ApiAnswer DiscordRest::read_invites(Call& call) {
  const auto server = server_of(call.number(0));
  if (!server) return std::unexpected(server.error());
  const std::uint64_t bits = server_permissions(**server, stage_.world.bot.id);
  const bool with_uses = (bits & permission::kManageGuild) != 0;
  if (!with_uses && (bits & permission::kViewAuditLog) == 0) return api_error::missing_permissions();
  json::Array out;
  for (const Invite& invite : (*server)->invites) out.push_back(invite_shape(**server, invite, with_uses));
  return ApiReply{200, std::move(out)};
}

ApiAnswer DiscordRest::create_invite(Call& call) {
  const auto place = place_with(call, permission::kCreateInvite);
  if (!place) return std::unexpected(place.error());
  const Invite invite{stage_.mint.token(8),
                      place->channel,
                      0,
                      static_cast<int>(json::integer(call.body, "max_uses").value_or(0)),
                      json::integer(call.body, "max_age").value_or(86'400),
                      stage_.clock.now()};
  place->server->invites.push_back(invite);
  audit(*place->server, audit_action::kInviteCreate, place->channel, call);
  json::Object event = invite_shape(*place->server, invite, true);
  event["channel_id"] = call.arguments[0];
  event["guild_id"] = text(place->server->id);
  discord_.gateway.dispatch("INVITE_CREATE", place->server->id, event);
  return ApiReply{200, invite_shape(*place->server, invite, true)};
}

ApiAnswer DiscordRest::delete_invite(Call& call) {
  for (Server& server : stage_.world.servers) {
    const auto found = std::ranges::find(server.invites, call.arguments[0], &Invite::code);
    if (found == server.invites.end() || !server.bot_present) continue;
    const std::uint64_t bits = server_permissions(server, stage_.world.bot.id);
    if ((bits & (permission::kManageChannels | permission::kManageGuild)) == 0) {
      return api_error::missing_permissions();
    }
    const Invite invite = *found;
    server.invites.erase(found);
    audit(server, audit_action::kInviteDelete, invite.channel, call);
    discord_.gateway.dispatch(
        "INVITE_DELETE", server.id,
        {{"channel_id", text(invite.channel)}, {"guild_id", text(server.id)}, {"code", invite.code}});
    return ApiReply{200, invite_shape(server, invite, false)};
  }
  return api_error::make(404, 10006, "Unknown Invite");
}

}  // namespace guildhall::sim
