#include "platforms/discord/rest_errors.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <vector>

#include "base/json.h"
#include "base/text.h"

namespace guildhall::discord {
namespace {

struct KnownError {
  std::int64_t code;
  ErrorCode means;
  std::string_view message;
  std::string_view hint = {};
};

constexpr auto kKnown = std::to_array<KnownError>({
    {10003, ErrorCode::not_found, "this Discord channel is gone, or the bot cannot see it"},
    {10004, ErrorCode::not_found, "the bot is not in this Discord server"},
    {10006, ErrorCode::not_found, "this invite has ended"},
    {10007, ErrorCode::not_found, "this member has left the Discord server"},
    {10008, ErrorCode::not_found, "this Discord message has been deleted"},
    {10009, ErrorCode::not_found, "the channel has no such exception of permissions"},
    {10011, ErrorCode::not_found, "this role has been deleted"},
    {10013, ErrorCode::not_found, "there is no such Discord user"},
    {10014, ErrorCode::not_found, "there is no such emoji"},
    {10015, ErrorCode::not_found, "this webhook is gone, or the interaction is over"},
    {10026, ErrorCode::not_found, "this user is not banned"},
    {10062, ErrorCode::not_found, "the interaction is over: answered already, or not within 3 seconds"},
    {20016, ErrorCode::rate_limited, "the channel is in slow mode"},
    {20028, ErrorCode::rate_limited, "too much is being written in this channel"},
    {30003, ErrorCode::too_large, "the channel has all the pinned messages it may have"},
    {30005, ErrorCode::too_large, "the Discord server has all the roles it may have (250)"},
    {30007, ErrorCode::too_large, "the channel has all the webhooks it may have (15)"},
    {30010, ErrorCode::too_large, "the message has all the different reactions it may have (20)"},
    {30013, ErrorCode::too_large, "the Discord server has all the channels it may have (500)"},
    {30016, ErrorCode::too_large, "the Discord server has all the invites it may have (1000)"},
    {30032, ErrorCode::too_large, "the bot has all the commands it may have"},
    {30034, ErrorCode::rate_limited, "no more commands can be created today", "try again tomorrow"},
    {30046, ErrorCode::rate_limited, "this message is too old to be edited so often"},
    {30058, ErrorCode::too_large, "the Discord server has all the webhooks it may have (1000)"},
    {30060, ErrorCode::too_large, "the channel has all the exceptions of permissions it may have"},
    {40005, ErrorCode::too_large, "the files are too large for Discord"},
    {40007, ErrorCode::forbidden, "this user is banned from the Discord server"},
    {40041, ErrorCode::conflict, "there is a command of that name already"},
    {40058, ErrorCode::invalid, "in a forum channel a message needs a post to stand in"},
    {40060, ErrorCode::conflict, "the interaction has been answered already",
     "is a second instance running with the same token?"},
    {40333, ErrorCode::unavailable, "Discord's edge turned the request away"},
    {50001, ErrorCode::forbidden, "the bot cannot see this channel or server", "give the bot access to it"},
    {50005, ErrorCode::forbidden, "the message was written by somebody else"},
    {50006, ErrorCode::invalid, "the message is empty"},
    {50007, ErrorCode::forbidden, "this member does not accept direct messages"},
    {50013, ErrorCode::forbidden, "the bot lacks a permission for that",
     "check the bot's permissions, and that its role stands above the roles it deals with"},
    {50016, ErrorCode::invalid, "only 2 to 100 messages can be deleted together"},
    {50021, ErrorCode::invalid, "that cannot be done with a message of Discord's own"},
    {50024, ErrorCode::invalid, "that cannot be done in this kind of channel"},
    {50027, ErrorCode::unauthenticated, "the interaction's 15 minutes are over"},
    {50028, ErrorCode::invalid, "Discord does not accept the role"},
    {50033, ErrorCode::invalid, "Discord does not accept the recipient"},
    {50034, ErrorCode::invalid, "messages older than 14 days cannot be deleted together"},
    {50035, ErrorCode::invalid, "Discord does not accept the request"},
    {50045, ErrorCode::too_large, "a file is too large for this Discord server"},
    {50074, ErrorCode::invalid, "a community server cannot do without this channel"},
    {50083, ErrorCode::conflict, "the thread is archived"},
    {50109, ErrorCode::invalid, "Discord could not read the request"},
    {50278, ErrorCode::forbidden, "this member does not accept direct messages"},
    {60003, ErrorCode::forbidden, "the bot's owner needs two-factor authentication for that",
     "switch it on for the account that owns the bot"},
    {90001, ErrorCode::forbidden, "the author of the message has blocked the bot"},
    {130000, ErrorCode::unavailable, "Discord is overloaded"},
    {160002, ErrorCode::forbidden, "the bot may not reply without reading the message history"},
    {160004, ErrorCode::conflict, "the message has a thread already"},
    {160005, ErrorCode::conflict, "the thread is locked"},
    {160006, ErrorCode::too_large, "the Discord server has all the active threads it may have"},
    {200000, ErrorCode::invalid, "the server's AutoMod blocked the message"},
});
static_assert(std::ranges::is_sorted(kKnown, {}, &KnownError::code));

constexpr std::size_t kMostComplaints = 5;

ErrorCode meaning_of(int status) {
  switch (status) {
    case 401: return ErrorCode::unauthenticated;
    case 403: return ErrorCode::forbidden;
    case 404: return ErrorCode::not_found;
    case 429: return ErrorCode::rate_limited;
    default: break;
  }
  if (status >= 500) return ErrorCode::unavailable;
  return status == 400 ? ErrorCode::invalid : ErrorCode::failed;
}

/// `errors` mirrors the request; its leaves are "_errors" arrays. "options.0.name: too long".
void collect_complaints(const json::Value& errors, const std::string& path, std::vector<std::string>& into) {
  if (!errors.is_object()) return;
  for (const auto& [key, inner] : errors.get_object()) {
    if (into.size() >= kMostComplaints) return;
    if (key != "_errors") {
      collect_complaints(
          inner, path.empty() ? std::string(key) : fmt::format("{}.{}", path, std::string_view(key)), into);
    } else if (inner.is_array() && !inner.get_array().empty()) {
      const std::string says = json::text_or(inner.get_array().front(), "message", "refused");
      into.push_back(fmt::format("{}: {}", path, shorten(says, 120)));
    }
  }
}

std::string form_complaints(const json::Value& answer) {
  std::vector<std::string> complaints;
  if (const json::Value* errors = json::find(answer, "errors")) collect_complaints(*errors, "", complaints);
  return fmt::format("{}", fmt::join(complaints, "; "));
}

/// Does it put a message into a channel?
bool is_sent(const RestCall& call) { return (call.needs & kSendMessages) != 0; }

/// Of what is refused with this code; 0: something else, or nobody knows what.
Permissions refused_for(const RestCall& call, std::int64_t code) {
  switch (code) {
    case api_code::kMissingAccess: return call.needs & kViewChannel;
    case api_code::kMissingPermissions:
      return call.needs & ~(is_sent(call) ? kViewChannel | kReadMessageHistory : kViewChannel);
    case api_code::kNoMessageHistory: return kReadMessageHistory;
    default: return 0;
  }
}

/// `one_of`: empty, or "one of " where Discord does not say which.
Error permission_error(const RestCall& call, Permissions missing, std::string_view one_of) {
  const std::string names = permission_names(missing);
  if (const DiscordChannelId channel = call.in_channel(); channel != DiscordChannelId()) {
    return {ErrorCode::forbidden,
            fmt::format("the bot lacks {}{} in channel {}", one_of, names, channel.str()),
            fmt::format("In Discord: Edit Channel > Permissions, allow {} for the bot's role.", names)};
  }
  const auto guild = call.in_guild();
  const std::string place = guild ? "server " + guild->str() : "its server";
  return {ErrorCode::forbidden, fmt::format("the bot lacks {}{} in {}", one_of, names, place),
          fmt::format("In Discord: Server Settings > Roles > the bot's role > Permissions, switch on {}.",
                      names)};
}

/// Does it deal with a role or a member, who must stand below the bot?
bool is_ranked(const RouteSpec& route) { return route.in_guild() && std::ranges::count(route.path, '{') > 1; }

}  // namespace

std::int64_t api_code::of(std::string_view body) {
  const auto answer = json::parse(body);
  return answer ? json::integer(*answer, "code").value_or(0) : 0;
}

std::int64_t api_code::of(const Error& error) {
  constexpr std::string_view kBefore = "(Discord ";
  const auto at = error.message.rfind(kBefore);
  if (at == std::string::npos || !error.message.ends_with(')')) return 0;
  std::int64_t code = 0;
  std::from_chars(error.message.data() + at + kBefore.size(), error.message.data() + error.message.size(),
                  code);
  return code;
}

Error api_error(int status, std::string_view body) {
  const auto answer = json::parse(body);
  const auto code = answer ? json::integer(*answer, "code").value_or(0) : 0;
  const auto known = std::ranges::lower_bound(kKnown, code, {}, &KnownError::code);
  if (known != kKnown.end() && known->code == code) {
    const std::string complaints = form_complaints(*answer);
    const std::string details = complaints.empty() ? "" : ": " + complaints;
    return {known->means, fmt::format("{}{} (Discord {})", known->message, details, code),
            std::string(known->hint)};
  }
  if (!answer) return {meaning_of(status), fmt::format("Discord answered {}", status)};
  const std::string says = shorten(json::text_or(*answer, "message", "no reason given"), 120);
  return {meaning_of(status), fmt::format("Discord answered {}: {} (Discord {})", status, says, code)};
}

Error lacks(const RestCall& call, Permissions missing) { return permission_error(call, missing, ""); }

Error call_error(const RestCall& call, int status, std::string_view body) {
  const std::int64_t code = api_code::of(body);
  const Permissions missing = refused_for(call, code);
  if (missing == 0) return api_error(status, body);
  Error error = permission_error(call, missing, std::has_single_bit(missing) ? "" : "one of ");
  if (is_ranked(*call.route)) {
    error.message += ", or its role does not stand above what it deals with";
    error.hint += " And drag the bot's role above the roles that it deals with.";
  }
  if (code == api_code::kMissingPermissions && is_sent(call)) {
    error.message +=
        fmt::format(", in a thread {}, or is in a timeout", permission_names(kSendMessagesInThreads));
    error.hint += " Where none is missing: right click on the bot > Remove Timeout.";
  }
  error.message += fmt::format(" (Discord {})", code);
  return error;
}

}  // namespace guildhall::discord
