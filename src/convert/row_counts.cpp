#include <fmt/format.h>
#include <fmt/ranges.h>

#include "convert/conflicts.h"
#include "convert/row_conditions.h"
#include "convert/rows.h"

namespace guildhall::convert {

using migrate::Dialect;

namespace {

std::string joined(const std::vector<std::string>& conditions, std::string_view by) {
  return fmt::format("({})", fmt::join(conditions, by));
}

/// "one of t's references leads to a row", "each is empty".
std::string any_parent(const Scheme& scheme, const SchemeTable& table) {
  std::vector<std::string> found;
  for (std::size_t i = 0; i < known_parents(scheme, table).size(); ++i)
    found.push_back(fmt::format("p{}.k0 IS NOT NULL", i));
  return joined(found, " OR ");
}

std::string no_reference(const Scheme& scheme, const SchemeTable& table) {
  std::vector<std::string> empty;
  for (const Parent* parent : known_parents(scheme, table)) {
    std::vector<std::string> columns;
    for (const std::string& column : parent->columns) columns.push_back(column_sql("t", column) + " IS NULL");
    empty.push_back(joined(columns, " OR "));
  }
  return joined(empty, " AND ");
}

}  // namespace

RowConditions::RowConditions(const Scheme& scheme, const SchemeTable& table)
    : from(qualified(*scheme.schema, table.name()) + " t") {
  const std::string column = column_sql("t", table.column());
  const bool sqlite = scheme.schema->dialect == Dialect::sqlite;
  if (has_number_column(scheme, table)) {
    // SQLite takes every text to be greater than every number.
    const std::string is_number = sqlite ? fmt::format("typeof({}) = 'integer' AND ", column) : "";
    without_server = column + " IS NULL";
    zero = fmt::format("{}{} = 0", is_number, column);
    negative = fmt::format("{}{} < 0", is_number, column);
    if (sqlite) no_number = fmt::format("typeof({}) NOT IN ('integer', 'null')", column);
    unlisted = fmt::format("{}{} > 0 AND {}", is_number, column, not_listed(scheme, column));
  }
  if (known_parents(scheme, table).empty()) return;
  from += joined_parents(scheme, table, "t");
  without_parent = fmt::format("NOT {} AND NOT {}", any_parent(scheme, table), no_reference(scheme, table));
  naming_none = fmt::format("NOT {} AND {}", any_parent(scheme, table), no_reference(scheme, table));
  if (!has_number_column(scheme, table)) return;
  // What such a row says of its server does not matter: its parent decides.
  unlisted += fmt::format(" AND NOT {}", any_parent(scheme, table));
  std::string of_parents;
  for (std::size_t i = 0; i < known_parents(scheme, table).size(); ++i)
    of_parents += fmt::format("{}p{}.server", i == 0 ? "" : ", ", i);
  parent_server = fmt::format("COALESCE({}, NULL)", of_parents);
  contradicting = fmt::format("{0} IS NOT NULL AND {0} <> 0 AND {1} <> {0}", column, parent_server);
}

std::string RowConditions::not_listed(const Scheme& scheme, const std::string& column) {
  const Registry& registry = scheme.description.registry;
  const Table* table = scheme.schema->find(registry.table);
  if (table == nullptr || table->column(registry.column) == nullptr)
    return fmt::format("{} <> {}", column, scheme.home);
  const std::string id = column_sql("s", registry.column);
  return fmt::format(
      "{0} <> {1} AND CAST({0} AS text) NOT IN (SELECT CAST({2} AS text) FROM {3} s WHERE {2} IS NOT NULL)",
      column, scheme.home, id, qualified(*scheme.schema, registry.table));
}

std::expected<RowCounts, migrate::Unanswered> count_rows(migrate::Looking& looking, const Scheme& scheme,
                                                         const SchemeTable& table) {
  const RowConditions is(scheme, table);
  if (!table.has_column() && known_parents(scheme, table).empty()) return RowCounts{};
  std::string counts;
  for (const std::string* condition : {&is.without_server, &is.zero, &is.negative, &is.no_number,
                                       &is.unlisted, &is.contradicting, &is.without_parent, &is.naming_none})
    counts += fmt::format("{}count(*) FILTER (WHERE {})", counts.empty() ? "" : ", ",
                          condition->empty() ? "1 = 0" : *condition);
  const auto rows = looking.ask(fmt::format("SELECT {} FROM {}", counts, is.from));
  if (!rows) return std::unexpected(rows.error());
  const auto& row = rows->at(0);
  return RowCounts{std::stoll(row[0]), std::stoll(row[1]), std::stoll(row[2]), std::stoll(row[3]),
                   std::stoll(row[4]), std::stoll(row[5]), std::stoll(row[6]), std::stoll(row[7])};
}

RowCounts counts_by_server(const Measured& rows, const std::set<std::string>& listed) {
  RowCounts counts;
  for (const ServerSum& of : rows.servers) {
    const std::int64_t count = of.amount.rows;
    if (of.server == "NULL") {
      counts.without_server += count;
    } else if (of.server == "0") {
      counts.zeros += count;
    } else if (of.server.starts_with('-')) {
      counts.negatives += count;
    } else if (!listed.contains(of.server)) {
      counts.unlisted += count;
    }
  }
  return counts;
}

}  // namespace guildhall::convert
