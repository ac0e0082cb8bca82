#include "sim/kick_webhooks.h"

#include <algorithm>

#include "base/crypto.h"
#include "sim/kick_shapes.h"

namespace guildhall::sim {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::size_t kMostWaiting = 10'000;
constexpr std::size_t kMostAttempts = 100;
constexpr std::chrono::minutes kOldest{10};
constexpr seconds kLongestPause{8};
constexpr seconds kReorderPatience{1};
constexpr int kLatePercent = 30;

bool accepted(int status) { return status / 100 == 2; }

}  // namespace

KickWebhooks::KickWebhooks(Stage& stage, SigningKey key, KickWebhookOptions options)
    : stage_(stage),
      key_(std::move(key)),
      options_(std::move(options)),
      random_(stage.seed),
      client_(stage.loop, {}) {}

void KickWebhooks::send(KickEvent event) {
  event.fact.message_id = stage_.mint.ulid();
  if (options_.address.empty()) return stage_.witness.told(event.fact, {});
  const TimePoint now = stage_.clock.now() - seconds(stage_.faults.value(Fault::kick_late_seconds));
  std::string body = json::write(event.body);
  if (stage_.faults.on(Fault::kick_spaces)) body = kick_shapes::with_spaces(body);
  Lane& lane = lanes_[event.fact.broadcaster];
  lane.queue.push_back({std::move(event.fact), std::move(event.subscription_id), std::move(body),
                        format_rfc3339(std::chrono::floor<milliseconds>(now)), now});
  if (lane.queue.size() > kMostWaiting) {
    stage_.witness.told(lane.queue.front().fact, {});
    lane.queue.pop_front();
  }
  if (lane.workers >= options_.parallel) return;
  ++lane.workers;
  stage_.spawn("webhooks", [this, &lane] { return work(lane); });
}

std::size_t KickWebhooks::waiting() const {
  std::size_t count = 0;
  for (const auto& [broadcaster, lane] : lanes_) count += lane.queue.size() + lane.in_flight;
  return count;
}

Task<void> KickWebhooks::work(Lane& lane) {
  while (!lane.queue.empty() && !stage_.naps.stopping()) {
    // One that was overtaken comes next, so that it is not put off for ever where many come.
    const bool reorder = stage_.faults.on(Fault::kick_reorder) && !lane.queue.front().overtaken;
    if (reorder && lane.queue.size() == 1) co_await stage_.naps.rest(kReorderPatience);
    if (reorder && lane.queue.size() > 1) {
      lane.queue[0].overtaken = true;
      std::swap(lane.queue[0], lane.queue[1]);
    }
    if (lane.queue.empty()) break;
    Pending pending = std::move(lane.queue.front());
    lane.queue.pop_front();
    ++lane.in_flight;
    if (stage_.faults.on(Fault::kick_delay_ms) && random_.chance(kLatePercent)) {
      stage_.spawn("late webhook",
                   [this, &lane, pending = std::move(pending)] { return deliver_late(lane, pending); });
      continue;
    }
    co_await deliver(std::move(pending));
    --lane.in_flight;
  }
  --lane.workers;
}

Task<void> KickWebhooks::deliver_late(Lane& lane, Pending pending) {
  const auto longest = std::max<std::int64_t>(1, stage_.faults.value(Fault::kick_delay_ms));
  co_await stage_.naps.rest(milliseconds(random_.between(1, longest)));
  co_await deliver(std::move(pending));
  --lane.in_flight;
}

Task<void> KickWebhooks::deliver(Pending pending) {
  if (stage_.faults.strikes(Fault::kick_lost)) {
    stage_.witness.told(pending.fact, {});
    co_return;
  }
  stage_.witness.trying(pending.fact);
  if (stage_.faults.on(Fault::kick_wrong_signature)) {
    std::string forged = signature_of(pending);
    forged[forged.size() / 2] ^= 1;
    const int status = co_await post(pending, std::move(forged));
    stage_.witness.forged(pending.fact.message_id, status);
  }
  const Delivery delivery = co_await tell(pending);
  // An attempt that the end of the simulation cut short stays on the way.
  const bool cut_short = stage_.naps.stopping() && delivery.outcome != Outcome::accepted;
  if (!cut_short) stage_.witness.told(pending.fact, delivery);
  const bool again = delivery.outcome == Outcome::accepted && stage_.faults.on(Fault::kick_duplicates);
  if (again) co_await post(pending, signature_of(pending));
}

Task<Delivery> KickWebhooks::tell(const Pending& pending) {
  Delivery delivery;
  delivery.signed_at = pending.signed_at;
  const std::string signature = signature_of(pending);
  seconds pause(1);
  for (;;) {
    const int status = co_await post(pending, signature);
    delivery.statuses.push_back(status);
    attempted_(pending.fact.event, accepted(status));
    if (accepted(status)) {
      delivery.outcome = Outcome::accepted;
      delivery.accepted_at = stage_.clock.now();
      co_return delivery;
    }
    if (too_old(pending) || delivery.statuses.size() == kMostAttempts) break;
    const bool on = co_await stage_.naps.rest(pause);
    if (!on) break;
    pause = std::min(pause * 2, kLongestPause);
  }
  const auto& statuses = delivery.statuses;
  const bool unanswered = std::find(statuses.begin(), statuses.end(), 0) != statuses.end();
  delivery.outcome = unanswered ? Outcome::lost : Outcome::refused;
  co_return delivery;
}

Task<int> KickWebhooks::post(const Pending& pending, std::string signature) {
  net::HttpRequest request;
  request.method = "POST";
  request.url = options_.address;
  request.headers = {{"Content-Type", "application/json"},
                     {"Kick-Event-Message-Id", pending.fact.message_id},
                     {"Kick-Event-Subscription-Id", pending.subscription_id},
                     {"Kick-Event-Signature", base64(signature)},
                     {"Kick-Event-Message-Timestamp", pending.signed_at},
                     {"Kick-Event-Type", pending.fact.event},
                     {"Kick-Event-Version", "1"}};
  request.body = pending.body;
  const auto response = co_await client_.send(std::move(request));
  co_return response ? response->status : 0;
}

std::string KickWebhooks::signature_of(const Pending& pending) const {
  return key_.sign(pending.fact.message_id + "." + pending.signed_at + "." + pending.body);
}

bool KickWebhooks::too_old(const Pending& pending) const {
  return stage_.clock.now() - pending.signed_time > kOldest;
}

}  // namespace guildhall::sim
