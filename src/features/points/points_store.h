// The statements of points.
#pragma once

#include <string>

#include "base/clock.h"
#include "store/statement.h"

namespace guildhall::features::points {

using store::CrossServerStatement;
using store::NoRow;
using store::Statement;

inline constexpr std::string_view kTickReason =
    "pays for the watch time that this tick settled, for the servers of one chunk";

struct AwardParams {
  ServerId first;
  ServerId last;
  TimePoint now;
  std::int64_t rate;  // where neither server nor operator set one
  std::int64_t subscriber_rate;
};
BOOST_DESCRIBE_STRUCT(AwardParams, (), (first, last, now, rate, subscriber_rate))

/// Whole intervals not yet paid, of everybody whose watch time this tick changed, at the rates of now; these
/// are looked up once for each server (MATERIALIZED), not for each viewer.
inline constexpr CrossServerStatement<AwardParams, NoRow> kPostAwards{
    "points.post_awards", kTickReason,
    "WITH rates AS MATERIALIZED ("
    " SELECT v.discord_server_id,"
    " CASE WHEN COALESCE(e.value, ed.value, 'true') = 'true' THEN CAST(COALESCE(r.value, rd.value, "
    "CAST(:rate AS TEXT)) AS BIGINT) ELSE 0 END AS plain,"
    " CASE WHEN COALESCE(e.value, ed.value, 'true') = 'true' THEN CAST(COALESCE(s.value, sd.value, "
    "CAST(:subscriber_rate AS TEXT)) AS BIGINT) ELSE 0 END AS subscriber"
    " FROM servers v"
    " LEFT JOIN settings e ON e.discord_server_id = v.discord_server_id AND e.key = 'points_enabled'"
    " LEFT JOIN setting_defaults ed ON ed.key = 'points_enabled'"
    " LEFT JOIN settings r ON r.discord_server_id = v.discord_server_id AND r.key = 'points_per_5min'"
    " LEFT JOIN setting_defaults rd ON rd.key = 'points_per_5min'"
    " LEFT JOIN settings s ON s.discord_server_id = v.discord_server_id AND s.key = 'sub_points_per_5min'"
    " LEFT JOIN setting_defaults sd ON sd.key = 'sub_points_per_5min'"
    " WHERE v.discord_server_id BETWEEN :first AND :last), "
    "awards AS ("
    " SELECT w.discord_server_id, w.person_id,"
    " (w.watched_us - w.subscribed_us - COALESCE(c.plain_us, 0)) / 300000000 * r.plain"
    " + (w.subscribed_us - COALESCE(c.subscribed_us, 0)) / 300000000 * r.subscriber AS amount"
    " FROM rates r JOIN watchtime w ON w.discord_server_id = r.discord_server_id AND w.updated_at = :now"
    " LEFT JOIN point_conversions c ON c.discord_server_id = w.discord_server_id AND c.person_id = "
    "w.person_id) "
    "INSERT INTO ledger_postings (discord_server_id, unit, holder_id, amount, kind, operation_id, reason) "
    "SELECT discord_server_id, 'points', person_id, amount, 'watchtime', "
    "'watchtime:' || person_id || ':' || CAST(:now AS TEXT), '' FROM awards WHERE amount > 0 "
    "ORDER BY discord_server_id, person_id"};

struct ConvertParams {
  ServerId first;
  ServerId last;
  TimePoint now;
};
BOOST_DESCRIBE_STRUCT(ConvertParams, (), (first, last, now))

/// The same intervals are used up, paid or not.
inline constexpr CrossServerStatement<ConvertParams, NoRow> kConvert{
    "points.convert", kTickReason,
    "INSERT INTO point_conversions (discord_server_id, person_id, plain_us, subscribed_us) "
    "SELECT w.discord_server_id, w.person_id, COALESCE(c.plain_us, 0) + "
    "(w.watched_us - w.subscribed_us - COALESCE(c.plain_us, 0)) / 300000000 * 300000000, "
    "COALESCE(c.subscribed_us, 0) + (w.subscribed_us - COALESCE(c.subscribed_us, 0)) / 300000000 * 300000000 "
    "FROM servers v JOIN watchtime w ON w.discord_server_id = v.discord_server_id AND w.updated_at = :now "
    "LEFT JOIN point_conversions c ON c.discord_server_id = w.discord_server_id AND c.person_id = "
    "w.person_id "
    "WHERE v.discord_server_id BETWEEN :first AND :last ORDER BY w.discord_server_id, w.person_id "
    "ON CONFLICT (discord_server_id, person_id) DO UPDATE SET "
    "plain_us = excluded.plain_us, subscribed_us = excluded.subscribed_us"};

struct PersonParams {
  PersonId person;
};
BOOST_DESCRIBE_STRUCT(PersonParams, (), (person))
struct ConversionRow {
  Duration plain_us{0};
  Duration subscribed_us{0};
};
BOOST_DESCRIBE_STRUCT(ConversionRow, (), (plain_us, subscribed_us))

inline constexpr Statement<PersonParams, ConversionRow> kConversion{
    "points.conversion",
    "SELECT plain_us, subscribed_us FROM point_conversions WHERE discord_server_id = :server AND person_id = "
    ":person"};

struct AddConversionParams {
  PersonId person;
  Duration plain;
  Duration subscribed;
};
BOOST_DESCRIBE_STRUCT(AddConversionParams, (), (person, plain, subscribed))

inline constexpr Statement<AddConversionParams, NoRow> kAddConversion{
    "points.add_conversion",
    "INSERT INTO point_conversions (discord_server_id, person_id, plain_us, subscribed_us) "
    "VALUES (:server, :person, :plain, :subscribed) ON CONFLICT (discord_server_id, person_id) DO UPDATE SET "
    "plain_us = point_conversions.plain_us + excluded.plain_us, "
    "subscribed_us = point_conversions.subscribed_us + excluded.subscribed_us"};

struct HistoryParams {
  TimePoint since;
  Duration bucket;
};
BOOST_DESCRIBE_STRUCT(HistoryParams, (), (since, bucket))
struct HistoryRow {
  std::int64_t number = 0;  // of the bucket, counted from `since`
  std::int64_t credited = 0;
  std::int64_t debited = 0;
};
BOOST_DESCRIBE_STRUCT(HistoryRow, (), (number, credited, debited))

inline constexpr Statement<HistoryParams, HistoryRow> kHistory{
    "points.history",
    "SELECT (created_at - :since) / :bucket AS number, "
    "CAST(sum(CASE WHEN amount > 0 THEN amount ELSE 0 END) AS BIGINT) AS credited, "
    "CAST(sum(CASE WHEN amount < 0 THEN -amount ELSE 0 END) AS BIGINT) AS debited FROM ledger "
    "WHERE discord_server_id = :server AND unit = 'points' AND created_at >= :since "
    "GROUP BY (created_at - :since) / :bucket ORDER BY 1"};

struct TotalRow {
  std::int64_t points = 0;
  std::int64_t people = 0;
};
BOOST_DESCRIBE_STRUCT(TotalRow, (), (points, people))

inline constexpr Statement<store::NoParams, TotalRow> kTotals{
    "points.totals",
    "SELECT (SELECT CAST(COALESCE(sum(balance), 0) AS BIGINT) FROM balances "
    "WHERE discord_server_id = :server AND unit = 'points') AS points, "
    "(SELECT count(*) FROM persons WHERE discord_server_id = :server) AS people"};

}  // namespace guildhall::features::points
