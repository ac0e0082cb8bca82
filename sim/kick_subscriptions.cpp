#include "sim/kick_subscriptions.h"

#include <algorithm>
#include <array>

namespace guildhall::sim {
namespace {

constexpr std::size_t kRealCap = 1'000;  // of an app that is not verified
constexpr std::chrono::hours kPatience{24};
constexpr std::array<std::string_view, 10> kEvents = {
    "chat.message.sent",          "channel.followed",
    "channel.subscription.new",   "channel.subscription.renewal",
    "channel.subscription.gifts", "channel.reward.redemption.updated",
    "livestream.status.updated",  "livestream.metadata.updated",
    "moderation.banned",          "kicks.gifted"};

}  // namespace

bool is_kick_event(std::string_view name) {
  return std::find(kEvents.begin(), kEvents.end(), name) != kEvents.end();
}

std::string KickSubscriptions::add(KickId broadcaster, const std::string& event) {
  for (const EventSubscription& one : all_) {
    if (one.broadcaster == broadcaster && one.event == event) return one.id;
  }
  const auto cap = stage_.faults.value(Fault::kick_subscription_cap);
  if (all_.size() >= (cap > 0 ? static_cast<std::size_t>(cap) : kRealCap)) return "";
  all_.push_back({stage_.mint.ulid(), broadcaster, event, format_rfc3339(stage_.clock.now())});
  ever_asked_ = true;
  remember();
  return all_.back().id;
}

bool KickSubscriptions::erase(std::string_view id) {
  const bool erased = std::erase_if(all_, [&](const EventSubscription& one) { return one.id == id; }) > 0;
  if (erased) remember();
  return erased;
}

void KickSubscriptions::clear() {
  if (all_.empty()) return;
  all_.clear();
  remember();
}

void KickSubscriptions::attempted(const std::string& event, bool taken) {
  if (taken) {
    failing_since_.erase(event);
    return;
  }
  const TimePoint now = stage_.clock.now();
  const TimePoint since = failing_since_.try_emplace(event, now).first->second;
  if (now - since <= kPatience) return;
  failing_since_.erase(event);
  const bool ended = std::erase_if(all_, [&](const auto& one) { return one.event == event; }) > 0;
  if (ended) remember();
}

std::optional<std::string> KickSubscriptions::wanted(KickId broadcaster, std::string_view event) {
  for (const EventSubscription& one : all_) {
    if (one.broadcaster == broadcaster && one.event == event) return one.id;
  }
  if (ever_asked_ || !unasked_) return std::nullopt;
  return stage_.mint.ulid();
}

void KickSubscriptions::remember() {
  json::Array list;
  for (const EventSubscription& one : all_) {
    list.push_back(json::Object{{"id", one.id},
                                {"broadcaster", std::to_string(one.broadcaster)},
                                {"event", one.event},
                                {"created_at", one.created_at}});
  }
  stage_.journal.write("subscriptions", {{"list", std::move(list)}});
}

void KickSubscriptions::recall(const json::Value& line) {
  all_.clear();
  ever_asked_ = true;
  for (const json::Value& one : json::array(line, "list")) {
    all_.push_back({json::text_or(one, "id", ""), json::id(one, "broadcaster").value_or(0),
                    json::text_or(one, "event", ""), json::text_or(one, "created_at", "")});
  }
}

}  // namespace guildhall::sim
