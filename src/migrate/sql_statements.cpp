#include "migrate/sql_statements.h"

#include <algorithm>
#include <array>
#include <span>
#include <utility>

#include "base/text.h"

namespace guildhall::migrate {
namespace {

using Tokens = std::span<const Token>;

bool is_one_of(const Token& token, std::initializer_list<std::string_view> keywords) {
  return std::ranges::any_of(keywords, [&](std::string_view keyword) { return is_keyword(token, keyword); });
}

/// Says after each token whether a semicolon behind it would end the statement.
class Nesting {
 public:
  explicit Nesting(Dialect dialect) : dialect_(dialect) {}

  void take(const Token& token) {
    if (is_symbol(token, "(")) ++parentheses_;
    if (is_symbol(token, ")") && parentheses_ > 0) --parentheses_;
    if (token.kind == TokenKind::word && words_ < first_.size()) first_[words_] = to_lower_ascii(token.text);
    if (token.kind == TokenKind::word) ++words_;
    if (dialect_ == Dialect::postgres) {
      take_routine(token);
    } else {
      take_trigger(token);
    }
  }

  bool is_open() const {
    return parentheses_ > 0 || blocks_ > 0 || (is_trigger() && !(semicolon_before_ && end_before_));
  }

 private:
  /// CREATE [OR REPLACE] FUNCTION or PROCEDURE.
  bool is_routine() const {
    const bool replaces = first_[1] == "or" && first_[2] == "replace";
    const std::string& what = first_[replaces ? 3 : 1];
    return first_[0] == "create" && (what == "function" || what == "procedure");
  }
  void take_routine(const Token& token) {
    if (!is_routine() || parentheses_ > 0) return;
    if (blocks_ == 0) {
      if (begin_before_ && is_keyword(token, "atomic")) blocks_ = 1;
    } else {
      if (is_keyword(token, "case")) ++blocks_;
      if (is_keyword(token, "end")) --blocks_;
    }
    begin_before_ = is_keyword(token, "begin");
  }

  /// CREATE [TEMP] TRIGGER: ends at "; END ;" (sqlite3_complete).
  bool is_trigger() const {
    if (dialect_ == Dialect::postgres || first_[0] != "create") return false;
    const bool temporary = first_[1] == "temp" || first_[1] == "temporary";
    return first_[temporary ? 2 : 1] == "trigger";
  }
  void take_trigger(const Token& token) {
    if (is_symbol(token, ";")) {
      semicolon_before_ = true;
      end_before_ = false;
    } else if (is_keyword(token, "end") && semicolon_before_ && !end_before_) {
      end_before_ = true;
    } else {
      semicolon_before_ = end_before_ = false;
    }
  }

  Dialect dialect_;
  int parentheses_ = 0;
  int blocks_ = 0;  // BEGIN ATOMIC, and CASE within it
  bool begin_before_ = false;
  bool semicolon_before_ = false;
  bool end_before_ = false;
  std::size_t words_ = 0;
  std::array<std::string, 4> first_;  // words of the statement
};

SqlStatement statement_of(std::vector<Token> tokens) {
  const char* begin = tokens.front().text.data();
  const char* end = tokens.back().text.data() + tokens.back().text.size();
  const std::size_t line = tokens.front().line;
  return {{begin, static_cast<std::size_t>(end - begin)}, line, std::move(tokens)};
}

std::string upper(std::string_view text) {
  std::string result(text);
  for (char& c : result) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  }
  return result;
}

/// Kinds of objects of more than one word, the longer first.
constexpr std::array<std::string_view, 3> kLongKinds[] = {
    {"text", "search", "configuration"},
    {"text", "search", "dictionary"},
    {"text", "search", "parser"},
    {"text", "search", "template"},
    {"foreign", "data", "wrapper"},
    {"materialized", "view"},
    {"access", "method"},
    {"default", "privileges"},
    {"event", "trigger"},
    {"foreign", "table"},
    {"operator", "class"},
    {"operator", "family"},
    {"user", "mapping"},
    {"large", "object"},
    {"virtual", "table"},
};

/// The kind of object that the words from `i` on name, as in a tag.
std::string object_kind(Tokens words, std::size_t i) {
  for (const auto& kind : kLongKinds) {
    std::string tag;
    std::size_t n = 0;
    while (n < kind.size() && !kind[n].empty() && i + n < words.size() && is_keyword(words[i + n], kind[n])) {
      tag += (n == 0 ? "" : " ") + upper(kind[n]);
      ++n;
    }
    if (n > 0 && (n == kind.size() || kind[n].empty())) return tag;
  }
  return i < words.size() && words[i].kind == TokenKind::word ? upper(words[i].text) : "";
}

/// A query behind AS, outside of parentheses: CREATE TABLE ... AS.
bool has_query_behind_as(Tokens tokens) {
  int depth = 0;
  for (std::size_t i = 0; i + 1 < tokens.size(); ++i) {
    if (is_symbol(tokens[i], "(")) ++depth;
    if (is_symbol(tokens[i], ")")) --depth;
    if (depth > 0 || !is_keyword(tokens[i], "as")) continue;
    if (is_symbol(tokens[i + 1], "(") ||
        is_one_of(tokens[i + 1], {"select", "with", "values", "table", "execute"}))
      return true;
  }
  return false;
}

std::string tag_of_create(Tokens tokens) {
  std::size_t i = 1;
  while (i < tokens.size() &&
         is_one_of(tokens[i], {"or", "replace", "temp", "temporary", "local", "global", "unlogged", "unique",
                               "constraint", "recursive", "trusted", "procedural", "default"}))
    ++i;
  std::string kind = object_kind(tokens, i);
  if (kind.empty()) return "";
  if (kind == "TABLE" && has_query_behind_as(tokens)) kind += " AS";
  return "CREATE " + (kind == "USER" || kind == "GROUP" ? "ROLE" : kind);
}

/// The verb behind the list of a WITH.
std::string tag_behind_with(Tokens tokens) {
  int depth = 0;
  for (const Token& token : tokens.subspan(1)) {
    if (is_symbol(token, "(")) ++depth;
    if (is_symbol(token, ")")) --depth;
    if (depth == 0 && is_one_of(token, {"select", "insert", "update", "delete", "merge", "values", "table"}))
      return is_one_of(token, {"values", "table"}) ? "SELECT" : upper(token.text);
  }
  return "SELECT";
}

}  // namespace

Result<std::vector<SqlStatement>> split_statements(std::string_view sql, Dialect dialect) {
  auto tokens = lex(sql, dialect);
  if (!tokens) return std::unexpected(tokens.error());
  std::vector<SqlStatement> statements;
  std::vector<Token> open;
  Nesting nesting(dialect);
  const auto close = [&] {
    if (!open.empty()) statements.push_back(statement_of(std::exchange(open, {})));
    nesting = Nesting(dialect);
  };
  for (const Token& token : *tokens) {
    if (token.kind == TokenKind::comment) continue;
    if (is_symbol(token, ";") && !nesting.is_open()) {
      close();
      continue;
    }
    nesting.take(token);
    open.push_back(token);
  }
  close();
  return statements;
}

std::string command_tag(const SqlStatement& statement) {
  const Tokens tokens = statement.tokens;
  const Token& first = tokens.front();
  if (is_symbol(first, "(")) return "SELECT";
  if (first.kind != TokenKind::word) return "";
  if (is_one_of(first, {"values", "table"})) return "SELECT";
  if (is_keyword(first, "with")) return tag_behind_with(tokens);
  if (is_keyword(first, "create")) return tag_of_create(tokens);
  if (is_one_of(first, {"alter", "drop"})) {
    const bool has_procedural = tokens.size() > 1 && is_keyword(tokens[1], "procedural");
    const std::string kind = object_kind(tokens, has_procedural ? 2 : 1);
    if (kind.empty()) return "";
    return upper(first.text) + " " + (kind == "USER" || kind == "GROUP" ? "ROLE" : kind);
  }
  if (is_keyword(first, "start")) return "BEGIN";
  if (is_keyword(first, "end")) return "COMMIT";
  if (is_keyword(first, "abort")) return "ROLLBACK";
  if (is_keyword(first, "prepare") && tokens.size() > 1 && is_keyword(tokens[1], "transaction"))
    return "PREPARE TRANSACTION";
  return upper(first.text);
}

bool is_concurrent(const SqlStatement& statement) {
  return is_one_of(statement.tokens.front(), {"create", "drop", "reindex", "alter", "refresh"}) &&
         std::ranges::any_of(statement.tokens, [](const Token& t) { return is_keyword(t, "concurrently"); });
}

}  // namespace guildhall::migrate
