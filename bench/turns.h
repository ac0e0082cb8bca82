// Several ways to do the same, timed in turns: whatever else the machine does meets all of them alike.
#pragma once

#include <sched.h>
#include <sys/types.h>

#include <cstddef>
#include <functional>
#include <vector>

#include "base/task.h"

namespace guildhall::bench {

/// While it lives, this thread and those that it makes run on one processor core: what is measured is the
/// work, and not how long another core takes to wake up, which is as much again and differs from run to run.
class OneCore {
 public:
  OneCore();
  OneCore(const OneCore&) = delete;
  OneCore& operator=(const OneCore&) = delete;
  ~OneCore();

  /// Another process goes there, too; false when this one may not move it.
  bool bring(pid_t process) const;

 private:
  cpu_set_t before_{};
  cpu_set_t one_{};
};

/// One execution; one that blocks instead of waiting is as good.
using Way = std::function<Task<void>()>;

/// The 10th percentile of each way's times, in microseconds: it holds still on a shared machine. After a
/// tenth of the rounds, which are not counted, each way is executed once a round, and another one begins
/// each round.
std::vector<double> microseconds_in_turns(std::size_t rounds, const std::vector<Way>& ways);

}  // namespace guildhall::bench
