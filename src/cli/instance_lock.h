// One bot per database, and one isolation proof: a second is refused and told who is first. Other commands
// may run beside them.
#pragma once

#include <functional>
#include <memory>

#include "base/error.h"
#include "store/place.h"

namespace guildhall::cli {

enum class Exclusive { bot, proof };

/// With files it is a lock on a file beside them, on PostgreSQL one that a connection of its own holds.
class InstanceLock {
 public:
  /// Error `other_instance` names what runs and who holds the lock; `configuration` when the file cannot be
  /// made; on PostgreSQL what connecting brings. The lock goes with the process, however it ends.
  static Result<std::unique_ptr<InstanceLock>> take(const store::DatabasePlace& place, Exclusive what);

  virtual ~InstanceLock() = default;

  /// A lock goes when PostgreSQL itself ends, and is taken again when it is back. `told` is called, on
  /// another thread and at most once, when somebody else was faster. Nothing: nobody is told any more.
  virtual void on_taken(std::function<void(const Error&)> told) = 0;
};

}  // namespace guildhall::cli
