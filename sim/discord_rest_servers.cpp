// What a bot does to a server: its members, roles, channels and invites. Each act needs its permission, and
// its place in the order of roles; each is entered in the audit log.
#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "base/text.h"
#include "sim/discord_rest.h"
#include "sim/discord_shapes.h"
#include "sim/permissions.h"

namespace guildhall::sim {
namespace {

constexpr std::chrono::days kLongestTimeOut{28};
constexpr std::int64_t kLongestInvite = 604'800;      // seconds
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
  if (!is_above(server, stage_.world.bot.id, user)) return api_error::missing_permissions();
  return user;
}

std::expected<const Role*, ApiError> DiscordRest::lesser_role(const Server& server, Call& call) const {
  const Role* role = server.role(call.number(1));
  if (role == nullptr) return api_error::unknown_role();
  if (!is_above_role(server, stage_.world.bot.id, *role)) return api_error::missing_permissions();
  return role;
}

Discord::Deed DiscordRest::deed_of(const Call& call) const {
  return {stage_.world.bot.id, net::percent_decode(call.request.header("x-audit-log-reason").value_or(""))};
}

void DiscordRest::audit(Server& server, int action, Snowflake target, const Call& call) {
  discord_.enter(server, action, target, deed_of(call));
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
  (void)discord_.kick((*server)->id, *user, deed_of(call));
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
  (void)discord_.ban((*server)->id, user, deed_of(call));
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

namespace {

bool names(const json::Value& body, std::string_view key) {
  return body.is_object() && body.get_object().contains(key);
}

std::vector<Snowflake> roles_of(const json::Value& body) {
  std::vector<Snowflake> roles;
  for (const json::Value& role : json::array(body, "roles"))
    roles.push_back(role.is_string() ? number_of(role.get_string()).value_or(0) : 0);
  return roles;
}

/// Those that are in one of the lists alone.
std::vector<Snowflake> changed_roles(std::vector<Snowflake> before, std::vector<Snowflake> after) {
  std::ranges::sort(before);
  std::ranges::sort(after);
  std::vector<Snowflake> changed;
  std::ranges::set_symmetric_difference(before, after, std::back_inserter(changed));
  return changed;
}

}  // namespace

std::expected<void, ApiError> DiscordRest::check_member_change(const Server& server, const Member& member,
                                                               const json::Value& change) const {
  const Snowflake bot = stage_.world.bot.id;
  std::uint64_t needed = 0;
  const bool person = names(change, "nick") || names(change, "communication_disabled_until");
  if (names(change, "nick")) needed |= permission::kManageNicknames;
  if (names(change, "communication_disabled_until")) needed |= permission::kModerateMembers;
  if (names(change, "roles")) needed |= permission::kManageRoles;
  if ((server_permissions(server, bot) & needed) != needed) return api_error::missing_permissions();
  if (person && member.user != bot && !is_above(server, bot, member.user))
    return api_error::missing_permissions();
  const bool administrator = (server_permissions(server, member.user) & permission::kAdministrator) != 0;
  if (names(change, "communication_disabled_until") && administrator) return api_error::missing_permissions();
  if (!names(change, "roles")) return {};
  for (const Snowflake id : changed_roles(member.roles, roles_of(change))) {
    const Role* role = server.role(id);
    if (role == nullptr) return api_error::unknown_role();
    if (role->managed || !is_above_role(server, bot, *role)) return api_error::missing_permissions();
  }
  return {};
}

ApiAnswer DiscordRest::modify_member(Call& call) {
  const auto server = server_of(call.number(0));
  if (!server) return std::unexpected(server.error());
  const Snowflake user = call.number(1);
  const auto member = (*server)->members.find(user);
  if (member == (*server)->members.end()) return api_error::unknown_member();
  const TimePoint until = json::time(call.body, "communication_disabled_until").value_or(TimePoint{});
  Complaints complaints;
  check_length(call.body, "nick", 0, 32, complaints);
  if (until > stage_.clock.now() + kLongestTimeOut) {
    complaints.add("communication_disabled_until", "COMMUNICATION_DISABLED_UNTIL_INVALID",
                   "Must be within 28 days.");
  }
  if (!complaints.empty()) return complaints.refuse();
  const auto may = check_member_change(**server, member->second, call.body);
  if (!may) return std::unexpected(may.error());
  std::optional<std::string> nick;
  std::optional<std::vector<Snowflake>> roles;
  if (names(call.body, "nick")) nick = json::text_or(call.body, "nick", "");
  if (names(call.body, "roles")) roles = roles_of(call.body);
  if (nick || names(call.body, "communication_disabled_until"))
    audit(**server, audit_action::kMemberUpdate, user, call);
  if (roles) audit(**server, audit_action::kMemberRoleUpdate, user, call);
  if (names(call.body, "communication_disabled_until")) (void)discord_.time_out((*server)->id, user, until);
  if (nick || roles) (void)discord_.update_member((*server)->id, user, nick, roles);
  return ApiReply{200, shapes::member(stage_.world, member->second)};
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
    entries.emplace_back(shapes::audit_entry(*it));
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
  const auto there = place_of(call.number(0));
  if (there && is_thread(*there)) return modify_thread(call, *there);
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
  const auto there = place_of(call.number(0));
  if (there && is_thread(*there)) return delete_thread(call, *there);
  const auto place = place_with(call, permission::kManageChannels);
  if (!place) return std::unexpected(place.error());
  const json::Object shape = shapes::channel(*place->server, *place->server->channel(place->channel));
  audit(*place->server, audit_action::kChannelDelete, place->channel, call);
  std::erase_if(place->server->channels, [&](const Channel& one) { return one.id == place->channel; });
  std::erase_if(place->server->threads, [&](const Channel& one) { return one.parent == place->channel; });
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
  audit(*place->server, audit_action::kOverwriteCreate, place->channel, call);
  (void)discord_.set_overwrite(place->server->id, place->channel, overwrite);
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
  for (const Invite& invite : (*server)->invites) {
    if (invite.expired(stage_.clock.now())) continue;
    json::Object shape = shapes::invite(stage_.world, **server, invite);
    if (!with_uses) shape.erase("uses");
    out.emplace_back(std::move(shape));
  }
  return ApiReply{200, std::move(out)};
}

ApiAnswer DiscordRest::create_invite(Call& call) {
  const auto place = place_with(call, permission::kCreateInvite);
  if (!place) return std::unexpected(place.error());
  Invite wanted;
  wanted.channel = place->channel;
  wanted.max_uses = static_cast<int>(json::integer(call.body, "max_uses").value_or(0));
  wanted.max_age = json::integer(call.body, "max_age").value_or(wanted.max_age);
  if (wanted.max_age < 0 || wanted.max_age > kLongestInvite) {
    Complaints complaints;
    complaints.add("max_age", "NUMBER_TYPE_MAX", "int value should be less than or equal to 604800.");
    return complaints.refuse();
  }
  const auto code = discord_.create_invite(place->server->id, wanted, deed_of(call));
  const auto& made = *std::ranges::find(place->server->invites, *code, &Invite::code);
  return ApiReply{200, shapes::invite(stage_.world, *place->server, made)};
}

ApiAnswer DiscordRest::delete_invite(Call& call) {
  for (Server& server : stage_.world.servers) {
    const auto found = std::ranges::find(server.invites, call.arguments[0], &Invite::code);
    if (found == server.invites.end() || !server.bot_present) continue;
    const json::Object shape = shapes::invite(stage_.world, server, *found);
    const auto gone = discord_.delete_invite(server.id, call.arguments[0], deed_of(call));
    if (!gone) return api_error::missing_permissions();
    return ApiReply{200, shape};
  }
  return api_error::make(404, 10006, "Unknown Invite");
}

ApiAnswer DiscordRest::read_vanity_url(Call& call) {
  const auto server = server_with(call, permission::kManageGuild);
  if (!server) return std::unexpected(server.error());
  const std::string& code = (*server)->vanity_code;
  return ApiReply{200, json::Object{{"code", code.empty() ? json::Value(nullptr) : json::Value(code)},
                                    {"uses", (*server)->vanity_uses}}};
}

}  // namespace guildhall::sim
