// What Kick tells us (public API and webhooks, version 1).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/clock.h"

namespace guildhall::kick {

struct User {
  std::string id;  // a number, as text
  std::string name;
  std::string slug;
};

struct ChatMessageSent {
  User broadcaster;
  User sender;
  std::vector<std::string> badges;  // "subscriber", "moderator", "broadcaster", "bot", ...
  std::string message_id;
  std::string content;
  TimePoint created_at;
};

struct LivestreamStatusUpdated {
  User broadcaster;
  bool is_live = false;
  std::string title;
  TimePoint started_at;
  std::optional<TimePoint> ended_at;
};

/// The stream is called or sorted otherwise, whether it is live or not.
struct LivestreamMetadataUpdated {
  User broadcaster;
  std::string title;
  std::string category;
};

struct SubscriptionGifts {
  User broadcaster;
  std::optional<User> gifter;  // none: anonymous
  std::vector<User> giftees;
  TimePoint created_at;
};

/// An event type that nothing here needs.
struct OtherEvent {
  std::string type;
};

using Event = std::variant<OtherEvent, ChatMessageSent, LivestreamStatusUpdated, LivestreamMetadataUpdated,
                           SubscriptionGifts>;

struct Channel {
  std::string broadcaster_user_id;
  std::string slug;
  std::optional<bool> is_live;  // none: the answer did not say
  std::optional<TimePoint> live_since;
  std::string title;
  std::string category;
  std::int64_t viewers = 0;
};

/// That events of one kind of one channel are posted to us.
struct Subscription {
  std::string id;
  std::string broadcaster_user_id;
  std::string event;
};

struct RefusedEvent {
  std::string event;
  std::string reason;
};

/// What came of asking for events of a channel. An event may be in neither list.
struct Subscribed {
  std::vector<Subscription> granted;
  std::vector<RefusedEvent> refused;
};

struct Tokens {
  std::string access_token;
  std::string refresh_token;
  std::chrono::seconds expires_in{0};
  std::string scope;
};

}  // namespace guildhall::kick
