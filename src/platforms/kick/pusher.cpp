#include "platforms/kick/pusher.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "platforms/kick/badges.h"

namespace guildhall::kick {
namespace {

constexpr std::string_view kRoomPrefix = "chatrooms.";
constexpr std::string_view kRoomSuffix = ".v2";
constexpr std::string_view kEventPrefix = "App\\Events\\";

std::string channel_of(std::int64_t chatroom) {
  return fmt::format("{}{}{}", kRoomPrefix, chatroom, kRoomSuffix);
}

std::string frame(std::string_view event, json::Object data) {
  return json::write(json::Object{{"event", event}, {"data", std::move(data)}});
}

std::unexpected<Error> unusable(std::string_view what) {
  return fail(ErrorCode::invalid, fmt::format("the chat message has no usable '{}'", what));
}

}  // namespace

Result<PusherFrame> read_frame(std::string_view text) {
  auto parsed = json::parse(text);
  if (!parsed) return std::unexpected(parsed.error());
  PusherFrame read{json::text_or(*parsed, "event", ""), json::text_or(*parsed, "channel", ""), nullptr};
  if (read.event.empty()) return fail(ErrorCode::invalid, "the frame names no event");
  const json::Value* data = json::find(*parsed, "data");
  if (data == nullptr) return read;
  if (!data->is_string()) {
    read.data = *data;
    return read;
  }
  const std::string_view inside = data->get_string();
  if (inside.empty()) return read;
  auto twice = json::parse(inside);
  if (!twice) return std::unexpected(twice.error());
  read.data = *std::move(twice);
  return read;
}

std::string plain_frame(std::string_view event) { return frame(event, {}); }

std::string subscribe_frame(std::int64_t chatroom) {
  return frame("pusher:subscribe", {{"auth", ""}, {"channel", channel_of(chatroom)}});
}

std::string unsubscribe_frame(std::int64_t chatroom) {
  return frame("pusher:unsubscribe", {{"channel", channel_of(chatroom)}});
}

std::optional<std::int64_t> chatroom_of(std::string_view channel) {
  if (!channel.starts_with(kRoomPrefix) || !channel.ends_with(kRoomSuffix)) return std::nullopt;
  channel.remove_prefix(kRoomPrefix.size());
  channel.remove_suffix(std::min(kRoomSuffix.size(), channel.size()));
  const auto number = parse_amount(channel);
  return number && *number > 0 ? std::optional(*number) : std::nullopt;
}

ComeBack come_back_after(int close_code) {
  if (close_code >= 4000 && close_code <= 4099) return ComeBack::never;
  if (close_code >= 4200 && close_code <= 4299) return ComeBack::at_once;
  return ComeBack::later;
}

bool is_chat_event(std::string_view event) {
  if (event.starts_with(kEventPrefix)) event.remove_prefix(kEventPrefix.size());
  return event == "ChatMessageEvent";
}

Result<ChatMessageSent> read_chat_event(const json::Value& data, std::int64_t chatroom,
                                        const User& broadcaster, TimePoint now) {
  if (json::id(data, "chatroom_id").value_or(chatroom) != chatroom) return unusable("chatroom_id");
  const auto id = json::text(data, "id");
  if (!id || id->empty()) return unusable("id");
  const json::Value* sender = json::find(data, "sender");
  const auto user = sender == nullptr ? std::nullopt : json::id(*sender, "id");
  if (!user || *user <= 0) return unusable("sender");
  return ChatMessageSent{
      broadcaster,
      {fmt::format("{}", *user), json::text_or(*sender, "username", ""), json::text_or(*sender, "slug", "")},
      read_badges(data),
      *id,
      json::text_or(data, "content", ""),
      json::time(data, "created_at").value_or(now)};
}

}  // namespace guildhall::kick
