#include "migrate/table_facts.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>
#include <ranges>

#include "migrate/text_array.h"

namespace guildhall::migrate {
namespace {

using store::SchemaSession;

/// The tables that a statement touches, as they are written.
std::vector<std::string> tables_of(const StatementReading& reading) {
  std::vector<std::string> names = reading.writes;
  names.push_back(reading.table);
  if (reading.tag == "DROP TABLE" || reading.tag == "TRUNCATE" || reading.tag == "LOCK")
    names.insert(names.end(), reading.names.begin(), reading.names.end());
  const auto add_referenced = [&](const std::vector<Constraint>& constraints) {
    for (const Constraint& one : constraints) names.push_back(one.referenced);
  };
  add_referenced(reading.constraints);
  for (const ColumnDefinition& column : reading.columns) add_referenced(column.constraints);
  for (const TableAction& action : reading.actions) {
    if (action.constraint) names.push_back(action.constraint->referenced);
    if (action.column) add_referenced(action.column->constraints);
    if (action.kind == ActionKind::attach_partition) names.push_back(action.name);
  }
  std::erase(names, "");
  return names;
}

/// By name_key, as they were written first.
std::map<std::string, std::string> named_tables(std::span<const Pending> pending, Dialect dialect) {
  std::map<std::string, std::string> names;
  for (const Pending& one : pending) {
    const auto readings = read_pending(one, dialect);
    for (const StatementReading* reading : with_inner(readings)) {
      for (const std::string& name : tables_of(*reading)) names.emplace(name_key(name, dialect), name);
    }
  }
  return names;
}

std::string without_schema(const std::string& key) { return key.substr(key.find('.') + 1); }

std::string bounded_count(const std::string& table) {
  return fmt::format("SELECT count(*) FROM (SELECT 1 FROM {} LIMIT {}) AS counted", table, kSmallTable + 1);
}

// --- PostgreSQL

// reltuples is -1 as long as nobody has analysed the table.
constexpr std::string_view kTables =
    "SELECT n.name, c.reltuples::bigint, c.relpages::bigint * current_setting('block_size')::bigint,"
    " has_table_privilege(c.oid, 'SELECT'),"
    " (SELECT coalesce(jsonb_agg(jsonb_build_array(a.attname, format_type(a.atttypid, a.atttypmod),"
    "   a.attnotnull) ORDER BY a.attnum), '[]')"
    "  FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped),"
    " (SELECT coalesce(jsonb_agg(pg_get_constraintdef(k.oid)), '[]')"
    "  FROM pg_constraint k WHERE k.conrelid = c.oid AND k.contype = 'c' AND k.convalidated),"
    " (SELECT coalesce(jsonb_agg(quote_ident(a.attname) ORDER BY p.place), '[]')"
    "  FROM pg_index i CROSS JOIN unnest(i.indkey) WITH ORDINALITY AS p(number, place)"
    "  JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = p.number"
    "  WHERE i.indrelid = c.oid AND i.indisprimary),"
    " pg_tablespace_location(c.reltablespace),"
    " (SELECT coalesce(jsonb_agg(k.conname), '[]') FROM pg_constraint k WHERE k.conrelid = c.oid)"
    " FROM unnest($1::text[]) AS n(name) JOIN pg_class c ON c.oid = to_regclass(n.name)"
    " WHERE c.relkind IN ('r', 'p', 'm', 'f')";

std::vector<std::string> strings_of(const std::string& json) {
  std::vector<std::string> strings;
  for (const auto& one : boost::json::parse(json).as_array()) strings.emplace_back(one.as_string());
  return strings;
}

/// Sizes wait for whoever holds a table, and a count may need a right that is not there: then the estimates
/// of the catalog have to do. One round trip.
void measure_in_postgres(SchemaSession& session, const std::string& name, bool may_read, TableFact& fact) {
  const bool counts = may_read && fact.rows <= kSmallTable;
  session.later("SAVEPOINT measuring");
  try {
    const auto rows = session.query(
        fmt::format("SELECT sum(pg_table_size(relid)), sum(pg_indexes_size(relid)), "
                    "sum(pg_relation_size(relid)), ({}) FROM (SELECT relid FROM "
                    "pg_partition_tree(to_regclass($1::text)) UNION SELECT to_regclass($1::text)) AS parts",
                    counts ? bounded_count(name) : "SELECT 0"),
        {name});
    session.later("RELEASE measuring");
    const auto& row = rows.at(0);
    fact.bytes = std::stoll(row.at(0));
    fact.index_bytes = std::stoll(row.at(1));
    if (counts) {
      fact.rows = std::stoll(row.at(3));
      fact.is_estimate = fact.rows > kSmallTable;
    } else if (fact.rows == 0 && row.at(2) != "0") {
      fact.rows = 1;  // at least
    }
  } catch (const store::DatabaseError& error) {
    if (error.code() == store::DbCode::connection_lost) throw;
    session.execute("ROLLBACK TO measuring");
    fact.rows = std::max<std::int64_t>(fact.rows, 1);  // nobody has seen that it is empty
  }
}

/// What a CREATE makes, without its schema.
std::set<std::string> made_names(std::span<const Pending> pending, Dialect dialect) {
  std::set<std::string> names;
  for (const Pending& one : pending) {
    const auto readings = read_pending(one, dialect);
    for (const StatementReading* reading : with_inner(readings)) {
      if (reading->tag.starts_with("CREATE ") && !reading->object.empty())
        names.insert(without_schema(name_key(reading->object, dialect)));
    }
  }
  return names;
}

/// In one question for all: most are not there.
void read_taken_names(SchemaSession& session, const std::set<std::string>& names, TableFacts& facts) {
  const auto rows = session.query(
      "SELECT n.name FROM unnest($1::text[]) AS n(name) "
      "WHERE EXISTS (SELECT FROM pg_class WHERE relname = n.name::name) "
      "OR EXISTS (SELECT FROM pg_type WHERE typname = n.name::name)",
      {text_array({names.begin(), names.end()})});
  for (const auto& row : rows) facts.taken.insert(row[0]);
}

/// Of those that can be looked up at all: not so what lies in a schema that the role may not use.
SchemaSession::Rows read_tables(SchemaSession& session, const std::vector<std::string>& names) {
  session.later("SAVEPOINT reading");
  try {
    auto rows = session.query(std::string(kTables), {text_array(names)});
    session.later("RELEASE reading");
    return rows;
  } catch (const store::DatabaseError& error) {
    if (error.code() == store::DbCode::connection_lost) throw;
    session.execute("ROLLBACK TO reading");
  }
  SchemaSession::Rows all;
  if (names.size() == 1) return all;
  for (const std::string& name : names)
    std::ranges::move(read_tables(session, {name}), std::back_inserter(all));
  return all;
}

void read_postgres_facts(SchemaSession& session, const std::map<std::string, std::string>& names,
                         TableFacts& facts) {
  const auto written = names | std::views::values;
  for (const auto& row : read_tables(session, {written.begin(), written.end()})) {
    TableFact fact;
    const std::int64_t estimate = std::stoll(row[1]);
    fact.bytes = std::stoll(row[2]);
    // Never analysed: it may hold something, as long as nobody has counted.
    fact.rows = estimate >= 0 ? estimate : 1;
    fact.is_estimate = true;
    for (const auto& column : boost::json::parse(row[4]).as_array())
      fact.columns.push_back({std::string(column.at(0).as_string()), std::string(column.at(1).as_string()),
                              column.at(2).as_bool()});
    fact.validated_checks = strings_of(row[5]);
    fact.primary_key = strings_of(row[6]);
    fact.tablespace = row[7];
    for (std::string& constraint : strings_of(row[8])) fact.constraints.insert(std::move(constraint));
    measure_in_postgres(session, row[0], row[3] == "t", fact);
    facts.tables.emplace(name_key(row[0], Dialect::postgres), std::move(fact));
  }
  for (const auto& row : session.query("SELECT rolname FROM pg_roles")) facts.roles.insert(row[0]);
  for (const auto& row :
       session.query("SELECT name, installed_version IS NOT NULL FROM pg_available_extensions")) {
    facts.available_extensions.insert(row[0]);
    if (row[1] == "t") facts.extensions.insert(row[0]);
  }
}

// --- SQLite

/// Rows beyond what is counted: as many as there can be between the first and the last of them.
std::int64_t estimated_rows(SchemaSession& session, const std::string& name) {
  try {
    return std::stoll(
        session.query(fmt::format("SELECT max(rowid) - min(rowid) + 1 FROM {}", name)).at(0).at(0));
  } catch (const store::DatabaseError&) {
    // WITHOUT ROWID
    return std::stoll(session.query(fmt::format("SELECT count(*) FROM {}", name)).at(0).at(0));
  }
}

/// 0 where this SQLite was built without dbstat.
std::int64_t pages_in_bytes(SchemaSession& session, const std::string& key) {
  try {
    const auto rows =
        session.query("SELECT coalesce(sum(pgsize), 0) FROM dbstat WHERE lower(name) = $1", {key});
    return std::stoll(rows.at(0).at(0));
  } catch (const store::DatabaseError&) {
    return 0;
  }
}

void read_sqlite_facts(SchemaSession& session, const std::map<std::string, std::string>& names,
                       TableFacts& facts) {
  for (const auto& [key, name] : names) {
    const auto columns =
        session.query("SELECT name, type, \"notnull\", pk FROM pragma_table_info($1)", {key});
    const auto is_table =
        session.query("SELECT 1 FROM sqlite_schema WHERE type = 'table' AND lower(name) = $1", {key});
    if (columns.empty() || is_table.empty()) continue;
    TableFact fact;
    std::map<std::string, std::string> primary_key;  // by place
    for (const auto& row : columns) {
      fact.columns.push_back(
          {name_key(fmt::format("\"{}\"", row[0]), Dialect::sqlite), row[1], row[2] == "1"});
      if (row[3] != "0") primary_key.emplace(row[3], fmt::format("\"{}\"", row[0]));
    }
    for (const auto& [place, column] : primary_key) fact.primary_key.push_back(column);
    fact.rows = std::stoll(session.query(bounded_count(name)).at(0).at(0));
    fact.is_estimate = fact.rows > kSmallTable;
    if (fact.is_estimate) fact.rows = estimated_rows(session, name);
    fact.bytes = pages_in_bytes(session, key);
    facts.tables.emplace(key, std::move(fact));
  }
}

void read_taken_in_sqlite(SchemaSession& session, const std::set<std::string>& names, TableFacts& facts) {
  for (const auto& row : session.query("SELECT name FROM sqlite_schema")) {
    const std::string key = name_key(fmt::format("\"{}\"", row[0]), Dialect::sqlite);
    if (names.contains(key)) facts.taken.insert(key);
  }
}

}  // namespace

const ColumnFact* TableFact::column(std::string_view key) const {
  const auto found = std::ranges::find(columns, key, &ColumnFact::name);
  return found == columns.end() ? nullptr : &*found;
}

const TableFact* TableFacts::find(const std::string& key) const {
  const auto found = tables.find(key);
  return found == tables.end() ? nullptr : &found->second;
}

bool TableFacts::may_take(const std::string& key) const {
  return !known || taken.contains(without_schema(key));
}

std::vector<StatementReading> read_pending(const Pending& pending, Dialect dialect) {
  std::vector<StatementReading> readings;
  const auto& statements = pending.script().statements;
  for (std::size_t i = pending.done; i < statements.size(); ++i)
    readings.push_back(read_statement(statements[i], dialect));
  return readings;
}

TableFacts read_table_facts(SchemaSession& session, Dialect dialect, std::span<const Pending> pending) {
  TableFacts facts;
  facts.known = true;
  const auto names = named_tables(pending, dialect);
  const auto made = made_names(pending, dialect);
  if (dialect == Dialect::postgres) {
    read_postgres_facts(session, names, facts);
    read_taken_names(session, made, facts);
  } else {
    read_sqlite_facts(session, names, facts);
    read_taken_in_sqlite(session, made, facts);
  }
  return facts;
}

// --- RunTrace

void RunTrace::take(const StatementReading& reading) {
  opaque_ = opaque_ || reading.opaque;
  const bool deletes = std::ranges::any_of(reading.statement.tokens, [](const Token& token) {
    return is_keyword(token, "delete") || is_keyword(token, "truncate");
  });
  deletes_ = deletes_ || (deletes && !reading.writes.empty());
  drops_ = drops_ || reading.tag.starts_with("DROP ");
  for (const std::string& table : reading.writes) written_.insert(key(table));
  if (reading.tag.starts_with("DROP ")) {
    for (const std::string& name : reading.names) freed_.insert(key(name));
  }
  if (reading.tag.starts_with("CREATE ")) {
    made_.insert(key(reading.object));
    freed_.erase(key(reading.object));
  }
  const bool is_table = reading.tag == "CREATE TABLE" || reading.tag == "CREATE TABLE AS";
  // IF NOT EXISTS makes nothing where it is there.
  if (is_table && (!reading.tolerant || facts_.find(key(reading.table)) == nullptr)) take_table(reading);
  for (const TableAction& action : reading.actions) take_action(reading, action);
}

void RunTrace::take_table(const StatementReading& reading) {
  const std::string table = key(reading.table);
  tables_.insert(table);
  for (const ColumnDefinition& column : reading.columns) {
    columns_.insert(table + "." + key(column.name));
    for (const Constraint& one : column.constraints) made_.insert(key(one.name));
  }
  for (const Constraint& one : reading.constraints) made_.insert(key(one.name));
}

void RunTrace::take_action(const StatementReading& reading, const TableAction& action) {
  const std::string table = key(reading.table);
  switch (action.kind) {
    case ActionKind::add_column: columns_.insert(table + "." + key(action.name)); break;
    case ActionKind::add_constraint: made_.insert(key(action.name)); break;
    case ActionKind::drop_column:
      drops_ = true;
      freed_.insert(table + "." + key(action.name));
      break;
    case ActionKind::drop_constraint:
    case ActionKind::rename_constraint: freed_.insert(key(action.name)); break;
    case ActionKind::rename_column:
      freed_.insert(table + "." + key(action.name));
      columns_.insert(table + "." + key(action.new_name));
      break;
    case ActionKind::rename_table:
      freed_.insert(table);
      tables_.insert(key(action.new_name));
      break;
    default: break;
  }
}

bool RunTrace::makes_table(std::string_view table) const { return tables_.contains(key(table)); }
bool RunTrace::makes_column(std::string_view table, std::string_view column) const {
  return columns_.contains(key(table) + "." + key(column));
}
bool RunTrace::frees(std::string_view name) const { return freed_.contains(key(name)); }
bool RunTrace::makes(std::string_view name) const { return made_.contains(key(name)); }
bool RunTrace::writes(std::string_view table) const {
  return opaque_ || deletes_ || written_.contains(key(table));
}

}  // namespace guildhall::migrate
