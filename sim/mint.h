// New ids of every kind. They carry the clock's time, so that a restarted simulation continues where
// the last one ended; the same clock and seed give the same ids.
#pragma once

#include <cstdint>
#include <string>

#include "base/clock.h"
#include "sim/random.h"

namespace guildhall::sim {

/// Discord's ids, in JSON always decimal strings. Layout: milliseconds since 2015 << 22.
using Snowflake = std::uint64_t;

class Mint {
 public:
  Mint(const Clock& clock, std::uint64_t seed);

  /// Strictly growing.
  Snowflake snowflake();
  std::string ulid();
  std::string uuid();
  /// `length` characters of letters and digits.
  std::string token(std::size_t length);

 private:
  const Clock& clock_;
  Random random_;
  Snowflake last_ = 0;
};

/// The id of something made at that moment; the lower 22 bits are free.
Snowflake snowflake_at(TimePoint at);

}  // namespace guildhall::sim
