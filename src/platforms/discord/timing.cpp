#include "platforms/discord/timing.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "base/crypto.h"

namespace guildhall::discord {
namespace {

class SystemTiming final : public Timing {
 public:
  SteadyTime now() const override { return std::chrono::steady_clock::now(); }
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
