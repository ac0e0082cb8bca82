// Sends calls: waits for their turn, tries again what may be tried again, reads the answer.
#pragma once

#include <array>
#include <boost/asio/io_context.hpp>
#include <functional>
#include <memory>

#include "base/error.h"
#include "base/json.h"
#include "base/metrics.h"
#include "base/task.h"
#include "platforms/discord/rate_limits.h"
#include "platforms/discord/refusals.h"
#include "platforms/discord/rest_call.h"

namespace guildhall::discord {

/// One exchange over the network; the request outlives it. The real one is net::HttpClient::exchange.
using HttpSender = std::function<Task<Result<net::HttpResponse>>(const net::HttpRequest&)>;

/// The error that a call would be answered with for certain.
using Foresight = std::function<Result<void>(const RestCall&)>;

class RestSender {
 public:
  RestSender(boost::asio::io_context& loop, RestAddress address, HttpSender http,
             std::shared_ptr<Timing> timing, Metrics& metrics);

  /// From any loop; the work happens on the sender's own. The answer's JSON, null when it has none.
  static Task<Result<json::Value>> send(std::shared_ptr<RestSender> self, RestCall call);

  /// Permissions in this guild have changed: its channels are tried again. From any loop.
  static void lift_refusals(std::shared_ptr<RestSender> self, ServerId guild);
  /// As of RateLimits. From any loop.
  static void share_among(std::shared_ptr<RestSender> self, std::size_t processes);
  /// Asked on the sender's loop before anything is sent; set before the first call.
  void foresee(Foresight foresight) { foresight_ = std::move(foresight); }

 private:
  static Task<Result<json::Value>> perform(std::shared_ptr<RestSender> self, RestCall call);
  /// May it go out at all?
  Result<void> admit(const RestCall& call);
  /// One exchange, if it is admitted; `turn` may be null.
  Task<Result<net::HttpResponse>> exchange(const RestCall& call, const net::HttpRequest& request,
                                           RateLimits::Turn* turn);
  /// How long to wait before another try; empty: the answer stands.
  std::optional<std::chrono::nanoseconds> again_after(const RestCall& call,
                                                      const Result<net::HttpResponse>& answer, int attempt);

  static constexpr std::size_t kAnswerKinds = 5;

  boost::asio::io_context& loop_;
  RestAddress address_;
  HttpSender http_;
  std::shared_ptr<Timing> timing_;
  RateLimits limits_;
  Refusals refusals_;
  Foresight foresight_;
  std::array<Counter*, kAnswerKinds> answers_;
};

}  // namespace guildhall::discord
