// Frames of the Pusher protocol, version 7, as far as a listener to public channels needs them: the chats of
// Kick's own site come by it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/json.h"
#include "platforms/kick/types.h"

namespace guildhall::kick {

struct PusherFrame {
  std::string event;
  std::string channel;  // empty: it is about the connection
  json::Value data;     // null: there is none
};

/// `data` is JSON inside a text, or plain JSON. Error `invalid`.
Result<PusherFrame> read_frame(std::string_view text);

inline constexpr const char* kGreeting = "pusher:connection_established";
inline constexpr const char* kSubscribed = "pusher_internal:subscription_succeeded";
inline constexpr const char* kPing = "pusher:ping";
inline constexpr const char* kPong = "pusher:pong";
inline constexpr const char* kPusherError = "pusher:error";

/// A frame with empty data: kPing, kPong.
std::string plain_frame(std::string_view event);
std::string subscribe_frame(std::int64_t chatroom);
std::string unsubscribe_frame(std::int64_t chatroom);

/// Of a channel's name; nothing: it is no chatroom's.
std::optional<std::int64_t> chatroom_of(std::string_view channel);

/// Whether to come back after a connection was closed with that code.
enum class ComeBack { never, later, at_once };
ComeBack come_back_after(int close_code);

/// Does such an event hold a chat message? Some names come with a prefix, and without.
bool is_chat_event(std::string_view event);
/// Reads one, in the chatroom of that broadcaster. `now`: for one that has no time. Error `invalid`: a field
/// is missing that a message is nothing without, or it is of another chatroom.
Result<ChatMessageSent> read_chat_event(const json::Value& data, std::int64_t chatroom,
                                        const User& broadcaster, TimePoint now);

}  // namespace guildhall::kick
