#include "tenancy/sql_shape.h"

#include <fmt/format.h>

#include <algorithm>
#include <span>

#include "base/text.h"
#include "tenancy/table.h"

namespace guildhall::tenancy {
namespace {

struct Token {
  enum class Kind { word, parameter, literal, symbol };
  Kind kind;
  std::string text;   // words in lower case; parameters as they are, for their names are not folded
  int depth;          // of parentheses around it
  std::size_t match;  // for "(": index of its ")"
};

using Tokens = std::span<const Token>;

bool is_word_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

std::vector<Token> tokenize(std::string_view sql) {
  if (!is_clean_utf8(sql)) return {};  // the database stops reading at a NUL
  std::vector<Token> tokens;
  std::vector<std::size_t> open;
  std::size_t i = 0;
  const auto add = [&](Token::Kind kind, std::string_view text) {
    const bool folded = kind != Token::Kind::parameter;
    tokens.push_back(
        {kind, folded ? to_lower_ascii(text) : std::string(text), static_cast<int>(open.size()), 0});
    i += text.size();
  };
  while (i < sql.size()) {
    const char c = sql[i];
    if (c == ' ' || c == '\n' || c == '\t' || c == '\r') {
      ++i;
    } else if (sql.substr(i).starts_with("--")) {
      i = std::min(sql.find('\n', i), sql.size());
    } else if (c == '\'' || c == '"') {
      // A doubled quote reads as two literals side by side, which changes nothing here.
      const auto end = std::min(sql.find(c, i + 1), sql.size() - 1);
      add(c == '"' ? Token::Kind::word : Token::Kind::literal, sql.substr(i, end - i + 1));
    } else if (c == ':' && i + 1 < sql.size() && is_word_char(sql[i + 1])) {
      std::size_t end = i + 1;
      while (end < sql.size() && is_word_char(sql[end])) ++end;
      add(Token::Kind::parameter, sql.substr(i, end - i));
    } else if (is_word_char(c)) {
      std::size_t end = i;
      while (end < sql.size() && is_word_char(sql[end])) ++end;
      add(c >= '0' && c <= '9' ? Token::Kind::literal : Token::Kind::word, sql.substr(i, end - i));
    } else if (c == '(') {
      add(Token::Kind::symbol, "(");
      open.push_back(tokens.size() - 1);
    } else if (c == ')') {
      if (open.empty()) return {};
      tokens[open.back()].match = tokens.size();
      open.pop_back();
      add(Token::Kind::symbol, ")");
    } else {
      add(Token::Kind::symbol, sql.substr(i, 1));
    }
  }
  return open.empty() ? tokens : std::vector<Token>{};
}

bool is(const Token& token, std::string_view text) {
  return token.text == text && token.kind != Token::Kind::literal;
}

bool is_one_of(const Token& token, std::initializer_list<std::string_view> words) {
  return token.kind == Token::Kind::word && std::find(words.begin(), words.end(), token.text) != words.end();
}

bool is_join_word(const Token& token) {
  return is_one_of(token, {"join", "left", "inner", "outer", "cross", "full", "right", "natural"});
}

class Reader {
 public:
  Reader(std::string_view sql, const std::function<bool(std::string_view)>& is_sealed)
      : tokens_(tokenize(sql)), is_sealed_(is_sealed) {}

  SqlShape read() {
    if (tokens_.empty()) {
      refuse("the statement cannot be read: it is empty or no text, or its parentheses do not match");
      return std::move(shape_);
    }
    refuse_hidden_names();
    statement(0, tokens_.size());
    return std::move(shape_);
  }

 private:
  /// A table in a FROM clause, with the condition it is joined on.
  struct Source {
    std::string table;  // "" for a subquery or function
    std::string alias;
    std::size_t on_begin = 0;
    std::size_t on_end = 0;
  };

  void refuse(std::string reason) {
    if (!shape_.refusal) shape_.refusal = std::move(reason);
  }

  /// Ways to name a table or to hide words that this reader would not recognise.
  void refuse_hidden_names() {
    for (std::size_t i = 0; i < tokens_.size(); ++i) {
      const std::string& text = at(i).text;
      if (text.starts_with('"') || text == "`" || text == "[") refuse("quoted names are not allowed");
      if (text == "/" && is(at(i + 1), "*")) refuse("comments are written with --");
      if (at(i).kind != Token::Kind::word || i + 1 >= tokens_.size()) continue;
      if (text == "in" && at(i + 1).kind == Token::Kind::word)
        refuse("IN TABLE is not allowed; write a query");
      if (is_one_of(at(i), {"main", "temp"}) && is(at(i + 1), ".")) refuse("a schema's name is not allowed");
    }
  }

  /// Behind the last token, which a broken statement may ask for, stands one that is nothing.
  const Token& at(std::size_t i) const {
    static const Token kEnd{Token::Kind::symbol, "", 0, 0};
    return i < tokens_.size() ? tokens_[i] : kEnd;
  }

  /// The first of `words` at the depth of `begin`, or `end`.
  std::size_t find_word(std::size_t begin, std::size_t end,
                        std::initializer_list<std::string_view> words) const {
    if (begin >= end) return end;
    const int depth = at(begin).depth;
    for (std::size_t i = begin; i < end; ++i) {
      if (at(i).depth == depth && is_one_of(at(i), words)) return i;
    }
    return end;
  }

  /// A whole statement or subquery: WITH lists, compounds, and the five verbs.
  void statement(std::size_t begin, std::size_t end) {
    const std::size_t ctes_before = ctes_.size();
    if (begin < end && is(at(begin), "with")) begin = with_list(begin + 1, end);
    if (begin >= end) return;
    if (is(at(begin), "insert")) {
      insert(begin, end);
    } else if (is(at(begin), "update")) {
      update(begin, end);
    } else if (is(at(begin), "delete")) {
      erase(begin, end);
    } else if (is_one_of(at(begin), {"select", "values"})) {
      compound(begin, end);
    } else {
      refuse(fmt::format("the statement begins with '{}', which no statement may", at(begin).text));
    }
    ctes_.resize(ctes_before);
  }

  std::size_t with_list(std::size_t i, std::size_t end) {
    if (i < end && is(at(i), "recursive")) ++i;
    while (i < end) {
      if (is_sealed_(at(i).text))
        refuse(fmt::format("table '{}' is hidden by a WITH of its name", at(i).text));
      ctes_.push_back(at(i++).text);
      if (i < end && is(at(i), "(")) i = at(i).match + 1;  // column names
      while (i < end && !is(at(i), "(")) ++i;              // AS [NOT MATERIALIZED]
      if (i >= end) break;
      statement(i + 1, at(i).match);
      i = at(i).match + 1;
      if (i >= end || !is(at(i), ",")) break;
      ++i;
    }
    return i;
  }

  void compound(std::size_t begin, std::size_t end) {
    while (begin < end) {
      const std::size_t stop = find_word(begin, end, {"union", "intersect", "except"});
      select(begin, stop);
      begin = stop + 1;
      if (begin < end && is(at(begin), "all")) ++begin;
    }
  }

  /// One SELECT without compounds.
  void select(std::size_t begin, std::size_t end) {
    const std::size_t from = find_word(begin, end, {"from"});
    const std::size_t where = find_word(begin, end, {"where"});
    const std::size_t tail = find_word(begin, end, {"group", "having", "window", "order", "limit"});
    const std::size_t from_end = std::min(where, tail);
    std::vector<Source> sources;
    if (from < end) sources = from_clause(from + 1, from_end);
    check_sources(sources, where + 1, where < end ? find_tail(where, end) : where + 1);
    subqueries(begin, std::min(from, from_end));
    subqueries(from_end, end);
  }

  /// Where ON CONFLICT or RETURNING begins; the ON of a join is something else.
  std::size_t find_conflict(std::size_t begin, std::size_t end) const {
    for (std::size_t i = find_word(begin, end, {"on", "returning"}); i < end;
         i = find_word(i + 1, end, {"on", "returning"})) {
      if (is(at(i), "returning") || (i + 1 < end && is(at(i + 1), "conflict"))) return i;
    }
    return end;
  }

  std::size_t find_tail(std::size_t where, std::size_t end) const {
    return find_word(where, end, {"group", "having", "window", "order", "limit", "returning"});
  }

  std::vector<Source> from_clause(std::size_t i, std::size_t end) {
    std::vector<Source> sources;
    while (i < end) {
      // These bring rows that their ON does not meet, or compare columns that nobody names.
      if (is_one_of(at(i), {"full", "right", "natural"}))
        refuse(fmt::format("a {} join is not allowed", at(i).text));
      if (is(at(i), ",") || is_join_word(at(i))) {
        ++i;
        continue;
      }
      Source source;
      if (is(at(i), "(")) {
        statement(i + 1, at(i).match);
        i = at(i).match + 1;
      } else {
        source.table = at(i++).text;
        if (i < end && is(at(i), "(")) {  // a function such as json_each(:rows)
          subqueries(i, at(i).match);
          i = at(i).match + 1;
          source.table.clear();
        }
      }
      source.alias = source.table;
      if (i < end && is(at(i), "as")) ++i;
      if (i < end && at(i).kind == Token::Kind::word && !is_join_word(at(i)) &&
          !is_one_of(at(i), {"on", "using"})) {
        source.alias = at(i++).text;
      }
      if (i < end && is(at(i), "using")) refuse("USING hides which table is compared; write ON");
      if (i < end && is(at(i), "on")) {
        source.on_begin = i + 1;
        source.on_end = find_join(i + 1, end);
        subqueries(source.on_begin, source.on_end);
        i = source.on_end;
      }
      sources.push_back(std::move(source));
      if (i < end && !is(at(i), ",") && !is_join_word(at(i))) {
        refuse(fmt::format("'{}' in a FROM clause is not understood", at(i).text));
        break;
      }
    }
    return sources;
  }

  std::size_t find_join(std::size_t begin, std::size_t end) const {
    if (begin >= end) return end;
    const int depth = at(begin - 1).depth;
    for (std::size_t i = begin; i < end; ++i) {
      if (at(i).depth != depth) continue;
      if (is(at(i), ",") || is_join_word(at(i))) return i;
    }
    return end;
  }

  bool is_cte(const std::string& name) const {
    return std::find(ctes_.begin(), ctes_.end(), name) != ctes_.end();
  }

  bool is_sealed(const Source& source) const {
    return !source.table.empty() && !is_cte(source.table) && is_sealed_(source.table);
  }

  void check_sources(const std::vector<Source>& sources, std::size_t where_begin, std::size_t where_end) {
    for (const Source& source : sources) {
      if (!is_sealed(source)) continue;
      shape_.sealed_uses.push_back({source.table, source.alias});
      const bool alone = sources.size() == 1;
      if (!binds(source.alias, alone, where_begin, where_end) &&
          !binds(source.alias, alone, source.on_begin, source.on_end)) {
        refuse(fmt::format("table '{}': no '{}.{} = :server' among the AND terms of its level", source.table,
                           source.alias, kTenantColumn));
      }
    }
  }

  /// Does one AND term of the condition say `alias.discord_server_id = :server`? The AND of a BETWEEN or
  /// of a CASE joins no terms; where one of them is needed, parentheses around it make that plain.
  bool binds(const std::string& alias, bool alone, std::size_t begin, std::size_t end) const {
    if (begin >= end) return false;
    const int depth = at(begin).depth;
    for (std::size_t i = begin; i < end; ++i) {
      if (at(i).depth == depth && is_one_of(at(i), {"or", "between", "case"})) return false;
    }
    std::size_t term = begin;
    for (std::size_t i = begin; i <= end; ++i) {
      if (i < end && (at(i).depth != depth || !is(at(i), "and"))) continue;
      if (is_server_term(alias, alone, term, i)) return true;
      term = i + 1;
    }
    return false;
  }

  bool is_server_term(const std::string& alias, bool alone, std::size_t begin, std::size_t end) const {
    std::string text;
    for (std::size_t i = begin; i < end; ++i) text += at(i).text;
    const auto compares = [&](const std::string& column) {
      return text == column + "=:server" || text == ":server=" + column;
    };
    return compares(fmt::format("{}.{}", alias, kTenantColumn)) ||
           (alone && compares(std::string(kTenantColumn)));
  }

  /// Every parenthesis that holds a query, however deep.
  void subqueries(std::size_t begin, std::size_t end) {
    for (std::size_t i = begin; i < end; ++i) {
      if (!is(at(i), "(") || i + 1 >= end) continue;
      if (is_one_of(at(i + 1), {"select", "with", "values"})) {
        statement(i + 1, at(i).match);
        i = at(i).match;
      }
    }
  }

  void update(std::size_t begin, std::size_t end) {
    std::size_t i = begin + 1;
    if (is(at(i), "or")) refuse("UPDATE OR is not allowed");
    Source target{at(i).text, at(i).text};
    ++i;
    if (i < end && is(at(i), "as")) target.alias = at(i + 1).text;
    const std::size_t set = find_word(begin, end, {"set"});
    const std::size_t from = find_word(set, end, {"from"});
    const std::size_t where = find_word(set, end, {"where"});
    const std::size_t returning = find_word(set, end, {"returning"});
    check_assignments(target.table, set + 1, std::min({from, where, returning}));
    std::vector<Source> sources{target};
    if (from < end) {
      for (Source& source : from_clause(from + 1, std::min(where, returning)))
        sources.push_back(std::move(source));
    }
    check_sources(sources, where + 1, where < end ? find_tail(where, end) : where + 1);
    subqueries(set, from < end ? from : end);
    subqueries(std::min(where, returning), end);
  }

  /// Every `SET a = 1, b = 2` of the range, and `SET (a, b) = (1, 2)`.
  void check_assignments(const std::string& table, std::size_t begin, std::size_t end) {
    if (!is_sealed_(table)) return;
    for (std::size_t i = begin; i < end; ++i) {
      const Token& before = at(i - 1);
      if (!is(before, "set") && !is(before, ",")) continue;
      const bool list = is(at(i), "(") && is(at(at(i).match + 1), "=") && list_position(i, kTenantColumn);
      if (list || (is(at(i), kTenantColumn) && is(at(i + 1), "="))) {
        refuse(fmt::format("table '{}': a row never changes its server", table));
      }
    }
  }

  void erase(std::size_t begin, std::size_t end) {
    std::size_t i = begin + 2;  // DELETE FROM
    Source target{at(i).text, at(i).text};
    ++i;
    if (i < end && is(at(i), "as")) target.alias = at(i + 1).text;
    const std::size_t where = find_word(begin, end, {"where"});
    check_sources({target}, where + 1, where < end ? find_tail(where, end) : where + 1);
    subqueries(begin, end);
  }

  void insert(std::size_t begin, std::size_t end) {
    std::size_t i = begin + 1;
    while (i < end && !is(at(i), "into")) ++i;
    const std::string table = at(++i).text;
    ++i;
    if (i < end && is(at(i), "as")) i += 2;
    const bool sealed = is_sealed_(table);
    std::size_t position = 0;
    if (sealed) shape_.sealed_uses.push_back({table, ""});
    if (i < end && is(at(i), "(")) {
      const auto found = list_position(i, kTenantColumn);
      if (sealed && !found) refuse(fmt::format("table '{}': the insert names no {}", table, kTenantColumn));
      position = found.value_or(0);
      i = at(i).match + 1;
    } else if (sealed) {
      refuse(fmt::format("table '{}': the insert lists no columns", table));
    }
    const std::size_t conflict = find_conflict(i, end);
    if (i < end && is(at(i), "values")) {
      for (++i; i < conflict; ++i) {
        if (!is(at(i), "(")) continue;
        if (sealed) check_inserted(table, list_item(i + 1, at(i).match, position));
        subqueries(i, at(i).match);
        i = at(i).match;
      }
    } else {
      insert_select(table, sealed, position, i, conflict);
    }
    check_assignments(table, std::min(find_word(conflict, end, {"set"}) + 1, end), end);
    subqueries(conflict, end);
  }

  void insert_select(const std::string& table, bool sealed, std::size_t position, std::size_t begin,
                     std::size_t end) {
    const std::size_t ctes_before = ctes_.size();
    if (begin < end && is(at(begin), "with")) begin = with_list(begin + 1, end);
    const std::size_t from = find_word(begin, end, {"from", "where"});
    if (sealed) check_inserted(table, list_item(begin + 1, from, position));
    if (find_word(begin, end, {"union", "intersect", "except"}) != end) {
      refuse(fmt::format("table '{}': an insert from a compound query is not understood", table));
    }
    compound(begin, end);
    ctes_.resize(ctes_before);
  }

  std::optional<std::size_t> list_position(std::size_t open, std::string_view name) const {
    std::size_t position = 0;
    for (std::size_t i = open + 1; i < at(open).match; ++i) {
      if (is(at(i), ",")) ++position;
      if (is(at(i), name)) return position;
    }
    return std::nullopt;
  }

  std::string list_item(std::size_t begin, std::size_t end, std::size_t wanted) const {
    std::size_t position = 0;
    std::string item;
    if (begin >= end) return item;
    const int depth = at(begin).depth;
    for (std::size_t i = begin; i < end; ++i) {
      if (at(i).depth == depth && is(at(i), ",")) {
        ++position;
      } else if (position == wanted) {
        item += at(i).text;
      }
    }
    return item;
  }

  void check_inserted(const std::string& table, const std::string& item) {
    if (item != ":server") {
      refuse(fmt::format("table '{}': the insert puts '{}' into {} instead of :server", table, item,
                         kTenantColumn));
    }
  }

  std::vector<Token> tokens_;
  const std::function<bool(std::string_view)>& is_sealed_;
  std::vector<std::string> ctes_;
  SqlShape shape_;
};

}  // namespace

SqlShape read_shape(std::string_view sql, const std::function<bool(std::string_view)>& is_sealed) {
  return Reader(sql, is_sealed).read();
}

}  // namespace guildhall::tenancy
