// For the tests of this room: time that passes when a test says so, a gateway whose other end the test
// plays, HTTP answers from a script.
#pragma once

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "net/http.h"
#include "net/websocket_client.h"
#include "platforms/discord/timing.h"

namespace guildhall::discord {

class VirtualTiming final : public Timing {
 public:
  SteadyTime now() const override { return now_; }
  TimePoint wall() const override {
    return from_micros(1'777'629'600'000'000) + std::chrono::duration_cast<Duration>(now_ - start_) +
           clock_set;
  }
  std::chrono::nanoseconds slept() const override { return machine_slept; }
  double random() override { return chance; }

  Task<void> wait(boost::asio::steady_timer& timer, SteadyTime at) override {
    if (at <= now_) co_return;
    timer.expires_at(SteadyTime::max());
    const auto entry = sleepers_.emplace(at, &timer);
    co_await timer.async_wait(boost::asio::as_tuple(boost::asio::use_awaitable));
    sleepers_.erase(entry);
  }

  /// Moves on to the next wait's end, but not beyond `limit`; false when no wait ends before it.
  bool move_on(SteadyTime limit) {
    const auto next = sleepers_.begin();
    if (next == sleepers_.end() || next->first > limit) {
      now_ = limit;
      return false;
    }
    now_ = std::max(now_, next->first);
    next->second->cancel();
    return true;
  }

  /// So much time goes by in which this process does nothing, for it was stopped.
  void sleep_through(std::chrono::nanoseconds time) { now_ += time; }

  double chance = 0.5;
  std::chrono::nanoseconds machine_slept{0};
  Duration clock_set{0};  // by how much somebody has set the time of day forwards

 private:
  const SteadyTime start_ = std::chrono::steady_clock::now();
  SteadyTime now_ = start_;
  std::multimap<SteadyTime, boost::asio::steady_timer*> sleepers_;
};

/// A loop in virtual time.
class TestLoop {
 public:
  std::shared_ptr<VirtualTiming> timing = std::make_shared<VirtualTiming>();
  boost::asio::io_context loop;

  /// Until nothing happens any more without time passing.
  void settle() {
    loop.restart();
    while (loop.poll() > 0) {
    }
  }

  void advance(std::chrono::nanoseconds time) {
    const SteadyTime end = timing->now() + time;
    settle();
    while (timing->move_on(end)) settle();
    settle();
  }

  /// Starts it; the value is there when it is done.
  template <class T>
  std::shared_ptr<std::optional<T>> start(Task<T> task) {
    auto value = std::make_shared<std::optional<T>>();
    boost::asio::co_spawn(loop, std::move(task), [value](std::exception_ptr error, T result) {
      if (error) std::rethrow_exception(error);
      value->emplace(std::move(result));
    });
    settle();
    return value;
  }
};

/// The test's end of a gateway connection.
struct GatewayPeer {
  explicit GatewayPeer(boost::asio::io_context& loop, std::string address)
      : url(std::move(address)), wake(loop, SteadyTime::max()) {}

  std::string url;
  std::deque<std::string> to_client;
  std::vector<std::string> from_client;
  std::uint16_t close_code = 0;                // ours
  std::optional<std::uint16_t> client_closed;  // with that code
  bool ended = false;
  boost::asio::steady_timer wake;

  void say(std::string message) {
    to_client.push_back(std::move(message));
    wake.cancel();
  }
  void close(std::uint16_t code) {
    close_code = code;
    ended = true;
    wake.cancel();
  }
};

/// The client's end.
class ScriptedSocket final : public net::WebSocket {
 public:
  explicit ScriptedSocket(std::shared_ptr<GatewayPeer> peer) : peer_(std::move(peer)) {}

  Task<Result<std::string_view>> read() override {
    while (peer_->to_client.empty() && !peer_->ended) {
      co_await peer_->wake.async_wait(boost::asio::as_tuple(boost::asio::use_awaitable));
    }
    if (peer_->to_client.empty()) co_return fail(ErrorCode::unavailable, "the connection ended");
    message_ = std::move(peer_->to_client.front());
    peer_->to_client.pop_front();
    co_return message_;
  }

  Task<Result<void>> write(std::string message) override {
    if (peer_->ended) co_return fail(ErrorCode::unavailable, "the connection ended");
    peer_->from_client.push_back(std::move(message));
    co_return Result<void>{};
  }

  Task<Result<void>> write_binary(std::string message) override { return write(std::move(message)); }

  Task<void> close(std::uint16_t code) override {
    if (!peer_->ended) peer_->client_closed = code;
    peer_->ended = true;
    peer_->wake.cancel();
    co_return;
  }

  std::uint16_t close_code() const override { return peer_->close_code; }

 private:
  std::shared_ptr<GatewayPeer> peer_;
  std::string message_;  // that was read last
};

/// Answers HTTP requests from a script, in order; without one with 200 and `{}`.
struct ScriptedHttp {
  explicit ScriptedHttp(TestLoop& in) : world(in) {}

  TestLoop& world;
  std::vector<net::HttpRequest> requests;
  std::vector<SteadyTime> times;
  std::deque<Result<net::HttpResponse>> answers;
  std::chrono::nanoseconds delay{0};  // of every answer

  void then(int status, std::string body = "{}", net::Headers headers = {}) {
    net::HttpResponse answer;
    answer.status = status;
    answer.body = std::move(body);
    answer.headers = std::move(headers);
    answers.emplace_back(std::move(answer));
  }
  void then_fail(ErrorCode code) { answers.emplace_back(fail(code, "no network")); }

  Task<Result<net::HttpResponse>> send(net::HttpRequest request) {
    requests.push_back(std::move(request));
    times.push_back(world.timing->now());
    Result<net::HttpResponse> answer = net::make_response(200, "application/json", "{}");
    if (!answers.empty()) {
      answer = std::move(answers.front());
      answers.pop_front();
    }
    boost::asio::steady_timer timer(world.loop);
    if (delay.count() > 0) co_await world.timing->wait(timer, world.timing->now() + delay);
    co_return answer;
  }
};

}  // namespace guildhall::discord
