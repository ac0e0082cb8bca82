// Pauses before something is tried again. They are of random length, so that those who wait for the same
// thing do not come back together.
#pragma once

#include <chrono>

#include "base/crypto.h"

namespace guildhall {

/// Between these two, both included.
inline std::chrono::milliseconds random_pause(std::chrono::milliseconds least,
                                              std::chrono::milliseconds most) {
  return least +
         std::chrono::milliseconds(random_below(static_cast<std::uint64_t>((most - least).count()) + 1));
}

/// Before a database is asked again that was busy, or lost a race: up to 10 ms after attempt 0, twice that
/// after each further one.
inline std::chrono::milliseconds pause_after(int attempt) {
  using std::chrono::milliseconds;
  return random_pause(milliseconds(1), milliseconds(10 << attempt));
}

}  // namespace guildhall
