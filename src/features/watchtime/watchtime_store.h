// The statements of watchtime.
#pragma once

#include <optional>
#include <string>

#include "base/clock.h"
#include "store/statement.h"

namespace guildhall::features::watchtime {

using store::CrossServerStatement;
using store::NoParams;
using store::NoRow;
using store::Statement;

struct PresenceParams {
  PersonId person;
  TimePoint at;
  bool subscriber;
};
BOOST_DESCRIBE_STRUCT(PresenceParams, (), (person, at, subscriber))

inline constexpr Statement<PresenceParams, NoRow> kAddPresence{
    "watchtime.add_presence",
    "INSERT INTO presence (discord_server_id, person_id, at, subscriber) "
    "VALUES (:server, :person, :at, :subscriber) ON CONFLICT (discord_server_id, person_id, at) DO NOTHING"};

struct OtherParams {
  PersonId person;
  TimePoint from;
  TimePoint at;
};
BOOST_DESCRIBE_STRUCT(OtherParams, (), (person, from, at))
struct LatestRow {
  std::optional<TimePoint> latest;
};
BOOST_DESCRIBE_STRUCT(LatestRow, (), (latest))

/// When somebody else last wrote.
inline constexpr Statement<OtherParams, LatestRow> kLatestOther{
    "watchtime.latest_other",
    "SELECT max(at) AS latest FROM presence "
    "WHERE discord_server_id = :server AND at > :from AND at <= :at AND person_id <> :person"};

struct MovePresenceParams {
  PersonId from;
  PersonId to;
};
BOOST_DESCRIBE_STRUCT(MovePresenceParams, (), (from, to))
struct PersonParams {
  PersonId person;
};
BOOST_DESCRIBE_STRUCT(PersonParams, (), (person))

inline constexpr Statement<MovePresenceParams, NoRow> kCopyPresence{
    "watchtime.copy_presence",
    "INSERT INTO presence (discord_server_id, person_id, at, subscriber) "
    "SELECT :server, :to, p.at, p.subscriber FROM presence p "
    "WHERE p.discord_server_id = :server AND p.person_id = :from "
    "ON CONFLICT (discord_server_id, person_id, at) DO NOTHING"};
inline constexpr Statement<PersonParams, NoRow> kDropPresence{
    "watchtime.drop_presence",
    "DELETE FROM presence WHERE discord_server_id = :server AND person_id = :person"};

struct ConditionRow {
  std::string kind;
  TimePoint from_us;
  std::optional<TimePoint> until_us;
};
BOOST_DESCRIBE_STRUCT(ConditionRow, (), (kind, from_us, until_us))

inline constexpr Statement<NoParams, ConditionRow> kConditions{
    "watchtime.conditions",
    "SELECT kind, from_us, until_us FROM watch_conditions WHERE discord_server_id = :server ORDER BY kind, "
    "from_us"};

/// A condition that ends says so; its beginning is known by (kind, from).
inline constexpr Statement<ConditionRow, NoRow> kSetCondition{
    "watchtime.set_condition",
    "INSERT INTO watch_conditions (discord_server_id, kind, from_us, until_us) "
    "VALUES (:server, :kind, :from_us, :until_us) "
    "ON CONFLICT (discord_server_id, kind, from_us) DO UPDATE SET "
    "until_us = COALESCE(excluded.until_us, watch_conditions.until_us)"};

struct SettledRow {
  TimePoint settled_until;
};
BOOST_DESCRIBE_STRUCT(SettledRow, (), (settled_until))

inline constexpr Statement<NoParams, SettledRow> kSettled{
    "watchtime.settled", "SELECT settled_until FROM watch_settlements WHERE discord_server_id = :server"};

struct SpanParams {
  TimePoint from;
  TimePoint until;
};
BOOST_DESCRIBE_STRUCT(SpanParams, (), (from, until))

inline constexpr Statement<NoParams, NoRow> kDropSpans{
    "watchtime.drop_spans", "DELETE FROM watch_spans WHERE discord_server_id = :server"};
inline constexpr Statement<SpanParams, NoRow> kAddSpan{
    "watchtime.add_span",
    "INSERT INTO watch_spans (discord_server_id, from_us, until_us) VALUES (:server, :from, :until)"};

struct MinutesRow {
  Duration watched_us;
};
BOOST_DESCRIBE_STRUCT(MinutesRow, (), (watched_us))

inline constexpr Statement<PersonParams, MinutesRow> kMinutes{
    "watchtime.of_person",
    "SELECT watched_us FROM watchtime WHERE discord_server_id = :server AND person_id = :person"};

struct TopParams {
  std::int64_t count;
  std::int64_t skip;
};
BOOST_DESCRIBE_STRUCT(TopParams, (), (count, skip))
struct TopRow {
  PersonId person_id;
  std::string display_name;
  Duration watched_us;
};
BOOST_DESCRIBE_STRUCT(TopRow, (), (person_id, display_name, watched_us))

inline constexpr Statement<TopParams, TopRow> kTop{
    "watchtime.top",
    "SELECT w.person_id, p.display_name, w.watched_us FROM (SELECT r.person_id, r.watched_us "
    "FROM watchtime r WHERE r.discord_server_id = :server AND r.watched_us > 0 "
    "ORDER BY r.watched_us DESC, r.person_id LIMIT :count OFFSET :skip) w "
    "JOIN persons p ON p.discord_server_id = :server AND p.person_id = w.person_id "
    "ORDER BY w.watched_us DESC, w.person_id"};

struct SinceParams {
  TimePoint since;
};
BOOST_DESCRIBE_STRUCT(SinceParams, (), (since))
struct ViewersRow {
  std::int64_t viewers = 0;
};
BOOST_DESCRIBE_STRUCT(ViewersRow, (), (viewers))

inline constexpr Statement<SinceParams, ViewersRow> kActiveViewers{
    "watchtime.active_viewers",
    "SELECT count(DISTINCT person_id) AS viewers FROM presence WHERE discord_server_id = :server AND at > "
    ":since"};

struct TotalRow {
  Duration watched_us{0};
};
BOOST_DESCRIBE_STRUCT(TotalRow, (), (watched_us))
inline constexpr Statement<NoParams, TotalRow> kTotal{
    "watchtime.total",
    "SELECT CAST(COALESCE(sum(watched_us), 0) AS BIGINT) AS watched_us FROM watchtime WHERE "
    "discord_server_id = :server"};

// The tick: for all servers whose id lies in [first, last].
inline constexpr std::string_view kTickReason =
    "settles the watch time of the servers of one chunk in one statement";

struct HorizonParams {
  ServerId first;
  ServerId last;
  TimePoint horizon;
};
BOOST_DESCRIBE_STRUCT(HorizonParams, (), (first, last, horizon))
struct MomentsRow {
  ServerId discord_server_id;
  std::int64_t moments = 0;
};
BOOST_DESCRIBE_STRUCT(MomentsRow, (), (discord_server_id, moments))

/// What a settlement will read.
inline constexpr CrossServerStatement<HorizonParams, MomentsRow> kMoments{
    "watchtime.moments", kTickReason,
    "SELECT discord_server_id, count(*) AS moments FROM presence "
    "WHERE discord_server_id BETWEEN :first AND :last AND at < :horizon GROUP BY discord_server_id"};

struct SettleParams {
  ServerId first;
  ServerId last;
  TimePoint horizon;
  TimePoint now;
};
BOOST_DESCRIBE_STRUCT(SettleParams, (), (first, last, horizon, now))

/// Each moment stands until 120 s later, the person's next moment or the horizon, whichever is first;
/// of that, what lies after the last settlement and within a counting span is added.
inline constexpr CrossServerStatement<SettleParams, NoRow> kSettle{
    "watchtime.settle", kTickReason,
    "WITH moments AS ("
    " SELECT p.discord_server_id, p.person_id, p.at, p.subscriber, COALESCE(s.settled_until, 0) AS settled,"
    " LEAD(p.at) OVER (PARTITION BY p.discord_server_id, p.person_id ORDER BY p.at) AS next_at"
    " FROM presence p LEFT JOIN watch_settlements s ON s.discord_server_id = p.discord_server_id"
    " WHERE p.discord_server_id BETWEEN :first AND :last AND p.at < :horizon), "
    "ends AS ("
    " SELECT discord_server_id, person_id, at, subscriber,"
    " CASE WHEN at > settled THEN at ELSE settled END AS begins,"
    " CASE WHEN next_at IS NOT NULL AND next_at < at + 120000000 THEN next_at ELSE at + 120000000 END AS ends"
    " FROM moments), "
    "pieces AS ("
    " SELECT e.discord_server_id, e.person_id, e.at, e.subscriber,"
    " CASE WHEN w.from_us > e.begins THEN w.from_us ELSE e.begins END AS begins,"
    " CASE WHEN w.until_us < e.ends AND w.until_us < :horizon THEN w.until_us"
    "  WHEN e.ends < :horizon THEN e.ends ELSE :horizon END AS ends"
    " FROM ends e JOIN watch_spans w ON w.discord_server_id = e.discord_server_id"
    " AND w.from_us < e.ends AND w.until_us > e.begins) "
    "INSERT INTO watchtime (discord_server_id, person_id, watched_us, subscribed_us, last_active_at, "
    "updated_at) "
    "SELECT discord_server_id, person_id, CAST(sum(ends - begins) AS BIGINT), "
    "CAST(sum(CASE WHEN subscriber = 1 THEN ends - begins ELSE 0 END) AS BIGINT), max(at), :now "
    "FROM pieces WHERE ends > begins GROUP BY discord_server_id, person_id ORDER BY discord_server_id, "
    "person_id "
    "ON CONFLICT (discord_server_id, person_id) DO UPDATE SET "
    "watched_us = watchtime.watched_us + excluded.watched_us, "
    "subscribed_us = watchtime.subscribed_us + excluded.subscribed_us, "
    "last_active_at = excluded.last_active_at, updated_at = excluded.updated_at"};

inline constexpr CrossServerStatement<HorizonParams, NoRow> kMarkSettled{
    "watchtime.mark_settled", kTickReason,
    "INSERT INTO watch_settlements (discord_server_id, settled_until) "
    "SELECT discord_server_id, :horizon FROM servers WHERE discord_server_id BETWEEN :first AND :last "
    "ON CONFLICT (discord_server_id) DO UPDATE SET settled_until = excluded.settled_until "
    "WHERE watch_settlements.settled_until < excluded.settled_until"};

/// Settled moments, as soon as neither a window nor the chat rule reaches back to them.
inline constexpr CrossServerStatement<HorizonParams, NoRow> kForgetPresence{
    "watchtime.forget_presence", kTickReason,
    "DELETE FROM presence WHERE discord_server_id BETWEEN :first AND :last AND at < :horizon - 300000000"};

inline constexpr CrossServerStatement<HorizonParams, NoRow> kForgetConditions{
    "watchtime.forget_conditions", kTickReason,
    "DELETE FROM watch_conditions WHERE discord_server_id BETWEEN :first AND :last AND until_us < :horizon - "
    "3600000000"};

}  // namespace guildhall::features::watchtime
