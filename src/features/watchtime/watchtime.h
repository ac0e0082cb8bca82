// watchtime: how long a person was present while the stream was live.
//
// Members and viewers ask with `watchtime [user]` and `leaderboard [points|watchtime] [n]`; owners see
// the ranking on the dashboard and switch counting with `tracking_enabled` and
// `tracking_force_override` (counts whatever the stream's state is).
//
// Watch time is the length of the union of [message, message + 120 s], cut to the time in which the
// stream was live and tracking was on. Live is what the platform says; while nobody knows, the chat
// tells: at least two people within five minutes. A moment counts as subscriber time when the last
// message before it carried a subscriber's badge.
//
// Messages leave moments in `presence`; the minute's tick settles them up to two minutes ago (by then
// late webhooks have come) with one set-based statement for all servers of a chunk. What is settled is
// never counted again, whatever arrives later; what was not settled is settled later, whatever the
// delay. Subscribes to: ChatMessage, StreamStatus, StreamsOver, settings. Owns: presence, watch_conditions,
// watch_spans, watch_settlements; writes the core table watchtime.
#pragma once

#include <vector>

#include "bot/feature.h"

namespace guildhall::features::watchtime {

inline constexpr bot::BooleanSetting kEnabled{"watchtime_enabled", true};
inline constexpr bot::BooleanSetting kTrackingEnabled{"tracking_enabled", true, false};
inline constexpr bot::BooleanSetting kForceOverride{"tracking_force_override", false, false};
/// Chat names that never count: bots, helpers. The broadcaster himself never does.
inline constexpr bot::TextSetting kExcluded{"watchtime_excluded", "", false};

/// For how long a message stands.
inline constexpr Duration kWindow = std::chrono::seconds(120);
/// How far the tick stays behind, so that late webhooks still count where they belong.
inline constexpr Duration kSettleDelay = std::chrono::seconds(120);
/// The chat looks live when two people wrote within this time.
inline constexpr Duration kChatRule = std::chrono::minutes(5);

/// A stretch of time; `until` is not part of it.
struct Span {
  TimePoint from;
  TimePoint until;
  friend bool operator==(const Span&, const Span&) = default;
};

/// When presence counts: tracking and (live or chat or forced), from `settled` on, as disjoint spans
/// in order. `kForever` stands for "still".
inline constexpr TimePoint kForever = from_micros(253'402'300'799'000'000);  // the end of the year 9999
struct Condition {
  std::string kind;  // live, chat, forced, tracking
  TimePoint from;
  TimePoint until;
};
std::vector<Span> counting_spans(const std::vector<Condition>& conditions, TimePoint settled);

void declare(bot::Declarations& declarations);

}  // namespace guildhall::features::watchtime
