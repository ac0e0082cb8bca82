#include "sim/rate_limits.h"

#include <fmt/format.h>

#include <array>

#include "base/crypto.h"

namespace guildhall::sim {

using std::chrono::milliseconds;

/// Routes with the same name share a hash, though not always a counter: the method keeps them apart.
struct RateLimits::Family {
  std::string_view route;  // a prefix
  std::string_view name;
  int size;
  milliseconds period;
};

namespace {

constexpr int kGlobalPerSecond = 50;
constexpr std::size_t kMostBuckets = 10'000;
constexpr std::size_t kMostRenames = 2;
constexpr std::chrono::minutes kRenamePeriod{10};

std::string bucket_hash(std::string_view name) { return hex(sha256(name)).substr(0, 32); }

double seconds(std::chrono::steady_clock::duration time) {
  return std::chrono::duration<double>(time).count();
}

/// Unix seconds of a moment of the steady clock.
double unix_seconds(RateLimits::Time at, RateLimits::Time now) {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count() +
         seconds(at - now);
}

}  // namespace

const RateLimits::Family& RateLimits::family_of(std::string_view route) {
  static constexpr std::array<Family, 10> kFamilies = {
      {{"POST channels/{}/messages/bulk-delete", "message-bulk", 5, milliseconds(3'300)},
       {"POST channels/{}/messages", "message-create", 5, milliseconds(4'300)},
       {"GET channels/", "channel-read", 7, milliseconds(2'100)},
       {"PATCH channels/", "message-edit", 5, milliseconds(3'700)},
       {"GET guilds/", "guild-read", 11, milliseconds(1'900)},
       {"PUT guilds/", "member-roles", 9, milliseconds(2'300)},
       {"PUT applications/", "commands", 3, milliseconds(5'100)},
       {"GET applications/", "commands", 7, milliseconds(3'100)},
       {"Bearer users/@me/guilds", "own-guilds", 2, milliseconds(2'100)},
       {"", "other", 13, milliseconds(1'700)}}};
  for (const Family& family : kFamilies) {
    if (route.starts_with(family.route)) return family;
  }
  return kFamilies.back();
}

bool RateLimits::take_global(Time now) {
  if (now - second_started_ >= std::chrono::seconds(1)) {
    second_started_ = now;
    this_second_ = 0;
  }
  return ++this_second_ <= kGlobalPerSecond;
}

void RateLimits::forget_old(Time now) {
  if (buckets_.size() < kMostBuckets) return;
  std::erase_if(buckets_, [&](const auto& entry) { return entry.second.resets_at <= now; });
}

void RateLimits::take_rename(const std::string& channel, Time now, Verdict& verdict) {
  auto& past = renames_[channel];
  while (!past.empty() && past.front() + kRenamePeriod <= now) past.pop_front();
  if (past.size() < kMostRenames) {
    past.push_back(now);
    return;
  }
  verdict.allowed = false;
  verdict.retry_after = seconds(past.front() + kRenamePeriod - now);
}

RateLimits::Verdict RateLimits::take(std::string_view route, std::string_view major, bool counts_globally,
                                     Time now) {
  Verdict verdict;
  if (counts_globally && !take_global(now)) {
    verdict.allowed = false;
    verdict.global = true;
    verdict.retry_after = seconds(second_started_ + std::chrono::seconds(1) - now);
    return verdict;
  }
  forget_old(now);
  const Family& family = family_of(route);
  const std::string method(route.substr(0, route.find(' ')));
  Bucket& bucket = buckets_[fmt::format("{} {} {}", family.name, method, major)];
  if (bucket.resets_at <= now) bucket = {family.size, now + family.period};
  verdict.allowed = bucket.left > 0;
  if (verdict.allowed) --bucket.left;
  const double after = seconds(bucket.resets_at - now);
  if (!verdict.allowed) verdict.retry_after = after;
  verdict.headers = {{"X-RateLimit-Limit", std::to_string(family.size)},
                     {"X-RateLimit-Remaining", std::to_string(bucket.left)},
                     {"X-RateLimit-Reset", fmt::format("{:.3f}", unix_seconds(bucket.resets_at, now))},
                     {"X-RateLimit-Reset-After", fmt::format("{:.3f}", after)},
                     {"X-RateLimit-Bucket", bucket_hash(family.name)}};
  return verdict;
}

}  // namespace guildhall::sim
