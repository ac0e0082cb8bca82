#include "platforms/discord/rate_limits.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/this_coro.hpp>
#include <charconv>
#include <cmath>

#include "base/json.h"
#include "base/log.h"

namespace guildhall::discord {
namespace {

namespace asio = boost::asio;
using std::chrono::nanoseconds;

/// The documented limit of requests per second and bot.
constexpr std::size_t kGlobalPerSecond = 50;
constexpr std::size_t kLeastPerSecond = 5;
/// Discord bans an address after 10,000 answers of 401, 403 or 429 in 10 minutes; we stop far below.
constexpr std::size_t kMostInvalid = 2'000;
/// Of one process among many. Then 100 of them behind one address stop before the ban.
constexpr std::size_t kLeastInvalid = 100;
constexpr std::chrono::minutes kInvalidPeriod{10};
constexpr std::size_t kMostWaiting = 500;
constexpr std::size_t kSweepFrom = 512;
/// For a refusal that does not say how long it holds.
constexpr double kUnstatedPause = 60;

/// What a 429 is about: the edge turns away before any limit is looked at.
enum class Refusal : std::uint8_t { user, shared, global, edge };
constexpr std::array<std::string_view, 4> kRefusals{"user", "shared", "global", "edge"};

std::optional<double> header_number(const net::HttpResponse& answer, std::string_view name) {
  const std::string* text = net::peek_header(answer.headers, name);
  double value = 0;
  if (text == nullptr || std::from_chars(text->data(), text->data() + text->size(), value).ec != std::errc{})
    return std::nullopt;
  // "nan" and "inf" are numbers to from_chars.
  return std::isfinite(value) ? std::optional(value) : std::nullopt;
}

std::string_view header(const net::HttpResponse& answer, std::string_view name) {
  const std::string* text = net::peek_header(answer.headers, name);
  return text == nullptr ? std::string_view() : std::string_view(*text);
}

nanoseconds in_seconds(double seconds) {
  return nanoseconds(static_cast<std::int64_t>(std::clamp(seconds, 0.0, 86'400.0) * 1e9));
}

/// `name`: of the route or of the bucket. The method stays in it: two routes may share a hash without sharing
/// a counter.
std::string key_of(const Lane& lane, std::string_view name) {
  std::string key;
  key.reserve(lane.route->method.size() + name.size() + lane.major.size() + lane.route->sublimit.size() + 2);
  key.append(lane.route->method).append(" ").append(name).append("|").append(lane.major);
  key.append(lane.route->sublimit);
  return key;
}

std::unexpected<Error> too_long(SteadyTime until, SteadyTime now) {
  const auto wait = std::chrono::ceil<std::chrono::seconds>(until - now).count();
  return fail(ErrorCode::rate_limited, fmt::format("Discord lets nothing more through here for {} s", wait));
}

std::unexpected<Error> too_many() {
  return fail(ErrorCode::rate_limited,
              fmt::format("{} requests to Discord are waiting here already", kMostWaiting));
}

std::unexpected<Error> too_late() {
  return fail(ErrorCode::rate_limited, "the requests before this one took too long");
}

}  // namespace

std::size_t global_part(std::size_t processes) {
  return std::max(kGlobalPerSecond / std::max<std::size_t>(processes, 1), kLeastPerSecond);
}

struct RateLimits::Bucket {
  std::string key = {};   // as it is named; empty: not yet
  std::string hash = {};  // the name that Discord gives it
  SteadyTime free_at = {};
  bool taken = false;
  FairQueue waiting = {};
  std::shared_ptr<Bucket> merged_into = {};  // it turned out to be that one, and is used no more
};

struct RateLimits::BucketWaiter : FairQueue::Waiter {
  BucketWaiter(const asio::any_io_executor& executor, const Lane& lane, std::shared_ptr<Bucket> in)
      : Waiter(executor, lane), bucket(std::move(in)) {
    bucket->waiting.push(*this);
  }
  BucketWaiter(const BucketWaiter&) = delete;
  BucketWaiter& operator=(const BucketWaiter&) = delete;
  ~BucketWaiter() { bucket->waiting.remove(*this); }

  std::shared_ptr<Bucket> bucket;
};

struct RateLimits::GateWaiter : FairQueue::Waiter {
  GateWaiter(const asio::any_io_executor& executor, const Lane& lane, RateLimits& at)
      : Waiter(executor, lane), limits(at) {
    limits.gate_.push(*this);
  }
  GateWaiter(const GateWaiter&) = delete;
  GateWaiter& operator=(const GateWaiter&) = delete;
  ~GateWaiter() {
    limits.gate_.remove(*this);
    if (limits.leader_ == this) limits.leader_ = nullptr;
    if (limits.leader_ != nullptr) return;
    if (Waiter* next = limits.gate_.peek()) next->timer.cancel();  // it finds that nobody leads
  }

  RateLimits& limits;
};

RateLimits::RateLimits(std::shared_ptr<Timing> timing, Metrics& metrics)
    : timing_(std::move(timing)),
      sweep_at_(kSweepFrom),
      global_(kGlobalPerSecond, std::chrono::seconds(1)),
      invalid_(kMostInvalid, kInvalidPeriod) {
  for (std::size_t i = 0; i < kRefusals.size(); ++i) {
    refused_[i] =
        &metrics.counter("guildhall_discord_rate_limited_total", "Requests that Discord refused with 429.",
                         fmt::format("scope=\"{}\"", kRefusals[i]));
  }
}

void RateLimits::share_among(std::size_t processes) {
  global_.set_most(global_part(processes));
  invalid_.set_most(std::max(kMostInvalid / std::max<std::size_t>(processes, 1), kLeastInvalid));
}

std::shared_ptr<RateLimits::Bucket> RateLimits::bucket_of(const Lane& lane) {
  std::shared_ptr<Bucket>& line = lines_[key_of(lane, lane.route->path)];
  if (!line) line = bucket_by_name(lane);
  follow(line);
  return line;
}

/// A new one where the route's name is not known yet.
std::shared_ptr<RateLimits::Bucket> RateLimits::bucket_by_name(const Lane& lane) {
  const auto known = hashes_.find(lane.route);
  if (known == hashes_.end()) return std::make_shared<Bucket>();
  std::string key = key_of(lane, known->second);
  auto& named = named_[key];
  if (!named) named = std::make_shared<Bucket>(Bucket{.key = std::move(key), .hash = known->second});
  return named;
}

void RateLimits::follow(std::shared_ptr<Bucket>& line) {
  while (line->merged_into) line = std::shared_ptr(line->merged_into);
}

Task<Result<RateLimits::Turn>> RateLimits::enter(Lane lane, SteadyTime deadline) {
  const std::shared_ptr<Bucket> bucket = bucket_of(lane);
  if (!bucket->taken) {
    bucket->taken = true;
    co_return Turn(*this, bucket, lane);
  }
  if (bucket->waiting.waiting(lane.share) >= kMostWaiting) co_return too_many();
  const auto executor = co_await asio::this_coro::executor;
  BucketWaiter waiter(executor, lane, bucket);
  while (!waiter.granted && timing_->now() < deadline) co_await timing_->wait(waiter.timer, deadline);
  if (!waiter.granted) co_return too_late();
  co_return Turn(*this, waiter.bucket, lane);
}

Task<Result<void>> RateLimits::wait_until_free(Turn& turn, SteadyTime deadline) {
  const auto executor = co_await asio::this_coro::executor;
  while (true) {
    const SteadyTime now = timing_->now();
    const SteadyTime free_at = turn.bucket_->free_at;
    if (free_at > deadline) co_return too_long(free_at, now);
    if (free_at > now) {
      asio::steady_timer timer(executor);
      co_await timing_->wait(timer, free_at);
      continue;
    }
    if (!turn.lane_.route->global()) co_return Result<void>{};
    if (global_free_at_ > deadline) co_return too_long(global_free_at_, now);
    if (gate_.empty() && gate_opens(now) <= now) {
      global_.add(now);
      co_return Result<void>{};
    }
    auto passed = co_await pass_gate(turn.lane_, deadline);
    if (!passed || global_free_at_ <= timing_->now()) co_return passed;
  }
}

Task<Result<void>> RateLimits::pass_gate(Lane lane, SteadyTime deadline) {
  if (gate_.waiting(lane.share) >= kMostWaiting) co_return too_many();
  const auto executor = co_await asio::this_coro::executor;
  GateWaiter waiter(executor, lane, *this);
  while (!waiter.granted && timing_->now() < deadline) {
    const bool leading = leads(waiter);
    co_await timing_->wait(waiter.timer, leading ? std::min(gate_opens(timing_->now()), deadline) : deadline);
    if (leading) open_gate();
  }
  if (!waiter.granted) co_return too_late();
  co_return Result<void>{};
}

bool RateLimits::leads(GateWaiter& waiter) {
  if (leader_ == nullptr) leader_ = &waiter;
  return leader_ == &waiter;
}

SteadyTime RateLimits::gate_opens(SteadyTime from) const {
  return std::max(global_.next(from), global_free_at_);
}

/// Lets through as many as may go now.
void RateLimits::open_gate() {
  const SteadyTime now = timing_->now();
  while (!gate_.empty() && gate_opens(now) <= now) {
    global_.add(now);
    gate_.pop()->let_go();
  }
}

Result<void> RateLimits::check(bool with_token) const {
  // Each process learns it by itself: that costs one refusal each, and no look into the database before
  // calls.
  if (with_token && token_refused_) {
    return fail(ErrorCode::token_refused, "Discord does not accept the bot's token",
                "copy the token anew from the developer portal (Bot, Reset Token) into discord.token");
  }
  const SteadyTime now = timing_->now();
  if (invalid_.next(now) <= now) return {};
  return fail(ErrorCode::unavailable, "Discord refused too many requests; none are sent for some minutes",
              "see the log for what it refused; one more round could get this machine's address banned");
}

void RateLimits::learn(Turn* turn, const net::HttpResponse& answer, bool with_token) {
  count_invalid(answer);
  if (answer.status == 401 && with_token && !token_refused_) {
    token_refused_ = true;
    log::error("discord: the bot's token is not accepted; no more requests are sent");
  }
  if (turn != nullptr) learn_bucket(*turn, answer);
  if (answer.status == 429) learn_refusal(turn, answer);
}

void RateLimits::learn_bucket(Turn& turn, const net::HttpResponse& answer) {
  const std::string_view hash = header(answer, "x-ratelimit-bucket");
  turn.hash_ = hash == turn.bucket_->hash ? "" : hash;
  const auto left = header_number(answer, "x-ratelimit-remaining");
  if (!left || *left >= 1) return;
  // The time until the reset, not the moment: the clocks may differ.
  if (const auto wait = header_number(answer, "x-ratelimit-reset-after")) {
    turn.bucket_->free_at = std::max(turn.bucket_->free_at, timing_->now() + in_seconds(*wait));
  }
}

/// An answer without JSON comes from the edge, before any bucket was looked at: it stops all that waits in
/// turn.
void RateLimits::learn_refusal(Turn* turn, const net::HttpResponse& answer) {
  const auto body = json::parse(answer.body);
  const auto stated = body ? json::number(*body, "retry_after") : std::nullopt;
  const double seconds = stated ? *stated : header_number(answer, "retry-after").value_or(kUnstatedPause);
  const std::string_view scope = header(answer, "x-ratelimit-scope");
  const bool global = !stated || scope == "global" || header(answer, "x-ratelimit-global") == "true" ||
                      json::boolean(*body, "global").value_or(false);
  const SteadyTime until = timing_->now() + in_seconds(seconds + 0.05 + 0.2 * timing_->random());
  if (global) global_free_at_ = std::max(global_free_at_, until);
  // Also then: an interaction's routes do not wait for the global limit.
  if (turn != nullptr) turn->bucket_->free_at = std::max(turn->bucket_->free_at, until);
  const Refusal refusal = !stated             ? Refusal::edge
                          : global            ? Refusal::global
                          : scope == "shared" ? Refusal::shared
                                              : Refusal::user;
  refused_[static_cast<std::size_t>(refusal)]->add();
  log::warning("discord rate limit", {log::field("scope", kRefusals[static_cast<std::size_t>(refusal)]),
                                      log::field("seconds", seconds)});
}

void RateLimits::count_invalid(const net::HttpResponse& answer) {
  if (answer.status != 401 && answer.status != 403 && answer.status != 429) return;
  if (answer.status == 429 && header(answer, "x-ratelimit-scope") == "shared") return;
  const SteadyTime now = timing_->now();
  invalid_.add(now);
  if (invalid_.next(now) > now) log::error("discord: too many refused requests; pausing all of them");
}

void RateLimits::leave(Turn& turn) {
  const std::shared_ptr<Bucket> bucket = turn.bucket_;
  if (!turn.hash_.empty()) {
    hashes_[turn.lane_.route] = turn.hash_;
    rename(bucket, turn.lane_, std::move(turn.hash_));
  }
  bucket->taken = false;
  pass_on(*bucket);
  sweep();
}

/// By its name a bucket may turn out to be another one: who waits joins the queue there.
void RateLimits::rename(const std::shared_ptr<Bucket>& bucket, const Lane& lane, std::string hash) {
  if (const auto own = named_.find(bucket->key); own != named_.end() && own->second == bucket)
    named_.erase(own);
  bucket->key = key_of(lane, hash);
  bucket->hash = std::move(hash);
  auto& slot = named_[bucket->key];
  if (!slot) {
    slot = bucket;
    return;
  }
  bucket->merged_into = slot;
  slot->free_at = std::max(slot->free_at, bucket->free_at);
  while (FairQueue::Waiter* waiter = bucket->waiting.pop()) {
    static_cast<BucketWaiter*>(waiter)->bucket = slot;
    slot->waiting.push(*waiter);
  }
  if (!slot->taken) pass_on(*slot);
}

void RateLimits::pass_on(Bucket& bucket) {
  FairQueue::Waiter* next = bucket.waiting.pop();
  if (next == nullptr) return;
  bucket.taken = true;
  next->let_go();
}

/// Buckets come with every interaction; those that nobody uses and that hold nobody back are dropped.
void RateLimits::sweep() {
  if (lines_.size() < sweep_at_) return;
  const SteadyTime now = timing_->now();
  const auto is_idle = [now](const auto& entry) {
    const Bucket& bucket = *entry.second;
    return !bucket.taken && bucket.waiting.empty() && bucket.free_at <= now;
  };
  for (auto& [key, line] : lines_) follow(line);
  std::erase_if(lines_, is_idle);
  std::erase_if(named_, is_idle);
  sweep_at_ = std::max(kSweepFrom, 2 * lines_.size());
}

}  // namespace guildhall::discord
