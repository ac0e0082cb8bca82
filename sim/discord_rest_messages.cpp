// What a bot does with messages beside writing them, and the webhooks through which it writes.
#include <algorithm>
#include <chrono>
#include <set>

#include "base/text.h"
#include "sim/discord_checks.h"
#include "sim/discord_rest.h"
#include "sim/discord_shapes.h"
#include "sim/permissions.h"

namespace guildhall::sim {
namespace {

constexpr std::size_t kLeastTogether = 2;
constexpr std::size_t kMostTogether = 100;
constexpr std::chrono::days kDeletedTogether{14};
constexpr std::size_t kMostWebhooks = 15;  // of a channel

json::Object webhook_shape(Snowflake id, Snowflake channel, Snowflake server, const std::string& name,
                           const std::string& token) {
  return {{"id", std::to_string(id)},
          {"type", 1},
          {"guild_id", std::to_string(server)},
          {"channel_id", std::to_string(channel)},
          {"name", name},
          {"avatar", nullptr},
          {"token", token},
          {"application_id", nullptr}};
}

}  // namespace

// Messages ------------------------------------------------------------------------------------------

ApiAnswer DiscordRest::bulk_delete(Call& call) {
  const auto place = place_with(call, permission::kManageMessages);
  if (!place) return std::unexpected(place.error());
  std::set<Snowflake> ids;
  const json::Array& given = json::array(call.body, "messages");
  for (const json::Value& id : given) {
    if (id.is_string()) ids.insert(number_of(id.get_string()).value_or(0));
  }
  if (given.size() < kLeastTogether || given.size() > kMostTogether) {
    return api_error::make(400, 50016,
                           "Provided too few or too many messages to delete. Must provide at least 2 "
                           "and fewer than 100 messages to delete");
  }
  if (ids.size() < given.size()) {
    Complaints complaints;
    complaints.add("messages", "SET_TYPE_ALREADY_CONTAINS_VALUE", "The set already contains this value");
    return complaints.refuse();
  }
  if (*ids.begin() < snowflake_at(stage_.clock.now() - kDeletedTogether)) {
    return api_error::make(400, 50034, "You can only bulk delete messages that are under 14 days old.");
  }
  json::Array gone;
  for (const Snowflake id : ids) {
    if (discord_.messages.find(place->channel, id) == nullptr) continue;
    discord_.messages.erase(place->channel, id);
    gone.emplace_back(std::to_string(id));
  }
  audit(*place->server, audit_action::kMessageBulkDelete, place->channel, call);
  discord_.gateway.dispatch("MESSAGE_DELETE_BULK", place->server->id,
                            {{"ids", std::move(gone)},
                             {"channel_id", call.arguments[0]},
                             {"guild_id", std::to_string(place->server->id)}});
  return ApiReply{204};
}

ApiAnswer DiscordRest::pin(Call& call) { return set_pinned(call, true); }
ApiAnswer DiscordRest::unpin(Call& call) { return set_pinned(call, false); }

ApiAnswer DiscordRest::set_pinned(Call& call, bool pinned) {
  const auto place = place_with(call, permission::kPinMessages);
  if (!place) return std::unexpected(place.error());
  const auto message = named_message(call);
  if (!message) return std::unexpected(message.error());
  (*message)->body["pinned"] = pinned;
  const int action = pinned ? audit_action::kMessagePin : audit_action::kMessageUnpin;
  audit(*place->server, action, (*message)->author, call);
  discord_.gateway.dispatch(
      "CHANNEL_PINS_UPDATE", place->server->id,
      {{"channel_id", call.arguments[0]}, {"guild_id", std::to_string(place->server->id)}});
  return ApiReply{204};
}

ApiAnswer DiscordRest::react(Call& call) { return set_reaction(call, true); }
ApiAnswer DiscordRest::unreact(Call& call) { return set_reaction(call, false); }

ApiAnswer DiscordRest::set_reaction(Call& call, bool add) {
  const auto message = named_message(call);
  if (!message) return std::unexpected(message.error());
  const auto place = place_of(call.number(0));
  const std::string& emoji = call.arguments[2];
  const bool first = !(*message)->reactions.contains(emoji);
  std::uint64_t needed = permission::kReadMessageHistory;
  if (add && first) needed |= permission::kAddReactions;
  if ((place->permissions & needed) != needed) return api_error::missing_permissions();
  if (!discord_.messages.react(**message, stage_.world.bot.id, emoji, add)) return ApiReply{204};
  json::Object event{{"user_id", std::to_string(stage_.world.bot.id)},
                     {"channel_id", call.arguments[0]},
                     {"message_id", call.arguments[1]},
                     {"emoji", emoji_of(emoji)},
                     {"burst", false},
                     {"type", 0}};
  if ((*message)->server != 0) event["guild_id"] = std::to_string((*message)->server);
  discord_.gateway.dispatch(add ? "MESSAGE_REACTION_ADD" : "MESSAGE_REACTION_REMOVE", (*message)->server,
                            event);
  return ApiReply{204};
}

// Webhooks ------------------------------------------------------------------------------------------

bool DiscordRest::is_interaction(const Call& call) const { return call.number(0) == stage_.world.bot.id; }

ApiAnswer DiscordRest::create_webhook(Call& call) {
  const auto place = place_with(call, permission::kManageWebhooks);
  if (!place) return std::unexpected(place.error());
  const std::string name = json::text_or(call.body, "name", "");
  const std::string folded = to_lower_ascii(name);
  const bool reserved =
      folded.find("clyde") != std::string::npos || folded.find("discord") != std::string::npos;
  if (name.empty() || utf16_length(name) > 80 || reserved) {
    Complaints complaints;
    complaints.add("name", "WEBHOOK_NAME_INVALID", "This name cannot be used.");
    return complaints.refuse();
  }
  const auto there = std::ranges::count_if(
      webhooks_, [&](const auto& entry) { return entry.second.channel == place->channel; });
  if (static_cast<std::size_t>(there) >= kMostWebhooks) {
    return api_error::make(400, 30007, "Maximum number of webhooks reached (15)");
  }
  const Snowflake id = stage_.mint.snowflake();
  const Webhook& made =
      webhooks_.emplace(id, Webhook{place->server->id, place->channel, name, stage_.mint.token(68)})
          .first->second;
  audit(*place->server, audit_action::kWebhookCreate, id, call);
  return ApiReply{200, webhook_shape(id, made.channel, made.server, made.name, made.token)};
}

ApiAnswer DiscordRest::read_webhooks(Call& call) {
  const auto place = place_with(call, permission::kManageWebhooks);
  if (!place) return std::unexpected(place.error());
  json::Array out;
  for (const auto& [id, one] : webhooks_) {
    if (one.channel == place->channel)
      out.push_back(webhook_shape(id, one.channel, one.server, one.name, one.token));
  }
  return ApiReply{200, std::move(out)};
}

ApiAnswer DiscordRest::delete_webhook(Call& call) {
  const auto found = webhooks_.find(call.number(0));
  if (found == webhooks_.end()) return api_error::unknown_webhook();
  Server* server = stage_.world.server(found->second.server);
  if ((server_permissions(*server, stage_.world.bot.id) & permission::kManageWebhooks) == 0) {
    return api_error::missing_permissions();
  }
  audit(*server, audit_action::kWebhookDelete, found->first, call);
  webhooks_.erase(found);
  return ApiReply{204};
}

ApiAnswer DiscordRest::delete_webhook_by_token(Call& call) {
  const auto webhook = webhook_of(call);
  if (!webhook) return std::unexpected(webhook.error());
  webhooks_.erase(call.number(0));
  return ApiReply{204};
}

std::expected<const DiscordRest::Webhook*, ApiError> DiscordRest::webhook_of(Call& call) const {
  const auto found = webhooks_.find(call.number(0));
  if (found == webhooks_.end()) return api_error::unknown_webhook();
  if (found->second.token != call.arguments[1]) return api_error::make(401, 50027, "Invalid Webhook Token");
  return &found->second;
}

ApiAnswer DiscordRest::execute_webhook(Call& call) {
  const auto webhook = webhook_of(call);
  if (!webhook) return std::unexpected(webhook.error());
  if (const auto checked = check_message(call.body, false); !checked) return std::unexpected(checked.error());
  MessageDraft draft;
  draft.channel = (*webhook)->channel;
  draft.server = (*webhook)->server;
  draft.author = stage_.world.bot.id;
  draft.fields = call.body;
  const json::Object author{{"id", call.arguments[0]},
                            {"username", json::text_or(call.body, "username", (*webhook)->name)},
                            {"discriminator", "0000"},
                            {"global_name", nullptr},
                            {"public_flags", 0},
                            {"flags", 0},
                            {"primary_guild", nullptr},
                            {"avatar", nullptr},
                            {"bot", true}};
  draft.extra = {{"webhook_id", call.arguments[0]}, {"author", author}};
  const Message& message = discord_.messages.add(std::move(draft));
  stage_.witness.posted(message.server, message.channel, json::text_or(call.body, "content", ""),
                        stage_.clock.now());
  json::Object event = message_event(stage_.world, message);
  event.erase("member");  // a webhook is none
  discord_.gateway.dispatch("MESSAGE_CREATE", message.server, event);
  if (call.query("wait") != "true") return ApiReply{204};
  return ApiReply{200, message.body};
}

std::expected<Message*, ApiError> DiscordRest::webhook_message(Call& call) {
  const auto webhook = webhook_of(call);
  if (!webhook) return std::unexpected(webhook.error());
  Message* message = discord_.messages.find((*webhook)->channel, call.number(2));
  const bool own = message != nullptr && json::text(message->body, "webhook_id") == call.arguments[0];
  if (!own) return api_error::unknown_message();
  return message;
}

ApiAnswer DiscordRest::edit_webhook_message(Call& call) {
  const auto message = webhook_message(call);
  if (!message) return std::unexpected(message.error());
  if (const auto checked = check_message(call.body, true); !checked) return std::unexpected(checked.error());
  discord_.messages.edit(**message, call.body);
  discord_.gateway.dispatch("MESSAGE_UPDATE", (*message)->server, message_event(stage_.world, **message));
  return ApiReply{200, (*message)->body};
}

ApiAnswer DiscordRest::delete_webhook_message(Call& call) {
  const auto message = webhook_message(call);
  if (!message) return std::unexpected(message.error());
  const json::Object event{{"id", call.arguments[2]},
                           {"channel_id", std::to_string((*message)->channel)},
                           {"guild_id", std::to_string((*message)->server)}};
  const Snowflake server = (*message)->server;
  discord_.messages.erase((*message)->channel, (*message)->id);
  discord_.gateway.dispatch("MESSAGE_DELETE", server, event);
  return ApiReply{204};
}

}  // namespace guildhall::sim
