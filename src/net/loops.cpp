#include "net/loops.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "base/log.h"

namespace guildhall::net {

namespace asio = boost::asio;

Loops::Loops(std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) contexts_.push_back(std::make_unique<asio::io_context>(1));
}

Loops::~Loops() { stop(); }

void Loops::start() {
  for (const auto& context : contexts_) {
    threads_.emplace_back([&loop = *context] {
      const auto guard = asio::make_work_guard(loop);
      loop.run();
    });
  }
}

void Loops::stop() {
  for (const auto& context : contexts_) context->stop();
  threads_.clear();
}

void spawn(asio::io_context& loop, std::string name, std::function<Task<void>()> body) {
  asio::co_spawn(loop, std::move(body), [name = std::move(name)](std::exception_ptr error) {
    if (!error) return;
    try {
      std::rethrow_exception(error);
    } catch (const std::exception& e) {
      log::error("task failed", {log::field("task", name), log::field("error", e.what())});
    }
  });
}

namespace {

Task<void> run_turns(std::string name, std::chrono::nanoseconds pause, std::function<Task<void>()> body) {
  for (;;) {
    std::string trouble;
    try {
      co_await body();
    } catch (const std::exception& error) {
      trouble = error.what();
    }
    if (!trouble.empty()) log::error("task failed", {log::field("task", name), log::field("error", trouble)});
    co_await sleep_for(pause);
  }
}

}  // namespace

void repeat(asio::io_context& loop, std::string name, std::chrono::nanoseconds pause,
            std::function<Task<void>()> body) {
  spawn(loop, name, [name, pause, body = std::move(body)] { return run_turns(name, pause, body); });
}

Task<void> sleep_for(std::chrono::nanoseconds time) {
  asio::steady_timer timer(co_await asio::this_coro::executor);
  timer.expires_after(time);
  co_await timer.async_wait(asio::use_awaitable);
}

}  // namespace guildhall::net
