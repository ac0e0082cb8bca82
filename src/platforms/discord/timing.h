// Real time and chance, injected, so that protocol tests need neither. Discord's limits, deadlines and
// heartbeats are real time, however fast the clock of the demo runs.
#pragma once

#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <memory>

#include "base/clock.h"
#include "base/task.h"

namespace guildhall::discord {

using SteadyTime = std::chrono::steady_clock::time_point;

class Timing {
 public:
  virtual ~Timing() = default;
  /// It stands still while the machine sleeps, as do waits.
  virtual SteadyTime now() const = 0;
  /// For how long the machine has slept until now, all its naps together, counted from any moment.
  virtual std::chrono::nanoseconds slept() const = 0;
  /// Real time of day, for what outlives the process.
  virtual TimePoint wall() const = 0;
  /// Returns at `at`, or as soon as somebody cancels `timer`.
  virtual Task<void> wait(boost::asio::steady_timer& timer, SteadyTime at) = 0;
  /// A number in [0, 1).
  virtual double random() = 0;
};

/// The machine's own.
std::shared_ptr<Timing> system_timing();

}  // namespace guildhall::discord
