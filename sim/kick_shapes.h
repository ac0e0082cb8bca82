// The bodies of Kick's webhooks and API objects. They vary as the real ones do: times with and without
// fractions and with offsets, emote ids as text and as numbers, `emotes` null or empty, fields that no
// documentation names.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "sim/random.h"
#include "sim/world.h"

namespace guildhall::sim::kick_shapes {

/// RFC 3339 in one of the spellings that Kick uses; precise to the second or the millisecond.
std::string time_text(TimePoint at, Random& random);

/// A person of an event, without an identity.
json::Object person(const KickUser& user);
/// A gifter who does not want to be known: everything but `is_anonymous` is null.
json::Object nobody();
json::Array badges(const KickUser& user, const KickChannel& channel, const Viewer& viewer);
/// The sender of a chat message, with badges.
json::Object sender(const KickUser& user, const KickChannel& channel, const Viewer& viewer);

struct ChatText {
  const KickUser* broadcaster = nullptr;
  json::Object sender;
  std::string message_id;
  std::string content;
  std::string created_at;
};
json::Object chat_message(const ChatText& text, Random& random);

json::Object status(const KickUser& broadcaster, bool live, std::string_view title,
                    std::string_view started_at, std::string_view ended_at);
json::Object metadata(const KickUser& broadcaster, std::string_view title, std::string_view category);
json::Object subscription(const KickUser& broadcaster, const KickUser& subscriber, int months,
                          std::string_view created_at, std::string_view expires_at);
/// `gifter`: null when anonymous.
json::Object gifts(const KickUser& broadcaster, const KickUser* gifter,
                   const std::vector<const KickUser*>& giftees, std::string_view created_at,
                   std::string_view expires_at);
json::Object followed(const KickUser& broadcaster, const KickUser& follower);
json::Object kicks(const KickUser& broadcaster, const KickUser& sender, int amount,
                   std::string_view created_at);

struct RedemptionText {
  std::string id;
  std::string status;  // pending, accepted, rejected
  std::string input;
  std::string title;
  int cost = 0;
  std::string redeemed_at;
  const KickUser* redeemer = nullptr;
};
json::Object redemption(const KickUser& broadcaster, const RedemptionText& text);

struct BanText {
  const KickUser* moderator = nullptr;
  const KickUser* user = nullptr;
  std::string reason;
  std::string created_at;
  std::optional<std::string> expires_at;  // none: never
};
json::Object banned(const KickUser& broadcaster, const BanText& text);

/// GET /channels
json::Object channel(const KickChannel& channel);
/// GET /livestreams
json::Object livestream(const KickUser& broadcaster, const KickChannel& channel);
/// GET /users
json::Object user(const KickUser& user);

/// The same JSON with spaces and line breaks that nobody needs.
std::string with_spaces(std::string_view json);

}  // namespace guildhall::sim::kick_shapes
