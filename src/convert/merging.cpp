#include "convert/merging.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "convert/sql_names.h"

namespace guildhall::convert {
namespace {

using store::quoted_name;
using store::quoted_text;

/// That are made one in one transaction.
constexpr int kGroupsAtOnce = 500;

std::string of_row(const std::string& column) { return "t." + quoted_name(column); }

RowKey key_of(const SchemeTable& table, const std::vector<std::string>& columns) {
  RowKey key;
  for (const std::string& column : columns) {
    if (column == table.column()) continue;
    key.columns.push_back(column);
    key.parts.push_back(of_row(column));
  }
  return key;
}

/// The statements about one key.
class Merging {
 public:
  /// `by_then`: the server's column is there when they run, here and in the parents' tables.
  Merging(const Scheme& scheme, const SchemeTable& table, const RowKey& key, const Folded& names,
          bool by_then, bool zero_is_home)
      : scheme_(scheme),
        table_(table),
        key_(key),
        names_(names),
        by_then_(by_then),
        zero_is_home_(zero_is_home) {}

  /// Groups of rows that agree: their server and their parts as k0, k1, ...
  std::string groups(std::string_view columns) const {
    return fmt::format("SELECT {} FROM {} WHERE {} GROUP BY {} HAVING count(*) > 1", columns, from(),
                       condition(), fmt::join(parts(), ", "));
  }

  /// The places of the rows of some groups, each row locked. One that somebody else writes is waited for.
  std::string pick() const {
    std::vector<std::string> columns, equal;
    for (const std::string& part : parts()) {
      equal.push_back(fmt::format("{} {} guildhall_groups.k{}", part,
                                  key_.nulls_are_equal ? "IS NOT DISTINCT FROM" : "=", columns.size()));
      columns.push_back(fmt::format("{} AS k{}", part, columns.size()));
    }
    return fmt::format(
        "SELECT t.ctid FROM {} JOIN ({} LIMIT {}) AS guildhall_groups ON {} WHERE {} ORDER BY t.ctid FOR "
        "UPDATE OF t",
        from(), groups(fmt::format("{}", fmt::join(columns, ", "))), kGroupsAtOnce, fmt::join(equal, " AND "),
        condition());
  }

  /// What becomes of the rows at the places $1.
  std::string merge() const {
    return fmt::format(
        "WITH found AS (SELECT t.ctid AS place, to_jsonb(t) AS row, row_number() OVER same AS number, "
        "first_value(t.ctid) OVER same AS kept{} FROM {} WHERE t.ctid = ANY ($1::tid[]) AND {} WINDOW same "
        "AS (PARTITION BY {} ORDER BY {})), gone AS (DELETE FROM {} AS t USING found WHERE t.ctid = "
        "found.place AND found.number > 1 RETURNING found.*){} INSERT INTO "
        "guildhall.guildhall_conversion_refused (conversion, table_name, row_text, reason, done) SELECT "
        "(SELECT max(number) FROM guildhall.guildhall_conversion), {}, gone.row::text, {}, {} FROM gone",
        found_columns(), from(), condition(), fmt::join(parts(), ", "), preference(), of_table(),
        adds_up() ? summed() : "", quoted_text(table_.name()), reason(),
        quoted_text(adds_up() ? "merged" : "put aside"));
  }

 private:
  bool adds_up() const { return table_.rule.duplicates == Duplicates::sum && !table_.rule.sums.empty(); }
  /// Not those of tables that inherit from it: no key spans both, and their rows have the same places.
  std::string of_table() const { return "ONLY " + qualified(*scheme_.schema, table_.name()); }

  std::string from() const {
    std::string from = of_table() + " AS t";
    if (key_.folded.empty()) return from;
    std::vector<std::string> rows;
    int number = 0;
    for (const auto& [folded, names] : names_) {
      ++number;
      for (const std::string& name : names)
        rows.push_back(fmt::format("({}, {})", number, quoted_text(name)));
    }
    return from + fmt::format(
                      " JOIN (VALUES {}) AS guildhall_names (guildhall_number, guildhall_name) ON CAST({} AS "
                      "text) COLLATE \"C\" = guildhall_name",
                      fmt::join(rows, ", "), of_row(key_.folded));
  }

  /// The server first.
  std::vector<std::string> parts() const {
    std::vector<std::string> parts{server()};
    for (std::size_t i = 0; i < key_.parts.size(); ++i)
      parts.push_back(!key_.folded.empty() && key_.columns[i] == key_.folded ? "guildhall_number"
                                                                             : key_.parts[i]);
    return parts;
  }

  std::string condition() const {
    std::vector<std::string> all{"true"};
    if (!key_.nulls_are_equal) {
      for (const std::string& part : key_.parts) all.push_back(fmt::format("{} IS NOT NULL", part));
    }
    if (!key_.predicate.empty()) all.push_back(fmt::format("({})", key_.predicate));
    return fmt::format("{}", fmt::join(all, " AND "));
  }

  /// Of the row, once it has its own: its parent's, what it says, what the map has for it, or the one that
  /// rows get that say nothing.
  std::string server() const {
    std::string own = std::to_string(table_.absent_value(scheme_.home));
    const std::string found = mapped_server(scheme_, table_, "t");
    const std::string mapped = found.empty() ? "" : found + ", ";
    if (by_then_ || table_.has_column()) {
      const std::string column = of_row(table_.column());
      own = fmt::format("coalesce({}, {}{})", zero_is_home_ ? fmt::format("nullif({}, 0)", column) : column,
                        mapped, table_.null_value(scheme_.home));
    } else if (!mapped.empty()) {
      own = fmt::format("coalesce({}{})", mapped, own);
    }
    if (!table_.is_child()) return own + "::bigint";
    return fmt::format("coalesce((SELECT {} FROM (VALUES (1)) AS one(number) {} LIMIT 1), {})::bigint",
                       server_of_parents(scheme_, table_, by_then_), parent_joins(scheme_, table_, "t"), own);
  }

  /// In which order rows of a group are preferred.
  std::string preference() const {
    const TableRule& rule = table_.rule;
    std::vector<std::string> order;
    if (rule.duplicates != Duplicates::first && !rule.newest_by.empty())
      order.push_back(of_row(rule.newest_by) + " DESC NULLS LAST");
    order.push_back(fmt::format("coalesce({}, 0) = 0", of_row(table_.column())));
    for (const Index& index : table_.table->indexes) {
      if (!index.is_primary) continue;
      for (const std::string& column : index.columns()) order.push_back(of_row(column));
    }
    order.emplace_back("t.ctid");
    return fmt::format("{}", fmt::join(order, ", "));
  }

  std::string found_columns() const {
    std::string columns;
    if (!key_.folded.empty())
      columns += fmt::format(", first_value(CAST({} AS text)) OVER same AS name", of_row(key_.folded));
    if (!adds_up()) return columns;
    for (std::size_t i = 0; i < table_.rule.sums.size(); ++i)
      columns += fmt::format(", {} AS s{}", of_row(table_.rule.sums[i]), i);
    return columns;
  }

  /// Of rows that are gone indeed: a trigger of somebody else may keep one.
  std::string summed() const {
    std::vector<std::string> sums, sets;
    for (std::size_t i = 0; i < table_.rule.sums.size(); ++i) {
      const std::string column = quoted_name(table_.rule.sums[i]);
      sums.push_back(fmt::format("sum(s{0}) AS s{0}", i));
      sets.push_back(fmt::format(
          "{0} = CASE WHEN sums.s{1} IS NULL THEN t.{0} ELSE coalesce(t.{0}, 0) + sums.s{1} END", column, i));
    }
    return fmt::format(
        ", summed AS (UPDATE {} AS t SET {} FROM (SELECT kept, {} FROM gone GROUP BY kept) AS sums WHERE "
        "t.ctid = sums.kept)",
        of_table(), fmt::join(sets, ", "), fmt::join(sums, ", "));
  }

  /// SQL of a sentence.
  std::string reason() const {
    const std::string what = adds_up() ? "which has the sums of both now" : "which stays in its place";
    if (key_.folded.empty())
      return quoted_text(fmt::format("it has the same {} as another row of its server, {}",
                                     fmt::join(key_.columns, ", "), what));
    return fmt::format("{} || gone.name || {}",
                       quoted_text(fmt::format("its {} differs in case alone from ", key_.folded)),
                       quoted_text(", " + what));
  }

  const Scheme& scheme_;
  const SchemeTable& table_;
  const RowKey& key_;
  const Folded& names_;
  const bool by_then_;
  const bool zero_is_home_;
};

/// Rows of server 0 will be the home's once all is done.
bool zero_becomes_home(const SchemeTable& table) {
  return !table.is_override() && table.rule.zero != Zero::refuse;
}

}  // namespace

std::string RowKey::name() const {
  return fmt::format("{}{}", fmt::join(columns, ", "), folded.empty() ? "" : " in any case");
}

std::vector<RowKey> keys_with_server(const SchemeTable& table) {
  std::vector<RowKey> keys;
  for (const Index& index : table.table->indexes) {
    if (!index.is_unique || !index.has(table.column())) continue;
    RowKey key;
    for (const IndexPart& part : index.parts) {
      if (part.column == table.column()) continue;
      key.columns.push_back(part.column.empty() ? part.sql : part.column);
      key.parts.push_back(compared_sql(part, "t"));
    }
    key.predicate = index.predicate;
    key.nulls_are_equal = index.nulls_not_distinct;
    const auto is_same = [&](const RowKey& one) {
      return one.parts == key.parts && one.predicate == key.predicate;
    };
    if (std::ranges::none_of(keys, is_same)) keys.push_back(std::move(key));
  }
  return keys;
}

std::vector<RowKey> declared_keys(const SchemeTable& table) {
  std::vector<RowKey> keys;
  for (const auto& columns : table.rule.unique) keys.push_back(key_of(table, columns));
  return keys;
}

std::vector<RowKey> promised_keys(const SchemeTable& table) {
  std::vector<RowKey> keys;
  if (!makes_one(table.rule.duplicates)) return keys;
  const auto add = [&](RowKey key) {
    const auto is_same = [&](const RowKey& one) { return one.name() == key.name(); };
    if (std::ranges::none_of(keys, is_same)) keys.push_back(std::move(key));
  };
  for (RowKey& key : declared_keys(table)) add(std::move(key));
  if (table.rule.twins != TwinNames::merge) return keys;
  std::vector<std::vector<std::string>> all = table.rule.unique;
  for (const Index& index : table.table->indexes) {
    if (index.is_unique && index.is_valid && index.predicate.empty() &&
        index.columns().size() == index.parts.size())
      all.push_back(index.columns());
  }
  for (const auto& columns : all) {
    for (const std::string& folded : table.rule.folded) {
      if (std::ranges::find(columns, folded) == columns.end()) continue;
      RowKey key = key_of(table, columns);
      key.folded = folded;
      add(std::move(key));
    }
  }
  return keys;
}

std::string ask_for_duplicates(const Scheme& scheme, const SchemeTable& table, const RowKey& key) {
  return Merging(scheme, table, key, {}, false, zero_becomes_home(table)).groups("1") + " LIMIT 1";
}

std::string ask_for_duplicates(const Scheme& scheme, const SchemeTable& table, const RowKey& key,
                               const Folded& names) {
  return Merging(scheme, table, key, names, false, zero_becomes_home(table))
      .groups("DISTINCT guildhall_number");
}

Step merge_step(const Scheme& scheme, const SchemeTable& table, const RowKey& key, bool zero_is_home,
                const Folded& names) {
  const Merging merging(scheme, table, key, names, true, zero_is_home);
  return {.table = table.name(),
          .what = fmt::format("rows of the same {} become one", key.name()),
          .kind = StepKind::merge,
          .lock = LockLevel::row_exclusive,
          .statements = {merging.pick(), merging.merge()},
          .bytes = table.table->bytes,
          .grows_with_size = true};
}

std::vector<std::string> referring_tables(const Scheme& scheme, const SchemeTable& table) {
  std::set<std::string> names;
  for (const auto& [name, other] : scheme.schema->tables) {
    if (std::ranges::find(other.foreign_keys, table.name(), &ForeignKey::table) != other.foreign_keys.end())
      names.insert(name);
  }
  for (const SchemeTable& other : scheme.tables) {
    if (std::ranges::find(other.rule.parents, table.name(), &Parent::table) != other.rule.parents.end())
      names.insert(other.name());
  }
  return {names.begin(), names.end()};
}

}  // namespace guildhall::convert
