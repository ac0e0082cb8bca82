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
  std::string sums, inner, outer;
  for (std::size_t i = 0; i < reading.sums.size(); ++i) {
    sums += fmt::format(", CAST({} AS numeric) AS s{}", column_sql("t", reading.sums[i]), i);
    inner += fmt::format(", sum(r.s{0}) AS s{0}", i);
    outer += fmt::format(", COALESCE(sum(g.s{}), 0)", i);
  }
  // What is the same of every row is no part of the groups: each part costs as much as a row's hash.
  const bool by_server = !reading.server.empty();
  const std::string is_written =
      written.sql("t") + (measure.parent ? " OR " + written.sql("p") : std::string());
  const std::string rows = fmt::format(
      "SELECT {}hashtextextended({}, 1) & {} AS bucket, {}hashtextextended({}, 0) AS hash{} FROM {}",
      by_server ? reading.server + " AS server, " : "", text_of(measure.key), measure.buckets - 1,
      written.is_asked() ? is_written + " AS written, " : "",
      text_of(measure.columns, measure.parent_columns), sums, reading.from);
  // First into the smallest groups, by hashing and without a sort of all rows; those are few.
  const std::string groups = fmt::format(
      "SELECT {} AS server, r.bucket, {} AS written, count(*) AS n, sum(r.hash) AS hash{} FROM ({}) r "
      "GROUP BY r.bucket{}{} OFFSET 0",
      by_server ? "COALESCE(CAST(r.server AS text), 'NULL')" : "CAST('' AS text)",
      written.is_asked() ? "r.written" : "false", inner, rows, by_server ? ", r.server" : "",
      written.is_asked() ? ", r.written" : "");
  Measured measured{measure};
  for (const auto& row :
       session.query(fmt::format("SELECT grouping(g.server, g.bucket), g.server, g.bucket, g.written::int, "
                                 "COALESCE(sum(g.n), 0), COALESCE(sum(g.hash), 0){} FROM ({}) g "
                                 "GROUP BY GROUPING SETS ((), (g.server), (g.bucket, g.written))",
                                 outer, groups)))
    take_group(row, reading, measured);
  return measured;
}

}  // namespace guildhall::convert
