#include "convert/sums.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <atomic>
#include <bit>
#include <iterator>
#include <set>
#include <span>

#include "base/text.h"
#include "convert/sums_parts.h"
#include "migrate/looking.h"

namespace guildhall::convert {
namespace {

using migrate::Dialect;
using migrate::Outcome;

constexpr std::size_t kLeastBuckets = 64;
constexpr std::size_t kMostBuckets = 4'096;
constexpr std::int64_t kRowsOfBucket = 256;
/// Of a table whose rows nobody has counted yet.
constexpr std::int64_t kBytesOfRow = 100;
/// PostgreSQL's second one has one hash for whole numbers of every width.
constexpr int kPostgresHashing = 2;
constexpr int kSqliteHashing = 1;

std::size_t buckets_for(const Table& table) {
  const std::int64_t rows = std::max({table.rows, table.bytes / kBytesOfRow, std::int64_t{0}});
  return std::clamp(std::bit_ceil(static_cast<std::size_t>(rows / kRowsOfBucket + 1)), kLeastBuckets,
                    kMostBuckets);
}

/// A number that the database gives a row and that says nothing of it: "" where the table has none.
std::string own_number(const Table& table) {
  for (const Index& index : table.indexes) {
    if (!index.is_primary || index.parts.size() != 1) continue;
    const Column* column = table.column(index.parts[0].column);
    if (column == nullptr) continue;
    if (column->name == "id" || column->is_identity || column->default_expression.contains("nextval(") ||
        to_lower_ascii(table.sql).contains("autoincrement"))
      return column->name;
  }
  return "";
}

std::vector<std::string> columns_without(const Table& table, const std::set<std::string>& left_out) {
  std::vector<std::string> columns;
  for (const Column& column : table.columns) {
    if (!left_out.contains(column.name)) columns.push_back(column.name);
  }
  std::ranges::sort(columns);
  return columns;
}

/// Of the old key, by which a row is found again after the conversion.
std::vector<std::string> old_key(const SchemeTable& table, const std::vector<std::string>& otherwise) {
  for (const bool wants_primary : {true, false}) {
    for (const Index& index : table.table->indexes) {
      if (!index.is_unique || index.is_primary != wants_primary || !index.predicate.empty()) continue;
      std::vector<std::string> columns = index.columns();
      std::erase(columns, table.column());
      if (!columns.empty()) return columns;
    }
  }
  return otherwise;
}

/// What people know a parent's row by.
std::vector<std::string> known_by(const SchemeTable& parent) {
  if (!parent.rule.person.empty()) return parent.rule.person;
  const std::string number = own_number(*parent.table);
  for (const Index& index : parent.table->indexes) {
    if (!index.is_unique || !index.predicate.empty() || index.has(number)) continue;
    std::vector<std::string> columns = index.columns();
    std::erase(columns, parent.column());
    if (!columns.empty()) return columns;
  }
  return columns_without(*parent.table, {number, parent.column()});
}

std::string parent_kind(const Parent& parent) {
  return fmt::format("parent {} by {}", parent.table, fmt::join(parent.columns, ", "));
}

std::vector<Measure> measures_of(const Scheme& scheme, const SchemeTable& table) {
  const std::size_t buckets = buckets_for(*table.table);
  const std::vector<std::string> columns = columns_without(*table.table, {table.column()});
  const std::vector<std::string> key = old_key(table, columns);
  std::vector<Measure> measures{
      {.kind = "rows", .table = table.name(), .columns = columns, .key = key, .buckets = buckets}};
  std::set<std::string> numbers{table.column(), own_number(*table.table)};
  const auto parents = known_parents(scheme, table);
  for (const Parent* parent : parents) numbers.insert(parent->columns.begin(), parent->columns.end());
  for (const Parent* parent : parents)
    measures.push_back({.kind = parent_kind(*parent),
                        .table = table.name(),
                        .columns = columns_without(*table.table, numbers),
                        .parent = *parent,
                        .parent_columns = known_by(*scheme.find(parent->table)),
                        .key = key,
                        .buckets = buckets});
  return measures;
}

bool is_number(Dialect dialect, const Column& column) {
  if (dialect == Dialect::sqlite) return true;
  if (column.type.ends_with("[]")) return false;
  for (const char* type : {"smallint", "integer", "bigint", "numeric", "real", "double precision"}) {
    if (column.type.starts_with(type)) return true;
  }
  return false;
}

/// `place` tells the parents of one pass apart.
Reading reading_of(const Scheme& scheme, const SchemeTable& table, const Measure& measure, bool is_after,
                   std::size_t place = 0) {
  Reading reading{
      .measure = &measure, .table = table.table, .rows = qualified(*scheme.schema, table.name()) + " t"};
  if (!measure.parent) {
    if (table.has_column()) reading.server = column_sql("t", table.column());
    for (const std::string& name : table.rule.sums) {
      const Column* column = table.table->column(name);
      if (column != nullptr && is_number(scheme.schema->dialect, *column)) reading.sums.push_back(name);
    }
    return reading;
  }
  const Parent& parent = *measure.parent;
  reading.parent_alias = place == 0 ? "p" : fmt::format("p{}", place);
  const std::string& alias = reading.parent_alias;
  std::string condition;
  for (std::size_t i = 0; i < parent.columns.size(); ++i)
    condition += fmt::format("{}{} = {}", i == 0 ? "" : " AND ", column_sql(alias, parent.referenced.at(i)),
                             column_sql("t", parent.columns[i]));
  // Several servers may have parents of one key by then; a row's is that of its own.
  const SchemeTable& of = *scheme.find(parent.table);
  reading.parent = of.table;
  if (is_after && table.has_column() && of.has_column())
    condition += fmt::format(" AND {} = {}", column_sql(alias, of.column()), column_sql("t", table.column()));
  reading.join =
      fmt::format(" LEFT JOIN {} {} ON {}", qualified(*scheme.schema, parent.table), alias, condition);
  return reading;
}

/// Whether a row of a child cannot have two of them. Their server is part of the question, as far as both
/// have one. No key spans a table and what inherits from it.
bool is_one_parent(const Scheme& scheme, const SchemeTable& child, const Parent& parent) {
  const SchemeTable& of = *scheme.find(parent.table);
  if (scheme.has_heirs(of)) return false;
  std::vector<std::string> asked = parent.referenced;
  if (child.has_column() && of.has_column()) asked.push_back(of.column());
  const auto is_asked = [&](const std::string& column) {
    return std::ranges::find(asked, column) != asked.end();
  };
  return std::ranges::any_of(of.table->indexes, [&](const Index& index) {
    return index.is_unique && index.is_valid && index.predicate.empty() && !index.columns().empty() &&
           index.columns().size() == index.parts.size() && std::ranges::all_of(index.columns(), is_asked);
  });
}

class Taking {
 public:
  Taking(store::SchemaSession& session, const Scheme& scheme, const SumOptions& options)
      : session_(session), scheme_(scheme), options_(options) {}

  Outcome<Sums> run() {
    Sums sums{.hashing = hashing_of(scheme_.schema->dialect)};
    if (postgres()) {
      prepare_session();
      sums.snapshot = session_.query("SELECT pg_current_snapshot()").at(0).at(0);
    } else {
      look_at_file(sums);
    }
    const std::vector<Measure> measures = wanted();
    const WrittenSince written = since();
    std::atomic<std::uintmax_t> done = 0;
    const migrate::Step step(
        options_.reporting, "adding up the tables",
        [&] { return migrate::Step::Amount{done.load(), measures.size()}; }, session_.canceller());
    for (const Measure& measure : measures) {
      if (const std::string missing = missing_of(measure); !missing.empty())
        return migrate::stop(migrate::Exit::drift, "CV-GONE",
                             fmt::format("{} was there before the conversion and is not any more", missing),
                             "Nothing of the conversion takes a column or a table away: somebody else did.");
    }
    for (auto from = measures.begin(); from != measures.end();) {
      const auto end = postgres() ? end_of_pass(from, measures.end()) : from + 1;
      std::ranges::move(take({from, end}, written), std::back_inserter(sums.measured));
      if (options_.reporting.stop.stop_requested()) return ended();
      done += static_cast<std::uintmax_t>(end - from);
      from = end;
    }
    sums.shown =
        take_shown(session_, scheme_, options_.before == nullptr ? nullptr : &options_.before->shown);
    return sums;
  }

  static std::unexpected<migrate::Problem> ended() {
    return migrate::stop(migrate::Exit::interrupted, "CV-ENDED",
                         "adding up the tables was ended before it was done",
                         "Nothing was changed. Run it again.");
  }

 private:
  bool postgres() const { return scheme_.schema->dialect == Dialect::postgres; }

  /// The same value is the same text, whatever the database, the login or the file of settings says.
  void prepare_session() {
    session_.execute(
        "SET LOCAL datestyle = 'ISO, YMD'; SET LOCAL intervalstyle = 'iso_8601'; SET LOCAL timezone = 'UTC'; "
        "SET LOCAL extra_float_digits = 1; SET LOCAL bytea_output = 'hex'; SET LOCAL lc_monetary = 'C'; "
        "SET LOCAL xmloption = 'content'; SET LOCAL work_mem = '64MB'");
  }

  /// SQLite: references that lead nowhere, and the counters of ids.
  void look_at_file(Sums& sums) {
    try {
      Amount violations;
      for (const auto& row : session_.query("PRAGMA foreign_key_check"))
        violations += {1, hash_of(fmt::format("{} {} -> {}", row[0], row[1], row[2]))};
      sums.violations = violations;
    } catch (const store::DatabaseError&) {
      // A foreign key to columns that are no key: the question itself is refused, and so is the one
      // afterwards.
    }
    if (session_.query("SELECT 1 FROM sqlite_schema WHERE name = 'sqlite_sequence'").empty()) return;
    for (const auto& row : session_.query("SELECT name, seq FROM sqlite_sequence")) {
      if (scheme_.find(row[0]) != nullptr) sums.sequences[row[0]] = std::stoll("0" + row[1]);
    }
  }

  std::vector<Measure> wanted() const {
    std::vector<Measure> measures;
    if (options_.before != nullptr) {
      for (const Measured& one : options_.before->measured) measures.push_back(one.measure);
      return measures;
    }
    for (const SchemeTable& table : scheme_.tables)
      std::ranges::move(measures_of(scheme_, table), std::back_inserter(measures));
    return measures;
  }

  WrittenSince since() const {
    return {session_, postgres() && options_.before != nullptr ? options_.before->snapshot : ""};
  }

  /// What of a measure is not there any more, for people; "" when all of it is.
  std::string missing_of(const Measure& measure) const {
    if (measure.parent) {
      for (const auto* columns : {&measure.parent->referenced, &measure.parent_columns}) {
        if (std::string missing = missing_of(measure.parent->table, *columns); !missing.empty())
          return missing;
      }
      if (std::string missing = missing_of(measure.table, measure.parent->columns); !missing.empty())
        return missing;
    }
    std::string missing = missing_of(measure.table, measure.columns);
    return missing.empty() ? missing_of(measure.table, measure.key) : missing;
  }
  std::string missing_of(const std::string& name, const std::vector<std::string>& columns) const {
    const SchemeTable* table = scheme_.find(name);
    if (table == nullptr) return fmt::format("table {}", name);
    for (const std::string& column : columns) {
      if (table->table->column(column) == nullptr) return fmt::format("column {}.{}", name, column);
    }
    return "";
  }

  using At = std::vector<Measure>::const_iterator;

  /// Of a table's own rows, what is asked of their parents is read along.
  At end_of_pass(At from, At end) const {
    const auto goes_along = [&](const Measure& one) {
      return one.table == from->table && one.key == from->key && one.buckets == from->buckets && one.parent &&
             is_one_parent(scheme_, *scheme_.find(one.table), *one.parent);
    };
    if (from->parent) return from + 1;
    return std::find_if_not(from + 1, end, goes_along);
  }

  std::vector<Measured> take(std::span<const Measure> measures, const WrittenSince& written) {
    const SchemeTable& table = *scheme_.find(measures.front().table);
    std::vector<Reading> readings;
    for (const Measure& measure : measures)
      readings.push_back(reading_of(scheme_, table, measure, options_.before != nullptr, readings.size()));
    std::vector<Measured> all;
    if (postgres()) {
      all = read_postgres(session_, readings, written);
    } else {
      for (const Reading& one : readings) all.push_back(read_sqlite(session_, one, options_.reporting.stop));
    }
    for (Measured& measured : all) {
      if (options_.before == nullptr) measured.unwritten.clear();
      std::ranges::sort(measured.servers, {}, &ServerSum::server);
    }
    return all;
  }

  store::SchemaSession& session_;
  const Scheme& scheme_;
  const SumOptions& options_;
};

}  // namespace

int hashing_of(Dialect dialect) { return dialect == Dialect::postgres ? kPostgresHashing : kSqliteHashing; }

Amount all_of(const Buckets& buckets) {
  Amount all;
  for (const auto& [bucket, amount] : buckets) all += amount;
  return all;
}

const Measured* Sums::find(std::string_view table, std::string_view kind) const {
  for (const Measured& one : measured) {
    if (one.measure.table == table && one.measure.kind == kind) return &one;
  }
  return nullptr;
}

Outcome<Sums> take_sums(store::SchemaSession& session, const Scheme& scheme, const SumOptions& options) {
  try {
    return Taking(session, scheme, options).run();
  } catch (const store::DatabaseError& error) {
    if (options.reporting.stop.stop_requested()) return Taking::ended();
    return std::unexpected(migrate::problem_of(error));
  }
}

Sums count_servers(store::SchemaSession& session, const Scheme& scheme) {
  Sums sums;
  for (const SchemeTable& table : scheme.tables) {
    if (!table.has_column()) continue;
    Measured& measured = sums.measured.emplace_back(Measured{{.kind = "rows", .table = table.name()}});
    const std::string column = column_sql("t", table.column());
    for (const auto& row : session.query(
             fmt::format("SELECT COALESCE(CAST({0} AS text), 'NULL'), count(*) FROM {1} t GROUP BY {0}",
                         column, qualified(*scheme.schema, table.name())))) {
      const Amount amount{.rows = std::stoll(row[1])};
      measured.servers.push_back({row[0], amount});
      measured.all[0] += amount;
    }
  }
  return sums;
}

Outcome<Sums> take_sums_apart(store::SchemaSession& session, const Scheme& scheme,
                              const SumOptions& options) {
  try {
    // As long as it takes: what is read here is all there is.
    const migrate::Looking looking(session, scheme.schema->dialect, std::chrono::hours(24 * 7));
    return take_sums(session, scheme, options);
  } catch (const store::DatabaseError& error) {
    return std::unexpected(migrate::problem_of(error));
  }
}

}  // namespace guildhall::convert
