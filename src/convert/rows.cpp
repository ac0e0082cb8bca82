#include "convert/rows.h"

#include <fmt/format.h>

#include <algorithm>

#include "store/quoting.h"

namespace guildhall::convert {
namespace {

using migrate::Dialect;
using store::quoted_name;

bool has_all(const Table& table, const std::vector<std::string>& columns) {
  return std::ranges::all_of(columns, [&](const auto& name) { return table.column(name) != nullptr; });
}

/// SQL of a number; of none while the home is not chosen.
std::string server_sql(bool is_of_all, std::int64_t server) {
  return server == 0 && !is_of_all ? "CAST(NULL AS bigint)" : fmt::format("CAST({} AS bigint)", server);
}

}  // namespace

std::string column_sql(std::string_view alias, std::string_view column) {
  return fmt::format("{}.{}", alias, quoted_name(column));
}

bool has_number_column(const Scheme& scheme, const SchemeTable& table) {
  const Column* column = table.table->column(table.column());
  if (column == nullptr) return false;
  return scheme.schema->dialect == Dialect::sqlite || column->type == "bigint" || column->type == "integer" ||
         column->type == "smallint";
}

std::vector<const Parent*> known_parents(const Scheme& scheme, const SchemeTable& table) {
  std::vector<const Parent*> parents;
  for (const Parent& parent : table.rule.parents) {
    const SchemeTable* found = scheme.find(parent.table);
    if (found != nullptr && has_all(*found->table, parent.referenced) &&
        has_all(*table.table, parent.columns))
      parents.push_back(&parent);
  }
  return parents;
}

std::string own_server(const Scheme& scheme, const SchemeTable& table, std::string_view alias) {
  const std::string mapped = mapped_server(scheme, table, alias);
  const auto or_mapped = [&](const std::string& server) {
    return mapped.empty() ? server : fmt::format("COALESCE({}, {})", mapped, server);
  };
  if (!has_number_column(scheme, table))
    return or_mapped(server_sql(table.rule.absent == Absent::all, table.absent_value(scheme.home)));
  const std::string column = column_sql(alias, table.column());
  const bool zero_is_home = !table.is_override() && table.rule.zero != Zero::refuse;
  return fmt::format("CASE WHEN {} IS NULL{} THEN {} ELSE {} END", column,
                     zero_is_home ? fmt::format(" OR {} = 0", column) : "",
                     or_mapped(server_sql(table.is_override(), table.null_value(scheme.home))), column);
}

std::string joined_parents(const Scheme& scheme, const SchemeTable& table, std::string_view alias) {
  std::string joins;
  std::size_t number = 0;
  for (const Parent* parent : known_parents(scheme, table)) {
    const SchemeTable& of = *scheme.find(parent->table);
    std::string keys, groups, conditions;
    for (std::size_t i = 0; i < parent->referenced.size(); ++i) {
      const std::string column = column_sql("p", parent->referenced[i]);
      keys += fmt::format("{} AS k{}, ", column, i);
      groups += fmt::format("{}{}", i == 0 ? "" : ", ", column);
      conditions += fmt::format("{}p{}.k{} = {}", i == 0 ? "" : " AND ", number, i,
                                column_sql(alias, parent->columns.at(i)));
    }
    joins += fmt::format(" LEFT JOIN (SELECT {}min({}) AS server FROM {} p GROUP BY {}) p{} ON {}", keys,
                         own_server(scheme, of, "p"), qualified(*scheme.schema, parent->table), groups,
                         number, conditions);
    ++number;
  }
  return joins;
}

std::string rows_by_server(const Scheme& scheme, const SchemeTable& table) {
  std::string servers;
  for (std::size_t i = 0; i < known_parents(scheme, table).size(); ++i)
    servers += fmt::format("p{}.server, ", i);
  return fmt::format("(SELECT t.*, COALESCE({}{}, NULL) AS guildhall_server FROM {} t{})", servers,
                     own_server(scheme, table, "t"), qualified(*scheme.schema, table.name()),
                     joined_parents(scheme, table, "t"));
}

std::vector<std::string> shown_key(const Table& table) {
  for (const bool wants_primary : {true, false}) {
    for (const Index& index : table.indexes) {
      if (index.is_unique && (index.is_primary || !wants_primary) && !index.columns().empty())
        return index.columns();
    }
  }
  std::vector<std::string> columns;
  for (const Column& column : table.columns) {
    if (columns.size() < 3) columns.push_back(column.name);
  }
  return columns;
}

}  // namespace guildhall::convert
