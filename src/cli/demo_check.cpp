#include "cli/demo_check.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "base/json.h"
#include "base/log.h"
#include "bot/ledger.h"
#include "features/points/points.h"
#include "features/watchtime/watchtime.h"

namespace guildhall::cli {
namespace {

using features::watchtime::kSettleDelay;
using features::watchtime::kWindow;
using features::watchtime::Span;
using store::NoParams;
using store::Statement;
using store::Tx;
using store::TxTask;

struct ViewerRow {
  std::string platform_user_id;
  Duration watched_us{0};
  Duration subscribed_us{0};
  std::int64_t awarded = 0;
};
BOOST_DESCRIBE_STRUCT(ViewerRow, (), (platform_user_id, watched_us, subscribed_us, awarded))

struct SettledRow {
  TimePoint settled_until;
};
BOOST_DESCRIBE_STRUCT(SettledRow, (), (settled_until))

struct CountRow {
  std::int64_t rows = 0;
};
BOOST_DESCRIBE_STRUCT(CountRow, (), (rows))

constexpr Statement<NoParams, ViewerRow> kViewers{
    "demo.viewers",
    "SELECT i.platform_user_id, COALESCE(w.watched_us, 0) AS watched_us, COALESCE(w.subscribed_us, 0) AS "
    "subscribed_us, "
    "(SELECT CAST(COALESCE(sum(l.amount), 0) AS BIGINT) FROM ledger l WHERE l.discord_server_id = :server "
    "AND l.unit = 'points' AND l.holder_id = i.person_id AND l.kind = 'watchtime') AS awarded "
    "FROM identities i LEFT JOIN watchtime w ON w.discord_server_id = :server AND w.person_id = i.person_id "
    "WHERE i.discord_server_id = :server AND i.platform = 'kick'"};

constexpr Statement<NoParams, SettledRow> kSettled{
    "demo.settled", "SELECT settled_until FROM watch_settlements WHERE discord_server_id = :server"};

/// Rows of people whom this server has never met.
constexpr Statement<NoParams, CountRow> kStrangers{
    "demo.strangers",
    "SELECT (SELECT count(*) FROM balances b LEFT JOIN persons p ON p.discord_server_id = :server AND "
    "p.person_id = b.holder_id "
    "WHERE b.discord_server_id = :server AND p.person_id IS NULL) + "
    "(SELECT count(*) FROM watchtime w LEFT JOIN persons p ON p.discord_server_id = :server AND p.person_id "
    "= w.person_id "
    "WHERE w.discord_server_id = :server AND p.person_id IS NULL) AS rows"};

/// What follows from the record for one viewer, at least and at most: a message whose answer was lost,
/// or that was told after its time was settled, may count or not.
struct Expected {
  Duration least_watched{0};
  Duration most_watched{0};
  Duration least_subscribed{0};
  Duration most_subscribed{0};
};

struct Moment {
  TimePoint at;
  bool subscriber = false;
};

/// When the stream was live, as the bot can know it at least and at most: a word that came so late that
/// a tick may have settled the time before it counts from its coming only.
struct LiveSpans {
  std::vector<Span> least;
  std::vector<Span> most;
};

std::optional<TimePoint> moment_of(const json::Value& object, std::string_view key) {
  const auto micros = json::integer(object, key);
  if (!micros) return std::nullopt;
  return from_micros(*micros);
}

bool is_late(TimePoint at, std::optional<TimePoint> told) { return !told || *told - at >= kSettleDelay / 2; }

LiveSpans live_spans(const json::Value& channel, TimePoint settled) {
  LiveSpans spans;
  for (const json::Value& period : json::array(channel, "live")) {
    const TimePoint from = moment_of(period, "started_at").value_or(settled);
    const TimePoint until = std::min(moment_of(period, "ended_at").value_or(settled), settled);
    const auto start_told = moment_of(period, "start_told_at");
    const auto end_told = moment_of(period, "end_told_at");
    const bool ended = json::find(period, "ended_at") != nullptr;
    const TimePoint sure_from = is_late(from, start_told) ? start_told.value_or(until) : from;
    const TimePoint last_until =
        ended && is_late(until, end_told) ? std::min(end_told.value_or(settled), settled) : until;
    spans.least.push_back({sure_from, until});
    spans.most.push_back({from, last_until});
  }
  return spans;
}

std::pair<Duration, Duration> watched(std::vector<Moment> moments, const std::vector<Span>& live,
                                      TimePoint settled) {
  std::sort(moments.begin(), moments.end(), [](const Moment& a, const Moment& b) { return a.at < b.at; });
  Duration all{0};
  Duration subscribed{0};
  for (std::size_t i = 0; i < moments.size(); ++i) {
    TimePoint until = std::min(moments[i].at + kWindow, settled);
    if (i + 1 < moments.size()) until = std::min(until, moments[i + 1].at);
    for (const Span& span : live) {
      const Duration counted = std::min(until, span.until) - std::max(moments[i].at, span.from);
      if (counted.count() <= 0) continue;
      all += counted;
      if (moments[i].subscriber) subscribed += counted;
    }
  }
  return {all, subscribed};
}

Moment read_moment(const json::Value& message) {
  return {from_micros(json::integer(message, "at").value_or(0)),
          json::boolean(message, "subscriber").value_or(false)};
}

Expected expected_of(const json::Value& viewer, const LiveSpans& live, TimePoint settled) {
  std::vector<Moment> certain;
  std::vector<Moment> possible;
  for (const json::Value& message : json::array(viewer, "messages")) {
    const Moment moment = read_moment(message);
    possible.push_back(moment);
    if (!is_late(moment.at, moment_of(message, "accepted_at"))) certain.push_back(moment);
  }
  for (const json::Value& message : json::array(viewer, "uncertain"))
    possible.push_back(read_moment(message));
  const auto least = watched(certain, live.least, settled);
  const auto most = watched(possible, live.most, settled);
  // One more message can take time away from the badge of the message before it.
  const bool sure = certain.size() == possible.size() && least.first == most.first;
  return {least.first, most.first, sure ? least.second : Duration{0}, sure ? most.second : most.first};
}

std::int64_t points_for(Duration plain, Duration subscribed) {
  constexpr Duration kInterval = std::chrono::minutes(5);
  return plain / kInterval * features::points::kRate.builtin +
         subscribed / kInterval * features::points::kSubscriberRate.builtin;
}

bool agrees(const ViewerRow& row, const Expected& expected) {
  const bool time = row.watched_us >= expected.least_watched && row.watched_us <= expected.most_watched &&
                    row.subscribed_us >= expected.least_subscribed &&
                    row.subscribed_us <= expected.most_subscribed;
  return time && row.awarded == points_for(row.watched_us - row.subscribed_us, row.subscribed_us);
}

const json::Value* channel_of(const json::Value& witness, const std::string& slug) {
  for (const json::Value& channel : json::array(witness, "channels")) {
    if (json::text_or(channel, "slug", "") == slug) return &channel;
  }
  return nullptr;
}

struct ServerRows {
  std::vector<ViewerRow> viewers;
  TimePoint settled;
  std::int64_t strangers = 0;
  std::int64_t mismatches = 0;
};

TxTask<ServerRows> read_rows(Tx& tx) {
  ServerRows rows;
  rows.viewers = co_await tx.all(kViewers);
  const auto settled = co_await tx.one(kSettled);
  if (settled) rows.settled = settled->settled_until;
  const auto strangers = co_await tx.one(kStrangers);
  rows.strangers = strangers->rows;
  rows.mismatches = co_await bot::count_ledger_mismatches(tx);
  co_return rows;
}

TxTask<void> rehearse(Tx& tx, bot::ServerContext&) { co_await read_rows(tx); }

void check_viewers(const ServerRows& rows, const json::Value& channel, ServerId server, DemoCounts& counts) {
  const LiveSpans live = live_spans(channel, rows.settled);
  std::map<std::string, Expected> expected;
  std::set<std::string> seen;
  for (const json::Value& viewer : json::array(channel, "viewers")) {
    const std::string id = json::text_or(viewer, "id", "");
    seen.insert(id);
    const bool counts_here = !json::boolean(viewer, "bot").value_or(false) &&
                             id != json::text_or(channel, "broadcaster_user_id", "");
    expected[id] = counts_here ? expected_of(viewer, live, rows.settled) : Expected{};
  }
  for (const ViewerRow& row : rows.viewers) {
    counts.points_awarded += row.awarded;
    if (row.platform_user_id.starts_with("name:")) continue;  // heard of, not seen yet
    if (!seen.contains(row.platform_user_id)) ++counts.foreign_rows;
    const Expected wanted = expected[row.platform_user_id];
    expected.erase(row.platform_user_id);
    if (agrees(row, wanted)) continue;
    ++counts.witness_mismatches;
    log::error(
        "watch time differs from the record",
        {log::field("server", server.str()), log::field("viewer", row.platform_user_id),
         log::field("held_us", row.watched_us.count()), log::field("least_us", wanted.least_watched.count()),
         log::field("most_us", wanted.most_watched.count()), log::field("awarded", row.awarded)});
  }
  for (const auto& [id, wanted] : expected)
    counts.witness_mismatches += wanted.least_watched.count() > 0 ? 1 : 0;
}

std::int64_t sum_of(const json::Value& object, std::string_view key) {
  std::int64_t sum = 0;
  const json::Value* found = json::find(object, key);
  if (found == nullptr || !found->is_object()) return 0;
  for (const auto& [name, value] : found->get_object()) {
    if (value.is_object()) sum += json::integer(value, "accepted").value_or(0);
    if (value.is_int64()) sum += value.get_int64();
  }
  return sum;
}

}  // namespace

DemoCounts check_demo(Workspace& workspace, const boost::json::value& witness,
                      const std::vector<WitnessedServer>& servers) {
  DemoCounts counts;
  counts.discord_events = sum_of(witness, "discord");
  if (const json::Value* commands = json::find(witness, "commands"))
    counts.commands = json::integer(*commands, "answered").value_or(0);
  for (const json::Value& channel : json::array(witness, "channels")) {
    counts.kick_events += sum_of(channel, "counts");
    counts.commands += json::integer(channel, "chat_sent").value_or(0);
  }
  for (const WitnessedServer& server : servers) {
    const auto scope = workspace.scope(server.server.str());
    const json::Value* channel = channel_of(witness, server.channel);
    if (!scope || channel == nullptr) {
      ++counts.witness_mismatches;
      continue;
    }
    const ServerRows rows = net::run_to_end(scope->read(read_rows));
    counts.ledger_mismatches += rows.mismatches;
    counts.foreign_rows += rows.strangers;
    check_viewers(rows, *channel, server.server, counts);
  }
  return counts;
}

void declare_demo_check(bot::Declarations& declarations) {
  declarations.statements.add("demo", kViewers, kSettled, kStrangers);
  declarations.rehearsals.server.push_back(rehearse);
}

}  // namespace guildhall::cli
