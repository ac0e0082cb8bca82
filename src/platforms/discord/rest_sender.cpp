#include "platforms/discord/rest_sender.h"

#include <fmt/format.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cmath>

#include "net/loops.h"
#include "platforms/discord/rest_errors.h"

namespace guildhall::discord {
namespace {

namespace asio = boost::asio;
using std::chrono::nanoseconds;

/// A call that waited so long for its turn is given up.
constexpr std::chrono::seconds kPatience{60};
constexpr int kMostAttempts = 5;

/// How answers are counted.
constexpr std::array<std::string_view, 5> kKinds{"none", "2xx", "4xx", "429", "5xx"};

std::size_t kind_of(const Result<net::HttpResponse>& answer) {
  if (!answer) return 0;
  if (answer->status == 429) return 3;
  if (answer->status >= 500) return 4;
  return answer->status >= 400 ? 2 : 1;
}

Result<json::Value> read_answer(const RestCall& call, const Result<net::HttpResponse>& answer) {
  if (!answer) return std::unexpected(answer.error());
  if (answer->status >= 400) return std::unexpected(call_error(call, answer->status, answer->body));
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
      limits_(timing_, metrics) {
  static_assert(kAnswerKinds == kKinds.size());
  for (std::size_t i = 0; i < kAnswerKinds; ++i) {
    answers_[i] = &metrics.counter("guildhall_discord_requests_total", "HTTP calls, by their answer.",
                                   fmt::format("answer=\"{}\"", kKinds[i]));
  }
}

Task<Result<json::Value>> RestSender::send(std::shared_ptr<RestSender> self, RestCall call) {
  asio::io_context& loop = self->loop_;
  const auto executor = co_await asio::this_coro::executor;
  if (net::runs_on(executor, loop)) co_return co_await perform(std::move(self), std::move(call));
  co_return co_await asio::co_spawn(loop, perform(std::move(self), std::move(call)), asio::use_awaitable);
}

Task<Result<json::Value>> RestSender::perform(std::shared_ptr<RestSender> self, RestCall call) {
  const net::HttpRequest request = http_request(call, self->address_);
  if (call.route->key == Key::callback) {
    const auto answer = co_await self->exchange(call, request, nullptr);
    co_return read_answer(call, answer);
  }
  const SteadyTime deadline = self->timing_->now() + kPatience;
  auto turn = co_await self->limits_.enter(call.lane(), deadline);
  if (!turn) co_return std::unexpected(turn.error());
  for (int attempt = 1;; ++attempt) {
    // Before it takes anybody's place: those in the line of a channel that has just refused.
    if (auto admitted = self->admit(call); !admitted) co_return std::unexpected(admitted.error());
    const auto free = co_await self->limits_.wait_until_free(*turn, deadline);
    if (!free) co_return std::unexpected(free.error());
    const auto answer = co_await self->exchange(call, request, &*turn);
    const auto pause = self->again_after(call, answer, attempt);
    if (!pause) co_return read_answer(call, answer);
    asio::steady_timer timer(self->loop_);
    co_await self->timing_->wait(timer, self->timing_->now() + *pause);
  }
}

Result<void> RestSender::admit(const RestCall& call) {
  auto allowed = limits_.check(call.route->with_token());
  if (allowed) allowed = refusals_.check(call, timing_->now());
  return allowed && foresight_ && call.needs != 0 ? foresight_(call) : allowed;
}

void RestSender::lift_refusals(std::shared_ptr<RestSender> self, ServerId guild) {
  asio::io_context& loop = self->loop_;
  asio::dispatch(loop, [self = std::move(self), guild] { self->refusals_.lift(guild); });
}

void RestSender::share_among(std::shared_ptr<RestSender> self, std::size_t processes) {
  asio::io_context& loop = self->loop_;
  asio::dispatch(loop, [self = std::move(self), processes] { self->limits_.share_among(processes); });
}

Task<Result<net::HttpResponse>> RestSender::exchange(const RestCall& call, const net::HttpRequest& request,
                                                     RateLimits::Turn* turn) {
  if (auto admitted = admit(call); !admitted) co_return std::unexpected(admitted.error());
  auto answer = co_await http_(request);
  answers_[kind_of(answer)]->add();
  if (answer) limits_.learn(turn, *answer, call.route->with_token());
  if (answer) refusals_.learn(call, *answer, timing_->now());
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
