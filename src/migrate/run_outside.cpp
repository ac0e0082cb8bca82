#include "migrate/run_outside.h"

#include <fmt/format.h>

#include <initializer_list>
#include <optional>

namespace guildhall::migrate {
namespace {

// --- reading the statement

using Tokens = std::vector<Token>;

/// `at` then stands behind those words, whichever of them are there.
void skip(const Tokens& tokens, std::size_t& at, std::initializer_list<const char*> words) {
  const auto is_one = [&] {
    for (const char* word : words) {
      if (at < tokens.size() && is_keyword(tokens[at], word)) return true;
    }
    return false;
  };
  while (is_one()) ++at;
}

/// Behind the word; at the end when it is not there.
std::size_t behind(const Tokens& tokens, std::string_view word) {
  std::size_t at = 0;
  while (at < tokens.size() && !is_keyword(tokens[at], word)) ++at;
  return at < tokens.size() ? at + 1 : at;
}

/// A name of one or more parts from `at` on, as it is written; `at` then stands behind it.
std::string read_name(const Tokens& tokens, std::size_t& at) {
  std::string name;
  while (at < tokens.size()) {
    name += tokens[at++].text;
    if (at >= tokens.size() || !is_symbol(tokens[at], ".")) return name;
    name += ".";
    ++at;
  }
  return name;
}

/// As names are written in the statement.
struct Named {
  std::string name;
  std::string table;
};

/// CREATE INDEX CONCURRENTLY; of one without a name the database chooses it, and nothing is known.
std::optional<Named> read_index_build(const SqlStatement& statement) {
  const Tokens& tokens = statement.tokens;
  std::size_t at = behind(tokens, "concurrently");
  skip(tokens, at, {"if", "not", "exists"});
  if (at >= tokens.size() || is_keyword(tokens[at], "on")) return std::nullopt;
  Named build;
  build.name = read_name(tokens, at);
  skip(tokens, at, {"on", "only"});
  build.table = read_name(tokens, at);
  return build;
}

/// ALTER TABLE ... DETACH PARTITION ... CONCURRENTLY.
std::optional<Named> read_detach(const SqlStatement& statement) {
  const Tokens& tokens = statement.tokens;
  std::size_t at = behind(tokens, "table");
  skip(tokens, at, {"if", "exists", "only"});
  Named detach;
  detach.table = read_name(tokens, at);
  if (at + 1 >= tokens.size() || !is_keyword(tokens[at], "detach")) return std::nullopt;
  at += 2;
  detach.name = read_name(tokens, at);
  return detach;
}

// --- what is there

bool is_there(store::SchemaSession& session, const std::string& sql, const std::vector<std::string>& values) {
  return !session.query(sql, values).empty();
}

enum class Index { missing, invalid, valid };

/// The index lies in the schema of its table.
Index look_at_index(store::SchemaSession& session, const Named& build) {
  const auto rows = session.query(
      "SELECT i.indisvalid FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_class t ON t.oid "
      "= to_regclass($2) WHERE c.relnamespace = t.relnamespace AND c.relname = (parse_ident($1))[1]",
      {build.name, build.table});
  if (rows.empty()) return Index::missing;
  return rows[0][0] == "t" ? Index::valid : Index::invalid;
}

std::string schema_of(store::SchemaSession& session, const std::string& table) {
  const auto rows = session.query(
      "SELECT quote_ident(n.nspname) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE "
      "c.oid = to_regclass($1)",
      {table});
  return rows.empty() ? "" : rows[0][0] + ".";
}

// --- each kind

Outcome<void> build_index(store::SchemaSession& session, const SqlStatement& statement, const Named& build,
                          bool may_be_done) {
  Index state = look_at_index(session, build);
  if (state == Index::invalid) {
    session.run(fmt::format("DROP INDEX CONCURRENTLY {}{}", schema_of(session, build.table), build.name));
    state = Index::missing;
  }
  if (state == Index::missing || !may_be_done) session.run(std::string(statement.text));
  if (look_at_index(session, build) == Index::valid) return {};
  return stop(Exit::failed, "MG-INVALID", fmt::format("index {} came out INVALID", build.name),
              "`guildhall migrate resume` drops it and builds it again.");
}

/// The copies that a REINDEX CONCURRENTLY which was ended left behind, of the index, table or schema that
/// this one names, or of the whole database; but not those that somebody is building just now.
void drop_copies(store::SchemaSession& session, const SqlStatement& statement) {
  const Tokens& tokens = statement.tokens;
  std::size_t at = 1;
  if (at < tokens.size() && is_symbol(tokens[at], "(")) {
    while (at < tokens.size() && !is_symbol(tokens[at++], ")")) continue;
  }
  skip(tokens, at, {"index", "table", "schema", "database", "system", "concurrently"});
  const std::string name = read_name(tokens, at);
  const auto names = [&](const char* kind) { return behind(tokens, kind) < tokens.size(); };
  const std::string where =
      names("index")    ? "i.indrelid = (SELECT indrelid FROM pg_index WHERE indexrelid = to_regclass($1))"
      : names("table")  ? "to_regclass($1) IN (i.indrelid, (SELECT oid FROM pg_class WHERE reltoastrelid = "
                          "i.indrelid))"
      : names("schema") ? "c.relnamespace = to_regnamespace($1)"
                        : "$1 IS NOT NULL";
  const auto copies = session.query(
      "SELECT c.oid::regclass FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid WHERE NOT i.indisvalid "
      "AND c.relname ~ '_cc(new|old)[0-9]*$' AND NOT EXISTS (SELECT FROM pg_stat_progress_create_index p "
      "WHERE p.relid = i.indrelid) AND " +
          where,
      {name});
  for (const auto& copy : copies) session.run(fmt::format("DROP INDEX CONCURRENTLY {}", copy[0]));
}

void detach(store::SchemaSession& session, const SqlStatement& statement, const Named& part,
            bool may_be_done) {
  const auto rows = session.query(
      "SELECT inhdetachpending FROM pg_inherits WHERE inhparent = to_regclass($1) AND inhrelid = "
      "to_regclass($2)",
      {part.table, part.name});
  if (rows.empty() && may_be_done) return;
  const bool is_half_out = !rows.empty() && rows[0][0] == "t";
  session.run(is_half_out ? fmt::format("ALTER TABLE {} DETACH PARTITION {} FINALIZE", part.table, part.name)
                          : std::string(statement.text));
}

/// What makes or drops one thing, by its name.
bool is_done(store::SchemaSession& session, const SqlStatement& statement) {
  struct Kind {
    const char* tag;
    const char* word;
    const char* sql;  // a row: it is there
    bool makes;
  };
  static constexpr std::initializer_list<Kind> kKinds{
      {"DROP INDEX", "concurrently", "SELECT 1 WHERE to_regclass($1) IS NOT NULL", false},
      {"CREATE DATABASE", "database", "SELECT 1 FROM pg_database WHERE datname = (parse_ident($1))[1]", true},
      {"DROP DATABASE", "database", "SELECT 1 FROM pg_database WHERE datname = (parse_ident($1))[1]", false},
      {"CREATE TABLESPACE", "tablespace", "SELECT 1 FROM pg_tablespace WHERE spcname = (parse_ident($1))[1]",
       true},
      {"DROP TABLESPACE", "tablespace", "SELECT 1 FROM pg_tablespace WHERE spcname = (parse_ident($1))[1]",
       false}};
  const std::string tag = command_tag(statement);
  for (const Kind& kind : kKinds) {
    if (tag != kind.tag) continue;
    std::size_t at = behind(statement.tokens, kind.word);
    skip(statement.tokens, at, {"if", "not", "exists"});
    return is_there(session, kind.sql, {read_name(statement.tokens, at)}) == kind.makes;
  }
  return false;
}

Outcome<void> run_whatever(store::SchemaSession& session, const SqlStatement& statement, bool may_be_done) {
  const std::string tag = command_tag(statement);
  const bool beside_others = is_concurrent(statement);
  if (tag == "CREATE INDEX" && beside_others) {
    if (const auto build = read_index_build(statement))
      return build_index(session, statement, *build, may_be_done);
  }
  if (tag == "ALTER TABLE" && beside_others) {
    if (const auto part = read_detach(statement)) {
      detach(session, statement, *part, may_be_done);
      return {};
    }
  }
  if (tag == "REINDEX" && beside_others) drop_copies(session, statement);
  if (!may_be_done || !is_done(session, statement)) session.run(std::string(statement.text));
  return {};
}

/// What works beside the writers waits for every transaction that is older.
void name_who_is_in_the_way(store::SchemaSession& session, const OutsideOptions& options) {
  const auto rows = session.query(fmt::format(
      "SELECT pid, usename, extract(epoch FROM clock_timestamp() - xact_start)::bigint, "
      "left(regexp_replace(query, '\\s+', ' ', 'g'), 80) FROM pg_stat_activity WHERE datname = "
      "current_database() AND pid <> pg_backend_pid() AND (backend_xid IS NOT NULL OR backend_xmin IS NOT "
      "NULL) AND xact_start <= clock_timestamp() - {} * interval '1 millisecond' ORDER BY xact_start LIMIT 1",
      options.worth_a_line.count()));
  if (rows.empty()) return;
  options.say(fmt::format("it waits for a transaction of {} that is open for {} s (pid {}): {}", rows[0][1],
                          rows[0][2], rows[0][0], rows[0][3]));
}

}  // namespace

Outcome<void> run_outside(store::SchemaSession& session, const SqlStatement& statement, Dialect dialect,
                          const OutsideOptions& options) {
  if (dialect == Dialect::sqlite) {
    session.run(std::string(statement.text));
    return {};
  }
  if (is_concurrent(statement)) name_who_is_in_the_way(session, options);
  // A limit to the wait for older transactions would leave half of it behind.
  session.execute(fmt::format("SET lock_timeout = 0; SET statement_timeout = {}", options.limit.count()));
  const auto restore = [&session] { session.execute("RESET lock_timeout; RESET statement_timeout"); };
  try {
    auto done = run_whatever(session, statement, options.may_be_done);
    restore();
    return done;
  } catch (const store::DatabaseError& error) {
    if (error.code() != store::DbCode::connection_lost) restore();
    throw;
  }
}

}  // namespace guildhall::migrate
