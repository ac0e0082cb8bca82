#include "platforms/discord/timing.h"

#include <time.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "base/crypto.h"

namespace guildhall::discord {
namespace {

/// 0 of a clock that this machine does not have.
std::chrono::nanoseconds read_clock(clockid_t clock) {
  timespec time{};
  clock_gettime(clock, &time);
  return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
}

class SystemTiming final : public Timing {
 public:
  SteadyTime now() const override { return std::chrono::steady_clock::now(); }
  /// One of the two goes on while the machine sleeps.
  std::chrono::nanoseconds slept() const override {
    return read_clock(CLOCK_BOOTTIME) - read_clock(CLOCK_MONOTONIC);
  }
  TimePoint wall() const override { return SystemClock().now(); }

  Task<void> wait(boost::asio::steady_timer& timer, SteadyTime at) override {
    timer.expires_at(at);
    co_await timer.async_wait(boost::asio::as_tuple(boost::asio::use_awaitable));
  }

  double random() override {
    constexpr std::uint64_t kSteps = std::uint64_t{1} << 53;
    return static_cast<double>(random_below(kSteps)) / static_cast<double>(kSteps);
  }
};

}  // namespace

std::shared_ptr<Timing> system_timing() { return std::make_shared<SystemTiming>(); }

}  // namespace guildhall::discord
