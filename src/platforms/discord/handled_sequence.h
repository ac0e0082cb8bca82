// Up to which event of a session everything is handled: what is put down may not be newer, or a process that
// is killed would take events with it that came and were not committed yet. What is put down too old does no
// harm: Discord repeats, and handlers are idempotent.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>

#include "platforms/discord/timing.h"

namespace guildhall::discord {

class HandledSequence {
 public:
  /// After `delay` an event is handled, one way or another.
  explicit HandledSequence(std::chrono::nanoseconds delay) : delay_(delay) {}

  /// A session goes on from here, or begins.
  void begin(std::int64_t sequence) {
    handled_ = sequence;
    coming_.clear();
  }

  /// An event came.
  void note(std::int64_t sequence, SteadyTime now) {
    settle(now);
    if (!coming_.empty() && now - coming_.back().since < kStep) {
      coming_.back().sequence = sequence;
    } else {
      coming_.push_back({sequence, now});
    }
  }

  std::int64_t at(SteadyTime now) {
    settle(now);
    return handled_;
  }

 private:
  /// Events that came within a second are one entry, which counts from its end.
  static constexpr std::chrono::seconds kStep{1};
  struct Entry {
    std::int64_t sequence = 0;  // the last of them
    SteadyTime since;
  };

  void settle(SteadyTime now) {
    while (!coming_.empty() && now - coming_.front().since >= kStep + delay_) {
      handled_ = coming_.front().sequence;
      coming_.pop_front();
    }
  }

  std::chrono::nanoseconds delay_;
  std::int64_t handled_ = 0;
  std::deque<Entry> coming_;
};

}  // namespace guildhall::discord
