#include "convert/view_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "migrate/sql_lexer.h"
#include "store/quoting.h"

namespace guildhall::convert {
namespace {

using migrate::is_keyword;
using migrate::is_symbol;
using migrate::Token;
using migrate::TokenKind;

std::string name_of(const Token& token) {
  if (token.kind != TokenKind::quoted_word) return std::string(token.text);
  std::string name;
  for (std::size_t at = 1; at + 1 < token.text.size(); ++at) {
    name += token.text[at];
    if (token.text[at] == '"') ++at;
  }
  return name;
}

bool is_name(const Token& token) {
  return token.kind == TokenKind::word || token.kind == TokenKind::quoted_word;
}

/// What the view calls the table: "FROM public.raffle_periods p" -> p, or its own name.
std::set<std::string> aliases(const std::vector<Token>& tokens, std::string_view table) {
  std::set<std::string> found;
  for (std::size_t at = 1; at < tokens.size(); ++at) {
    if (!is_name(tokens[at]) || name_of(tokens[at]) != table) continue;
    const Token& before = tokens[at - 1];
    std::size_t begin = at;
    if (is_symbol(before, ".") && at >= 2) begin = at - 2;
    if (begin == 0) continue;
    const Token& lead = tokens[begin - 1];
    if (!is_keyword(lead, "from") && !is_keyword(lead, "join") && !is_symbol(lead, ",") &&
        !is_symbol(lead, "("))
      continue;
    const bool has_alias =
        at + 1 < tokens.size() && is_name(tokens[at + 1]) &&
        std::ranges::none_of(
            std::vector<std::string_view>{"left", "right", "full", "inner", "cross", "join", "on", "where",
                                          "group", "order", "having", "limit", "union", "natural"},
            [&](std::string_view word) { return is_keyword(tokens[at + 1], word); });
    found.insert(has_alias ? name_of(tokens[at + 1]) : std::string(table));
  }
  return found;
}

}  // namespace

Result<std::string> group_by_server(std::string_view definition, std::string_view table,
                                    const std::vector<std::string>& key, std::string_view server_column) {
  const auto tokens = migrate::lex(definition, migrate::Dialect::postgres);
  if (!tokens) return std::unexpected(tokens.error());
  const std::set<std::string> names = aliases(*tokens, table);
  std::string text;
  std::size_t copied = 0;
  bool is_grouping = false;
  int depth = 0;
  for (std::size_t at = 0; at < tokens->size(); ++at) {
    const Token& token = (*tokens)[at];
    if (is_keyword(token, "group") && at + 1 < tokens->size() && is_keyword((*tokens)[at + 1], "by")) {
      is_grouping = true;
      depth = 0;
    }
    if (!is_grouping) continue;
    if (is_symbol(token, "(")) ++depth;
    if (is_symbol(token, ")") && depth-- == 0) is_grouping = false;
    if (depth <= 0 &&
        (is_keyword(token, "having") || is_keyword(token, "order") || is_keyword(token, "limit") ||
         is_keyword(token, "window") || is_keyword(token, "union")))
      is_grouping = false;
    if (!is_grouping || depth > 0 || at + 2 >= tokens->size()) continue;
    const Token& column = (*tokens)[at + 2];
    if (!is_name(token) || !names.contains(name_of(token)) || !is_symbol((*tokens)[at + 1], ".") ||
        !is_name(column) || name_of(column) != key.front())
      continue;
    const auto end = static_cast<std::size_t>(column.text.data() - definition.data()) + column.text.size();
    text += definition.substr(copied, end - copied);
    text += fmt::format(", {}.{}", token.text, store::quoted_name(server_column));
    copied = end;
  }
  text += definition.substr(copied);
  return text;
}

}  // namespace guildhall::convert
