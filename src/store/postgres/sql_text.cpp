#include "store/postgres/sql_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <ranges>

#include "base/text.h"

namespace guildhall::store::postgres {
namespace {

/// What parameters, words, numbers and plain texts are made of, and what stands between them.
constexpr std::string_view kItemChars =
    ":abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_', \n";

bool is_name_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

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

}  // namespace

std::string array_form(std::string_view sql) {
  constexpr std::string_view kInsert = "INSERT INTO ";
  constexpr std::string_view kValues = " VALUES (";
  if (!sql.starts_with(kInsert)) return "";
  const std::size_t columns_end = end_of_columns(sql, kInsert.size());
  if (columns_end == std::string_view::npos || !sql.substr(columns_end).starts_with(kValues)) return "";
  const std::size_t begin = columns_end + kValues.size();
  const std::size_t end = sql.find_first_not_of(kItemChars, begin);
  if (end == std::string_view::npos || sql[end] != ')') return "";
  const std::string_view rest = sql.substr(end + 1);
  if (!rest.empty() && !(rest.starts_with(" ON CONFLICT ") && rest.ends_with(" DO NOTHING"))) return "";

  std::string items;
  bool has_array = false;
  for (const auto item : std::views::split(sql.substr(begin, end - begin), ',')) {
    const std::string_view value = trim(std::string_view(item));
    if (std::ranges::count(value, '\'') % 2 != 0) return "";  // a comma within a text
    const bool is_array = value.starts_with(':') && value != ":server";
    has_array = has_array || is_array;
    if (!items.empty()) items += ", ";
    items += is_array ? fmt::format("unnest({})", value) : value;
  }
  if (!has_array) return "";
  return fmt::format("{} SELECT {}{}", sql.substr(0, columns_end), items, rest);
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
