#include "features/watchtime/watchtime.h"

#include <algorithm>
#include <stdexcept>

#include "base/text.h"
#include "bot/persons.h"
#include "features/watchtime/watchtime_commands.h"
#include "features/watchtime/watchtime_import.h"
#include "features/watchtime/watchtime_store.h"

namespace guildhall::features::watchtime {
namespace {

using bot::ServerContext;
using store::Tx;
using store::TxTask;

/// A platform's clock may be ahead of ours by this much; what claims to be later is not believed.
constexpr Duration kFuture = std::chrono::minutes(2);

/// Of several servers in one chunk: their rows are locked for as long as the chunk takes, some hundred
/// milliseconds for so many.
constexpr std::int64_t kMostMoments = 10'000;

std::vector<Condition> plain(const std::vector<ConditionRow>& rows) {
  std::vector<Condition> conditions;
  for (const ConditionRow& row : rows)
    conditions.push_back({row.kind, row.from_us, row.until_us.value_or(kForever)});
  return conditions;
}

/// Sorts and joins what touches.
std::vector<Span> united(std::vector<Span> spans) {
  std::sort(spans.begin(), spans.end(), [](const Span& a, const Span& b) { return a.from < b.from; });
  std::vector<Span> result;
  for (const Span& span : spans) {
    if (span.until <= span.from) continue;
    if (!result.empty() && span.from <= result.back().until) {
      result.back().until = std::max(result.back().until, span.until);
    } else {
      result.push_back(span);
    }
  }
  return result;
}

/// Brings watch_spans into line with the conditions, from the last settlement on.
TxTask<void> refresh_spans(Tx& tx) {
  const auto conditions = co_await tx.all(kConditions);
  const auto settled = (co_await tx.one(kSettled)).value_or(SettledRow{});
  std::vector<SpanParams> rows;
  for (const Span& span : counting_spans(plain(conditions), settled.settled_until))
    rows.push_back({span.from, span.until});
  co_await tx.change(kDropSpans);
  co_await tx.batch(kAddSpan, rows);
}

/// When a stream that is still open must have ended, by what we just heard of another word: at the
/// told end, or at the latest when the next stream began. Nothing: it goes on.
std::optional<TimePoint> end_of(const ConditionRow& open, const bot::StreamStatus& status) {
  if (open.from_us < status.started_at) return status.started_at;
  if (status.ended_at && open.from_us < *status.ended_at) return status.ended_at;
  return std::nullopt;
}

/// The stream was over for this server alone, or its end was told by mistake.
bool is_to_be_reopened(const std::vector<ConditionRow>& conditions, const bot::StreamStatus& status) {
  bool closed = false;
  bool open = false;
  for (const ConditionRow& row : conditions) {
    if (row.kind != "live" || row.from_us < status.started_at) continue;
    closed = closed || (row.from_us == status.started_at && row.until_us);
    open = open || !row.until_us;
  }
  return status.resumed && closed && !open;
}

/// The stream's own word. (channel, started_at) identifies a stream, so that repeated, late and
/// reordered words come to the same.
TxTask<void> on_stream(Tx& tx, ServerContext& context, const bot::StreamStatus& status) {
  std::optional<TimePoint> ended = status.ended_at;
  const auto conditions = co_await tx.all(kConditions);
  for (const ConditionRow& row : conditions) {
    if (row.kind != "live") continue;
    if (row.from_us == status.started_at) {
      // Whoever tells of the end once more knows it no better.
      if (row.until_us) ended = std::min(ended.value_or(*row.until_us), *row.until_us);
      continue;
    }
    if (row.from_us > status.started_at && !ended) ended = row.from_us;
    if (row.until_us) continue;
    if (const auto end = end_of(row, status)) co_await tx.change(kSetCondition, {"live", row.from_us, end});
  }
  co_await tx.change(kSetCondition, {"live", status.started_at, ended});
  if (is_to_be_reopened(conditions, status))
    co_await tx.change(kSetCondition, {"live", std::max(status.started_at, context.now), std::nullopt});
  co_await refresh_spans(tx);
  context.changed.insert("overview");
}

/// What is still open ends here: when it did end nobody knows.
TxTask<void> on_streams_over(Tx& tx, ServerContext& context, const bot::StreamsOver&) {
  bool closed = false;
  for (const ConditionRow& row : co_await tx.all(kConditions)) {
    if (row.kind != "live" || row.until_us) continue;
    co_await tx.change(kSetCondition, {"live", row.from_us, std::max(row.from_us, context.now)});
    closed = true;
  }
  if (!closed) co_return;
  co_await refresh_spans(tx);
  context.changed.insert("overview");
}

/// Opens or closes a condition that a setting decides, at this moment.
TxTask<bool> follow(Tx& tx, std::vector<ConditionRow> conditions, std::string kind, bool wanted,
                    TimePoint now) {
  const auto open = std::find_if(conditions.begin(), conditions.end(),
                                 [&](const ConditionRow& row) { return row.kind == kind && !row.until_us; });
  if (wanted == (open != conditions.end())) co_return false;
  const ConditionRow row = wanted ? ConditionRow{kind, now, std::nullopt}
                                  : ConditionRow{kind, open->from_us, std::max(open->from_us, now)};
  co_await tx.change(kSetCondition, row);
  co_return true;
}

TxTask<void> on_settings(Tx& tx, ServerContext& context) {
  const bool enabled = context.settings->get(kEnabled);
  const auto conditions = co_await tx.all(kConditions);
  const bool tracking = co_await follow(tx, conditions, "tracking",
                                        enabled && context.settings->get(kTrackingEnabled), context.now);
  const bool forced = co_await follow(tx, conditions, "forced",
                                      enabled && context.settings->get(kForceOverride), context.now);
  if (tracking || forced) co_await refresh_spans(tx);
}

/// While nobody knows whether the stream is live: this person's message and somebody else's within
/// five minutes make the time until the older of the two grows stale.
TxTask<void> apply_chat_rule(Tx& tx, PersonId person, TimePoint at) {
  const auto other = co_await tx.one(kLatestOther, {person, at - kChatRule, at});
  if (!other->latest) co_return;
  const TimePoint until = *other->latest + kChatRule;
  TimePoint from = at;
  for (const ConditionRow& row : co_await tx.all(kConditions)) {
    if (row.kind == "chat" && row.from_us <= at && row.until_us.value_or(at) >= at) from = row.from_us;
  }
  co_await tx.change(kSetCondition, {"chat", from, until});
  co_await refresh_spans(tx);
}

bool is_excluded(const ServerContext& context, const bot::Chatter& sender) {
  if (sender.bot || sender.broadcaster) return true;
  const std::string name = fold_name(sender.name);
  std::string list = context.settings->get(kExcluded);
  std::replace(list.begin(), list.end(), ',', ' ');
  const auto words = split_words(list);
  return std::any_of(words.begin(), words.end(),
                     [&](std::string_view word) { return fold_name(word) == name; });
}

TxTask<void> on_chat(Tx& tx, ServerContext& context, const bot::ChatMessage& message) {
  if (!context.settings->get(kEnabled) || is_excluded(context, message.sender)) co_return;
  if (message.at > context.now + kFuture) co_return;
  const bot::PlatformUser user{message.channel.platform, message.sender.id, message.sender.name};
  const PersonId person = co_await bot::person_of(tx, user, context.now);
  co_await tx.change(kAddPresence, {person, message.at, message.sender.subscriber});
  if (!message.live_known) co_await apply_chat_rule(tx, person, message.at);
  context.changed.insert("overview");
}

/// What the viewer had not settled yet goes on as the member's.
TxTask<void> on_move(Tx& tx, bot::PersonMove move) {
  if (move.undo) co_return;
  co_await tx.change(kCopyPresence, {move.from, move.to});
  co_await tx.change(kDropPresence, {move.from});
}

TxTask<void> settle(store::CrossTx& tx, const bot::TickChunk& chunk) {
  const TimePoint horizon = chunk.now - kSettleDelay;
  const HorizonParams params{chunk.first, chunk.last, horizon};
  std::int64_t moments = 0;
  const auto servers = co_await tx.all(kMoments, params);
  for (const MomentsRow& server : servers) moments += server.moments;
  if (servers.size() > 1 && moments > kMostMoments)
    throw std::runtime_error("too much watch time for one chunk");
  co_await tx.change(kSettle, {chunk.first, chunk.last, horizon, chunk.now});
  co_await tx.change(kMarkSettled, params);
  co_await tx.change(kForgetPresence, params);
  co_await tx.change(kForgetConditions, params);
}

}  // namespace

std::vector<Span> counting_spans(const std::vector<Condition>& conditions, TimePoint settled) {
  std::vector<Span> live;
  std::vector<Span> tracking;
  for (const Condition& condition : conditions) {
    (condition.kind == "tracking" ? tracking : live).push_back({condition.from, condition.until});
  }
  std::vector<Span> result;
  for (const Span& a : united(std::move(live))) {
    for (const Span& b : united(tracking)) {
      const Span both{std::max({a.from, b.from, settled}), std::min(a.until, b.until)};
      if (both.from < both.until) result.push_back(both);
    }
  }
  return result;
}

void declare(bot::Declarations& declarations) {
  for (const char* table : {"presence", "watch_conditions", "watch_spans", "watch_settlements"}) {
    declarations.tables.add({table, tenancy::TableClass::tenant, "watchtime", true});
  }
  declarations.statements.add("watchtime", kAddPresence, kLatestOther, kCopyPresence, kDropPresence,
                              kConditions, kSetCondition, kSettled, kDropSpans, kAddSpan, kMinutes, kTop,
                              kActiveViewers, kTotal, kMoments, kSettle, kMarkSettled, kForgetPresence,
                              kForgetConditions);
  declarations.settings.add("watchtime", kEnabled);
  declarations.settings.add("watchtime", kTrackingEnabled);
  declarations.settings.add("watchtime", kForceOverride);
  declarations.settings.add("watchtime", kExcluded);
  declarations.on_chat.push_back(on_chat);
  declarations.on_stream.push_back(on_stream);
  declarations.on_streams_over.push_back(on_streams_over);
  declarations.on_settings.push_back(on_settings);
  declarations.on_move.push_back(on_move);
  declarations.minute_stages.push_back(settle);
  declare_commands(declarations);
  declare_routes(declarations);
  declare_import(declarations);
}

}  // namespace guildhall::features::watchtime
