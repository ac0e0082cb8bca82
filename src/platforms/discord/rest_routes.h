// The HTTP calls that exist for us, one line each: method, path, and what is special about it.
// Source: developer documentation, "Resources"; that each exists as it stands here is checked against
// Discord's own description in tests/contract.
#pragma once

#include <cstdint>
#include <string_view>

namespace guildhall::discord {

/// Who goes first when not everything can go at once.
enum class Urgency : std::uint8_t {
  interaction,  // somebody looks at "thinking", and the time for an answer runs out
  person,       // somebody waits
  background,
};

/// The traits of a call that are the same however often it is made.
struct RouteSpec {
  std::string_view method;
  /// Below /v10. "{}" is an id or a secret, "{*}" one by which Discord tells limits apart (its "major
  /// parameters"); several of those stand side by side.
  std::string_view path;
  /// May be sent again when nobody knows whether it arrived.
  bool repeatable = false;
  Urgency urgency = Urgency::background;
  /// False: the path carries a secret of its own.
  bool bot_token = true;
  /// Counts towards the bot's requests per second. Those of interactions do not.
  bool global = true;
  /// An interaction's first answer: outside all limits, and sent once whatever happens.
  bool callback = false;
};

namespace routes {

inline constexpr RouteSpec kGatewayInfo{"GET", "/gateway/bot", true, Urgency::person};
inline constexpr RouteSpec kApplication{"GET", "/applications/@me", true};
inline constexpr RouteSpec kSelf{"GET", "/users/@me", true};
inline constexpr RouteSpec kGuild{"GET", "/guilds/{*}", true, Urgency::person};

inline constexpr RouteSpec kCreateMessage{"POST", "/channels/{*}/messages"};

inline constexpr RouteSpec kCallback{.method = "POST",
                                     .path = "/interactions/{*}/{}/callback",
                                     .bot_token = false,
                                     .global = false,
                                     .callback = true};
inline constexpr RouteSpec kEditAnswer{.method = "PATCH",
                                       .path = "/webhooks/{*}/{*}/messages/@original",
                                       .repeatable = true,
                                       .urgency = Urgency::interaction,
                                       .bot_token = false,
                                       .global = false};

inline constexpr RouteSpec kCommands{"GET", "/applications/{}/commands", true};
inline constexpr RouteSpec kOverwriteCommands{"PUT", "/applications/{}/commands", true};

}  // namespace routes
}  // namespace guildhall::discord
