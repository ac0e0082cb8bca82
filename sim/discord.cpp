#include "sim/discord.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/crypto.h"
#include "base/text.h"
#include "sim/components.h"
#include "sim/discord_shapes.h"
#include "sim/permissions.h"

namespace guildhall::sim {
namespace {

constexpr int kCommand = 2;  // interactions
constexpr int kComponent = 3;
constexpr int kAutocomplete = 4;
constexpr int kForm = 5;
constexpr std::size_t kKeptEntries = 5'000;
constexpr std::size_t kLongestReason = 512;

/// Three parts of which the first is the application's id, as in real tokens.
std::string bot_token(std::uint64_t seed, Snowflake bot) {
  const std::string secret = base64url(sha256(fmt::format("bot token {}", seed)));
  return fmt::format("{}.{}.{}", base64url(std::to_string(bot)), secret.substr(0, 6), secret.substr(6, 30));
}

std::unexpected<Error> missing(std::string_view what) {
  return fail(ErrorCode::not_found, fmt::format("there is no such {}", what));
}

/// The options of an event from the definition and the values given by name.
json::Array typed_options(const json::Array& definitions, const json::Object& values) {
  json::Array out;
  for (const json::Value& definition : definitions) {
    const std::string name = json::text_or(definition, "name", "");
    const json::Value* value = values.if_contains(name);
    if (value == nullptr) continue;
    json::Object option{{"name", name}, {"type", definition.at("type")}};
    if (json::integer(definition, "type").value_or(3) <= 2) {
      const json::Object none;
      option["options"] =
          typed_options(json::array(definition, "options"), value->is_object() ? value->get_object() : none);
    } else {
      option["value"] = *value;
    }
    out.emplace_back(std::move(option));
  }
  return out;
}

/// Marks the option that is being typed, whose value is still text; false: it was not given.
bool focus(json::Array& options, std::string_view name) {
  for (json::Value& option : options) {
    json::Object& one = option.get_object();
    if (json::text_or(option, "name", "") == name) {
      json::Value& value = one["value"];
      if (!value.is_string()) value = json::write(value);
      one["focused"] = true;
      return true;
    }
    json::Value* inner = one.if_contains("options");
    if (inner != nullptr && focus(inner->get_array(), name)) return true;
  }
  return false;
}

/// Who is named by options of type 6 and 9.
std::vector<Snowflake> users_in(const json::Array& options) {
  std::vector<Snowflake> users;
  for (const json::Value& option : options) {
    const auto type = json::integer(option, "type").value_or(0);
    if (type == 6 || type == 9)
      users.push_back(static_cast<Snowflake>(json::id(option, "value").value_or(0)));
  }
  return users;
}

/// Users with their memberships.
json::Object resolved_of(const World& world, const Server& server, const std::vector<Snowflake>& named) {
  json::Object users;
  json::Object members;
  for (const Snowflake id : named) {
    const DiscordUser* user = world.user(id);
    if (user == nullptr) continue;
    users[std::to_string(id)] = shapes::user(*user);
    if (const auto member = server.members.find(id); member != server.members.end()) {
      members[std::to_string(id)] = shapes::member_core(member->second);
    }
  }
  if (users.empty()) return {};
  return {{"users", std::move(users)}, {"members", std::move(members)}};
}

}  // namespace

Discord::Discord(Stage& stage_, GatewayOptions gateway_options, InteractionDeadlines deadlines)
    : stage(stage_),
      gateway(stage_, gateway_options, bot_token(stage_.seed, stage_.world.bot.id)),
      messages(stage_),
      commands(stage_),
      interactions(stage_, gateway, messages, deadlines),
      oauth(stage_),
      token_(bot_token(stage_.seed, stage_.world.bot.id)) {}

Result<Server*> Discord::server_of(Snowflake id) {
  Server* server = stage.world.server(id);
  if (server == nullptr) return missing("server");
  return server;
}

Result<Member*> Discord::member_of(Server& server, Snowflake user) {
  const auto found = server.members.find(user);
  if (found == server.members.end()) return missing("member");
  return &found->second;
}

Result<Role*> Discord::role_of(Server& server, Snowflake id) {
  for (Role& role : server.roles) {
    if (role.id == id) return &role;
  }
  return missing("role");
}

// People --------------------------------------------------------------------------------------------

Result<void> Discord::join(Snowflake id, Snowflake user, std::string_view invite) {
  const auto server = server_of(id);
  if (!server) return std::unexpected(server.error());
  if (stage.world.user(user) == nullptr) return missing("user");
  if ((*server)->members.contains(user)) return fail(ErrorCode::conflict, "is a member already");
  if ((*server)->bans.contains(user)) return fail(ErrorCode::forbidden, "is banned");
  if (const auto used = use_invite(**server, invite); !used) return used;
  const Member& member = (*server)->members[user] = {user, "", {}, stage.clock.now()};
  json::Object event = shapes::member(stage.world, member);
  event["guild_id"] = std::to_string(id);
  gateway.dispatch("GUILD_MEMBER_ADD", id, event, user);
  return {};
}

Result<void> Discord::leave(Snowflake id, Snowflake user) {
  const auto server = server_of(id);
  if (!server) return std::unexpected(server.error());
  if (user == stage.world.bot.id || user == (*server)->owner) return fail(ErrorCode::forbidden, "stays");
  if ((*server)->members.erase(user) == 0) return missing("member");
  gateway.dispatch("GUILD_MEMBER_REMOVE", id,
                   {{"guild_id", std::to_string(id)}, {"user", shapes::user(*stage.world.user(user))}}, user);
  return {};
}

Result<Snowflake> Discord::say(Snowflake id, Snowflake channel_id, Snowflake user, std::string content) {
  const auto server = server_of(id);
  if (!server) return std::unexpected(server.error());
  const Channel* channel = (*server)->channel(channel_id);
  if (channel == nullptr) return missing("channel");
  const TimePoint now = stage.clock.now();
  if ((effective_permissions(**server, user, *channel, now) & permission::kSendMessages) == 0) {
    return fail(ErrorCode::forbidden, "may not write there");
  }
  MessageDraft draft;
  draft.channel = channel_id;
  draft.server = id;
  draft.author = user;
  draft.fields = json::Object{{"content", content}};
  const Message& message = messages.add(std::move(draft));
  const Snowflake message_id = message.id;
  const bool seen = effective_permissions(**server, stage.world.bot.id, *channel, now) != 0;
  if (seen) gateway.dispatch("MESSAGE_CREATE", id, message_event(stage.world, message), user);
  return message_id;
}

Result<Snowflake> Discord::command(Snowflake id, Snowflake channel, Snowflake user,
                                   const CommandWords& words) {
  return ask_command(kCommand, id, channel, user, words);
}

Result<Snowflake> Discord::type(Snowflake id, Snowflake channel, Snowflake user, const CommandWords& words) {
  return ask_command(kAutocomplete, id, channel, user, words);
}

Result<Snowflake> Discord::ask_command(int type, Snowflake id, Snowflake channel_id, Snowflake user,
                                       const CommandWords& words) {
  const auto server = server_of(id);
  if (!server) return std::unexpected(server.error());
  const Channel* channel = (*server)->channel(channel_id);
  if (channel == nullptr) return missing("channel");
  if (const auto member = member_of(**server, user); !member) return std::unexpected(member.error());
  const json::Object* definition = commands.find(id, words.name);
  if (definition == nullptr)
    return fail(ErrorCode::not_found, fmt::format("no command '{}' is registered", words.name));
  json::Object data{{"id", definition->at("id")}, {"name", words.name}, {"type", definition->at("type")}};
  if (definition->contains("guild_id")) data["guild_id"] = definition->at("guild_id");
  const json::Value* known = definition->if_contains("options");
  json::Array given = typed_options(
      known != nullptr && known->is_array() ? known->get_array() : json::Array{}, words.options);
  if (type == kAutocomplete && !focus(given, words.focused)) return missing("option");
  json::Object resolved = resolved_of(stage.world, **server, users_in(given));
  if (words.target != 0) {
    data["target_id"] = std::to_string(words.target);
    resolved = resolved_of(stage.world, **server, {words.target});
  }
  if (!resolved.empty()) data["resolved"] = std::move(resolved);
  if (!given.empty()) data["options"] = std::move(given);
  return interactions.ask(type, **server, *channel, user, words.name, std::move(data), nullptr);
}

Result<Snowflake> Discord::click(Snowflake id, Snowflake message_id, Snowflake user,
                                 const std::string& custom_id, const json::Array& values, bool forged) {
  const auto server = server_of(id);
  if (!server) return std::unexpected(server.error());
  if (const auto member = member_of(**server, user); !member) return std::unexpected(member.error());
  for (const Channel& channel : (*server)->channels) {
    const Message* message = messages.find(channel.id, message_id);
    if (message == nullptr) continue;
    const json::Value body = message->body;
    const json::Value* component = component_of(body, custom_id);
    if (component == nullptr && !forged) return missing("component");
    const json::Value touched = component == nullptr ? json::Object{{"type", kButton}} : *component;
    if (const auto can = check_choice(touched, values); !can && !forged) return std::unexpected(can.error());
    json::Object data{{"custom_id", custom_id}, {"component_type", touched.at("type")}, {"id", 0}};
    if (!values.empty()) data["values"] = values;
    json::Object resolved = resolved_of(stage.world, **server, users_in(touched, values));
    if (!resolved.empty()) data["resolved"] = std::move(resolved);
    return interactions.ask(kComponent, **server, channel, user, custom_id, std::move(data), message);
  }
  return missing("message");
}

Result<Snowflake> Discord::submit(Snowflake id, Snowflake user, const FormWords& words) {
  const auto server = server_of(id);
  if (!server) return std::unexpected(server.error());
  if (const auto member = member_of(**server, user); !member) return std::unexpected(member.error());
  const Interaction* opener = interactions.find(words.opened_by);
  if (opener == nullptr || opener->modal.is_null()) return missing("form");
  const bool forged = !words.forged_id.empty();
  const bool shown = opener->server == id && opener->user == user;
  if (!shown && !forged) return fail(ErrorCode::forbidden, "the form was shown to somebody else");
  if (const auto can = check_fields(opener->modal, words.fields); !can && !forged)
    return std::unexpected(can.error());
  std::string custom_id = forged ? words.forged_id : json::text_or(opener->modal, "custom_id", "");
  json::Object data{{"custom_id", custom_id}, {"components", filled_in(opener->modal, words.fields)}};
  json::Object resolved = resolved_of(stage.world, **server, users_in(opener->modal, words.fields));
  if (!resolved.empty()) data["resolved"] = std::move(resolved);
  const Channel* channel = (*server)->channel(shown ? opener->channel : (*server)->chat().id);
  if (channel == nullptr) return missing("channel");
  const bool below = shown && opener->type == kComponent && opener->original;
  const Message* source = below ? messages.find(opener->channel, *opener->original) : nullptr;
  return interactions.ask(kForm, **server, *channel, user, std::move(custom_id), std::move(data), source);
}

Result<void> Discord::update_member(Snowflake id, Snowflake user, std::optional<std::string> nick,
                                    std::optional<std::vector<Snowflake>> roles) {
  const auto server = server_of(id);
  if (!server) return std::unexpected(server.error());
  const auto member = member_of(**server, user);
  if (!member) return std::unexpected(member.error());
  if (nick) (*member)->nick = *nick;
  if (roles) (*member)->roles = *roles;
  tell_member_update(**server, **member);
  return {};
}

void Discord::tell_member_update(const Server& server, const Member& member) {
  json::Object event = shapes::member(stage.world, member);
  event["guild_id"] = std::to_string(server.id);
  gateway.dispatch("GUILD_MEMBER_UPDATE", server.id, event, member.user);
}

// Moderators ----------------------------------------------------------------------------------------

void Discord::enter(Server& server, int action, Snowflake target, const Deed& deed) {
  const AuditEntry entry{stage.mint.snowflake(), action, deed.by, target,
                         shorten(deed.reason, kLongestReason)};
  json::Object event = shapes::audit_entry(entry);
  event["guild_id"] = std::to_string(server.id);
  server.audit_log.push_back(entry);
  if (server.audit_log.size() > kKeptEntries) server.audit_log.erase(server.audit_log.begin());
  gateway.dispatch("GUILD_AUDIT_LOG_ENTRY_CREATE", server.id, event);
}

bool Discord::may_act_on(const Server& server, Snowflake by, std::uint64_t bits, Snowflake user) {
  if ((server_permissions(server, by) & bits) != bits) return false;
  return !server.members.contains(user) || is_above(server, by, user);
}

Result<void> Discord::kick(Snowflake id, Snowflake user, const Deed& deed) {
  const auto server = server_of(id);
  if (!server) return std::unexpected(server.error());
  if (const auto member = member_of(**server, user); !member) return std::unexpected(member.error());
  if (!may_act_on(**server, deed.by, permission::kKickMembers, user))
    return fail(ErrorCode::forbidden, "may not do that");
  enter(**server, audit_action::kMemberKick, user, deed);
  return leave(id, user);
}

Result<void> Discord::ban(Snowflake id, Snowflake user, const Deed& deed) {
  const auto server = server_of(id);
  if (!server) return std::unexpected(server.error());
  if (stage.world.user(user) == nullptr) return missing("user");
  if (!may_act_on(**server, deed.by, permission::kBanMembers, user))
    return fail(ErrorCode::forbidden, "may not do that");
  enter(**server, audit_action::kMemberBan, user, deed);
  const bool banned = (*server)->bans.insert(user).second;
  (void)leave(id, user);  // who is no member is banned all the same
  if (banned) {
    gateway.dispatch("GUILD_BAN_ADD", id,
                     {{"guild_id", std::to_string(id)}, {"user", shapes::user(*stage.world.user(user))}});
  }
  return {};
}

Result<std::string> Discord::create_invite(Snowflake id, Invite invite, const Deed& deed) {
  const auto server = server_of(id);
  if (!server) return std::unexpected(server.error());
  const Channel* channel = (*server)->channel(invite.channel);
  if (channel == nullptr) return missing("channel");
  const TimePoint now = stage.clock.now();
  if ((effective_permissions(**server, deed.by, *channel, now) & permission::kCreateInvite) == 0)
    return fail(ErrorCode::forbidden, "may not do that");
  invite.code = stage.mint.token(8);
  invite.created_at = now;
  invite.inviter = deed.by;
  (*server)->invites.push_back(invite);
  enter(**server, audit_action::kInviteCreate, invite.channel, deed);
  json::Object event = shapes::invite(stage.world, **server, invite);
  event.erase("guild");
  event.erase("channel");
  event["uses"] = 0;
  event["channel_id"] = std::to_string(invite.channel);
  event["guild_id"] = std::to_string(id);
  gateway.dispatch("INVITE_CREATE", id, event);
  return invite.code;
}

Result<void> Discord::delete_invite(Snowflake id, std::string_view code, const Deed& deed) {
  const auto server = server_of(id);
  if (!server) return std::unexpected(server.error());
  const auto found = std::ranges::find((*server)->invites, code, &Invite::code);
  if (found == (*server)->invites.end()) return missing("invite");
  const std::uint64_t bits = server_permissions(**server, deed.by);
  if ((bits & (permission::kManageChannels | permission::kManageGuild)) == 0)
    return fail(ErrorCode::forbidden, "may not do that");
  enter(**server, audit_action::kInviteDelete, found->channel, deed);
  forget_invite(**server, code);
  return {};
}

Result<void> Discord::use_invite(Server& server, std::string_view code) {
  if (code.empty()) return {};
  if (code == server.vanity_code) {
    ++server.vanity_uses;
    return {};
  }
  const auto found = std::ranges::find(server.invites, code, &Invite::code);
  if (found == server.invites.end() || found->expired(stage.clock.now())) return missing("invite");
  if (++found->uses == found->max_uses) forget_invite(server, code);
  return {};
}

void Discord::forget_invite(Server& server, std::string_view code) {
  const auto found = std::ranges::find(server.invites, code, &Invite::code);
  const json::Object event{{"channel_id", std::to_string(found->channel)},
                           {"guild_id", std::to_string(server.id)},
                           {"code", found->code}};
  server.invites.erase(found);
  gateway.dispatch("INVITE_DELETE", server.id, event);
}

Result<void> Discord::set_overwrite(Snowflake id, Snowflake channel_id, const Overwrite& overwrite) {
  const auto server = server_of(id);
  if (!server) return std::unexpected(server.error());
  Channel* channel = (*server)->channel(channel_id);
  if (channel == nullptr) return missing("channel");
  std::erase_if(channel->overwrites, [&](const Overwrite& one) { return one.id == overwrite.id; });
  channel->overwrites.push_back(overwrite);
  gateway.dispatch("CHANNEL_UPDATE", id, shapes::channel(**server, *channel));
  return {};
}

Result<void> Discord::update_server(Snowflake id, std::string name, Snowflake owner) {
  const auto server = server_of(id);
  if (!server) return std::unexpected(server.error());
  if (const auto member = member_of(**server, owner); owner != 0 && !member)
    return std::unexpected(member.error());
  if (!name.empty()) (*server)->name = std::move(name);
  if (owner != 0) (*server)->owner = owner;
  gateway.dispatch("GUILD_UPDATE", id, shapes::guild(**server));
  return {};
}

Result<void> Discord::time_out(Snowflake id, Snowflake user, TimePoint until) {
  const auto server = server_of(id);
  if (!server) return std::unexpected(server.error());
  const auto member = member_of(**server, user);
  if (!member) return std::unexpected(member.error());
  (*member)->timed_out_until = until;
  tell_member_update(**server, **member);
  return {};
}

// Roles ---------------------------------------------------------------------------------------------

Result<Snowflake> Discord::create_role(Snowflake id, std::string name, std::uint64_t permissions) {
  const auto server = server_of(id);
  if (!server) return std::unexpected(server.error());
  const Role role{stage.mint.snowflake(), std::move(name), permissions, 1, false};
  (*server)->roles.push_back(role);
  gateway.dispatch("GUILD_ROLE_CREATE", id, {{"guild_id", std::to_string(id)}, {"role", shapes::role(role)}});
  return role.id;
}

Result<void> Discord::rename_role(Snowflake id, Snowflake role_id, std::string name) {
  const auto server = server_of(id);
  if (!server) return std::unexpected(server.error());
  const auto role = role_of(**server, role_id);
  if (!role) return std::unexpected(role.error());
  (*role)->name = std::move(name);
  gateway.dispatch("GUILD_ROLE_UPDATE", id,
                   {{"guild_id", std::to_string(id)}, {"role", shapes::role(**role)}});
  return {};
}

Result<void> Discord::change_role_permissions(Snowflake id, Snowflake role_id, std::uint64_t permissions) {
  const auto server = server_of(id);
  if (!server) return std::unexpected(server.error());
  const auto role = role_of(**server, role_id);
  if (!role) return std::unexpected(role.error());
  (*role)->permissions = permissions;
  gateway.dispatch("GUILD_ROLE_UPDATE", id,
                   {{"guild_id", std::to_string(id)}, {"role", shapes::role(**role)}});
  return {};
}

Result<void> Discord::delete_role(Snowflake id, Snowflake role_id) {
  const auto server = server_of(id);
  if (!server) return std::unexpected(server.error());
  const auto role = role_of(**server, role_id);
  if (!role) return std::unexpected(role.error());
  if (role_id == id || (*role)->managed) return fail(ErrorCode::forbidden, "this role stays");
  std::erase_if((*server)->roles, [&](const Role& one) { return one.id == role_id; });
  for (auto& [user, member] : (*server)->members) std::erase(member.roles, role_id);
  gateway.dispatch("GUILD_ROLE_DELETE", id,
                   {{"guild_id", std::to_string(id)}, {"role_id", std::to_string(role_id)}});
  return {};
}

// The platform --------------------------------------------------------------------------------------

Result<void> Discord::bot_joins(Snowflake id) {
  const auto server = server_of(id);
  if (!server) return std::unexpected(server.error());
  if ((*server)->bot_present) return fail(ErrorCode::conflict, "the bot is there already");
  (*server)->bot_present = true;
  (*server)->bot_joined_at = stage.clock.now();
  (*server)->members[stage.world.bot.id] = {stage.world.bot.id, "", {}, stage.clock.now()};
  for (const Role& role : (*server)->roles) {
    if (role.managed) (*server)->members[stage.world.bot.id].roles.push_back(role.id);
  }
  gateway.dispatch("GUILD_CREATE", id, shapes::guild_create(stage.world, **server));
  return {};
}

Result<void> Discord::bot_leaves(Snowflake id) {
  const auto server = server_of(id);
  if (!server) return std::unexpected(server.error());
  if (!(*server)->bot_present) return fail(ErrorCode::conflict, "the bot is not there");
  (*server)->bot_present = false;
  (*server)->members.erase(stage.world.bot.id);
  gateway.dispatch("GUILD_DELETE", id, {{"id", std::to_string(id)}});
  return {};
}

Result<void> Discord::outage(Snowflake id, bool begins) {
  const auto server = server_of(id);
  if (!server) return std::unexpected(server.error());
  if ((*server)->outage == begins) return fail(ErrorCode::conflict, begins ? "is out already" : "is not out");
  (*server)->outage = begins;
  if (begins) {
    gateway.dispatch("GUILD_DELETE", id, {{"id", std::to_string(id)}, {"unavailable", true}});
  } else {
    gateway.dispatch("GUILD_CREATE", id, shapes::guild_create(stage.world, **server));
  }
  return {};
}

Snowflake Discord::direct_channel(Snowflake user) {
  const auto found = direct_channels_.find(user);
  if (found != direct_channels_.end()) return found->second;
  return direct_channels_[user] = stage.mint.snowflake();
}

std::optional<Snowflake> Discord::direct_user(Snowflake channel) const {
  for (const auto& [user, direct] : direct_channels_) {
    if (direct == channel) return user;
  }
  return std::nullopt;
}

std::vector<Snowflake> Discord::outsiders(Snowflake id) const {
  std::vector<Snowflake> out;
  const Server* server = stage.world.server(id);
  if (server == nullptr) return out;
  for (const auto& [user, one] : stage.world.users) {
    if (!one.bot && !server->members.contains(user)) out.push_back(user);
  }
  return out;
}

}  // namespace guildhall::sim
