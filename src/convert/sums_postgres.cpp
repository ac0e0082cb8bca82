#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <iterator>

#include "convert/sums_parts.h"

namespace guildhall::convert {
namespace {

/// Half of the numbers that a transaction can have in a row's header: what is older cannot be told from what
/// is newer.
constexpr std::int64_t kHalfRound = 1LL << 31;
constexpr std::int64_t kRound = 1LL << 32;
/// The first three in a header are no transaction's.
constexpr std::int64_t kFirstNumber = 3;

std::int64_t in_header(std::int64_t number) { return std::max(number % kRound, kFirstNumber); }

/// SQL of a number as xidsend() writes it: four bytes, the greatest first, so that bytes compare as numbers.
std::string bytes_of(std::int64_t number) { return fmt::format("'\\x{:08x}'::bytea", number); }

/// SQL of what of a column goes into a row's hash: values of which equal ones alone have equal hashes. Not so
/// numeric (1.0 and 1.00), double precision (0 and -0), interval (30 days and a month), enums (by a number of
/// this database): their text does. A text's own collation could take two for equal. bigint folds its halves
/// together, and so do times, which are numbers of microseconds.
std::string hashed_value(const Table& table, std::string_view alias, const std::string& name) {
  const Column* column = table.column(name);
  const std::string value = column_sql(alias, name);
  const std::string type = column == nullptr ? "" : column->type;
  if (type == "text" || type.starts_with("character varying")) return value + " COLLATE \"C\"";
  if (type == "bigint") return fmt::format("{0} >> 32, {0} & 4294967295", value);
  if (type.starts_with("timestamp"))
    return fmt::format("{}({})", type.ends_with("with time zone") ? "timestamptz_send" : "timestamp_send",
                       value);
  for (const char* known : {"smallint", "integer", "boolean", "uuid", "bytea", "date"}) {
    if (type == known) return value;
  }
  return fmt::format("CAST({} AS text) COLLATE \"C\"", value);
}

std::vector<std::string> hashed_values(const Table& table, std::string_view alias,
                                       const std::vector<std::string>& columns) {
  std::vector<std::string> values;
  for (const std::string& column : columns) values.push_back(hashed_value(table, alias, column));
  return values;
}

/// SQL of 64 bits. The hash of a record is a weighted sum of those of its values: without another hash over
/// it, two rows that swapped a value would add up to the same. Over its bytes, as that of a bigint keeps half
/// of them.
std::string hash_sql(const std::vector<std::string>& values, int seed) {
  return fmt::format("hash_record_extended(ROW(int8send(hash_record_extended(ROW({}), {}))), {})",
                     fmt::join(values, ", "), seed, seed);
}

/// SQL of a number that is added up. Whole numbers add up exactly by themselves, and in half the time.
std::string summed_value(const Table& table, const std::string& name) {
  const std::string& type = table.column(name)->type;
  const bool is_whole = type == "smallint" || type == "integer" || type == "bigint";
  return is_whole ? column_sql("t", name) : fmt::format("CAST({} AS numeric)", column_sql("t", name));
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
  const auto row =
      session
          .query("SELECT pg_snapshot_xmin($1::pg_snapshot), pg_snapshot_xmax(pg_current_snapshot())",
                 {snapshot})
          .at(0);
  is_too_old_ = std::stoll(row[1]) - std::stoll(row[0]) >= kHalfRound;
  limit_ = in_header(std::stoll(row[0]));
}

std::string WrittenSince::sql(std::string_view alias) const {
  if (!is_asked_) return "false";
  if (is_too_old_) return "true";
  // As bytes, since numbers of transactions have no order in SQL, and age() keeps helpers of a query away.
  // Half a round before the limit are the old ones; what has no transaction's number is older than all.
  const std::string number = fmt::format("xidsend({}.xmin)", alias);
  const std::int64_t oldest = (limit_ - kHalfRound + kRound) % kRound;
  const std::string is_new =
      oldest < limit_
          ? fmt::format("NOT ({0} > {1} AND {0} < {2})", number, bytes_of(oldest), bytes_of(limit_))
          : fmt::format("({0} <= {1} AND {0} >= {2})", number, bytes_of(oldest), bytes_of(limit_));
  return fmt::format("COALESCE({} >= {} AND {}, false)", number, bytes_of(kFirstNumber), is_new);
}

Measured read_postgres(store::SchemaSession& session, const Reading& reading, const WrittenSince& written) {
  const Measure& measure = *reading.measure;
  std::string sums, inner, outer;
  for (std::size_t i = 0; i < reading.sums.size(); ++i) {
    sums += fmt::format(", {} AS s{}", summed_value(*reading.table, reading.sums[i]), i);
    inner += fmt::format(", sum(r.s{0}) AS s{0}", i);
    outer += fmt::format(", COALESCE(sum(g.s{}), 0)", i);
  }
  // What is the same of every row is no part of the groups: each part costs as much as a row's hash.
  const bool by_server = !reading.server.empty();
  const std::string is_written =
      written.sql("t") + (measure.parent ? " OR " + written.sql("p") : std::string());
  std::vector<std::string> values = hashed_values(*reading.table, "t", measure.columns);
  if (measure.parent)
    std::ranges::move(hashed_values(*reading.parent, "p", measure.parent_columns),
                      std::back_inserter(values));
  const std::string rows = fmt::format(
      "SELECT {}{} & {} AS bucket, {}{} AS hash{} FROM {}", by_server ? reading.server + " AS server, " : "",
      hash_sql(hashed_values(*reading.table, "t", measure.key), 1), measure.buckets - 1,
      written.is_asked() ? is_written + " AS written, " : "", hash_sql(values, 0), sums, reading.from);
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
