#include "store/postgres/sql_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <initializer_list>
#include <optional>
#include <ranges>

#include "base/text.h"

namespace guildhall::store::postgres {
namespace {

bool is_name_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

bool is_name(std::string_view text) { return !text.empty() && std::ranges::all_of(text, is_name_char); }

/// Where what begins at `i` and is no parameter ends: quoted text, a comment, a cast, or one character.
std::size_t end_of_other(std::string_view sql, std::size_t i) {
  const char c = sql[i];
  if (c == '\'' || c == '"') return std::min(sql.find(c, i + 1), sql.size() - 1) + 1;
  if (sql.substr(i).starts_with("--")) return std::min(sql.find('\n', i), sql.size());
  if (sql.substr(i).starts_with("::")) return i + 2;
  return i + 1;
}

/// Of "name (a, b)", which begins at `i`: behind the parenthesis; npos when there is something else.
std::size_t end_of_columns(std::string_view sql, std::size_t i) {
  while (i < sql.size() && is_name_char(sql[i])) ++i;
  if (!sql.substr(i).starts_with(" (")) return std::string_view::npos;
  const std::size_t end = sql.find_first_of("()", i + 2);
  return end == std::string_view::npos || sql[end] != ')' ? std::string_view::npos : end + 1;
}

/// A number, a word such as NULL, or a text without what would end or divide it.
bool is_constant(std::string_view item) {
  if (is_name(item)) return to_lower_ascii(item) != "default";
  return item.size() >= 2 && item.starts_with('\'') && item.ends_with('\'') &&
         item.substr(1, item.size() - 2).find_first_of("',()") == std::string_view::npos;
}

/// "SELECT :server, unnest(:b)" of the items ":server, :b"; "" when one of them is something else.
std::string selected(std::string_view items) {
  std::string list;
  bool has_array = false;
  for (const auto part : std::views::split(items, ',')) {
    const std::string_view item = trim(std::string_view(part));
    const bool is_parameter = item.starts_with(':') && is_name(item.substr(1));
    if (!is_parameter && !is_constant(item)) return "";
    const bool is_array = is_parameter && item != ":server";
    has_array = has_array || is_array;
    if (!list.empty()) list += ", ";
    list += is_array ? fmt::format("unnest({})", item) : item;
  }
  return has_array ? "SELECT " + list : "";
}

/// "a", "b" of "a, b".
std::vector<std::string_view> items_of(std::string_view list) {
  std::vector<std::string_view> items;
  for (const auto part : std::views::split(list, ',')) items.push_back(trim(std::string_view(part)));
  return items;
}

/// "INSERT INTO t (columns) VALUES (items)rest", in its parts.
struct Insert {
  std::string_view head;  // as far as the columns
  std::string_view columns;
  std::string_view items;
  std::string_view rest;
};

std::optional<Insert> insert_in(std::string_view sql) {
  constexpr std::string_view kInsert = "INSERT INTO ";
  constexpr std::string_view kValues = " VALUES (";
  if (!sql.starts_with(kInsert)) return std::nullopt;
  const std::size_t columns_end = end_of_columns(sql, kInsert.size());
  if (columns_end == std::string_view::npos || !sql.substr(columns_end).starts_with(kValues))
    return std::nullopt;
  const std::size_t begin = columns_end + kValues.size();
  const std::size_t end = sql.find(')', begin);
  if (end == std::string_view::npos) return std::nullopt;
  const std::string_view head = sql.substr(0, columns_end);
  const std::size_t columns = head.find('(') + 1;
  return Insert{head, head.substr(columns, head.size() - 1 - columns), sql.substr(begin, end - begin),
                sql.substr(end + 1)};
}

/// The parameters that give the columns of a key of this INSERT; nothing where something else gives one.
std::optional<std::vector<std::string>> parameters_of(const Insert& insert, std::string_view key) {
  const auto columns = items_of(insert.columns);
  const auto items = items_of(insert.items);
  std::vector<std::string> parameters;
  for (const std::string_view column : items_of(key)) {
    const auto found = std::ranges::find(columns, column);
    if (found == columns.end() || columns.size() != items.size()) return std::nullopt;
    const std::string_view item = items[static_cast<std::size_t>(found - columns.begin())];
    if (item.starts_with(':') && item != ":server") parameters.emplace_back(item.substr(1));
  }
  return parameters;
}

/// What stands behind the values, where it may stand behind many rows: nothing, DO NOTHING, or DO UPDATE.
std::optional<std::vector<std::string>> distinct_for(const Insert& insert) {
  constexpr std::string_view kConflict = " ON CONFLICT (";
  constexpr std::string_view kUpdate = ") DO UPDATE SET ";
  const std::string_view rest = insert.rest;
  if (rest.empty()) return std::vector<std::string>{};
  // A question within it would be asked once, of what was there before all of them.
  if (rest.find(':') != std::string_view::npos || rest.find("SELECT") != std::string_view::npos)
    return std::nullopt;
  if (rest.starts_with(" ON CONFLICT ") && rest.ends_with(" DO NOTHING")) return std::vector<std::string>{};
  if (!rest.starts_with(kConflict) || rest.find(" RETURNING ") != std::string_view::npos) return std::nullopt;
  const std::size_t end = rest.find(')');
  if (end == std::string_view::npos || !rest.substr(end).starts_with(kUpdate)) return std::nullopt;
  auto parameters = parameters_of(insert, rest.substr(kConflict.size(), end - kConflict.size()));
  // All rows would be the same one.
  if (parameters && parameters->empty()) return std::nullopt;
  return parameters;
}

/// SQL whose parameters, the server apart, are columns of `given`, which has a row for each run.
struct GivenSql {
  std::string text;
  std::vector<std::string> names;  // each once

  std::string source() const {
    std::string columns;
    for (const std::string& name : names)
      columns += fmt::format("{0}unnest(:{1}) AS in_{1}", columns.empty() ? "" : ", ", name);
    return fmt::format("(SELECT {}) AS given", columns);
  }
};

void append_given(GivenSql& given, std::string_view sql) {
  for (std::size_t i = 0; i < sql.size();) {
    std::size_t end = end_of_other(sql, i);
    if (sql[i] != ':' || end != i + 1 || end >= sql.size() || !is_name_char(sql[end])) {
      given.text += sql.substr(i, end - i);
      i = end;
      continue;
    }
    while (end < sql.size() && is_name_char(sql[end])) ++end;
    const std::string name(sql.substr(i + 1, end - i - 1));
    i = end;
    if (name == "server") {
      given.text += ":server";
      continue;
    }
    if (std::ranges::find(given.names, name) == given.names.end()) given.names.push_back(name);
    given.text += "given.in_" + name;
  }
}

/// Does any of them stand in it?
bool has_any(std::string_view sql, std::initializer_list<std::string_view> words) {
  return std::ranges::any_of(words, [&](auto word) { return sql.find(word) != std::string_view::npos; });
}

/// "INSERT INTO t (a, b) SELECT :x, u.b FROM u WHERE u.c = :y", which reads another table than it writes: no
/// run sees what another has made.
ArrayForm insert_from_table(std::string_view sql) {
  constexpr std::string_view kInsert = "INSERT INTO ";
  constexpr std::string_view kSelect = " SELECT ";
  constexpr std::string_view kFrom = " FROM ";
  if (!sql.starts_with(kInsert)) return {};
  const std::size_t columns = end_of_columns(sql, kInsert.size());
  if (columns == std::string_view::npos || !sql.substr(columns).starts_with(kSelect)) return {};
  const std::string_view query = sql.substr(columns + kSelect.size());
  const std::size_t from = query.find(kFrom);
  if (from == std::string_view::npos ||
      has_any(query, {"SELECT ", "DISTINCT", " JOIN ", " UNION ", " GROUP ", " ORDER ", " LIMIT ",
                      " ON CONFLICT ", " RETURNING ", "("}))
    return {};
  const std::string_view source = query.substr(from + kFrom.size());
  const std::string_view target = sql.substr(kInsert.size(), sql.find(' ', kInsert.size()) - kInsert.size());
  const std::string_view table = source.substr(0, source.find(' '));
  if (table == target || source.substr(0, source.find(" WHERE ")).find(',') != std::string_view::npos)
    return {};
  GivenSql items;
  append_given(items, query.substr(0, from));
  GivenSql given{{}, items.names};
  append_given(given, source);
  if (given.names.empty()) return {};
  return {fmt::format("{}{}{} FROM {} CROSS JOIN {}", sql.substr(0, columns), kSelect, items.text,
                      given.source(), given.text)};
}

/// "UPDATE t SET a = a + :x WHERE discord_server_id = :server AND b = :y": each row belongs to one run at
/// most where no two have the same values of all columns that are compared so, and none of these is set.
ArrayForm update_of_table(std::string_view sql) {
  constexpr std::string_view kUpdate = "UPDATE ";
  constexpr std::string_view kOwn = "discord_server_id = :server";
  constexpr std::string_view kAnd = " AND ";
  const std::size_t set = sql.find(" SET ");
  const std::size_t where = sql.find(fmt::format(" WHERE {}{}", kOwn, kAnd));
  if (!sql.starts_with(kUpdate) || set == std::string_view::npos || where == std::string_view::npos)
    return {};
  const std::string_view table = sql.substr(kUpdate.size(), set - kUpdate.size());
  const std::string_view assigned = sql.substr(set + 5, where - set - 5);
  const std::string_view condition = sql.substr(where + 7 + kOwn.size() + kAnd.size());
  if (!is_name(table) || has_any(sql, {"(", " OR ", " FROM ", " RETURNING ", " BETWEEN ", "--", "'"}))
    return {};
  std::vector<std::string> distinct;
  for (const auto part : std::views::split(condition, kAnd)) {
    const std::string_view term(part);
    const std::size_t equals = term.find(" = :");
    if (equals == std::string_view::npos) continue;
    const std::string_view column = term.substr(0, equals);
    const std::string_view name = term.substr(equals + 4);
    if (!is_name(column) || !is_name(name) || name == "server") continue;
    const auto sets = fmt::format(" {} = ", column);
    if (fmt::format(" {}", assigned).find(sets) != std::string::npos) return {};
    distinct.emplace_back(name);
  }
  if (distinct.empty()) return {};
  GivenSql assignments;
  append_given(assignments, assigned);
  GivenSql given{{}, assignments.names};
  append_given(given, condition);
  return {fmt::format("UPDATE {0} SET {1} FROM {2} WHERE {0}.{3}{4}{5}", table, assignments.text,
                      given.source(), kOwn, kAnd, given.text),
          std::move(distinct)};
}

ArrayForm insert_of_values(std::string_view sql) {
  const auto insert = insert_in(sql);
  if (!insert) return {};
  auto distinct = distinct_for(*insert);
  const std::string select = selected(insert->items);
  if (!distinct || select.empty()) return {};
  return {fmt::format("{} {}{}", insert->head, select, insert->rest), *std::move(distinct)};
}

}  // namespace

ArrayForm array_form(std::string_view sql) {
  for (const auto form : {insert_of_values, insert_from_table, update_of_table}) {
    if (ArrayForm found = form(sql); !found.text.empty()) return found;
  }
  return {};
}

NumberedSql number_parameters(std::string_view sql) {
  NumberedSql numbered;
  std::size_t i = 0;
  while (i < sql.size()) {
    if (sql[i] != ':' || i + 1 >= sql.size() || !is_name_char(sql[i + 1])) {
      const std::size_t end = end_of_other(sql, i);
      numbered.text += sql.substr(i, end - i);
      i = end;
      continue;
    }
    std::size_t end = i + 1;
    while (end < sql.size() && is_name_char(sql[end])) ++end;
    const std::string name(sql.substr(i + 1, end - i - 1));
    auto found = std::find(numbered.names.begin(), numbered.names.end(), name);
    if (found == numbered.names.end()) found = numbered.names.insert(found, name);
    numbered.text += "$" + std::to_string(found - numbered.names.begin() + 1);
    i = end;
  }
  return numbered;
}

}  // namespace guildhall::store::postgres
