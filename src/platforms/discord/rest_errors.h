// Refusals of the HTTP API as errors in words for people. Source: developer documentation, "Opcodes
// and Status Codes"; the JSON code decides, not the HTTP status.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/error.h"
#include "platforms/discord/rest_call.h"

namespace guildhall::discord {

namespace api_code {
inline constexpr std::int64_t kUnknownGuild = 10004;
inline constexpr std::int64_t kUnknownMember = 10007;
inline constexpr std::int64_t kUnknownRole = 10011;
inline constexpr std::int64_t kUnknownUser = 10013;
inline constexpr std::int64_t kUnknownWebhook = 10015;
inline constexpr std::int64_t kMissingAccess = 50001;
inline constexpr std::int64_t kClosedMessages = 50007;
inline constexpr std::int64_t kMissingPermissions = 50013;
inline constexpr std::int64_t kClosedMessagesOfMany = 50278;
inline constexpr std::int64_t kNoMessageHistory = 160002;

/// The JSON code of an error's body; 0 where there is none.
std::int64_t of(std::string_view body);
/// The one that an error of call_error ends with; 0: Discord did not say it.
std::int64_t of(const Error& error);
}  // namespace api_code

/// `status` is 400 or more. Never shows what was sent.
Error api_error(int status, std::string_view body);
/// The same of the answer to a call: what is refused for want of a permission is said as `lacks` says it.
Error call_error(const RestCall& call, int status, std::string_view body);

/// Why a call is not made, or was refused: the permissions that the bot lacks, where, and the way out.
Error lacks(const RestCall& call, Permissions missing);

}  // namespace guildhall::discord
