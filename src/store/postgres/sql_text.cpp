#include "store/postgres/sql_text.h"

#include <algorithm>

namespace guildhall::store::postgres {
namespace {

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

}  // namespace

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
