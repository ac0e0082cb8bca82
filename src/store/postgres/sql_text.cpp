#include "store/postgres/sql_text.h"

#include <fmt/format.h>

#include <algorithm>
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

}  // namespace

std::string array_form(std::string_view sql) {
  constexpr std::string_view kInsert = "INSERT INTO ";
  constexpr std::string_view kValues = " VALUES (";
  if (!sql.starts_with(kInsert)) return "";
  const std::size_t columns_end = end_of_columns(sql, kInsert.size());
  if (columns_end == std::string_view::npos || !sql.substr(columns_end).starts_with(kValues)) return "";
  const std::size_t begin = columns_end + kValues.size();
  const std::size_t end = sql.find(')', begin);
  if (end == std::string_view::npos) return "";
  const std::string_view rest = sql.substr(end + 1);
  const bool keeps_rows = rest.starts_with(" ON CONFLICT ") && rest.ends_with(" DO NOTHING") &&
                          rest.find(':') == std::string_view::npos;
  if (!rest.empty() && !keeps_rows) return "";
  const std::string select = selected(sql.substr(begin, end - begin));
  return select.empty() ? "" : fmt::format("{} {}{}", sql.substr(0, columns_end), select, rest);
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
