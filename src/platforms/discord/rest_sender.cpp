#include "platforms/discord/rest_sender.h"

#include <fmt/format.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cmath>

#include "platforms/discord/rest_errors.h"

namespace guildhall::discord {
namespace {

namespace asio = boost::asio;
using std::chrono::nanoseconds;

/// A call that waited so long for its turn is given up.
constexpr std::chrono::seconds kPatience{60};
constexpr int kMostAttempts = 5;

std::string_view status_class(const Result<net::HttpResponse>& answer) {
  if (!answer) return "none";
  if (answer->status == 429) return "429";
  if (answer->status >= 500) return "5xx";
  return answer->status >= 400 ? "4xx" : "2xx";
}

Result<json::Value> read_answer(const Result<net::HttpResponse>& answer) {
  if (!answer) return std::unexpected(answer.error());
  if (answer->status >= 400) return std::unexpected(api_error(answer->status, answer->body));
  if (answer->body.empty()) return json::Value();
  return json::parse(answer->body);
}

}  // namespace

RestSender::RestSender(asio::io_context& loop, RestAddress address, HttpSender http,
                       std::shared_ptr<Timing> timing, Metrics& metrics)
    : loop_(loop),
      address_(std::move(address)),
      http_(std::move(http)),
      timing_(std::move(timing)),
      metrics_(metrics),
      limits_(timing_, metrics) {}

Task<Result<json::Value>> RestSender::send(std::shared_ptr<RestSender> self, RestCall call) {
  asio::io_context& loop = self->loop_;
  co_return co_await asio::co_spawn(loop, perform(std::move(self), std::move(call)), asio::use_awaitable);
}

Task<Result<json::Value>> RestSender::perform(std::shared_ptr<RestSender> self, RestCall call) {
  if (call.callback) co_return co_await self->perform_once(std::move(call));
  const SteadyTime deadline = self->timing_->now() + kPatience;
  auto turn = co_await self->limits_.enter(call.lane, deadline);
  if (!turn) co_return std::unexpected(turn.error());
  asio::steady_timer timer(self->loop_);
  for (int attempt = 1;; ++attempt) {
    const auto free = co_await self->limits_.wait_until_free(*turn, deadline);
    if (!free) co_return std::unexpected(free.error());
    const auto answer = co_await self->exchange(call, &*turn);
    const auto pause = self->again_after(call, answer, attempt);
    if (!pause) co_return read_answer(answer);
    co_await self->timing_->wait(timer, self->timing_->now() + *pause);
  }
}

Task<Result<json::Value>> RestSender::perform_once(RestCall call) {
  const auto answer = co_await exchange(call, nullptr);
  co_return read_answer(answer);
}

Task<Result<net::HttpResponse>> RestSender::exchange(const RestCall& call, RateLimits::Turn* turn) {
  if (auto allowed = limits_.check(call.bot_token); !allowed) co_return std::unexpected(allowed.error());
  auto answer = co_await http_(http_request(call, address_));
  metrics_
      .counter("guildhall_discord_requests_total", "HTTP calls, by their answer.",
               fmt::format("answer=\"{}\"", status_class(answer)))
      .add();
  if (answer) limits_.learn(turn, *answer, call.bot_token);
  co_return answer;
}

/// What was refused with 429 was not done, so it may always go again; the limits say when. After a
/// broken exchange or a fault of Discord's nobody knows, so only what may be done twice goes again.
std::optional<nanoseconds> RestSender::again_after(const RestCall& call,
                                                   const Result<net::HttpResponse>& answer, int attempt) {
  if (attempt >= kMostAttempts) return std::nullopt;
  if (answer && answer->status == 429) return nanoseconds(0);
  const bool unsure =
      answer ? answer->status >= 500
             : answer.error().code == ErrorCode::unavailable || answer.error().code == ErrorCode::timeout;
  if (!unsure || !call.repeatable) return std::nullopt;
  const double seconds = std::ldexp(0.25, attempt) * (1 + timing_->random());
  return nanoseconds(static_cast<std::int64_t>(seconds * 1e9));
}

}  // namespace guildhall::discord
