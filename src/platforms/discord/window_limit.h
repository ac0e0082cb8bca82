// At most so many in any period: the exact form of limits like "120 frames in 60 seconds".
#pragma once

#include <algorithm>
#include <chrono>
#include <deque>

#include "platforms/discord/timing.h"

namespace guildhall::discord {

class WindowLimit {
 public:
  WindowLimit(std::size_t most, std::chrono::nanoseconds period) : most_(most), period_(period) {}

  /// The earliest moment from `from` on at which one more fits and `spare` others would still fit beside it.
  SteadyTime next(SteadyTime from, std::size_t spare = 0) const {
    if (spare >= most_) return SteadyTime::max();
    const std::size_t most = most_ - spare;
    if (moments_.size() < most) return from;
    return std::max(from, moments_[moments_.size() - most] + period_);
  }

  /// From now on. What the last period has used of the old bound is the same part of a smaller one: else
  /// whoever was far below it would be far above at once.
  void set_most(std::size_t most) {
    const std::size_t kept = most < most_ ? (moments_.size() * most + most_ - 1) / most_ : moments_.size();
    moments_.erase(moments_.begin(), moments_.end() - static_cast<std::ptrdiff_t>(kept));
    most_ = most;
  }

  /// Books a moment; none before an earlier one. It may lie ahead.
  void add(SteadyTime at) {
    moments_.push_back(at);
    if (moments_.size() > most_) moments_.pop_front();
  }

 private:
  std::size_t most_;
  std::chrono::nanoseconds period_;
  std::deque<SteadyTime> moments_;  // the last `most_` of them
};

}  // namespace guildhall::discord
