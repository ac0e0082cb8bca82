// Real-time waits that end early when the simulation stops.
#pragma once

#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <set>

#include "base/task.h"

namespace guildhall::sim {

class Naps {
 public:
  /// Waits on the caller's loop. False: the simulation stops; go home.
  Task<bool> rest(std::chrono::nanoseconds time);
  void stop();
  bool stopping() const { return stopping_; }

 private:
  bool stopping_ = false;
  std::set<boost::asio::steady_timer*> waiting_;
};

}  // namespace guildhall::sim
