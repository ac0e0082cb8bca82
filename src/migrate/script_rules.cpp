#include "migrate/script_rules.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/text.h"
#include "migrate/batch.h"

namespace guildhall::migrate {
namespace {

bool is_one_of(std::string_view word, std::initializer_list<std::string_view> words) {
  return std::ranges::find(words, word) != words.end();
}

/// The keyword at that place, in lower case; "" behind the end.
std::string word_at(const SqlStatement& statement, std::size_t position) {
  return position < statement.tokens.size() ? to_lower_ascii(statement.tokens[position].text) : "";
}

bool has_word(const SqlStatement& statement, std::string_view word) {
  return std::ranges::any_of(statement.tokens, [&](const Token& token) { return is_keyword(token, word); });
}

bool controls_transaction(std::string_view tag) {
  return is_one_of(tag, {"BEGIN", "COMMIT", "ROLLBACK", "SAVEPOINT", "RELEASE", "PREPARE TRANSACTION"});
}

bool copies_from_stdin(const SqlStatement& statement, const std::string& tag) {
  return tag == "COPY" && has_word(statement, "from") && has_word(statement, "stdin");
}

/// These change the connection rather than the database, and some do nothing within a transaction.
bool is_lasting_set(const SqlStatement& statement, const std::string& tag) {
  return tag == "SET" && !is_one_of(word_at(statement, 1), {"local", "constraints", "transaction"});
}

/// 'value' of ALTER TYPE ... ADD VALUE 'value'; "" of any other statement.
std::string_view added_enum_value(const SqlStatement& statement) {
  if (command_tag(statement) != "ALTER TYPE" || !has_word(statement, "add")) return {};
  const auto literal = std::ranges::find(statement.tokens, TokenKind::literal, &Token::kind);
  return literal == statement.tokens.end() ? std::string_view() : literal->text;
}

/// PostgreSQL lets nobody use an enum's new value before it is committed.
void check_enum_values(const Script& script, Findings& findings) {
  std::vector<std::string_view> added;
  for (const SqlStatement& statement : script.statements) {
    const auto uses = [&](const Token& token) {
      return token.kind == TokenKind::literal && std::ranges::find(added, token.text) != added.end();
    };
    const auto used = std::ranges::find_if(statement.tokens, uses);
    if (used != statement.tokens.end()) {
      findings.push_back(
          {"L01", Level::error, script.file, used->line,
           fmt::format("{} was added to an enum above, and cannot be used in the same transaction",
                       used->text),
           "Add the value in a migration of its own, before this one."});
    }
    if (const auto value = added_enum_value(statement); !value.empty()) added.push_back(value);
  }
}

void check_statement(const SqlStatement& statement, const std::string& file, Dialect dialect, bool mixed,
                     Findings& findings) {
  const auto report = [&](std::string code, Level level, std::string text, std::string hint) {
    findings.push_back({std::move(code), level, file, statement.line, std::move(text), std::move(hint)});
  };
  const std::string tag = command_tag(statement);
  if (std::ranges::any_of(statement.tokens,
                          [](const Token& t) { return t.kind == TokenKind::psql_command; })) {
    report("E-PSQL", Level::error, "commands of psql are not SQL", "Write what the command does as SQL.");
  } else if (copies_from_stdin(statement, tag)) {
    report("E-COPY", Level::error, "COPY ... FROM stdin has no data here", "Write the rows as INSERT.");
  } else if (controls_transaction(tag)) {
    report("E-TXCTL", Level::error, fmt::format("{} would end the transaction that the tool opened", tag),
           "Take it out: each file is one transaction already.");
  } else if (mixed && needs_no_transaction(statement, dialect)) {
    report("L01", Level::error, fmt::format("{} cannot run in a transaction", tag),
           "Move it to a migration of its own, or write `-- guildhall: transaction=none` at the top.");
  } else if (dialect == Dialect::sqlite && tag == "PRAGMA" && word_at(statement, 1) == "foreign_keys") {
    report(
        "W-PRAGMA", Level::warning, "PRAGMA foreign_keys does nothing here",
        "Take it out: foreign keys are off while a migration runs, and all are checked before it commits.");
  } else if (dialect == Dialect::postgres && is_lasting_set(statement, tag)) {
    report("W-SET", Level::warning, "SET lasts beyond this file; it is undone after it", "Write SET LOCAL.");
  }
}

void check_batch(const Script& script, Dialect dialect, Findings& findings) {
  const auto batch = read_batch(script, dialect);
  if (batch) return;
  const std::size_t line = script.statements.empty() ? 1 : script.statements[0].line;
  findings.push_back({"E-BATCH", Level::error, script.file, line, batch.error().message,
                      "Write one UPDATE or DELETE, and `-- guildhall: batch=TABLE(KEY)` at the top."});
}

}  // namespace

namespace {

/// CLUSTER of every table that was clustered once: it names none.
bool names_no_table(const SqlStatement& statement) {
  const auto is_option = [](const Token& token) {
    return token.kind == TokenKind::symbol || is_keyword(token, "cluster") || is_keyword(token, "verbose");
  };
  return std::ranges::all_of(statement.tokens, is_option);
}

/// REINDEX of more than one table; behind its options in parentheses.
bool reindexes_many(const SqlStatement& statement) {
  const auto options_end =
      std::ranges::find_if(statement.tokens, [](const Token& t) { return is_symbol(t, ")"); });
  const bool has_options = statement.tokens.size() > 1 && is_symbol(statement.tokens[1], "(");
  const auto kind = has_options ? static_cast<std::size_t>(options_end - statement.tokens.begin()) + 1 : 1;
  return is_one_of(word_at(statement, kind), {"schema", "database", "system"});
}

/// It asks the publisher meanwhile, unless it is told not to.
bool refreshes_subscription(const SqlStatement& statement) {
  constexpr std::string_view kWithout[] = {"refresh", "=", "false"};
  const auto matches = [](const Token& token, std::string_view word) {
    return to_lower_ascii(token.text) == word;
  };
  return has_word(statement, "publication") &&
         std::ranges::search(statement.tokens, kWithout, matches).empty();
}

/// Citus commits on its workers in between: shards that are moved, copied or split while they are written to.
bool moves_shards(const SqlStatement& statement) {
  constexpr std::string_view kMoves[] = {"create_distributed_table_concurrently",
                                         "citus_move_shard_placement",
                                         "master_move_shard_placement",
                                         "citus_copy_shard_placement",
                                         "master_copy_shard_placement",
                                         "citus_split_shard_by_split_points",
                                         "isolate_tenant_to_new_shard",
                                         "rebalance_table_shards",
                                         "citus_rebalance_start",
                                         "citus_rebalance_wait",
                                         "citus_drain_node",
                                         "master_drain_node",
                                         "replicate_table_shards",
                                         "citus_cleanup_orphaned_resources",
                                         "citus_cleanup_orphaned_shards"};
  for (std::size_t i = 0; i + 1 < statement.tokens.size(); ++i) {
    const bool is_call = is_symbol(statement.tokens[i + 1], "(");
    if (is_call && std::ranges::find(kMoves, to_lower_ascii(statement.tokens[i].text)) != std::end(kMoves))
      return true;
  }
  return false;
}

/// What SQLite refuses to change within a transaction.
bool sets_mode_of_file(const SqlStatement& statement) {
  return is_one_of(word_at(statement, 1), {"journal_mode", "synchronous"}) && statement.tokens.size() > 2;
}

}  // namespace

bool needs_no_transaction(const SqlStatement& statement, Dialect dialect) {
  const std::string tag = command_tag(statement);
  if (dialect == Dialect::sqlite)
    return is_one_of(tag, {"VACUUM", "ATTACH", "DETACH"}) ||
           (tag == "PRAGMA" && sets_mode_of_file(statement));
  if (is_concurrent(statement)) return tag != "REFRESH";
  if (tag == "CLUSTER") return names_no_table(statement);
  if (tag == "REINDEX") return reindexes_many(statement);
  if (tag == "ALTER DATABASE") return has_word(statement, "tablespace");
  if (tag == "ALTER SUBSCRIPTION") return refreshes_subscription(statement);
  if (tag == "DISCARD") return word_at(statement, 1) == "all";
  if (tag == "SELECT" || tag == "CALL") return moves_shards(statement);
  return is_one_of(tag, {"VACUUM", "CREATE DATABASE", "DROP DATABASE", "CREATE TABLESPACE", "DROP TABLESPACE",
                         "ALTER SYSTEM", "CREATE SUBSCRIPTION", "DROP SUBSCRIPTION"});
}

bool runs_in_transaction(const Script& script, Dialect dialect) {
  if (!script.options.in_transaction || script.options.batch) return false;
  return script.statements.empty() ||
         !std::ranges::all_of(script.statements, [&](const SqlStatement& statement) {
           return needs_no_transaction(statement, dialect);
         });
}

void check_script(const Script& script, Dialect dialect, Findings& findings) {
  const bool mixed = runs_in_transaction(script, dialect);
  for (const SqlStatement& statement : script.statements)
    check_statement(statement, script.file, dialect, mixed, findings);
  if (mixed && dialect == Dialect::postgres) check_enum_values(script, findings);
  if (script.options.batch) check_batch(script, dialect, findings);
}

}  // namespace guildhall::migrate
