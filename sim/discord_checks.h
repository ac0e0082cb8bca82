// Discord's rules for what a bot may send: messages and command definitions. Written from the public
// documentation, independently of the client that they are meant to catch.
#pragma once

#include <expected>

#include "base/json.h"
#include "sim/discord_error.h"

namespace guildhall::sim {

inline constexpr std::int64_t kEphemeral = 64;
inline constexpr std::int64_t kComponentsV2 = 1 << 15;

/// A message body. `edit`: absent fields stay as they are, so an empty body is fine. Errors: 50035
/// with the fields, 50006 for a message without content.
std::expected<void, ApiError> check_message(const json::Value& body, bool edit);

/// An interaction callback of the given type (4, 5, 6, 7, 8 or 9).
std::expected<void, ApiError> check_callback(const json::Value& body);

/// One application command; `path` is "" or the position in a bulk overwrite.
void check_command(const json::Value& command, const std::string& path, Complaints& complaints);

}  // namespace guildhall::sim
