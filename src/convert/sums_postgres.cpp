#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "convert/sums_parts.h"

namespace guildhall::convert {
namespace {

/// Half of the numbers that a transaction can have in a row's header: what is older cannot be told from what
/// is newer.
constexpr std::int64_t kHalfRound = 1LL << 31;
constexpr std::int64_t kRound = 1LL << 32;

/// As it stands in a row's header. The first three are no transaction's.
std::int64_t in_header(std::int64_t number) { return std::max<std::int64_t>(number % kRound, 3); }

/// SQL of one text: quoted values, so that no two rows that differ look alike. The collation decides nothing,
/// but without one the columns' own could contradict each other.
std::string text_of(const std::vector<std::string>& own, const std::vector<std::string>& parents = {}) {
  std::vector<std::string> parts;
  for (const std::string& column : own)
    parts.push_back(fmt::format("quote_nullable({})", column_sql("t", column)));
  for (const std::string& column : parents)
    parts.push_back(fmt::format("quote_nullable({})", column_sql("p", column)));
  if (parts.empty()) return "''";
  return fmt::format("({}) COLLATE \"C\"", fmt::join(parts, " || ',' || "));
}

/// One group of the answer: of all rows, of a server's, or of a bucket's.
void take_group(const std::vector<std::string>& row, const Reading& reading, Measured& measured) {
  constexpr std::size_t kBeforeTotals = 6;
  const Amount amount{std::stoll(row[4]), parse_wide(row[5])};
  std::map<std::string, std::string> totals;
  for (std::size_t i = 0; i < reading.sums.size(); ++i) totals[reading.sums[i]] = row[kBeforeTotals + i];
  if (row[0] == "3") {
    measured.totals = std::move(totals);
  } else if (row[0] == "1") {
    if (!reading.server.empty()) measured.servers.push_back({row[1], amount, std::move(totals)});
  } else {
    const std::size_t bucket = std::stoull(row[2]);
    measured.all[bucket] += amount;
    if (row[3] == "0") measured.unwritten[bucket] += amount;
  }
}

}  // namespace

WrittenSince::WrittenSince(store::SchemaSession& session, const std::string& snapshot)
    : is_asked_(!snapshot.empty()) {
  if (!is_asked_) return;
  const auto row = session
                       .query(
                           "SELECT pg_snapshot_xmin($1::pg_snapshot), pg_snapshot_xmax($1::pg_snapshot), "
                           "pg_snapshot_xmax(pg_current_snapshot())",
                           {snapshot})
                       .at(0);
  is_too_old_ = std::stoll(row[2]) - std::stoll(row[0]) >= kHalfRound;
  limit_ = std::to_string(in_header(std::stoll(row[1])));
  std::vector<std::int64_t> running;
  for (const auto& one : session.query("SELECT pg_snapshot_xip($1::pg_snapshot)", {snapshot}))
    running.push_back(in_header(std::stoll(one[0])));
  running_ = fmt::format("{}", fmt::join(running, ","));
}

std::string WrittenSince::sql(std::string_view alias) const {
  if (!is_asked_) return "false";
  if (is_too_old_) return "true";
  // age() is the distance of a number from the newest, and rows that are frozen have the greatest.
  return fmt::format("COALESCE(age({}.xmin) <= age('{}'::xid) OR {}.xmin = ANY('{{{}}}'::xid[]), false)",
                     alias, limit_, alias, running_);
}

Measured read_postgres(store::SchemaSession& session, const Reading& reading, const WrittenSince& written) {
  const Measure& measure = *reading.measure;
  std::string sums, totals;
  for (std::size_t i = 0; i < reading.sums.size(); ++i) {
    sums += fmt::format(", {}::numeric AS s{}", column_sql("t", reading.sums[i]), i);
    totals += fmt::format(", COALESCE(sum(r.s{}), 0)", i);
  }
  const std::string sql = fmt::format(
      "SELECT grouping(r.server, r.bucket), r.server, r.bucket, r.written::int, count(*), "
      "COALESCE(sum(r.hash), 0){} FROM (SELECT {} AS server, hashtextextended({}, 1) & {} AS bucket, {}{} AS "
      "written, hashtextextended({}, 0) AS hash{} FROM {}) r "
      "GROUP BY GROUPING SETS ((), (r.server), (r.bucket, r.written))",
      totals, reading.server.empty() ? "''" : reading.server, text_of(measure.key), measure.buckets - 1,
      written.sql("t"), measure.parent ? " OR " + written.sql("p") : "",
      text_of(measure.columns, measure.parent_columns), sums, reading.from);
  Measured measured{measure};
  for (const auto& row : session.query(sql)) take_group(row, reading, measured);
  return measured;
}

}  // namespace guildhall::convert
