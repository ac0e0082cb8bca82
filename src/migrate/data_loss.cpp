#include "migrate/data_loss.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

namespace guildhall::migrate {
namespace {

using Tokens = std::vector<Token>;

bool is_name(const Token& token) {
  return token.kind == TokenKind::word || token.kind == TokenKind::quoted_word;
}

void skip(const Tokens& tokens, std::size_t& at, std::initializer_list<std::string_view> words) {
  while (at < tokens.size() &&
         std::ranges::any_of(words, [&](std::string_view word) { return is_keyword(tokens[at], word); }))
    ++at;
}

/// schema.name, as it is written.
std::string read_name(const Tokens& tokens, std::size_t& at) {
  std::string name;
  while (at < tokens.size() && is_name(tokens[at])) {
    name += tokens[at++].text;
    if (at >= tokens.size() || !is_symbol(tokens[at], ".")) break;
    name += ".";
    ++at;
  }
  return name;
}

/// Names between commas from `at` on.
void read_tables(const Tokens& tokens, std::size_t at, std::vector<Loss>& losses) {
  while (at < tokens.size()) {
    skip(tokens, at, {"only"});
    const std::string name = read_name(tokens, at);
    if (name.empty()) return;
    losses.push_back({name, "", 0});
    if (at < tokens.size() && is_symbol(tokens[at], "*")) ++at;
    if (at >= tokens.size() || !is_symbol(tokens[at], ",")) return;
    ++at;
  }
}

/// ALTER TABLE t DROP [COLUMN] [IF EXISTS] c, ...; DROP CONSTRAINT takes no data.
void read_columns(const Tokens& tokens, std::vector<Loss>& losses) {
  std::size_t at = 2;
  skip(tokens, at, {"if", "exists", "only"});
  const std::string table = read_name(tokens, at);
  int depth = 0;
  for (bool begins = true; at < tokens.size(); ++at) {
    if (is_symbol(tokens[at], "(")) ++depth;
    if (is_symbol(tokens[at], ")")) --depth;
    if (begins && is_keyword(tokens[at], "drop") && at + 1 < tokens.size() &&
        !is_keyword(tokens[at + 1], "constraint")) {
      ++at;
      skip(tokens, at, {"column", "if", "exists"});
      if (at < tokens.size()) losses.push_back({table, std::string(tokens[at].text), 0});
    }
    begins = depth == 0 && at < tokens.size() && is_symbol(tokens[at], ",");
  }
}

void read_statement(const SqlStatement& statement, std::vector<Loss>& losses) {
  const Tokens& tokens = statement.tokens;
  const std::string tag = command_tag(statement);
  if (tag == "DROP TABLE" || tag == "TRUNCATE") {
    std::size_t at = tag == "TRUNCATE" ? 1 : 2;
    skip(tokens, at, {"if", "exists", "table"});
    read_tables(tokens, at, losses);
  } else if (tag == "ALTER TABLE") {
    read_columns(tokens, losses);
  } else if (tag == "DELETE" &&
             std::ranges::none_of(tokens, [](const Token& token) { return is_keyword(token, "where"); })) {
    read_tables(tokens, 2, losses);
  }
}

/// The condition under which a column holds something of its own.
std::string holds_something(store::SchemaSession& session, const Loss& loss, Dialect dialect) {
  const std::string otherwise = loss.column + " IS NOT NULL";
  if (dialect == Dialect::sqlite) return otherwise;
  const auto rows = session.query(
      "SELECT pg_get_expr(d.adbin, d.adrelid) FROM pg_attribute a JOIN pg_attrdef d ON d.adrelid = "
      "a.attrelid AND "
      "d.adnum = a.attnum WHERE a.attrelid = to_regclass($1) AND a.attname = (parse_ident($2))[1] AND "
      "a.attgenerated = ''",
      {loss.table, loss.column});
  // A default that calls something is another value each time.
  if (rows.empty() || rows[0][0].find('(') != std::string::npos) return otherwise;
  return fmt::format("{} IS DISTINCT FROM ({})", loss.column, rows[0][0]);
}

bool is_there(store::SchemaSession& session, const Loss& loss, Dialect dialect) {
  if (dialect == Dialect::postgres) {
    if (loss.column.empty())
      return !session.query("SELECT to_regclass($1)", {loss.table}).at(0).at(0).empty();
    return !session
                .query(
                    "SELECT 1 FROM pg_attribute WHERE attrelid = to_regclass($1) AND attname = "
                    "(parse_ident($2))[1] AND NOT attisdropped",
                    {loss.table, loss.column})
                .empty();
  }
  // SQLite itself reads the names: what is not there cannot be prepared.
  try {
    session.query(
        fmt::format("SELECT {} FROM {} LIMIT 0", loss.column.empty() ? "1" : loss.column, loss.table));
    return true;
  } catch (const store::DatabaseError&) {
    return false;
  }
}

}  // namespace

std::vector<Loss> count_losses(store::SchemaSession& session, const std::vector<SqlStatement>& statements,
                               Dialect dialect) {
  std::vector<Loss> named;
  for (const SqlStatement& statement : statements) read_statement(statement, named);
  std::vector<Loss> losses;
  std::set<std::string> whole;
  for (Loss& loss : named) {
    if (whole.contains(loss.table) || !is_there(session, loss, dialect)) continue;
    if (loss.column.empty()) whole.insert(loss.table);
    const std::string where = loss.column.empty() ? "" : " WHERE " + holds_something(session, loss, dialect);
    loss.rows =
        std::stoll(session.query(fmt::format("SELECT count(*) FROM {}{}", loss.table, where)).at(0).at(0));
    if (loss.rows > 0) losses.push_back(loss);
  }
  return losses;
}

std::string describe(const std::vector<Loss>& losses) {
  std::vector<std::string> parts;
  for (const Loss& loss : losses) {
    parts.push_back(loss.column.empty()
                        ? fmt::format("table {} ({} rows)", loss.table, loss.rows)
                        : fmt::format("column {}.{} ({} values)", loss.table, loss.column, loss.rows));
  }
  return fmt::format("{}", fmt::join(parts, ", "));
}

}  // namespace guildhall::migrate
