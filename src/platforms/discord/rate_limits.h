// Discord's limits on the HTTP calls, learned from its answers. Each bucket lets one request through at
// a time; so equally urgent messages in a channel keep their order, and what an answer says about the bucket
// is never out of date. Whoever has a bucket's turn waits at the gate, which keeps the bot's global limit. At
// both, fair_queue.h says who is next. Source: developer documentation, "Rate Limits"; the one number known
// beforehand is the global one.
#pragma once

#include <array>
#include <memory>
#include <string>
#include <unordered_map>

#include "base/error.h"
#include "base/metrics.h"
#include "base/task.h"
#include "net/http.h"
#include "platforms/discord/fair_queue.h"
#include "platforms/discord/rest_call.h"
#include "platforms/discord/window_limit.h"

namespace guildhall::discord {

/// How many requests per second a process may send, of the bot's 50. From 11 processes on the parts are more
/// than the whole, because with fewer than 5 none could work: then Discord's refusals hold them back.
std::size_t global_part(std::size_t processes);

class RateLimits {
  struct BucketWaiter;
  struct GateWaiter;
  struct Bucket;

 public:
  RateLimits(std::shared_ptr<Timing> timing, Metrics& metrics);

  /// So many processes send with the bot's token, this one among them. They agree on nothing but that: each
  /// keeps to its part of what is granted to all together.
  void share_among(std::size_t processes);

  /// The only one to send in its bucket, until it is destroyed.
  class Turn {
   public:
    Turn(RateLimits& limits, std::shared_ptr<Bucket> bucket, Lane lane)
        : limits_(&limits), bucket_(std::move(bucket)), lane_(lane) {}
    Turn(Turn&&) = default;
    Turn& operator=(Turn&&) = delete;
    ~Turn() {
      if (bucket_) limits_->leave(*this);
    }

   private:
    friend class RateLimits;
    RateLimits* limits_;
    std::shared_ptr<Bucket> bucket_;
    Lane lane_;
    std::string hash_;  // of the bucket, where the last answer named another one
  };

  /// Waits for the bucket. Error `rate_limited`: too many of this guild wait there already, or not by
  /// `deadline`.
  Task<Result<Turn>> enter(Lane lane, SteadyTime deadline);
  /// Waits until the next request of this turn may go out. Errors as of `enter`.
  Task<Result<void>> wait_until_free(Turn& turn, SteadyTime deadline);
  /// May anything go out at all? Error `token_refused`, or `unavailable` after so many refusals that
  /// one more round of them could get this machine's address banned.
  Result<void> check(bool with_token) const;

  /// Takes over what an answer says; `turn` is null for calls outside the buckets.
  void learn(Turn* turn, const net::HttpResponse& answer, bool with_token);

 private:
  void leave(Turn& turn);
  /// Waits for a share of the global limit.
  Task<Result<void>> pass_gate(Lane lane, SteadyTime deadline);
  bool leads(GateWaiter& waiter);
  SteadyTime gate_opens(SteadyTime from) const;
  void open_gate();
  void rename(const std::shared_ptr<Bucket>& bucket, const Lane& lane, std::string hash);
  void pass_on(Bucket& bucket);
  void sweep();
  std::shared_ptr<Bucket> bucket_of(const Lane& lane);
  std::shared_ptr<Bucket> bucket_by_name(const Lane& lane);
  /// To what it has turned out to be.
  static void follow(std::shared_ptr<Bucket>& line);
  void learn_bucket(Turn& turn, const net::HttpResponse& answer);
  void learn_refusal(Turn* turn, const net::HttpResponse& answer);
  void count_invalid(const net::HttpResponse& answer);

  std::shared_ptr<Timing> timing_;
  std::array<Counter*, 4> refused_;
  std::unordered_map<const RouteSpec*, std::string> hashes_;  // once Discord has named them
  // By route and major parameter. Who shares one keeps the order in it, whatever is learned of it meanwhile.
  std::unordered_map<std::string, std::shared_ptr<Bucket>> lines_;
  std::unordered_map<std::string, std::shared_ptr<Bucket>> named_;  // by Discord's name instead of the route
  std::size_t sweep_at_;
  WindowLimit global_;
  FairQueue gate_;
  GateWaiter* leader_ = nullptr;  // of those at the gate the one that looks at the clock for all
  SteadyTime global_free_at_;
  WindowLimit invalid_;
  bool token_refused_ = false;
};

}  // namespace guildhall::discord
