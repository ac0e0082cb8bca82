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

/// What whoever was refused lacks some of. The message history has a code of its own.
Permissions barred_by(const RestCall& call, std::int64_t code) {
  return code == api_code::kNoMessageHistory ? call.needs : call.needs & ~kReadMessageHistory;
}

}  // namespace

Result<void> Refusals::check(const RestCall& call, SteadyTime now) {
  if (!gone_.empty() && is_of_webhook(*call.route) && gone_.contains(subject_of(call))) {
    return fail(ErrorCode::not_found, "this webhook is gone");
  }
  if (closed_.empty() || !call.route->in_channel()) return {};
  const auto found = closed_.find(place_of(call));
  if (found == closed_.end()) return {};
  for (const Door& door : found->second) {
    if (door.until > now && door.bars(call)) return std::unexpected(door.error);
  }
  return {};
}

bool Refusals::Door::bars(const RestCall& call) const {
  return (route == nullptr || route == call.route) && (needs & ~call.needs) == 0;
}

Refusals::Place Refusals::place_of(const RestCall& call) { return {subject_of(call), call.guild}; }

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
  Door door;
  door.needs = unseen ? kViewChannel : barred_by(call, code);
  if (!unseen && door.needs == kViewChannel) door.route = call.route;
  door.error = std::move(error);
  close(call, std::move(door), now);
}

void Refusals::close(const RestCall& call, Door door, SteadyTime now) {
  Place place = place_of(call);
  log::warning("discord: a channel rests",
               {log::field("channel", place.first), log::field("error", door.error.message)});
  if (closed_.size() >= kSweepFrom) sweep(now);
  std::vector<Door>& doors = closed_[std::move(place)];
  const auto before = std::ranges::find_if(
      doors, [&](const Door& one) { return one.route == door.route && one.needs == door.needs; });
  door.rest = kFirstRest;
  if (before != doors.end()) door.rest = std::min<std::chrono::nanoseconds>(2 * before->rest, kLongestRest);
  door.until = now + door.rest;
  if (before != doors.end())
    *before = std::move(door);
  else
    doors.push_back(std::move(door));
}

void Refusals::sweep(SteadyTime now) {
  for (auto& [place, doors] : closed_)
    std::erase_if(doors, [&](const Door& one) { return one.until <= now; });
  std::erase_if(closed_, [](const auto& entry) { return entry.second.empty(); });
}

/// What was done can be done again.
void Refusals::open(const RestCall& call) {
  if (closed_.empty() || !call.route->in_channel()) return;
  const auto found = closed_.find(place_of(call));
  if (found == closed_.end()) return;
  std::erase_if(found->second, [&](const Door& door) { return door.bars(call); });
  if (found->second.empty()) closed_.erase(found);
}

void Refusals::lift(ServerId guild) {
  std::erase_if(closed_, [&](const auto& entry) { return entry.first.second.value_or(guild) == guild; });
}

}  // namespace guildhall::discord
