#include "move/tables.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <set>
#include <stdexcept>

namespace guildhall::move {
namespace {

using store::SchemaSession;
using store::ValueRow;
using store::ValueType;

/// What was done to a database is that database's own.
constexpr std::string_view kOfMigrations = "migration_";

/// Of each table: name, type, position in the primary key (0: not in it), does the database number it?
constexpr const char* kSqliteColumns = "SELECT name, type, pk, 0 FROM pragma_table_info($1) ORDER BY cid";
constexpr const char* kPostgresColumns =
    "SELECT a.attname, format_type(a.atttypid, a.atttypmod), "
    "coalesce(array_position(i.indkey::int2[], a.attnum) - array_lower(i.indkey::int2[], 1) + 1, 0), "
    "CASE WHEN a.attidentity <> '' THEN 1 ELSE 0 END FROM pg_attribute a "
    "LEFT JOIN pg_index i ON i.indrelid = a.attrelid AND i.indisprimary "
    "WHERE a.attrelid = to_regclass($1) AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum";
constexpr const char* kSqliteParents = "SELECT DISTINCT \"table\" FROM pragma_foreign_key_list($1)";
constexpr const char* kPostgresParents =
    "SELECT DISTINCT p.relname FROM pg_constraint f JOIN pg_class p ON p.oid = f.confrelid "
    "WHERE f.contype = 'f' AND f.conrelid = to_regclass($1)";

ValueType type_of(const std::string& table, const std::string& column, const std::string& type) {
  if (type == "INTEGER" || type == "bigint") return ValueType::integer;
  if (type == "TEXT" || type == "text") return ValueType::text;
  if (type == "BLOB" || type == "bytea") return ValueType::blob;
  throw std::logic_error(
      fmt::format("column {}.{} is of type '{}', which cannot be moved", table, column, type));
}

Table read_table(SchemaSession& session, bool postgres, const std::string& name, store::TableHome home) {
  Table table{name, home, {}, {}, ""};
  std::vector<std::pair<int, std::size_t>> key;
  for (const auto& row : session.query(postgres ? kPostgresColumns : kSqliteColumns, {name})) {
    if (row[2] != "0") key.emplace_back(std::stoi(row[2]), table.columns.size());
    if (row[3] != "0") table.numbered_column = row[0];
    table.columns.push_back({row[0], type_of(name, row[0], row[1])});
  }
  std::ranges::sort(key);
  for (const auto& [position, column] : key) table.key.push_back(column);
  if (table.key.empty()) throw std::logic_error(fmt::format("table {} has no primary key", name));
  const bool led = table.columns[table.key.front()].name == store::kTenantColumn;
  if (table.of_servers() && !led)
    throw std::logic_error(fmt::format("the key of table {} does not begin with the server", name));
  return table;
}

std::string quoted(const std::string& name) { return fmt::format("\"{}\"", name); }

/// "a", "b"
std::string names_of(const Table& table, const std::vector<std::size_t>& positions,
                     std::string_view behind = "") {
  std::vector<std::string> names;
  for (const std::size_t position : positions)
    names.push_back(quoted(table.columns[position].name) + std::string(behind));
  return fmt::format("{}", fmt::join(names, ", "));
}

std::string all_names(const Table& table) {
  std::vector<std::string> names;
  for (const auto& column : table.columns) names.push_back(quoted(column.name));
  return fmt::format("{}", fmt::join(names, ", "));
}

}  // namespace

std::vector<Table> read_tables(SchemaSession& target, store::Layout layout,
                               const tenancy::TableCatalog& catalog) {
  const bool postgres = layout == store::Layout::postgres;
  std::vector<Table> left;
  std::map<std::string, std::set<std::string>> parents;
  for (const auto& [name, home] : catalog.homes()) {
    if (name.starts_with(kOfMigrations)) continue;
    left.push_back(read_table(target, postgres, name, home));
    for (const auto& row : target.query(postgres ? kPostgresParents : kSqliteParents, {name}))
      parents[name].insert(row[0]);
  }
  std::vector<Table> ordered;
  std::set<std::string> done;
  while (!left.empty()) {
    const auto next = std::ranges::find_if(
        left, [&](const Table& table) { return std::ranges::includes(done, parents[table.name]); });
    if (next == left.end())
      throw std::logic_error(fmt::format("table {} and others refer to each other in a ring", left[0].name));
    done.insert(next->name);
    ordered.push_back(std::move(*next));
    left.erase(next);
  }
  return ordered;
}

std::vector<ValueRow> rows_after(SchemaSession& session, const Table& table, ServerId server,
                                 const std::optional<ValueRow>& after, std::size_t limit) {
  std::vector<std::size_t> key = table.key;
  std::vector<std::string> conditions;
  ValueRow values;
  if (table.of_servers()) {
    key.erase(key.begin());
    values.emplace_back(server.value());
    conditions.push_back(fmt::format("\"{}\" = $1", store::kTenantColumn));
  }
  if (after) {
    if (key.empty()) return {};  // one row for each server, and that was it
    std::vector<std::string> places;
    for (const std::size_t position : key) {
      values.push_back((*after)[position]);
      places.push_back(fmt::format("${}", values.size()));
    }
    conditions.push_back(fmt::format("({}) > ({})", names_of(table, key), fmt::join(places, ", ")));
  }
  const std::string where =
      conditions.empty() ? "" : fmt::format(" WHERE {}", fmt::join(conditions, " AND "));
  return session.read(fmt::format("SELECT {} FROM {}{} ORDER BY {} LIMIT {}", all_names(table),
                                  quoted(table.name), where, names_of(table, table.key), limit),
                      values);
}

std::optional<ValueRow> last_row(SchemaSession& session, const Table& table, ServerId server) {
  const std::string where =
      table.of_servers() ? fmt::format(" WHERE \"{}\" = {}", store::kTenantColumn, server.str()) : "";
  auto rows = session.read(fmt::format("SELECT {} FROM {}{} ORDER BY {} LIMIT 1", all_names(table),
                                       quoted(table.name), where, names_of(table, table.key, " DESC")));
  if (rows.empty()) return std::nullopt;
  return std::move(rows.front());
}

std::uint64_t count_rows(SchemaSession& session, const Table& table, const std::string& condition) {
  const auto rows =
      session.read(fmt::format("SELECT count(*) FROM {} WHERE {}", quoted(table.name), condition));
  return static_cast<std::uint64_t>(std::get<std::int64_t>(rows.at(0).at(0)));
}

}  // namespace guildhall::move
