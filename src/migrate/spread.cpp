#include "migrate/spread.h"

#include <algorithm>
#include <atomic>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

namespace guildhall::migrate {

void spread(std::size_t count, std::size_t threads, const std::function<void(std::size_t)>& work) {
  std::atomic<std::size_t> next{0};
  std::exception_ptr thrown;
  std::once_flag once;
  const auto run = [&] {
    try {
      for (std::size_t at = next++; at < count; at = next++) work(at);
    } catch (...) {
      std::call_once(once, [&] { thrown = std::current_exception(); });
      next = count;
    }
  };
  {
    std::vector<std::jthread> workers;
    for (std::size_t i = 0; i < std::min(threads, count); ++i) workers.emplace_back(run);
  }
  if (thrown) std::rethrow_exception(thrown);
}

}  // namespace guildhall::migrate
