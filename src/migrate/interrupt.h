// SIGINT and SIGTERM on their way to the statement that runs.
#pragma once

#include <atomic>
#include <functional>
#include <mutex>
#include <utility>

namespace guildhall::migrate {

class Interrupt {
 public:
  /// From any thread: what runs ends, and the run after it.
  void raise(int signal) {
    const std::scoped_lock lock(mutex_);
    signal_ = signal;
    if (cancel_) cancel_();
  }
  /// 0: nobody did.
  int signal() const { return signal_; }
  /// How to end what runs; nothing once there is nothing to end.
  void set_cancel(std::function<void()> cancel) {
    const std::scoped_lock lock(mutex_);
    cancel_ = std::move(cancel);
  }

 private:
  std::atomic<int> signal_{0};
  std::mutex mutex_;
  std::function<void()> cancel_;
};

}  // namespace guildhall::migrate
