#include "convert/sqlite_rows.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <boost/json.hpp>

#include "base/text.h"
#include "store/quoting.h"

namespace guildhall::convert {
namespace {

using migrate::Exit;
using store::quoted_name;
using store::quoted_text;

/// A value as SQL takes it again. A text that is not clean, or that a zero byte cuts short, goes as its
/// bytes.
std::string literal(const std::string& quoted, const std::string& type, const std::string& hex) {
  if (type != "text") return quoted;
  const bool has_zero = [&] {
    for (std::size_t i = 0; i + 1 < hex.size(); i += 2) {
      if (hex[i] == '0' && hex[i + 1] == '0') return true;
    }
    return false;
  }();
  return has_zero || !is_clean_utf8(quoted) ? fmt::format("CAST(X'{}' AS TEXT)", hex) : quoted;
}

std::string column_of(std::string_view column) { return "t." + quoted_name(column); }

/// What tells apart rows under a key, the values as they will be.
std::vector<std::string> values_of(const SqliteTable& table, const std::vector<std::string>& key) {
  std::vector<std::string> values;
  for (const std::string& column : key) {
    if (is_same_name(column, table.change.tenant)) continue;
    const auto found =
        std::ranges::find_if(table.copied, [&](const auto& one) { return is_same_name(one.column, column); });
    values.push_back(found == table.copied.end() ? column_of(column) : found->value);
  }
  return values;
}

/// The order in which rows are preferred.
std::string preference(const SqliteTable& table) {
  const TableRule& rule = table.rule();
  std::vector<std::string> order;
  if (rule.duplicates == Duplicates::best) order = rule.best_by;
  if ((rule.duplicates == Duplicates::newest || rule.duplicates == Duplicates::sum) &&
      !rule.newest_by.empty())
    order.push_back(column_of(rule.newest_by) + " DESC");
  order.push_back(table.order());
  return fmt::format("{}", fmt::join(order, ", "));
}

}  // namespace

SqliteRows::SqliteRows(store::SchemaSession& session, Records& records, std::int64_t conversion)
    : session_(session), records_(records), conversion_(conversion) {
  session.execute(
      "CREATE TEMP TABLE guildhall_left_out (table_name TEXT, row_key, done TEXT, kept, "
      "PRIMARY KEY (table_name, row_key)) WITHOUT ROWID");
}

SqliteRows::~SqliteRows() {
  try {
    session_.execute("DROP TABLE IF EXISTS temp.guildhall_left_out");
  } catch (const store::DatabaseError&) {
    // It goes with the session.
  }
}

migrate::Outcome<void> SqliteRows::look_at(const SqliteTable& table) {
  if (!table.has_rules()) return {};
  if (auto done = look_for_servers(table); !done) return done;
  look_for_nulls(table);
  if (auto done = look_for_duplicates(table); !done) return done;
  look_for_changed(table);
  return {};
}

std::string SqliteRows::who_goes_on(const SqliteTable& table) const {
  return left_out(table) == 0 ? "" : " WHERE " + still_there(table);
}

std::string SqliteRows::still_there(const SqliteTable& table) const {
  return fmt::format(
      "NOT EXISTS (SELECT 1 FROM temp.guildhall_left_out AS l WHERE l.table_name = {} AND l.row_key = {})",
      quoted_text(table.name()), table.old_key());
}

/// Each with its reason; those that do not stay are not looked at again.
void SqliteRows::write_down(const SqliteTable& table, const Case& found) {
  std::vector<std::string> values;
  std::vector<Column> columns = table.scheme->table->columns;
  std::erase_if(columns, [](const Column& column) { return column.is_generated; });  // no INSERT takes them
  for (const Column& column : columns) {
    const std::string name = column_of(column.name);
    values.push_back(fmt::format("quote({0}), typeof({0}), hex({0})", name));
  }
  const auto rows = session_.query(
      fmt::format("SELECT {}, {}, {} FROM {} AS t WHERE ({}) AND {}", table.old_key(), found.reason,
                  fmt::join(values, ", "), quoted_name(table.name()), found.condition, still_there(table)));
  for (const auto& row : rows) {
    boost::json::object object;
    for (std::size_t i = 0; i < columns.size(); ++i)
      object[columns[i].name] = literal(row[2 + 3 * i], row[3 + 3 * i], row[4 + 3 * i]);
    records_.refuse(conversion_, {table.name(), boost::json::serialize(object), row[1], found.done});
    changed_[table.name()].insert(row[0]);
  }
  if (rows.empty() || found.done == "kept") return;
  session_.execute(fmt::format(
      "INSERT INTO temp.guildhall_left_out (table_name, row_key, done) SELECT {}, {}, {} FROM {} AS t "
      "WHERE ({}) AND {}",
      quoted_text(table.name()), table.old_key(), quoted_text(found.done), quoted_name(table.name()),
      found.condition, still_there(table)));
}

migrate::Outcome<void> SqliteRows::look_for_servers(const SqliteTable& table) {
  if (table.scheme->has_column()) {
    const auto zeros = number_of(session_, fmt::format("SELECT count(*) FROM {} AS t WHERE {} = 0",
                                                       quoted_name(table.name()), table.own_server));
    if (zeros > 0 && !table.is_override)
      return migrate::stop(
          Exit::refused, "CV-ZERO",
          fmt::format("table {}: {} rows are of server 0, which is none", table.name(), zeros),
          fmt::format("Write zero = \"home\" under [table.{}], or give them their server.", table.name()));
    write_down(table, {fmt::format("{} < 0", table.own_server),
                       fmt::format("'its ' || {} || ' is no server: ' || quote({})",
                                   quoted_text(table.change.tenant), column_of(table.change.tenant)),
                       "put aside"});
    if (!table.has_parent.empty())
      write_down(table,
                 {fmt::format("{0} IS NOT NULL AND {0} <> {1}", table.own_server, table.server),
                  fmt::format("'it says server ' || {} || ', but the row that it belongs to is of server ' "
                              "|| {} || ': that one counts'",
                              table.own_server, table.server),
                  "kept"});
  }
  if (table.has_parent.empty()) return {};
  write_down(table, {fmt::format("NOT {}", table.has_parent),
                     fmt::format("'the row that it belongs to is not there: it stays, with server ' || {}",
                                 table.server),
                     "kept"});
  return {};
}

void SqliteRows::look_for_nulls(const SqliteTable& table) {
  for (const std::string& column : table.change.not_null) {
    const auto found =
        std::ranges::find_if(table.copied, [&](const auto& one) { return is_same_name(one.column, column); });
    if (found == table.copied.end()) continue;
    write_down(table,
               {fmt::format("({}) IS NULL", found->value),
                quoted_text(fmt::format("its {} is empty (NULL), which its key does not allow", column)),
                "put aside"});
  }
}

migrate::Outcome<void> SqliteRows::look_for_duplicates(const SqliteTable& table) {
  for (const auto& key : table.change.keys) {
    if (auto done = look_for_duplicates(table, key); !done) return done;
  }
  // Under a key that was there before, rows meet only where their server or a value of the key was changed.
  for (const Index& index : table.scheme->table->indexes) {
    if (!index.is_unique || !index.predicate.empty() || index.columns().empty()) continue;
    if (!table.scheme->has_column() && std::ranges::all_of(table.copied, &SqliteTable::Copied::is_as_it_was))
      continue;
    if (auto done = look_for_duplicates(table, index.columns()); !done) return done;
  }
  return {};
}

migrate::Outcome<void> SqliteRows::look_for_duplicates(const SqliteTable& table,
                                                       const std::vector<std::string>& key) {
  const auto values = values_of(table, key);
  std::vector<std::string> filled;
  for (const std::string& value : values) filled.push_back(fmt::format("({}) IS NOT NULL", value));
  filled.push_back(still_there(table));
  const std::string rows = fmt::format(
      "SELECT {0} AS row_key, row_number() OVER w AS place, first_value({0}) OVER w AS kept FROM {1} AS t "
      "WHERE {2} WINDOW w AS (PARTITION BY {3}{4}{5} ORDER BY {6})",
      table.old_key(), quoted_name(table.name()), fmt::join(filled, " AND "), table.server,
      values.empty() ? "" : ", ", fmt::join(values, ", "), preference(table));
  const auto many = number_of(session_, fmt::format("SELECT count(*) FROM ({}) WHERE place > 1", rows));
  if (many == 0) return {};
  if (table.rule().duplicates == Duplicates::refuse)
    return migrate::stop(
        Exit::refused, "CV-DUPLICATES",
        fmt::format("table {}: {} rows have the same {} as another of their server", table.name(), many,
                    fmt::join(key, ", ")),
        fmt::format("Say under [table.{}] which is to stay: duplicates = \"best\", \"newest\", \"first\" or "
                    "\"sum\".",
                    table.name()));
  const bool sums = table.rule().duplicates == Duplicates::sum;
  session_.execute(fmt::format(
      "CREATE TEMP TABLE guildhall_twins AS SELECT row_key, kept FROM ({}) WHERE place > 1", rows));
  write_down(
      table,
      {fmt::format("{} IN (SELECT row_key FROM temp.guildhall_twins)", table.old_key()),
       fmt::format("'it has the same {} as row ' || (SELECT kept FROM temp.guildhall_twins WHERE "
                   "row_key = {}) || ', which {}'",
                   fmt::join(key, ", "), table.old_key(), sums ? "has its sums now" : "stays in its place"),
       sums ? "merged" : "put aside"});
  session_.execute(
      fmt::format("UPDATE temp.guildhall_left_out SET kept = (SELECT w.kept FROM temp.guildhall_twins AS w "
                  "WHERE w.row_key = guildhall_left_out.row_key) WHERE table_name = {} AND kept IS NULL; "
                  "DROP TABLE temp.guildhall_twins",
                  quoted_text(table.name())));
  return {};
}

void SqliteRows::look_for_changed(const SqliteTable& table) {
  for (const auto& one : table.copied) {
    if (one.is_as_it_was) continue;
    remember_value(table, one);
    write_down(table, {fmt::format("({}) IS NOT {}", one.value, column_of(one.column)),
                       fmt::format("'its {} was ' || quote({}) || ', and is ' || quote({}) || ' now'",
                                   one.column, column_of(one.column), one.value),
                       "kept"});
  }
}

/// As the statement that sets the value right for the way back, unless somebody did since.
void SqliteRows::remember_value(const SqliteTable& table, const SqliteTable::Copied& changed) {
  std::vector<std::string> keys;
  for (const std::string& column : table.old_key_columns) keys.push_back(fmt::format("quote(t.{})", column));
  const std::string was = column_of(changed.column);
  const auto rows = session_.query(
      fmt::format("SELECT quote({0}), typeof({0}), hex({0}), quote({1}), {2} FROM {3} AS t WHERE ({1}) IS "
                  "NOT {0} AND {4}",
                  was, changed.value, fmt::join(keys, ", "), quoted_name(table.name()), still_there(table)));
  for (const auto& row : rows) {
    std::string where;
    for (std::size_t i = 0; i < table.old_key_columns.size(); ++i)
      where += fmt::format("{} = {} AND ", table.old_key_columns[i], row[4 + i]);
    const std::string column = quoted_name(changed.column);
    records_.remember(conversion_,
                      {{"value", table.name(), where + changed.column,
                        fmt::format("UPDATE {} SET {} = {} WHERE {}{} IS {}", quoted_name(table.name()),
                                    column, literal(row[0], row[1], row[2]), where, column, row[3])}});
  }
}

void SqliteRows::sum_up(const SqliteTable& table, std::string_view target) {
  if (merged(table) == 0) return;
  std::vector<std::string> sets;
  for (const std::string& column : table.rule().sums) {
    sets.push_back(
        fmt::format("{0} = coalesce({0}, 0) + (SELECT coalesce(sum({1}), 0) FROM temp.guildhall_left_out AS "
                    "l JOIN {2} AS t "
                    "ON {3} = l.row_key WHERE l.table_name = {4} AND l.done = 'merged' AND l.kept = {5})",
                    quoted_name(column), column_of(column), quoted_name(table.name()), table.old_key(),
                    quoted_text(table.name()), table.new_key()));
  }
  session_.execute(
      fmt::format("UPDATE {} AS n SET {} WHERE {} IN (SELECT kept FROM temp.guildhall_left_out WHERE "
                  "table_name = {} AND done = 'merged')",
                  quoted_name(target), fmt::join(sets, ", "), table.new_key(), quoted_text(table.name())));
}

std::int64_t SqliteRows::count(const SqliteTable& table, std::string_view done) const {
  return number_of(session_,
                   fmt::format("SELECT count(*) FROM temp.guildhall_left_out WHERE table_name = {}{}",
                               quoted_text(table.name()), done));
}
std::int64_t SqliteRows::left_out(const SqliteTable& table) const { return count(table, ""); }
std::int64_t SqliteRows::merged(const SqliteTable& table) const {
  return count(table, " AND done = 'merged'");
}

Result<std::string> insert_again(const std::string& table, const std::string& row) {
  boost::system::error_code error;
  const auto value = boost::json::parse(row, error);
  if (error || !value.is_object())
    return fail(ErrorCode::invalid, fmt::format("a refused row of {} cannot be read", table));
  std::vector<std::string> names;
  std::vector<std::string> values;
  for (const auto& [name, literal] : value.as_object()) {
    names.push_back(quoted_name(std::string_view(name)));
    values.emplace_back(literal.as_string());
  }
  return fmt::format("INSERT INTO {} ({}) VALUES ({})", quoted_name(table), fmt::join(names, ", "),
                     fmt::join(values, ", "));
}

}  // namespace guildhall::convert
