// Names and texts in SQL that is put together: scripts for somebody else to run, statements that take no
// parameters. What is not known beforehand goes in through these or as a parameter.
#pragma once

#include <string>
#include <string_view>

namespace guildhall::store {

inline std::string quoted(std::string_view content, char mark) {
  std::string quoted(1, mark);
  for (const char c : content) quoted.append(c == mark ? 2 : 1, c);
  return quoted + mark;
}

/// A name as SQL takes any: in double quotes.
inline std::string quoted_name(std::string_view name) { return quoted(name, '"'); }
/// A text as SQL takes any, where backslashes are themselves (standard_conforming_strings, SQLite).
inline std::string quoted_text(std::string_view text) { return quoted(text, '\''); }

}  // namespace guildhall::store
