#include "migrate/changed_rows.h"

#include <fmt/format.h>

#include <algorithm>
#include <span>

namespace guildhall::migrate {
namespace {

using Tokens = std::span<const Token>;

bool is_name(const Token& token) {
  return token.kind == TokenKind::word || token.kind == TokenKind::quoted_word;
}

std::string text_of(Tokens tokens) {
  if (tokens.empty()) return "";
  const char* begin = tokens.front().text.data();
  const char* end = tokens.back().text.data() + tokens.back().text.size();
  return {begin, static_cast<std::size_t>(end - begin)};
}

int depth_change(const Token& token) {
  if (is_symbol(token, "(") || is_symbol(token, "[")) return 1;
  return is_symbol(token, ")") || is_symbol(token, "]") ? -1 : 0;
}

/// A statement cut at its own clauses, which stand outside of any parentheses.
struct Clauses {
  Tokens with;    // WITH ..., up to the verb
  Tokens target;  // the table, as it can stand behind FROM
  Tokens set;
  Tokens others;  // USING of DELETE, FROM of UPDATE
  Tokens where;
};

std::optional<Clauses> cut(const StatementReading& reading) {
  const Tokens tokens = reading.statement.tokens;
  const std::string_view verb = reading.tag == "DELETE" ? "delete" : "update";
  const std::string_view joined = reading.tag == "DELETE" ? "using" : "from";
  Clauses clauses;
  Tokens* clause = &clauses.with;
  std::size_t begin = 0;
  int depth = 0;
  const auto turn_to = [&](Tokens* next, std::size_t at, std::size_t words) {
    if (clause != nullptr) *clause = tokens.subspan(begin, at - begin);
    clause = next;
    begin = at + words;
  };
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    depth += depth_change(tokens[i]);
    if (depth > 0) continue;
    if (clause == &clauses.with && is_keyword(tokens[i], verb)) {
      turn_to(&clauses.target, i, verb == "delete" ? 2 : 1);
    } else if (clause == &clauses.with) {
      continue;
    } else if (verb == "update" && clause == &clauses.target && is_keyword(tokens[i], "set")) {
      turn_to(&clauses.set, i, 1);
    } else if (is_keyword(tokens[i], joined) && i > begin && clause != &clauses.where) {
      turn_to(&clauses.others, i, 1);
    } else if (is_keyword(tokens[i], "where") && clause != &clauses.where) {
      turn_to(&clauses.where, i, 1);
    } else if (is_keyword(tokens[i], "returning")) {
      turn_to(nullptr, i, 1);
      break;
    }
  }
  turn_to(nullptr, tokens.size(), 0);
  const bool writes_elsewhere = reading.writes.size() != 1;
  if (writes_elsewhere || clauses.target.empty()) return std::nullopt;
  // SQLite's UPDATE OR IGNORE t
  if (is_keyword(clauses.target[0], "or") && clauses.target.size() > 2)
    clauses.target = clauses.target.subspan(2);
  return clauses;
}

/// The condition on other tables and on those of the target itself, which is in reach of both.
std::string condition_of(const Clauses& clauses, const std::string& own) {
  std::string all = clauses.where.empty() ? "" : fmt::format("({})", text_of(clauses.where));
  if (!own.empty()) all += (all.empty() ? "" : " AND ") + own;
  if (clauses.others.empty()) return all;
  return fmt::format("EXISTS (SELECT 1 FROM {}{}{})", text_of(clauses.others), all.empty() ? "" : " WHERE ",
                     all);
}

/// What its columns are named with: the alias, or the table's own name.
std::string name_of_target(const Clauses& clauses) {
  std::string name;
  for (const Token& token : clauses.target) {
    if (is_name(token) && !is_keyword(token, "only") && !is_keyword(token, "as")) name = token.text;
  }
  return name;
}

std::vector<Tokens> parts_of(Tokens tokens) {
  std::vector<Tokens> parts;
  int depth = 0;
  std::size_t begin = 0;
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    depth += depth_change(tokens[i]);
    if (depth > 0 || !is_symbol(tokens[i], ",")) continue;
    parts.push_back(tokens.subspan(begin, i - begin));
    begin = i + 1;
  }
  if (begin < tokens.size()) parts.push_back(tokens.subspan(begin));
  return parts;
}

bool names_column(Tokens expression, const std::string& column, Dialect dialect) {
  const std::string key = name_key(column, dialect);
  return std::ranges::any_of(
      expression, [&](const Token& token) { return is_name(token) && name_key(token.text, dialect) == key; });
}

std::string differs(const std::string& column, const std::string& expression, Dialect dialect) {
  return fmt::format("{} {} ({})", column, dialect == Dialect::postgres ? "IS DISTINCT FROM" : "IS NOT",
                     expression);
}

}  // namespace

std::optional<std::string> count_of_deleted(const StatementReading& reading) {
  const auto clauses = cut(reading);
  if (!clauses) return std::nullopt;
  const std::string condition = condition_of(*clauses, "");
  return fmt::format("{} SELECT count(*) FROM {}{}{}", text_of(clauses->with), text_of(clauses->target),
                     condition.empty() ? "" : " WHERE ", condition);
}

std::vector<Overwriting> overwritten_by(const StatementReading& reading, Dialect dialect) {
  std::vector<Overwriting> found;
  const auto clauses = cut(reading);
  if (!clauses) return found;
  for (const Tokens part : parts_of(clauses->set)) {
    const auto equals = std::ranges::find_if(part, [](const Token& token) { return is_symbol(token, "="); });
    if (equals == part.end()) continue;
    const auto width = static_cast<std::size_t>(equals - part.begin());
    const Tokens expression = part.subspan(width + 1);
    const std::string before =
        fmt::format("{} SELECT count(*) FROM {} WHERE ", text_of(clauses->with), text_of(clauses->target));
    // (a, b) = (...): which value goes to which column is not looked at.
    for (const Token& token : part.first(width)) {
      const std::string column(token.text);
      if (!is_name(token) || names_column(expression, column, dialect)) continue;
      const bool compares = width == 1 && !(expression.size() == 1 && is_keyword(expression[0], "default"));
      const std::string qualified = fmt::format("{}.{}", name_of_target(*clauses), column);
      const std::string own = compares ? differs(qualified, text_of(expression), dialect) : "";
      const std::string condition = condition_of(*clauses, own);
      found.push_back({column, before, condition.empty() ? "" : " AND " + condition});
      if (width != 1 && !is_symbol(part[0], "(")) break;  // a part of a value: column.field, column[1]
    }
  }
  return found;
}

}  // namespace guildhall::migrate
