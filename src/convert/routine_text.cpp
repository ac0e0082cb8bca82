#include "convert/routine_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <iterator>
#include <span>

#include "migrate/sql_lexer.h"

namespace guildhall::convert {
namespace {

using migrate::is_keyword;
using migrate::is_symbol;
using migrate::Token;
using migrate::TokenKind;
using Tokens = std::span<const Token>;

/// Strings within strings; deeper than any that somebody wrote by hand.
constexpr int kDeepest = 4;

bool is_name(const Token& token) {
  return token.kind == TokenKind::word || token.kind == TokenKind::quoted_word;
}

/// As the catalog has it: lower case, unless it is quoted.
std::string name_of(const Token& token) {
  std::string name;
  if (token.kind != TokenKind::quoted_word) {
    for (const char c : token.text) name += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    return name;
  }
  for (std::size_t at = 1; at + 1 < token.text.size(); ++at) {
    name += token.text[at];
    if (token.text[at] == '"') ++at;
  }
  return name;
}

bool names(Tokens tokens, const std::string& column) {
  return std::ranges::any_of(tokens,
                             [&](const Token& token) { return is_name(token) && name_of(token) == column; });
}

/// The text of a string, without its quotes; "" of other literals.
std::string content_of(std::string_view literal) {
  if (literal.starts_with('$')) {
    const std::size_t tag = literal.find('$', 1);
    if (tag == std::string_view::npos || literal.size() < 2 * (tag + 1)) return "";
    return std::string(literal.substr(tag + 1, literal.size() - 2 * (tag + 1)));
  }
  const std::size_t begin = literal.find('\'');
  if (begin == std::string_view::npos || literal.size() < begin + 2) return "";
  std::string content;
  for (std::size_t at = begin + 1; at + 1 < literal.size(); ++at) {
    content += literal[at];
    if (literal[at] == '\'') ++at;
  }
  return content;
}

/// RAISE as a statement of its own: what is before it ends another one, or opens a block.
bool begins_message(Tokens tokens, std::size_t at) {
  if (!is_keyword(tokens[at], "raise")) return false;
  if (at == 0 || is_symbol(tokens[at - 1], ";") || is_symbol(tokens[at - 1], ">>")) return true;
  return std::ranges::any_of(std::array{"begin", "then", "else", "loop"},
                             [&](const char* word) { return is_keyword(tokens[at - 1], word); });
}

/// The strings that may be SQL which is run: not what is said with RAISE.
std::vector<std::string> strings_in(Tokens tokens) {
  std::vector<std::string> strings;
  bool is_message = false;
  for (std::size_t at = 0; at < tokens.size(); ++at) {
    is_message = (is_message && !is_symbol(tokens[at], ";")) || begins_message(tokens, at);
    if (tokens[at].kind == TokenKind::literal && !is_message) strings.push_back(content_of(tokens[at].text));
  }
  return strings;
}

std::vector<Token> without_comments(const std::vector<Token>& all) {
  std::vector<Token> tokens;
  std::ranges::copy_if(all, std::back_inserter(tokens),
                       [](const Token& token) { return token.kind != TokenKind::comment; });
  return tokens;
}

/// Also within strings.
bool has_name(std::string_view text, const std::string& name, int depth = 0) {
  const auto lexed = migrate::lex(text, migrate::Dialect::postgres);
  if (!lexed) return false;
  const std::vector<Token> tokens = without_comments(*lexed);
  if (names(tokens, name)) return true;
  return depth < kDeepest &&
         std::ranges::any_of(
             strings_in(tokens),
             [&](const std::string& string) { return has_name(string, name, depth + 1); });
}

class ReadingWrites {
 public:
  explicit ReadingWrites(const Scheme& scheme) : scheme_(scheme) {}

  void read(std::string_view text, int depth = 0) {
    const auto lexed = migrate::lex(text, migrate::Dialect::postgres);
    if (!lexed) return;
    const std::vector<Token> tokens = without_comments(*lexed);
    for (std::size_t at = 0; at < tokens.size(); ++at) read_statement(Tokens(tokens).subspan(at));
    if (depth == kDeepest) return;
    for (const std::string& string : strings_in(tokens)) read(string, depth + 1);
  }
  RoutineWrites result() { return std::move(writes_); }

 private:
  /// From its first word to a semicolon, or to the end of the brackets around it.
  static Tokens whole(Tokens tokens) {
    int open = 0;
    for (std::size_t at = 0; at < tokens.size(); ++at) {
      if (is_symbol(tokens[at], "(")) ++open;
      if (is_symbol(tokens[at], ")") && --open < 0) return tokens.first(at);
      if (is_symbol(tokens[at], ";") && open == 0) return tokens.first(at);
    }
    return tokens;
  }

  /// The table of the scheme that is named there; `at` is behind it then.
  const SchemeTable* table_at(Tokens tokens, std::size_t& at) const {
    if (at < tokens.size() && is_keyword(tokens[at], "only")) ++at;
    if (at >= tokens.size() || !is_name(tokens[at])) return nullptr;
    std::string name = name_of(tokens[at++]);
    if (at + 1 < tokens.size() && is_symbol(tokens[at], ".") && is_name(tokens[at + 1])) {
      if (name != scheme_.schema->schema) return nullptr;
      name = name_of(tokens[at + 1]);
      at += 2;
    }
    return scheme_.find(name);
  }

  static bool begins(Tokens tokens, std::string_view first, std::string_view second = "") {
    if (tokens.size() < 3 || !is_keyword(tokens[0], first)) return false;
    return second.empty() || is_keyword(tokens[1], second);
  }

  void read_statement(Tokens tokens) {
    if (begins(tokens, "insert", "into")) {
      read_insert(whole(tokens));
      return;
    }
    for (const auto& [first, second] : {std::pair<std::string_view, std::string_view>{"update", ""},
                                        {"delete", "from"},
                                        {"merge", "into"},
                                        {"truncate", ""},
                                        {"copy", ""}}) {
      if (begins(tokens, first, second)) read_other(whole(tokens), first, second.empty() ? 1 : 2);
    }
  }

  void read_insert(Tokens tokens) {
    std::size_t at = 2;
    const SchemeTable* table = table_at(tokens, at);
    if (table == nullptr) return;
    if (at + 1 < tokens.size() && is_keyword(tokens[at], "as")) at += 2;
    const bool has_list = at + 1 < tokens.size() && is_symbol(tokens[at], "(") &&
                          !is_keyword(tokens[at + 1], "select") && !is_keyword(tokens[at + 1], "with");
    // OVERRIDING, VALUES, SELECT or DEFAULT VALUES come next where there is none.
    if (has_list && !names(whole(tokens.subspan(at + 1)), table->column()))
      writes_.failing.push_back(fmt::format("its INSERT INTO {} names no server", table->name()));
    else if (!has_list && !names(tokens, table->column()))
      writes_.doubtful.push_back(fmt::format("its INSERT INTO {} names no columns", table->name()));
    read_conflict(tokens.subspan(at), *table);
  }

  /// ON CONFLICT of that statement itself: no unique key is without the server after contract.
  void read_conflict(Tokens tokens, const SchemeTable& table) {
    int open = 0;
    for (std::size_t at = 0; at + 2 < tokens.size(); ++at) {
      if (is_symbol(tokens[at], "(")) ++open;
      if (is_symbol(tokens[at], ")")) --open;
      if (open != 0 || !is_keyword(tokens[at], "on") || !is_keyword(tokens[at + 1], "conflict")) continue;
      const Tokens target = tokens.subspan(at + 2);
      const bool by_columns = is_symbol(target[0], "(") && !names(whole(target.subspan(1)), table.column());
      const bool by_name = target.size() > 2 && is_keyword(target[0], "on") &&
                           is_keyword(target[1], "constraint") && is_old_key(table, name_of(target[2]));
      if (by_columns || by_name)
        writes_.failing.push_back(
            fmt::format("its ON CONFLICT of {} is by a key without the server", table.name()));
      return;
    }
  }

  static bool is_old_key(const SchemeTable& table, const std::string& name) {
    const Index* index = table.table->index(name);
    return index != nullptr && index->is_unique && !index->has(table.column());
  }

  void read_other(Tokens tokens, std::string_view verb, std::size_t at) {
    if (at < tokens.size() && is_keyword(tokens[at], "table")) ++at;
    const SchemeTable* table = table_at(tokens, at);
    if (table == nullptr || names(tokens, table->column())) return;
    writes_.doubtful.push_back(fmt::format("its {} of {} names no server", verb, table->name()));
  }

  const Scheme& scheme_;
  RoutineWrites writes_;
};

}  // namespace

bool names_column(const Routine& routine, const SchemeTable& table) {
  return std::ranges::find(routine.mentions, table.name()) != routine.mentions.end() &&
         has_name(routine.text, table.column());
}

RoutineWrites writes_of(const Routine& routine, const Scheme& scheme) {
  if (routine.writes.empty()) return {};
  ReadingWrites reading(scheme);
  reading.read(routine.text);
  return reading.result();
}

}  // namespace guildhall::convert
