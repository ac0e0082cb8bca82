// The reader of migrations: its tokens are the whole text, a statement is the same when it is read alone, and
// what PostgreSQL's own grammar takes is cut where that cuts it.
#include <pg_query.h>

#include "migrate/sql_statements.h"
#include "tests/fuzz/fuzz.h"

namespace guildhall::fuzz {
namespace {

using migrate::Dialect;

/// SQLite takes a byte order mark for white space.
bool is_blank(std::string_view text, Dialect dialect) {
  const std::string_view blanks = dialect == Dialect::sqlite ? " \t\r\n\f\xEF\xBB\xBF" : " \t\r\n\f";
  return text.find_first_not_of(blanks) == std::string_view::npos;
}

void check_tokens(std::string_view input, const std::vector<migrate::Token>& tokens, Dialect dialect) {
  std::size_t at = 0;
  for (const migrate::Token& token : tokens) {
    const auto begin = static_cast<std::size_t>(token.text.data() - input.data());
    require(!token.text.empty() && begin >= at, "tokens overlap");
    require(is_blank(input.substr(at, begin - at), dialect), "something between two tokens was left out");
    at = begin + token.text.size();
  }
  require(is_blank(input.substr(at), dialect), "the end was left out");
}

void check_alone(const migrate::SqlStatement& statement, Dialect dialect) {
  const auto alone = migrate::split_statements(statement.text, dialect);
  require(alone && alone->size() == 1, "a statement is not one when it is read alone");
  require(alone->front().text == statement.text, "a statement alone has another text");
  require(migrate::command_tag(alone->front()) == migrate::command_tag(statement), "it has another tag");
}

void check_against_postgres(std::string_view input, std::size_t statements) {
  const std::string text(input);
  if (text.find('\0') != std::string::npos) return;  // C's text would end there
  const PgQueryParseResult parsed = pg_query_parse(text.c_str());
  const bool taken = parsed.error == nullptr;
  pg_query_free_parse_result(parsed);
  if (!taken) return;
  const PgQuerySplitResult split = pg_query_split_with_parser(text.c_str());
  const int theirs = split.n_stmts;
  pg_query_free_split_result(split);
  require(std::cmp_equal(theirs, statements), "PostgreSQL cuts it into another number of statements");
}

}  // namespace

void fuzz_lexer(std::string_view input) {
  for (const Dialect dialect : {Dialect::postgres, Dialect::sqlite}) {
    const auto tokens = migrate::lex(input, dialect);
    const auto statements = migrate::split_statements(input, dialect);
    require(tokens.has_value() == statements.has_value(), "tokens and statements disagree");
    if (!tokens) {
      require(tokens.error().message.starts_with("line "), "an error names no line");
      continue;
    }
    check_tokens(input, *tokens, dialect);
    for (const migrate::SqlStatement& statement : *statements) check_alone(statement, dialect);
    if (dialect == Dialect::postgres) check_against_postgres(input, statements->size());
  }
}

}  // namespace guildhall::fuzz
