// Taking away a lock that nobody holds any more; never by time alone, and never blindly.
#pragma once

#include <optional>

#include "migrate/lock.h"

namespace guildhall::migrate {

struct UnlockOptions {
  std::optional<std::int64_t>
      force;               // the token that the holder is known to have: it is fenced off whatever it does
  bool terminate = false;  // PostgreSQL: its sessions are ended first
};

struct Unlocked {
  LockHolder holder;  // as it was; nothing was held: nothing was done
  std::string doing;  // PostgreSQL: what its session runs, and for how long; "" when it has none
  bool released = false;
};

/// Shows the holder, and releases the lock where the holder is provably gone: its process on this machine, or
/// its session and whatever worked for it. Problem `locked`: it is alive.
Outcome<Unlocked> unlock(const Target& target, const UnlockOptions& options);

}  // namespace guildhall::migrate
