// The same work on many things, by several threads at once.
#pragma once

#include <cstddef>
#include <functional>

namespace guildhall::migrate {

/// Calls `work` with each of 0 to `count` - 1, by as many as `threads` threads, and returns when all of them
/// are done. What one call throws is thrown here, the first of it; calls that had not begun then are left
/// out.
void spread(std::size_t count, std::size_t threads, const std::function<void(std::size_t)>& work);

}  // namespace guildhall::migrate
