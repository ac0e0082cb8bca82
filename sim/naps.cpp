#include "sim/naps.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace guildhall::sim {

namespace asio = boost::asio;

Task<bool> Naps::rest(std::chrono::nanoseconds time) {
  if (stopping_ || time <= std::chrono::nanoseconds(0)) co_return !stopping_;
  asio::steady_timer timer(co_await asio::this_coro::executor, time);
  waiting_.insert(&timer);
  co_await timer.async_wait(asio::as_tuple(asio::use_awaitable));
  waiting_.erase(&timer);
  co_return !stopping_;
}

void Naps::stop() {
  stopping_ = true;
  for (asio::steady_timer* timer : waiting_) timer->cancel();
}

}  // namespace guildhall::sim
