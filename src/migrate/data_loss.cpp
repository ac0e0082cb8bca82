#include "migrate/data_loss.h"

#include <fmt/format.h>

#include <set>

#include "migrate/statement_reading.h"

namespace guildhall::migrate {
namespace {

void read_losses(const StatementReading& reading, std::vector<Loss>& losses) {
  if (reading.tag == "DROP TABLE" || reading.tag == "TRUNCATE") {
    for (const std::string& table : reading.names) losses.push_back({table, "", 0});
  } else if (reading.tag == "DELETE" && !reading.has_where) {
    for (const std::string& table : reading.writes) losses.push_back({table, "", 0});
  }
  for (const TableAction& action : reading.actions) {
    if (action.kind == ActionKind::drop_column) losses.push_back({reading.table, action.name, 0});
  }
  for (const StatementReading& inner : reading.inner) read_losses(inner, losses);
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
  for (const SqlStatement& statement : statements) read_losses(read_statement(statement, dialect), named);
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
