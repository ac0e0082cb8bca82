// What takes long says how far it is, and ends when it is asked to.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>

namespace guildhall::migrate {

struct Progress {
  std::string step;         // "dumping", "counting rows", ...
  std::uintmax_t done = 0;  // bytes, tables or pages: whatever the step has
  std::uintmax_t all = 0;   // 0: not known
};

struct Reporting {
  /// Called from a thread of its own, one call at a time, for each step that lasts longer than `every`, and
  /// again as often.
  std::function<void(const Progress&)> report = {};
  std::chrono::milliseconds every = std::chrono::seconds(2);
  std::stop_token stop = {};
};

/// One step, while it lives. `measure` is called from that thread; `cancel`, from whichever thread asks to
/// stop.
class Step {
 public:
  struct Amount {
    std::uintmax_t done = 0;
    std::uintmax_t all = 0;
  };
  Step(const Reporting& reporting, std::string name, std::function<Amount()> measure = {},
       std::function<void()> cancel = {});
  ~Step();
  Step(const Step&) = delete;
  Step& operator=(const Step&) = delete;

 private:
  void run(const std::stop_token& ended);

  const Reporting& reporting_;
  const std::string name_;
  const std::function<Amount()> measure_;
  std::mutex mutex_;
  std::condition_variable_any wake_;
  std::optional<std::stop_callback<std::function<void()>>> cancel_;
  std::jthread thread_;
};

}  // namespace guildhall::migrate
