#include "bot/kick_subscriptions.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <ranges>

#include "base/log.h"
#include "bot/persons.h"

namespace guildhall::bot {
namespace {

/// Of one call that takes away.
constexpr std::size_t kIdsTogether = 50;
/// One channel that Kick refuses costs the others nothing; after so many in a row it is not about the
/// channel.
constexpr std::size_t kPatience = 5;
/// Strangers' posts must not use up our calls.
constexpr std::chrono::seconds kLookPause{30};
constexpr const char* kChat = "chat.message.sent";
/// Titles and categories. Kick is asked for them every two minutes as well, so that these events take no
/// place from any other, and are missed by nobody.
constexpr const char* kTitles = "livestream.metadata.updated";
constexpr const char* kSpared = "Kick takes no more subscriptions for now; it is asked again in some minutes";

const std::set<std::string>& wanted_events() {
  static const std::set<std::string> events{kChat, "livestream.status.updated", "channel.subscription.gifts"};
  return events;
}

/// Source: Kick's issue tracker, the text of a 400. It may stand inside a 200 as well.
bool is_full(std::string_view refusal) { return refusal.find("limit reached") != std::string_view::npos; }

bool is_full(const Result<kick::Subscribed>& asked) {
  if (!asked) return is_full(asked.error().message);
  return std::ranges::any_of(asked->refused,
                             [](const kick::RefusedEvent& one) { return is_full(one.reason); });
}

/// Of events that Kick did not grant, in an answer that it gave.
std::string refusal_of(const std::set<std::string>& events, const kick::Subscribed& answer) {
  std::vector<std::string> said;
  for (const std::string& event : events) {
    const auto refused = std::ranges::find(answer.refused, event, &kick::RefusedEvent::event);
    said.push_back(fmt::format("{} ({})", event,
                               refused == answer.refused.end() ? "without a reason" : refused->reason));
  }
  return fmt::format("Kick refused the events {}", fmt::join(said, ", "));
}

}  // namespace

KickSubscriptions::KickSubscriptions(kick::Client& client, tenancy::Tenancy& tenancy, KickHearing& hearing,
                                     const Clock& clock, Metrics& metrics, Listener listener)
    : client_(client),
      tenancy_(tenancy),
      hearing_(hearing),
      clock_(clock),
      listener_(std::move(listener)),
      routes_(tenancy.global()),
      compared_at_(clock.now()),
      lost_(metrics.counter("guildhall_kick_subscriptions_lost_total",
                            "Event subscriptions that Kick had lost and was asked for again.")) {
  metrics.gauge("guildhall_kick_subscriptions", "Event subscriptions that Kick had at the last look.",
                [this] { return static_cast<double>(held_); });
}

std::map<std::string, KickSubscriptions::Events> KickSubscriptions::wanted() const {
  std::map<std::string, Events> all;
  for (const auto& channel : tenancy_.channels().list()) {
    const auto servers = tenancy_.channels().servers_of(channel.key());
    const bool heard =
        std::ranges::any_of(servers, [&](ServerId server) { return tenancy_.servers().is_active(server); });
    const bool allowed = channel.grant_end != tenancy::kRevoked;
    if (channel.platform == kKick && heard && allowed) all[channel.platform_user_id] = wanted_events();
  }
  return all;
}

Task<Result<void>> KickSubscriptions::ensure(std::string broadcaster) {
  if (promised_.contains(broadcaster)) {
    tell(broadcaster, "");
    co_return Result<void>{};
  }
  if (spared_.contains(broadcaster)) co_return fail(ErrorCode::refused_by_guard, kSpared);
  const auto held = co_await client_.subscriptions(broadcaster);
  if (!held) co_return std::unexpected(held.error());
  co_await routes_.add(*held);
  Events missing = wanted_events();
  for (const kick::Subscription& one : *held) missing.erase(one.event);
  if (!missing.empty()) co_await note_loss(broadcaster, missing);
  const auto asked = co_await ask_for(broadcaster, std::move(missing));
  if (asked && std::ranges::find(*held, kTitles, &kick::Subscription::event) == held->end())
    co_await ask_for_titles({broadcaster});
  co_return asked;
}

Task<void> KickSubscriptions::reconcile() {
  const TimePoint compared = clock_.now();
  const auto held = co_await client_.subscriptions();
  if (!held) {
    log::warning("kick subscriptions unknown", {log::field("error", held.error().message)});
    co_return;
  }
  const auto all = wanted();
  for (std::set<std::string>* channels : {&promised_, &without_chat_})
    std::erase_if(*channels, [&](const std::string& broadcaster) { return !all.contains(broadcaster); });
  const auto left = co_await tidy(*held, all);
  co_await routes_.keep(left);
  const auto heard = std::views::keys(all);
  co_await hearing_.keep({heard.begin(), heard.end()});
  std::map<std::string, Events> there;
  for (const kick::Subscription& one : left) there[one.broadcaster_user_id].insert(one.event);
  held_ = static_cast<std::int64_t>(left.size());
  spared_.clear();
  std::size_t refused = 0;  // in a row
  for (const auto& [broadcaster, events] : all) {
    Events missing = events;
    if (const auto found = there.find(broadcaster); found != there.end())
      std::erase_if(missing, [&](const std::string& event) { return found->second.contains(event); });
    if (!missing.empty()) co_await note_loss(broadcaster, missing);
    if (!missing.empty() && refused >= kPatience) {
      note_chat(broadcaster, missing);
      spared_.insert(broadcaster);
      tell(broadcaster, kSpared);
      continue;
    }
    const bool asks = !missing.empty();
    const auto asked = co_await ask_for(broadcaster, std::move(missing));
    if (!asked) tell(broadcaster, asked.error().message);
    if (asks) refused = asked ? 0 : refused + 1;
  }
  compared_at_ = compared;
  std::vector<std::string> untitled;
  for (const auto& [broadcaster, events] : all)
    if (!there[broadcaster].contains(kTitles)) untitled.push_back(broadcaster);
  co_await ask_for_titles(std::move(untitled));
}

/// As far as there is room for them.
Task<void> KickSubscriptions::ask_for_titles(std::vector<std::string> broadcasters) {
  std::size_t refused = 0;  // in a row
  for (const std::string& broadcaster : broadcasters) {
    if (full_ || refused >= kPatience) co_return;
    const auto asked = co_await client_.subscribe(broadcaster, {kTitles});
    if (asked) co_await routes_.add(asked->granted);
    full_ = full_ || is_full(asked);
    refused = asked ? 0 : refused + 1;
  }
}

Task<std::vector<kick::Subscription>> KickSubscriptions::tidy(std::vector<kick::Subscription> held,
                                                              std::map<std::string, Events> wanted) {
  std::map<std::string, Events> there;
  std::vector<kick::Subscription> left;
  std::vector<std::string> useless;
  for (const kick::Subscription& one : held) {
    const auto of_channel = wanted.find(one.broadcaster_user_id);
    const bool asked_for = of_channel != wanted.end() &&
                           (one.event == kTitles ? !full_ : of_channel->second.contains(one.event));
    const bool needed = asked_for && there[one.broadcaster_user_id].insert(one.event).second;
    const bool ours = (wanted_events().contains(one.event) || one.event == kTitles) &&
                      tenancy_.channels().find({kKick, one.broadcaster_user_id}).has_value();
    if (!needed && ours)
      useless.push_back(one.id);
    else
      left.push_back(one);
  }
  co_await take_away(std::move(useless));
  co_return left;
}

Task<void> KickSubscriptions::take_away(std::vector<std::string> useless) {
  for (std::size_t i = 0; i < useless.size(); i += kIdsTogether) {
    const auto first = useless.begin() + static_cast<std::ptrdiff_t>(i);
    std::vector<std::string> ids(
        first, first + static_cast<std::ptrdiff_t>(std::min(kIdsTogether, useless.size() - i)));
    const auto gone = co_await client_.unsubscribe(std::move(ids));
    if (!gone) log::warning("kick keeps useless subscriptions", {log::field("error", gone.error().message)});
  }
  if (!useless.empty()) log::info("kick subscriptions taken away", {log::field("count", useless.size())});
}

/// Nothing may have come of them since they were last seen.
Task<void> KickSubscriptions::note_loss(std::string broadcaster, Events missing) {
  co_await hearing_.doubt(broadcaster, compared_at_, kUnsubscribed);
  if (promised_.erase(broadcaster) == 0) co_return;
  lost_.add(static_cast<std::int64_t>(missing.size()));
  log::warning(
      "kick has lost subscriptions",
      {log::field("channel", broadcaster), log::field("events", fmt::format("{}", fmt::join(missing, " ")))});
}

/// Once per channel and process: what an earlier process began and did not end is made up for.
Task<Result<void>> KickSubscriptions::ask_for(std::string broadcaster, Events missing) {
  if (!missing.empty()) {
    const auto asked = co_await client_.subscribe(broadcaster, {missing.begin(), missing.end()});
    full_ = full_ || is_full(asked);
    if (!asked) {
      note_chat(broadcaster, missing);
      co_return std::unexpected(asked.error());
    }
    for (const kick::Subscription& one : asked->granted) missing.erase(one.event);
    note_chat(broadcaster, missing);
    co_await routes_.add(asked->granted);
    if (!missing.empty()) {
      tell(broadcaster, refusal_of(missing, *asked));
      co_return Result<void>{};
    }
  }
  note_chat(broadcaster, {});
  if (promised_.insert(broadcaster).second) co_await hearing_.trust(broadcaster, clock_.now());
  tell(broadcaster, "");
  co_return Result<void>{};
}

void KickSubscriptions::note_chat(const std::string& broadcaster, const Events& missing) {
  if (missing.contains(kChat))
    without_chat_.insert(broadcaster);
  else
    without_chat_.erase(broadcaster);
}

/// An unknown one may have been asked for a moment ago, or by hand.
Task<Result<std::optional<kick::Subscription>>> KickSubscriptions::route_of(std::string subscription_id) {
  if (!routes_.loaded()) co_await routes_.load();
  if (auto known = routes_.find(subscription_id)) co_return known;
  const auto now = std::chrono::steady_clock::now();
  if (now < look_again_at_)
    co_return fail(ErrorCode::unavailable, "nobody knows that subscription yet, please deliver it again");
  look_again_at_ = now + kLookPause;
  const auto held = co_await client_.subscriptions();
  if (!held) co_return fail(ErrorCode::unavailable, held.error().message);
  co_await routes_.add(*held);
  co_return routes_.find(subscription_id);
}

void KickSubscriptions::tell(const std::string& broadcaster, const std::string& problem) const {
  for (const ServerId server : tenancy_.channels().servers_of({kKick, broadcaster}))
    listener_(server, problem);
}

}  // namespace guildhall::bot
