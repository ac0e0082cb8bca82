// How often each member may ask for something that costs the database a little and has no cooldown. Kept in
// memory alone, and bounded there: of very many members at once all begin anew.
#pragma once

#include <algorithm>
#include <chrono>
#include <map>
#include <utility>

#include "base/ids.h"

namespace guildhall::bot {

/// Lives on one loop.
class MemberBudget {
 public:
  using Time = std::chrono::steady_clock::time_point;

  /// `at_once`, and from then on one `every` so often.
  MemberBudget(int at_once, std::chrono::milliseconds every) : full_(at_once * every), every_(every) {}

  /// False: too often.
  bool take(ServerId server, DiscordUserId user, Time now) {
    if (used_until_.size() >= kMostMembers) forget_idle(now);
    Time& until = used_until_[{server, user}];
    const Time next = std::max(until, now) + every_;
    if (next > now + full_) return false;
    until = next;
    return true;
  }

 private:
  static constexpr std::size_t kMostMembers = 10'000;

  void forget_idle(Time now) {
    std::erase_if(used_until_, [&](const auto& one) { return one.second <= now; });
    if (used_until_.size() >= kMostMembers) used_until_.clear();
  }

  std::chrono::milliseconds full_;
  std::chrono::milliseconds every_;
  /// Each use takes `every_` of a member's time; who is behind it has the whole budget again.
  std::map<std::pair<ServerId, DiscordUserId>, Time> used_until_;
};

}  // namespace guildhall::bot
