#include "sim/discord_messages.h"

#include <algorithm>
#include <array>

#include "sim/discord_checks.h"
#include "sim/discord_shapes.h"
#include "sim/message_filling.h"
#include "sim/permissions.h"
#include "sim/router.h"

namespace guildhall::sim {
namespace {

constexpr std::size_t kKeptPerChannel = 5'000;
constexpr std::chrono::minutes kNonceLife{3};
constexpr std::array<std::string_view, 4> kEditable = {"content", "embeds", "components", "flags"};
constexpr std::int64_t kLoading = 128;

/// The ids in <@1>, <@!1> (`mark` "@") or <@&1> (`mark` "@&").
std::vector<Snowflake> mentioned(std::string_view content, std::string_view mark) {
  std::vector<Snowflake> ids;
  const std::string opening = "<" + std::string(mark);
  for (auto start = content.find(opening); start != std::string_view::npos;
       start = content.find(opening, start + 1)) {
    std::string_view rest = content.substr(start + opening.size());
    if (mark == "@" && rest.starts_with('!')) rest.remove_prefix(1);
    const auto id = number_of(rest.substr(0, std::min(rest.find('>'), rest.size())));
    if (id && std::find(ids.begin(), ids.end(), *id) == ids.end()) ids.push_back(*id);
  }
  return ids;
}

/// Which mentions the sender lets through: absent means all of them.
class Allowed {
 public:
  explicit Allowed(const json::Value& fields) : rule_(json::find(fields, "allowed_mentions")) {}

  bool everyone() const { return rule_ == nullptr || parses("everyone"); }
  bool one(std::string_view kind, Snowflake id) const {
    if (rule_ == nullptr || parses(kind)) return true;
    const json::Array& list = json::array(*rule_, kind);
    return std::find(list.begin(), list.end(), json::Value(std::to_string(id))) != list.end();
  }

 private:
  bool parses(std::string_view kind) const {
    const json::Array& list = json::array(*rule_, "parse");
    return std::find(list.begin(), list.end(), json::Value(kind)) != list.end();
  }

  const json::Value* rule_;
};

/// What a reply shows of the message that it answers.
json::Object reference_of(const MessageDraft& draft) {
  const auto id = json::id(draft.fields.at("message_reference"), "message_id").value_or(0);
  json::Object out{
      {"type", 0}, {"channel_id", std::to_string(draft.channel)}, {"message_id", std::to_string(id)}};
  if (draft.server != 0) out["guild_id"] = std::to_string(draft.server);
  return out;
}

json::Value or_else(const json::Value& fields, std::string_view key, const json::Value& otherwise) {
  const json::Value* value = json::find(fields, key);
  return value == nullptr ? otherwise : *value;
}

/// Those that come with `fields`, and of `earlier` those that `fields` lists. One that comes has an address.
json::Array attachments_of(const json::Value& fields, const json::Array& earlier) {
  json::Array out;
  for (const json::Value& listed : json::array(fields, "attachments")) {
    if (json::text(listed, "url")) out.push_back(listed);
    for (const json::Value& kept : earlier) {
      if (json::id(kept, "id") == json::id(listed, "id")) out.push_back(kept);
    }
  }
  return out;
}

std::string nonce_of(const json::Value& fields) {
  const json::Value* nonce = json::find(fields, "nonce");
  if (nonce == nullptr) return "";
  return nonce->is_string() ? std::string(nonce->get_string()) : json::write(*nonce);
}

}  // namespace

json::Object emoji_of(const std::string& text) {
  const auto colon = text.find(':');
  if (colon == std::string::npos) return {{"id", nullptr}, {"name", text}};
  return {{"id", text.substr(colon + 1)}, {"name", text.substr(0, colon)}};
}

Message& Messages::add(MessageDraft draft) {
  Message message;
  message.id = stage_.mint.snowflake();
  message.channel = draft.channel;
  message.server = draft.server;
  message.author = draft.author;
  message.ephemeral = draft.ephemeral;
  message.nonce = nonce_of(draft.fields);
  message.made = std::chrono::steady_clock::now();
  const bool reply = json::find(draft.fields, "message_reference") != nullptr;
  const std::int64_t flags =
      json::integer(draft.fields, "flags").value_or(0) | (draft.ephemeral ? kEphemeral : 0);
  json::Object body{{"id", std::to_string(message.id)},
                    {"channel_id", std::to_string(message.channel)},
                    {"author", shapes::user(*stage_.world.user(message.author))},
                    {"type", reply ? 19 : 0},
                    {"content", or_else(draft.fields, "content", "")},
                    {"timestamp", shapes::iso_time(stage_.clock.now())},
                    {"edited_timestamp", nullptr},
                    {"tts", false},
                    {"pinned", false},
                    {"flags", flags},
                    {"attachments", attachments_of(draft.fields, json::Array{})},
                    {"embeds", filled_embeds(json::array(draft.fields, "embeds"))},
                    {"components", filled_components(json::array(draft.fields, "components"))},
                    {"unannounced_field", nullptr}};
  if (!message.nonce.empty()) body["nonce"] = draft.fields.at("nonce");
  if (reply) body["message_reference"] = reference_of(draft);
  for (auto& [key, value] : draft.extra) body[key] = value;
  resolve_mentions(message, draft.fields, body);
  message.body = std::move(body);
  auto& kept = channels_[draft.channel];
  kept.push_back(std::move(message));
  if (kept.size() > kKeptPerChannel) kept.pop_front();
  return kept.back();
}

void Messages::resolve_mentions(const Message& message, const json::Value& fields, json::Object& body) const {
  const std::string content(body.at("content").as_string());
  const Allowed allowed(fields);
  const Server* server = stage_.world.server(message.server);
  json::Array users;
  for (const Snowflake id : mentioned(content, "@")) {
    const DiscordUser* user = stage_.world.user(id);
    if (user != nullptr && allowed.one("users", id)) users.emplace_back(shapes::user(*user));
  }
  json::Array roles;
  for (const Snowflake id : mentioned(content, "@&")) {
    if (server != nullptr && server->role(id) != nullptr && allowed.one("roles", id))
      roles.emplace_back(std::to_string(id));
  }
  const bool calls_everyone =
      content.find("@everyone") != std::string::npos || content.find("@here") != std::string::npos;
  const bool may =
      server != nullptr && (server_permissions(*server, message.author) & permission::kMentionEveryone) != 0;
  body["mentions"] = std::move(users);
  body["mention_roles"] = std::move(roles);
  body["mention_everyone"] = calls_everyone && may && allowed.everyone();
}

void Messages::edit(Message& message, const json::Value& fields) {
  if (!fields.is_object()) return;
  for (const std::string_view key : kEditable) {
    const json::Value* value = fields.get_object().if_contains(key);
    if (value == nullptr) continue;
    const bool text = key == "content";
    message.body[key] = !value->is_null() ? *value : text ? json::Value("") : json::Value(json::Array{});
  }
  message.body["embeds"] = filled_embeds(json::array(message.body, "embeds"));
  message.body["components"] = filled_components(json::array(message.body, "components"));
  if (json::find(fields, "attachments") != nullptr) {
    message.body["attachments"] = attachments_of(fields, message.body.at("attachments").as_array());
  }
  // A placeholder stops loading; whether only one person sees a message never changes.
  const std::int64_t flags = message.body.at("flags").to_number<std::int64_t>() & ~kLoading;
  message.body["flags"] = message.ephemeral ? flags | kEphemeral : flags;
  message.body["edited_timestamp"] = shapes::iso_time(stage_.clock.now());
  resolve_mentions(message, fields, message.body);
}

void Messages::erase(Snowflake channel, Snowflake id) {
  std::erase_if(channels_[channel], [&](const Message& message) { return message.id == id; });
}

Message* Messages::find(Snowflake channel, Snowflake id) {
  for (Message& message : channels_[channel]) {
    if (message.id == id) return &message;
  }
  return nullptr;
}

bool Messages::react(Message& message, Snowflake user, const std::string& emoji, bool add) {
  auto& people = message.reactions[emoji];
  const bool changed = add ? people.insert(user).second : people.erase(user) > 0;
  if (people.empty()) message.reactions.erase(emoji);
  json::Array shown;
  for (const auto& [name, who] : message.reactions) {
    shown.push_back(json::Object{{"emoji", emoji_of(name)},
                                 {"count", who.size()},
                                 {"count_details", {{"burst", 0}, {"normal", who.size()}}},
                                 {"me_burst", false},
                                 {"me", who.contains(stage_.world.bot.id)},
                                 {"burst_colors", json::Array{}}});
  }
  message.body["reactions"] = std::move(shown);
  return changed;
}

Message* Messages::find_nonce(Snowflake channel, Snowflake author, const std::string& nonce) {
  const auto now = std::chrono::steady_clock::now();
  for (Message& message : channels_[channel]) {
    if (message.nonce == nonce && message.author == author && now - message.made < kNonceLife)
      return &message;
  }
  return nullptr;
}

const std::deque<Message>& Messages::of(Snowflake channel) const {
  static const std::deque<Message> kNone;
  const auto found = channels_.find(channel);
  return found == channels_.end() ? kNone : found->second;
}

json::Object message_event(World& world, const Message& message) {
  json::Object event = message.body;
  const Server* server = world.server(message.server);
  const Channel* channel = server == nullptr ? nullptr : server->channel(message.channel);
  event["channel_type"] = server == nullptr ? 1 : channel == nullptr ? 0 : channel->type;
  if (server == nullptr) return event;
  event["guild_id"] = std::to_string(server->id);
  if (const auto author = server->members.find(message.author); author != server->members.end()) {
    event["member"] = shapes::member_core(author->second);
  }
  return event;
}

}  // namespace guildhall::sim
