// Coroutines side by side.
#pragma once

#include <vector>

#include "base/task.h"

namespace guildhall::net {

/// Runs these on the caller's loop and waits for all of them; what the first of them threw, in their order
/// here, is thrown when all have ended.
Task<void> all_of(std::vector<Task<void>> tasks);

}  // namespace guildhall::net
