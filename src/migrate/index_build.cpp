#include "migrate/index_build.h"

#include <fmt/format.h>

#include <optional>

namespace guildhall::migrate {
namespace {

enum class Index { missing, invalid, valid };

/// The index lies in the schema of its table.
Index look_at_index(store::SchemaSession& session, const IndexBuild& build) {
  const auto rows = session.query(
      "SELECT i.indisvalid FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_class t ON t.oid "
      "= "
      "to_regclass($2) WHERE c.relnamespace = t.relnamespace AND c.relname = (parse_ident($1))[1]",
      {build.index, build.table});
  if (rows.empty()) return Index::missing;
  return rows[0][0] == "t" ? Index::valid : Index::invalid;
}

std::string schema_of(store::SchemaSession& session, const std::string& table) {
  const auto rows = session.query(
      "SELECT quote_ident(n.nspname) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE "
      "c.oid = "
      "to_regclass($1)",
      {table});
  return rows.empty() ? "" : rows[0][0] + ".";
}

/// A name of one or more parts from `at` on, as it is written; `at` then stands behind it.
std::string read_name(const std::vector<Token>& tokens, std::size_t& at) {
  std::string name;
  while (at < tokens.size()) {
    name += tokens[at++].text;
    if (at >= tokens.size() || !is_symbol(tokens[at], ".")) return name;
    name += ".";
    ++at;
  }
  return name;
}

Outcome<void> build_index(store::SchemaSession& session, const SqlStatement& statement,
                          const IndexBuild& build) {
  Index state = look_at_index(session, build);
  if (state == Index::invalid) {
    session.run(fmt::format("DROP INDEX CONCURRENTLY {}{}", schema_of(session, build.table), build.index));
    state = Index::missing;
  }
  if (state == Index::missing) session.run(std::string(statement.text));
  if (look_at_index(session, build) == Index::valid) return {};
  return stop(Exit::failed, "MG-INVALID", fmt::format("index {} came out INVALID", build.index),
              "`guildhall migrate resume` drops it and builds it again.");
}

/// DROP INDEX CONCURRENTLY of one that is gone already, by an earlier try.
bool is_dropped_already(store::SchemaSession& session, const SqlStatement& statement) {
  const auto& tokens = statement.tokens;
  if (command_tag(statement) != "DROP INDEX") return false;
  std::size_t at = 2;
  while (at < tokens.size() && (is_keyword(tokens[at], "concurrently") || is_keyword(tokens[at], "if") ||
                                is_keyword(tokens[at], "exists")))
    ++at;
  const std::string name = read_name(tokens, at);
  return session.query("SELECT to_regclass($1)", {name}).at(0).at(0).empty();
}

}  // namespace

std::optional<IndexBuild> read_index_build(const SqlStatement& statement) {
  const auto& tokens = statement.tokens;
  if (command_tag(statement) != "CREATE INDEX" || !is_concurrent(statement)) return std::nullopt;
  std::size_t at = 0;
  while (at < tokens.size() && !is_keyword(tokens[at], "concurrently")) ++at;
  ++at;
  while (at < tokens.size() &&
         (is_keyword(tokens[at], "if") || is_keyword(tokens[at], "not") || is_keyword(tokens[at], "exists")))
    ++at;
  if (at >= tokens.size() || is_keyword(tokens[at], "on"))
    return std::nullopt;  // the database chooses a name
  IndexBuild build;
  build.index = read_name(tokens, at);
  if (at < tokens.size() && is_keyword(tokens[at], "on")) ++at;
  if (at < tokens.size() && is_keyword(tokens[at], "only")) ++at;
  build.table = read_name(tokens, at);
  return build;
}

Outcome<void> run_outside(store::SchemaSession& session, const SqlStatement& statement, Dialect dialect,
                          std::chrono::milliseconds limit) {
  if (dialect == Dialect::sqlite) {
    session.run(std::string(statement.text));
    return {};
  }
  // It waits for every transaction that is older: lock_timeout would cut that short, and leave it INVALID.
  session.execute(fmt::format("SET lock_timeout = 0; SET statement_timeout = {}", limit.count()));
  const auto restore = [&session] { session.execute("RESET lock_timeout; RESET statement_timeout"); };
  try {
    Outcome<void> done;
    if (const auto build = read_index_build(statement)) {
      done = build_index(session, statement, *build);
    } else if (!is_dropped_already(session, statement)) {
      session.run(std::string(statement.text));
    }
    restore();
    return done;
  } catch (const store::DatabaseError& error) {
    if (error.code() != store::DbCode::connection_lost) restore();
    throw;
  }
}

}  // namespace guildhall::migrate
