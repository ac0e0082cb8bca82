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

  /// The earliest moment from `from` on at which one more fits.
  SteadyTime next(SteadyTime from) const {
    return moments_.size() < most_ ? from : std::max(from, moments_.front() + period_);
  }

  /// Books a moment; none before an earlier one. It may lie ahead.
  void add(SteadyTime at) {
    moments_.push_back(at);
    if (moments_.size() > most_) moments_.pop_front();
  }

  /// How many lie in the period that ends at `now`.
  std::size_t count(SteadyTime now) const {
    const auto first = std::ranges::upper_bound(moments_, now - period_);
    return static_cast<std::size_t>(moments_.end() - first);
  }

 private:
  std::size_t most_;
  std::chrono::nanoseconds period_;
  std::deque<SteadyTime> moments_;  // the last `most_` of them
};

}  // namespace guildhall::discord
