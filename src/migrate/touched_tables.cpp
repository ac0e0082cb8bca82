#include "migrate/touched_tables.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "migrate/statement_reading.h"

namespace guildhall::migrate {
namespace {

bool has_word(const StatementReading& reading, std::string_view word) {
  return std::ranges::any_of(reading.statement.tokens,
                             [&](const Token& token) { return is_keyword(token, word); });
}

/// A type or a schema takes columns and tables along that it does not name; an emptied table those that refer
/// to it. Of a dropped table only constraints and views go with it.
bool takes_more(const StatementReading& reading) {
  if (reading.tag == "DROP OWNED" || reading.tag == "DROP SCHEMA" || reading.tag == "DROP EXTENSION")
    return true;
  const bool drops = reading.tag.starts_with("DROP ") || reading.tag == "TRUNCATE";
  return drops && reading.tag != "DROP TABLE" && reading.tag != "DROP VIEW" && has_word(reading, "cascade");
}

std::vector<std::string> tables_of(const StatementReading& reading) {
  std::vector<std::string> tables = reading.writes;
  if (reading.tag == "ALTER TABLE" && !reading.table.empty()) tables.push_back(reading.table);
  if (reading.tag == "DROP TABLE" || reading.tag == "TRUNCATE")
    tables.insert(tables.end(), reading.names.begin(), reading.names.end());
  return tables;
}

std::unexpected<Problem> untold(const Script& script, const StatementReading& reading) {
  Problem problem{Exit::refused,
                  {"MG-TOUCHED", Level::error, "", reading.line(),
                   fmt::format("which tables this {} touches cannot be told from its words", reading.tag),
                   "Take a backup of the whole: without --backup=schema+touched."}};
  problem.place.file = script.file;
  return std::unexpected(std::move(problem));
}

/// With the tables that follow by a foreign key. No row: it is not there, and is made on the way.
constexpr std::string_view kWithFollowers = R"(
WITH RECURSIVE touched (oid) AS (
  SELECT to_regclass($1)::oid
   UNION
  SELECT conrelid FROM touched JOIN pg_constraint ON confrelid = touched.oid
   WHERE contype = 'f' AND (confdeltype IN ('c', 'n', 'd') OR confupdtype IN ('c', 'n', 'd')))
SELECT format('%I.%I', n.nspname, c.relname), c.relkind
  FROM touched JOIN pg_class c ON c.oid = touched.oid JOIN pg_namespace n ON n.oid = c.relnamespace)";

}  // namespace

Outcome<std::vector<std::string>> touched_tables(store::SchemaSession& session,
                                                 std::span<const Script* const> scripts) {
  std::set<std::string> touched;
  for (const Script* script : scripts) {
    std::vector<StatementReading> readings;
    for (const SqlStatement& statement : script->statements)
      readings.push_back(read_statement(statement, Dialect::postgres));
    for (const StatementReading* reading : with_inner(readings)) {
      if (reading->opaque || takes_more(*reading)) return untold(*script, *reading);
      for (const std::string& table : tables_of(*reading)) {
        for (const auto& row : session.query(std::string(kWithFollowers), {table})) {
          if (row[1] == "v" || row[1] == "f") return untold(*script, *reading);
          if (row[1] == "r" || row[1] == "p") touched.insert(row[0]);
        }
      }
    }
  }
  return std::vector<std::string>(touched.begin(), touched.end());
}

}  // namespace guildhall::migrate
