// What platforms tell us, normalised: no wire formats, no platform's spelling.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/ids.h"
#include "tenancy/channels.h"

namespace guildhall::bot {

/// Who wrote in a stream's chat.
struct Chatter {
  std::string id;  // the platform's number
  std::string name;
  bool subscriber = false;
  bool broadcaster = false;
  bool bot = false;
};

/// Effect: presence at `at` (idempotent by nature), and whatever command the text holds.
struct ChatMessage {
  tenancy::ChannelKey channel;
  std::string message_id;
  Chatter sender;
  std::string text;
  TimePoint at;
  /// False: nobody knows whether the stream is live; the chat itself has to tell.
  bool live_known = true;
};

/// The stream went live, or ended. The two moments identify it: a repeated or late word of the same
/// stream changes nothing.
struct StreamStatus {
  tenancy::ChannelKey channel;
  bool live = false;
  TimePoint started_at;
  std::optional<TimePoint> ended_at;
  std::string channel_name;
  // Empty: not told.
  std::string title = {};
  std::string channel_slug = {};
  std::string category = {};
  /// The server turned away from the stream, for which it ended then, and comes back while it still runs; or
  /// that it had ended was a mistake.
  bool resumed = false;
};

/// Nothing that began before is live for the server any more, of whatever channel it was, and whether anybody
/// told the end or not. Where no stream is open it changes nothing.
struct StreamsOver {};

struct GiftedSubs {
  tenancy::ChannelKey channel;
  std::string event_id;
  std::optional<std::string> gifter;  // none: anonymous
  std::int64_t count = 0;
  TimePoint at;
};

struct MemberJoined {
  DiscordUserId user;
  std::string name;
  TimePoint at;
};

struct MemberLeft {
  DiscordUserId user;
  std::string name;
  std::string event_id;  // the same when it is told again
  TimePoint at;
};

/// A member who is there was given a role, for the first time. Told once.
struct RoleGiven {
  DiscordUserId member;
  std::string role_id;
  std::string role_name;  // empty: not known
  std::string reason;     // watchtime, linked
  std::int64_t rank = 0;
  std::string server_name;
};

}  // namespace guildhall::bot
