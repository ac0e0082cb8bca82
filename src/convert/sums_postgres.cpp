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

/// SQL of a column's 64-bit hash: equal values have equal ones. Some are hashed as text: numeric (1.0
/// and 1.00 are equal numbers), double precision (0 and -0), interval (30 days and a month), enums (by a
/// number of this database). A text's own collation could take two for equal. Whole numbers have one hash,
/// whatever their width: somebody may widen a column meanwhile. PostgreSQL folds the halves of a bigint
/// together before it hashes them, so that those of a number that needs both are hashed apart; of the
/// microseconds of a time, which it folds as well, one other in four billion has the same hash.
std::string value_hash(const Table& table, std::string_view alias, const std::string& name, int seed) {
  const Column* column = table.column(name);
  const std::string value = column_sql(alias, name);
  // Of an array nothing but its text.
  const bool is_array = column != nullptr && column->type.ends_with("[]");
  const std::string type = column == nullptr || is_array ? "" : column->type;
  if (type == "bigint")
    return fmt::format(
        "CASE WHEN {0} BETWEEN -2147483648 AND 2147483647 THEN hashint8extended({0}, {1}) "
        "ELSE hashint8extended({0} >> 32, {1}) # hashint8extended({0} & 4294967295, -{1}) END",
        value, seed);
  if (type == "integer" || type == "smallint") return fmt::format("hashint4extended({}, {})", value, seed);
  if (type == "boolean") return fmt::format("hashint4extended({}::int, {})", value, seed);
  if (type == "uuid") return fmt::format("uuid_hash_extended({}, {})", value, seed);
  if (type.starts_with("timestamp"))
    return fmt::format("timestamp_hash_extended({}::timestamp, {})", value, seed);
  if (type == "bytea" || type == "date") return fmt::format("hash_record_extended(ROW({}), {})", value, seed);
  const bool is_text = type == "text" || type.starts_with("character varying");
  return fmt::format("hashtextextended({} COLLATE \"C\", {})",
                     is_text ? value : fmt::format("CAST({} AS text)", value), seed);
}

/// Adds columns to those whose hashes are to become one. Each has a seed of its own, so that two that swapped
/// their values are another row.
void add_hashes(std::vector<std::string>& hashes, const Table& table, std::string_view alias,
                const std::vector<std::string>& columns) {
  for (const std::string& column : columns) {
    const int seed = static_cast<int>(hashes.size()) + 1;
    hashes.push_back(fmt::format("COALESCE({}, {})", value_hash(table, alias, column, seed), seed));
  }
}

/// SQL of 64 bits of a row. Its values' hashes are XORed, and hashed as the seed of another, which takes all
/// of their bits: sums of the XORs alone could be the same where two rows swapped a value.
std::string row_hash(const std::vector<std::string>& hashes) {
  return fmt::format("hashint4extended(0, {})",
                     hashes.empty() ? "0" : fmt::format("{}", fmt::join(hashes, " # ")));
}

/// SQL of a number that is added up. Whole numbers add up exactly by themselves, and in half the time.
std::string summed_value(const Table& table, const std::string& name) {
  const std::string& type = table.column(name)->type;
  const bool is_whole = type == "smallint" || type == "integer" || type == "bigint";
  return is_whole ? column_sql("t", name) : fmt::format("CAST({} AS numeric)", column_sql("t", name));
}

/// SQL of all that is read of one table, and what its answer means.
class OnePass {
 public:
  OnePass(const std::vector<Reading>& readings, const WrittenSince& written)
      : readings_(readings), first_(readings.front()), written_(written) {}

  /// First into the smallest groups, by hashing and without a sort of all rows; those are few. What is the
  /// same of every row is no part of the groups: each part costs as much as a row's hash.
  std::string sql() const {
    const Columns columns = this->columns();
    const std::string groups = fmt::format(
        "SELECT {} AS server, r.bucket, count(*) AS n{} FROM (SELECT {} & {} AS bucket{} FROM {}) r GROUP BY "
        "r.bucket{} OFFSET 0",
        by_server() ? "COALESCE(CAST(r.server AS text), 'NULL')" : "CAST('' AS text)", columns.grouped,
        row_hash(key()), first_.measure->buckets - 1, columns.of_row, from(), columns.parts);
    return fmt::format(
        "SELECT grouping(g.server, g.bucket), g.server, g.bucket, COALESCE(sum(g.n), 0){} FROM ({}) g GROUP "
        "BY GROUPING SETS ((), (g.server), (g.bucket{}))",
        columns.asked, groups, columns.flags);
  }

  /// One group of the answer: of all rows, of a server's, or of a bucket's.
  void take(const std::vector<std::string>& row, std::vector<Measured>& measured) const {
    constexpr std::size_t kHashes = 4;
    const std::size_t flags = kHashes + readings_.size();
    const std::size_t totals_at = flags + (written_.is_asked() ? readings_.size() : 0);
    const auto amount = [&](std::size_t i) {
      return Amount{std::stoll(row[3]), parse_wide(row[kHashes + i])};
    };
    std::map<std::string, std::string> totals;
    for (std::size_t i = 0; i < first_.sums.size(); ++i) totals[first_.sums[i]] = row[totals_at + i];
    if (row[0] == "3") {
      measured[0].totals = std::move(totals);
    } else if (row[0] == "1") {
      if (by_server()) measured[0].servers.push_back({row[1], amount(0), std::move(totals)});
    } else {
      const std::size_t bucket = std::stoull(row[2]);
      for (std::size_t i = 0; i < readings_.size(); ++i) {
        measured[i].all[bucket] += amount(i);
        if (!written_.is_asked() || row[flags + i] == "0") measured[i].unwritten[bucket] += amount(i);
      }
    }
  }

 private:
  /// Lists of SQL, each part with a comma before it.
  struct Columns {
    std::string of_row, grouped, parts, flags, asked;
  };

  bool by_server() const { return !first_.server.empty(); }

  std::string from() const {
    std::string from = first_.rows;
    for (const Reading& one : readings_) from += one.join;
    return from;
  }

  std::vector<std::string> key() const {
    std::vector<std::string> key;
    add_hashes(key, *first_.table, "t", first_.measure->key);
    return key;
  }

  Columns columns() const {
    Columns columns;
    if (by_server()) {
      columns.of_row += fmt::format(", {} AS server", first_.server);
      columns.parts += ", r.server";
    }
    for (std::size_t i = 0; i < readings_.size(); ++i) add_hash(columns, i);
    for (std::size_t i = 0; written_.is_asked() && i < readings_.size(); ++i) add_flag(columns, i);
    for (std::size_t i = 0; i < first_.sums.size(); ++i) {
      columns.of_row += fmt::format(", {} AS s{}", summed_value(*first_.table, first_.sums[i]), i);
      columns.grouped += fmt::format(", sum(r.s{0}) AS s{0}", i);
      columns.asked += fmt::format(", COALESCE(sum(g.s{}), 0)", i);
    }
    return columns;
  }

  void add_hash(Columns& columns, std::size_t i) const {
    const Reading& reading = readings_[i];
    std::vector<std::string> hashes;
    add_hashes(hashes, *reading.table, "t", reading.measure->columns);
    if (reading.parent != nullptr)
      add_hashes(hashes, *reading.parent, reading.parent_alias, reading.measure->parent_columns);
    columns.of_row += fmt::format(", {} AS h{}", row_hash(hashes), i);
    columns.grouped += fmt::format(", sum(r.h{0}) AS h{0}", i);
    columns.asked += fmt::format(", COALESCE(sum(g.h{}), 0)", i);
  }

  void add_flag(Columns& columns, std::size_t i) const {
    const std::string& parent = readings_[i].parent_alias;
    columns.of_row += fmt::format(", {}{} AS w{}", written_.sql("t"),
                                  parent.empty() ? "" : " OR " + written_.sql(parent), i);
    columns.grouped += fmt::format(", r.w{0} AS w{0}", i);
    columns.parts += fmt::format(", r.w{}", i);
    columns.flags += fmt::format(", g.w{}", i);
    columns.asked += fmt::format(", g.w{}::int", i);
  }

  const std::vector<Reading>& readings_;
  const Reading& first_;
  const WrittenSince& written_;
};

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
  // Half a round before the limit are the old ones; what has no transaction's number is older than all. Most
  // rows are old, and told by the first comparison.
  const std::string number = fmt::format("xidsend({}.xmin)", alias);
  const std::int64_t oldest = (limit_ - kHalfRound + kRound) % kRound;
  const std::string is_new =
      oldest < limit_ ? fmt::format("({0} >= {1} OR {0} <= {2}) AND {0} >= {3}", number, bytes_of(limit_),
                                    bytes_of(oldest), bytes_of(kFirstNumber))
                      : fmt::format("{0} >= {1} AND {0} <= {2}", number, bytes_of(limit_), bytes_of(oldest));
  return fmt::format("COALESCE({}, false)", is_new);
}

std::vector<Measured> read_postgres(store::SchemaSession& session, const std::vector<Reading>& readings,
                                    const WrittenSince& written) {
  std::vector<Measured> measured;
  for (const Reading& one : readings) measured.push_back({*one.measure});
  const OnePass pass(readings, written);
  for (const auto& row : session.query(pass.sql())) pass.take(row, measured);
  return measured;
}

}  // namespace guildhall::convert
