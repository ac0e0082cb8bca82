// SIGINT and SIGTERM: the first stops in good order, the second ends at once, with 128 and its number.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/clock.h"
#include "base/error.h"

namespace guildhall::cli {

class Signals {
 public:
  /// From here on both signals are kept until on_stop says what to do.
  Signals();
  ~Signals();
  /// `stop` is called on a thread of its own, once, with the signal's number.
  void on_stop(std::function<void(int)> stop);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

/// "30:1795000000": thirty times as fast as real time since that second.
Result<std::unique_ptr<Clock>> parse_sim_clock(const std::string& text);

}  // namespace guildhall::cli
