// SQL text as tokens. Nothing of a statement's meaning is known here, only where words, literals and comments
// begin and end, by the rules of PostgreSQL 15 (scan.l, with standard_conforming_strings on) or SQLite
// (tokenize.c). What reads migrations is built on it.
#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "migrate/dialect.h"

namespace guildhall::migrate {

enum class TokenKind {
  word,         // keyword or name, unquoted
  quoted_word,  // "name"; SQLite also [name] and `name`
  literal,      // string of any kind, quotes, prefix and all; dollar-quoted bodies; SQLite's x'00'
  number,
  parameter,    // $1; SQLite also ?1, :name, @name and $name
  symbol,       // operators, and ( ) [ ] , ; . : each alone
  comment,      // to the end of the line or of the block, without the line feed
  psql_command  // a backslash outside of all these, to the end of the line: psql would take it for itself
};

struct Token {
  TokenKind kind;
  std::string_view text;  // in the text that was given
  std::size_t line;       // counted from 1, where it begins
};

/// The whole text: nothing but white space lies between two tokens. Whoever reads a file takes a byte order
/// mark away before; for SQLite it is white space, for PostgreSQL part of a name. Error `invalid` names the
/// line and what is wrong with it: a literal or a comment without an end, or a character that no SQL has.
Result<std::vector<Token>> lex(std::string_view sql, Dialect dialect);

/// Is it this keyword? `keyword` is in lower case.
bool is_keyword(const Token& token, std::string_view keyword);
bool is_symbol(const Token& token, std::string_view symbol);

}  // namespace guildhall::migrate
