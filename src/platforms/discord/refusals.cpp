#include "platforms/discord/refusals.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/log.h"
#include "platforms/discord/rest_errors.h"

namespace guildhall::discord {
namespace {

constexpr std::chrono::minutes kFirstRest{1};
constexpr std::chrono::hours kLongestRest{1};
constexpr std::size_t kSweepFrom = 1'000;
constexpr std::size_t kMostGone = 10'000;

bool is_of_webhook(const RouteSpec& route) {
  return route.path.starts_with("/webhooks/") && route.key != Key::interaction;
}

/// Then what it may do depends on the channel alone; on messages and roles it depends whose they are.
bool names_channel_alone(const RouteSpec& route) {
  return route.in_channel() && std::ranges::count(route.path, '{') == 1;
}

/// The first of the major parameters.
std::string subject_of(const RestCall& call) {
  const std::string_view major = call.lane().major;
  return std::string(major.substr(0, major.find('/')));
}

bool is_of_person(std::int64_t code) {
  return code == api_code::kClosedMessages || code == api_code::kClosedMessagesOfMany;
}

bool lacks_permission(std::int64_t code) {
  return code == api_code::kMissingPermissions || code == api_code::kNoMessageHistory || is_of_person(code);
}

}  // namespace

Result<void> Refusals::check(const RestCall& call, SteadyTime now) {
  if (!gone_.empty() && is_of_webhook(*call.route) && gone_.contains(subject_of(call))) {
    return fail(ErrorCode::not_found, "this webhook is gone");
  }
  if (closed_.empty() || !call.route->in_channel()) return {};
  const Closed* closed = find({subject_of(call), nullptr, 0}, now);
  if (closed == nullptr) closed = find({subject_of(call), call.route, call.needs}, now);
  if (closed == nullptr) return {};
  return std::unexpected(closed->error);
}

const Refusals::Closed* Refusals::find(const Door& door, SteadyTime now) {
  const auto found = closed_.find(door);
  return found == closed_.end() || found->second.until <= now ? nullptr : &found->second;
}

void Refusals::learn(const RestCall& call, const net::HttpResponse& answer, SteadyTime now) {
  if (answer.status < 400) {
    open(call);
    return;
  }
  const std::int64_t code = api_code::of(answer.body);
  if (code == api_code::kUnknownWebhook && is_of_webhook(*call.route)) {
    if (gone_.size() >= kMostGone) gone_.clear();
    gone_.insert(subject_of(call));
    return;
  }
  const bool unseen = code == api_code::kMissingAccess && call.route->in_channel();
  const bool closed = lacks_permission(code) && names_channel_alone(*call.route);
  if (!unseen && !closed) return;
  Error error = call_error(call, answer.status, answer.body);
  if (is_of_person(code)) error.message = fmt::format("channel {}: {}", subject_of(call), error.message);
  Door door{subject_of(call), nullptr, 0};
  if (!unseen) door = {subject_of(call), call.route, call.needs};
  close(std::move(door), call, std::move(error), now);
}

void Refusals::close(Door door, const RestCall& call, Error error, SteadyTime now) {
  log::warning("discord: a channel rests",
               {log::field("channel", std::get<0>(door)), log::field("error", error.message)});
  if (closed_.size() >= kSweepFrom) {
    std::erase_if(closed_, [&](const auto& entry) { return entry.second.until <= now; });
  }
  const auto before = closed_.find(door);
  std::chrono::nanoseconds rest = kFirstRest;
  if (before != closed_.end())
    rest = std::min<std::chrono::nanoseconds>(2 * before->second.rest, kLongestRest);
  closed_.insert_or_assign(std::move(door), Closed{now + rest, rest, std::move(error), call.guild});
}

/// What was done can be done again.
void Refusals::open(const RestCall& call) {
  if (closed_.empty() || !call.route->in_channel()) return;
  closed_.erase({subject_of(call), nullptr, 0});
  closed_.erase({subject_of(call), call.route, call.needs});
}

void Refusals::lift(ServerId guild) {
  std::erase_if(closed_, [&](const auto& entry) { return entry.second.guild.value_or(guild) == guild; });
}

}  // namespace guildhall::discord
