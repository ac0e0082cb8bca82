// The injected clock. Every age, due time and stored moment comes from here, so that tests need no
// sleeping and the demo can run thirty times faster. Network deadlines are real time and do not.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

#include "base/error.h"

namespace guildhall {

/// Moments are UTC microseconds, in memory as in the database.
using Duration = std::chrono::microseconds;
using TimePoint = std::chrono::sys_time<Duration>;

constexpr std::int64_t to_micros(TimePoint at) { return at.time_since_epoch().count(); }
constexpr TimePoint from_micros(std::int64_t micros) { return TimePoint(Duration(micros)); }

class Clock {
 public:
  virtual ~Clock() = default;
  virtual TimePoint now() const = 0;
  /// How long a wait of `wanted` on this clock takes in real time.
  virtual std::chrono::nanoseconds real(Duration wanted) const = 0;
};

class SystemClock final : public Clock {
 public:
  TimePoint now() const override;
  std::chrono::nanoseconds real(Duration wanted) const override { return wanted; }
};

/// Runs `speed` times as fast as the system's clock from `origin` (real time) on, where it shows
/// `start`. Two processes with the same three values show the same time.
class ScaledClock final : public Clock {
 public:
  ScaledClock(TimePoint origin, TimePoint start, int speed) : origin_(origin), start_(start), speed_(speed) {}
  TimePoint now() const override;
  std::chrono::nanoseconds real(Duration wanted) const override {
    return std::chrono::nanoseconds(wanted) / speed_;
  }

 private:
  TimePoint origin_;
  TimePoint start_;
  int speed_;
};

/// A clock that a test sets by hand.
class ManualClock final : public Clock {
 public:
  explicit ManualClock(TimePoint at) : micros_(to_micros(at)) {}
  TimePoint now() const override { return from_micros(micros_.load()); }
  std::chrono::nanoseconds real(Duration wanted) const override { return wanted; }
  void advance(Duration by) { micros_ += by.count(); }
  void set(TimePoint at) { micros_ = to_micros(at); }

 private:
  std::atomic<std::int64_t> micros_;
};

/// RFC 3339 in UTC with up to six decimals, e.g. 2026-05-01T10:00:00.25Z.
std::string format_rfc3339(TimePoint at);
/// Reads RFC 3339 with `Z` or a numeric offset and 0 to 9 decimals; more than six are cut.
Result<TimePoint> parse_rfc3339(std::string_view text);

}  // namespace guildhall
