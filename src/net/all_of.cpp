#include "net/all_of.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/experimental/parallel_group.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace guildhall::net {

namespace asio = boost::asio;

Task<void> all_of(std::vector<Task<void>> tasks) {
  if (tasks.empty()) co_return;
  const auto loop = co_await asio::this_coro::executor;
  const auto begin = [&loop](Task<void> task) {
    return asio::co_spawn(loop, std::move(task), asio::deferred);
  };
  std::vector<decltype(begin(std::declval<Task<void>>()))> begun;
  for (Task<void>& task : tasks) begun.push_back(begin(std::move(task)));
  auto [order, errors] = co_await asio::experimental::make_parallel_group(std::move(begun))
                             .async_wait(asio::experimental::wait_for_all(), asio::use_awaitable);
  for (const std::exception_ptr& error : errors) {
    if (error) std::rethrow_exception(error);
  }
}

}  // namespace guildhall::net
