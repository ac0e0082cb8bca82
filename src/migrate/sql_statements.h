// A file of SQL as statements: where each begins and ends, and what it is.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "migrate/sql_lexer.h"

namespace guildhall::migrate {

struct SqlStatement {
  std::string_view text;      // from its first token to its last, without the semicolon
  std::size_t line;           // of its first token, counted from 1
  std::vector<Token> tokens;  // without comments
};

/// The statements of a text, in order; what is empty between two semicolons is none. A semicolon does not end
/// a statement within parentheses, within the body of a function in standard SQL (BEGIN ATOMIC ... END) or
/// within the body of one of SQLite's triggers. Errors as of `lex`.
Result<std::vector<SqlStatement>> split_statements(std::string_view sql, Dialect dialect);

/// What kind of statement it is, in the words of PostgreSQL's command tags: "CREATE TABLE", "ALTER INDEX",
/// "COMMENT"; of what begins or ends a transaction the shortest: "BEGIN", "COMMIT", "ROLLBACK". Words that do
/// not change the kind (TEMP, UNIQUE, OR REPLACE, RECURSIVE) are left out. "" for what no database takes.
std::string command_tag(const SqlStatement& statement);

/// Builds or drops an index, or detaches a partition, beside the writers: CONCURRENTLY.
bool is_concurrent(const SqlStatement& statement);

}  // namespace guildhall::migrate
