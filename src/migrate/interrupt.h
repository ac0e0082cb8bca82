// SIGINT and SIGTERM on their way to the statement that runs.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>
#include <utility>

namespace guildhall::migrate {

class Interrupt {
 public:
  /// From any thread: what runs ends, and the run after it.
  void raise(int signal) {
    const std::scoped_lock lock(mutex_);
    signal_ = signal;
    if (cancel_) cancel_();
    if (!again_.joinable()) again_ = std::jthread([this](const std::stop_token& end) { insist(end); });
  }
  /// 0: nobody did. Whoever is told ends by itself, and nothing more is cancelled.
  int signal() const {
    const int raised = signal_;
    if (raised != 0) is_noticed_ = true;
    return raised;
  }
  /// How to end what runs; nothing once there is nothing to end.
  void set_cancel(std::function<void()> cancel) {
    const std::scoped_lock lock(mutex_);
    cancel_ = std::move(cancel);
  }

 private:
  /// A database forgets what was said to it while it had nothing to do, and the next statement begins.
  void insist(const std::stop_token& end) {
    std::unique_lock lock(mutex_);
    while (!end.stop_requested() && !is_noticed_) {
      wake_.wait_for(lock, end, std::chrono::milliseconds(50), [] { return false; });
      if (!end.stop_requested() && !is_noticed_ && cancel_) cancel_();
    }
  }

  std::atomic<int> signal_{0};
  mutable std::atomic<bool> is_noticed_{false};
  std::mutex mutex_;
  std::condition_variable_any wake_;
  std::function<void()> cancel_;
  std::jthread again_;  // the last: it uses the others
};

}  // namespace guildhall::migrate
