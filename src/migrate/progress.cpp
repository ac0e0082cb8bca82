#include "migrate/progress.h"

#include <utility>

namespace guildhall::migrate {

Step::Step(const Reporting& reporting, std::string name, std::function<Amount()> measure,
           std::function<void()> cancel)
    : reporting_(reporting), name_(std::move(name)), measure_(std::move(measure)) {
  if (cancel) cancel_.emplace(reporting.stop, std::move(cancel));
  if (reporting_.report) thread_ = std::jthread([this](const std::stop_token& ended) { run(ended); });
}

Step::~Step() {
  // Before anything that the thread or a request to stop uses goes.
  cancel_.reset();
  if (thread_.joinable()) {
    thread_.request_stop();
    thread_.join();
  }
}

void Step::run(const std::stop_token& ended) {
  std::unique_lock lock(mutex_);
  while (true) {
    wake_.wait_for(lock, ended, reporting_.every, [] { return false; });
    if (ended.stop_requested()) return;
    const Amount amount = measure_ ? measure_() : Amount{};
    reporting_.report({name_, amount.done, amount.all});
  }
}

}  // namespace guildhall::migrate
