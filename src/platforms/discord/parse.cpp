#include "platforms/discord/parse.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "base/text.h"

namespace guildhall::discord {
namespace {

std::string option_text(const json::Value& value) {
  if (value.is_string()) return clean_utf8(std::string_view(value.get_string()));
  if (value.is_bool()) return value.get_bool() ? "true" : "false";
  if (value.is_int64()) return std::to_string(value.get_int64());
  if (value.is_uint64()) return std::to_string(value.get_uint64());
  if (value.is_double()) return fmt::format("{}", value.get_double());
  return {};
}

constexpr std::int64_t kSubCommand = 1;
constexpr std::int64_t kSubCommandGroup = 2;

/// Sub-commands and groups hold options of their own; their names belong to the command.
void read_options(const json::Value& data, Interaction& into) {
  for (const json::Value& option : json::array(data, "options")) {
    std::string name = json::text_or(option, "name", "");
    if (json::boolean(option, "focused").value_or(false)) into.focused = name;
    if (const json::Value* value = json::find(option, "value")) {
      into.options.insert_or_assign(std::move(name), option_text(*value));
    } else if (const auto type = json::integer(option, "type");
               type == kSubCommand || type == kSubCommandGroup) {
      into.command += " " + name;
      read_options(option, into);
    }
  }
}

/// `each(id, object)` of what is described there, "roles" for example.
template <class Id, class F>
void each_resolved(const json::Value& data, std::string_view kind, F each) {
  const json::Value* described = json::find(data, "resolved", kind);
  if (described == nullptr || !described->is_object()) return;
  for (const auto& [key, value] : described->get_object()) {
    if (const auto id = Id::parse(std::string_view(key))) each(*id, value);
  }
}

void read_resolved(const json::Value& data, Interaction& into) {
  each_resolved<DiscordUserId>(data, "users", [&](DiscordUserId id, const json::Value& value) {
    const std::string key = id.str();
    const json::Value* member = json::find(data, "resolved", "members", std::string_view(key));
    if (auto user = read_user(value, member)) into.users.emplace(id, std::move(user->display_name));
  });
  each_resolved<MessageId>(data, "messages", [&](MessageId id, const json::Value& value) {
    if (into.target == id.value()) into.target_message = read_message(value);
  });
  each_resolved<RoleId>(data, "roles", [&](RoleId id, const json::Value& value) {
    into.roles.emplace(id, json::text_or(value, "name", ""));
  });
  each_resolved<DiscordChannelId>(data, "channels", [&](DiscordChannelId id, const json::Value& value) {
    into.channels.emplace(id, json::text_or(value, "name", ""));
  });
  each_resolved<AttachmentId>(data, "attachments", [&](AttachmentId id, const json::Value& value) {
    into.attachments.emplace(
        id, Attachment{json::text_or(value, "filename", ""), json::text_or(value, "content_type", ""),
                       json::integer(value, "size").value_or(0), json::text_or(value, "url", "")});
  });
}

std::vector<std::string> read_values(const json::Value& component) {
  std::vector<std::string> values;
  for (const json::Value& value : json::array(component, "values")) values.push_back(option_text(value));
  // A text, a box that is checked or not, the one that was chosen; null: none was.
  if (const json::Value* value = json::find(component, "value")) values.push_back(option_text(*value));
  return values;
}

/// The parts of a modal: today's labels with one component each, or the rows of old with several.
void read_fields(const json::Value& parts, Interaction& into) {
  for (const json::Value& part : json::array(parts, "components")) {
    const json::Value* inner = json::find(part, "component");
    const json::Value& component = inner == nullptr ? part : *inner;
    auto id = json::text(component, "custom_id");
    if (id) into.fields.insert_or_assign(*std::move(id), read_values(component));
    read_fields(part, into);
  }
}

}  // namespace

Permissions read_permissions(const json::Value& object, std::string_view key) {
  const json::Value* found = json::find(object, key);
  if (found == nullptr || !found->is_string())
    return static_cast<Permissions>(json::id(object, key).value_or(0));
  const std::string_view text = found->get_string();
  Permissions bits = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), bits);
  return error == std::errc{} && end == text.data() + text.size() ? bits : 0;
}

std::vector<RoleId> read_role_ids(const json::Value& member) {
  const json::Array& listed = json::array(member, "roles");
  std::vector<RoleId> ids;
  ids.reserve(listed.size());
  for (const json::Value& entry : listed) {
    if (const auto* number = entry.if_int64()) ids.emplace_back(*number);
    const auto* text = entry.if_string();
    const auto id = text != nullptr ? RoleId::parse(std::string_view(*text)) : std::nullopt;
    if (id) ids.push_back(*id);
  }
  return ids;
}

std::optional<GuildSnapshot> read_guild(const json::Value& guild) {
  const auto id = read_id<ServerId>(guild, "id");
  if (!id) return std::nullopt;
  GuildSnapshot snapshot;
  snapshot.id = *id;
  snapshot.unavailable = json::boolean(guild, "unavailable").value_or(false);
  snapshot.name = json::text_or(guild, "name", "");
  return snapshot;
}

std::optional<User> read_user(const json::Value& user, const json::Value* member) {
  const auto id = read_id<DiscordUserId>(user, "id");
  if (!id) return std::nullopt;
  User read{*id, json::text_or(user, "username", ""), "", json::boolean(user, "bot").value_or(false)};
  std::optional<std::string> shown;
  if (member != nullptr) shown = json::text(*member, "nick");
  if (!shown) shown = json::text(user, "global_name");
  read.display_name = shown ? std::move(*shown) : read.name;
  return read;
}

std::optional<MemberJoin> read_member_join(const json::Value& event) {
  const auto guild = read_id<ServerId>(event, "guild_id");
  const json::Value* account = json::find(event, "user");
  auto user = account == nullptr ? std::nullopt : read_user(*account, &event);
  if (!guild || !user) return std::nullopt;
  return MemberJoin{*guild, std::move(*user), json::time(event, "joined_at")};
}

std::optional<MemberLeave> read_member_leave(const json::Value& event) {
  const auto guild = read_id<ServerId>(event, "guild_id");
  const json::Value* account = json::find(event, "user");
  auto user = account == nullptr ? std::nullopt : read_user(*account);
  if (!guild || !user) return std::nullopt;
  return MemberLeave{*guild, std::move(*user), ""};
}

std::optional<Message> read_message(const json::Value& event) {
  const auto id = read_id<MessageId>(event, "id");
  const auto channel = read_id<DiscordChannelId>(event, "channel_id");
  const json::Value* account = json::find(event, "author");
  const json::Value* member = json::find(event, "member");
  auto author = account == nullptr ? std::nullopt : read_user(*account, member);
  if (!id || !channel || !author) return std::nullopt;
  Message message;
  message.id = *id;
  message.channel = *channel;
  message.guild = read_id<ServerId>(event, "guild_id");
  message.author = std::move(*author);
  message.webhook = json::find(event, "webhook_id") != nullptr;
  if (member != nullptr) message.roles = read_role_ids(*member);
  message.content = json::text_or(event, "content", "");
  message.sent_at = json::time(event, "timestamp");
  message.type = static_cast<MessageType>(json::integer(event, "type").value_or(0));
  return message;
}

std::optional<Interaction> read_interaction(const json::Value& event) {
  const auto id = read_id<InteractionId>(event, "id");
  auto token = json::text(event, "token");
  const json::Value* member = json::find(event, "member");
  const json::Value* account = member != nullptr ? json::find(*member, "user") : json::find(event, "user");
  auto user = account == nullptr ? std::nullopt : read_user(*account, member);
  if (!id || !token || !user) return std::nullopt;
  Interaction interaction;
  interaction.id = *id;
  interaction.application = read_id<ApplicationId>(event, "application_id").value_or(ApplicationId());
  interaction.type = static_cast<InteractionType>(json::integer(event, "type").value_or(0));
  interaction.token = std::move(*token);
  interaction.guild = read_id<ServerId>(event, "guild_id");
  interaction.channel = read_id<DiscordChannelId>(event, "channel_id");
  interaction.user = std::move(*user);
  if (member != nullptr) interaction.permissions = read_permissions(*member, "permissions");
  interaction.locale = json::text_or(event, "locale", "");
  if (const json::Value* message = json::find(event, "message"))
    interaction.message = read_id<MessageId>(*message, "id");
  if (const json::Value* data = json::find(event, "data")) {
    interaction.command = json::text_or(*data, "name", "");
    interaction.kind = static_cast<CommandKind>(json::integer(*data, "type").value_or(1));
    interaction.target = json::id(*data, "target_id");
    interaction.custom_id = json::text_or(*data, "custom_id", "");
    interaction.component = static_cast<int>(json::integer(*data, "component_type").value_or(0));
    interaction.values = read_values(*data);
    read_options(*data, interaction);
    read_fields(*data, interaction);
    read_resolved(*data, interaction);
  }
  return interaction;
}

std::optional<Ready> read_ready(const json::Value& event) {
  const json::Value* account = json::find(event, "user");
  auto self = account == nullptr ? std::nullopt : read_user(*account);
  if (!self) return std::nullopt;
  Ready ready;
  ready.self = std::move(*self);
  if (const json::Value* application = json::find(event, "application")) {
    ready.application = read_id<ApplicationId>(*application, "id").value_or(ApplicationId());
  }
  for (const json::Value& guild : json::array(event, "guilds")) {
    if (const auto id = read_id<ServerId>(guild, "id")) ready.guilds.push_back(*id);
  }
  return ready;
}

std::optional<GatewayInfo> read_gateway_info(const json::Value& answer) {
  auto url = json::text(answer, "url");
  if (!url) return std::nullopt;
  GatewayInfo info;
  info.url = std::move(*url);
  info.shards = static_cast<int>(std::max<std::int64_t>(json::integer(answer, "shards").value_or(1), 1));
  if (const json::Value* limit = json::find(answer, "session_start_limit")) {
    info.identifies = IdentifyLimit{
        static_cast<int>(json::integer(*limit, "total").value_or(0)),
        static_cast<int>(json::integer(*limit, "remaining").value_or(0)),
        std::chrono::milliseconds(json::integer(*limit, "reset_after").value_or(0)),
        static_cast<int>(std::max<std::int64_t>(json::integer(*limit, "max_concurrency").value_or(1), 1))};
  }
  return info;
}

}  // namespace guildhall::discord
