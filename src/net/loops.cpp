#include "net/loops.h"

#include <algorithm>
#include <atomic>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "base/log.h"

namespace guildhall::net {

namespace asio = boost::asio;

namespace {

/// How many tasks of a loop have begun and not ended; lives and dies with the loop.
struct TaskCount : asio::execution_context::service {
  inline static asio::execution_context::id id;
  explicit TaskCount(asio::execution_context& owner) : service(owner) {}
  void shutdown() override {}
  std::atomic<std::size_t> under_way = 0;
};

void launch(asio::io_context& loop, std::string name, std::function<Task<void>()> body,
            std::function<void()> ended) {
  asio::co_spawn(loop, std::move(body),
                 [name = std::move(name), ended = std::move(ended)](std::exception_ptr error) {
                   if (ended) ended();
                   if (!error) return;
                   try {
                     std::rethrow_exception(error);
                   } catch (const std::exception& e) {
                     log::error("task failed", {log::field("task", name), log::field("error", e.what())});
                   }
                 });
}

}  // namespace

Loops::Loops(std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) contexts_.push_back(std::make_unique<asio::io_context>(1));
}

Loops::~Loops() { stop(); }

void Loops::start() {
  for (const auto& context : contexts_) {
    threads_.emplace_back([&loop = *context] {
      const auto guard = asio::make_work_guard(loop);
      // What a posted handler throws ends that handler alone.
      while (!loop.stopped()) {
        try {
          loop.run();
        } catch (const std::exception& error) {
          log::error("handler failed", {log::field("error", error.what())});
        }
      }
    });
  }
}

void Loops::stop() {
  for (const auto& context : contexts_) context->stop();
  threads_.clear();
}

bool Loops::drain(std::chrono::nanoseconds patience) {
  if (threads_.empty()) return true;
  const auto idle = [this] {
    return std::all_of(contexts_.begin(), contexts_.end(), [](const auto& context) {
      return asio::use_service<TaskCount>(*context).under_way == 0;
    });
  };
  const auto end = std::chrono::steady_clock::now() + patience;
  while (!idle() && std::chrono::steady_clock::now() < end)
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  return idle();
}

bool runs_on(const asio::any_io_executor& executor, asio::io_context& loop) {
  return executor == asio::any_io_executor(loop.get_executor());
}

void spawn(asio::io_context& loop, std::string name, std::function<Task<void>()> body) {
  auto& tasks = asio::use_service<TaskCount>(loop);
  ++tasks.under_way;
  launch(loop, std::move(name), std::move(body), [&tasks] { --tasks.under_way; });
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
  launch(loop, name, [name, pause, body = std::move(body)] { return run_turns(name, pause, body); }, {});
}

Task<void> sleep_for(std::chrono::nanoseconds time) {
  asio::steady_timer timer(co_await asio::this_coro::executor);
  timer.expires_after(time);
  co_await timer.async_wait(asio::use_awaitable);
}

}  // namespace guildhall::net
