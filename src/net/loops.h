// The event loops: one thread each. A server lives on one of them, so that its state in memory needs
// no lock.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "base/ids.h"
#include "base/task.h"

namespace guildhall::net {

class Loops {
 public:
  explicit Loops(std::size_t count);
  /// Stops and joins.
  ~Loops();

  /// Where listeners, timers and the platforms' clients live.
  boost::asio::io_context& main() { return *contexts_.front(); }
  /// Where a server lives.
  boost::asio::io_context& of(ServerId server) {
    return *contexts_[std::hash<ServerId>{}(server) % contexts_.size()];
  }

  void start();
  /// Waits until every task that `spawn` began has ended, at most so long. False: some go on.
  bool drain(std::chrono::nanoseconds patience);
  void stop();

 private:
  std::vector<std::unique_ptr<boost::asio::io_context>> contexts_;
  std::vector<std::jthread> threads_;
};

/// Is that the executor of a coroutine on this loop? Then what belongs there can be awaited at once.
bool runs_on(const boost::asio::any_io_executor& executor, boost::asio::io_context& loop);

/// Runs a coroutine on a loop by itself. What it throws is logged under `name` and ends it alone. It has
/// to end by itself: Loops::drain waits for it.
void spawn(boost::asio::io_context& loop, std::string name, std::function<Task<void>()> body);

/// Runs `body` again and again with a pause between. What it throws is logged, and the next turn comes.
void repeat(boost::asio::io_context& loop, std::string name, std::chrono::nanoseconds pause,
            std::function<Task<void>()> body);

/// Waits on this coroutine's loop, in real time.
Task<void> sleep_for(std::chrono::nanoseconds time);

/// Runs one coroutine on a loop of its own until it is done, and returns its value (for commands).
template <class T>
T run_to_end(Task<T> task);

}  // namespace guildhall::net

#include "net/run_to_end.h"
