#include "migrate/name_collisions.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"

namespace guildhall::migrate {
namespace {

using Kind = Collision::Kind;

/// "CREATE MATERIALIZED VIEW" -> "materialized view"
std::string kind_of(const StatementReading& reading) {
  std::string kind = to_lower_ascii(reading.tag.substr(std::string_view("CREATE ").size()));
  return kind == "table as" ? "table" : kind;
}

std::string title(const std::string& kind, const std::string& name) {
  return fmt::format("{} {}", kind, name);
}

/// ("app.t") -> ("app", "t"); without a schema ("", "t"). Folded as PostgreSQL does it.
std::pair<std::string, std::string> parts_of(const std::string& written) {
  const std::string key = name_key(written, Dialect::postgres);
  const std::size_t dot = key.find('.');
  if (dot == std::string::npos) return {"", key};
  return {key.substr(0, dot), key.substr(dot + 1)};
}

/// Whether the columns that a statement wants are there, for tables that may be there already.
Kind compare_columns(const StatementReading& reading, const TableFact* fact, Dialect dialect) {
  if (fact == nullptr || !reading.has_own_shape) return Kind::unsure;
  const bool all = std::ranges::all_of(reading.columns, [&](const ColumnDefinition& column) {
    return fact->column(name_key(column.name, dialect)) != nullptr;
  });
  return all && fact->columns.size() == reading.columns.size() ? Kind::same : Kind::other;
}

std::string names_of(const TableFact* fact) {
  std::vector<std::string> names;
  if (fact != nullptr) {
    for (const ColumnFact& column : fact->columns) names.push_back(column.name);
  }
  return fmt::format("columns {}", fmt::join(names, ", "));
}

// --- PostgreSQL

Kind compare_index(const IndexDefinition& index, const std::string& definition) {
  const auto statements = split_statements(definition, Dialect::postgres);
  if (!statements || statements->empty()) return Kind::unsure;
  const StatementReading live = read_statement(statements->front(), Dialect::postgres);
  if (!live.index) return Kind::unsure;
  const auto form = [](const std::string& sql) { return loose_form(sql, Dialect::postgres); };
  const auto forms = [&](const std::vector<std::string>& keys) {
    std::vector<std::string> all;
    for (const std::string& key : keys) all.push_back(form(key));
    return all;
  };
  const bool same_table = parts_of(live.index->table).second == parts_of(index.table).second;
  if (index.unique != live.index->unique || !same_table || index.keys.size() != live.index->keys.size())
    return Kind::other;
  if (forms(index.keys) == forms(live.index->keys) && form(index.where) == form(live.index->where))
    return Kind::same;
  const auto is_column = [](const std::string& key) { return key.find_first_of("( ") == std::string::npos; };
  const bool plain = index.where.empty() && live.index->where.empty() &&
                     std::ranges::all_of(index.keys, is_column) &&
                     std::ranges::all_of(live.index->keys, is_column);
  return plain ? Kind::other : Kind::unsure;
}

constexpr std::string_view kRelation =
    "SELECT c.relkind, coalesce(i.indisvalid, true), CASE WHEN i.indexrelid IS NULL THEN '' ELSE "
    "pg_get_indexdef(c.oid) END FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace LEFT JOIN "
    "pg_index i "
    "ON i.indexrelid = c.oid WHERE c.relname = $1 AND n.nspname = coalesce(nullif($2, ''), (SELECT "
    "tn.nspname FROM "
    "pg_class t JOIN pg_namespace tn ON tn.oid = t.relnamespace WHERE t.oid = to_regclass(nullif($3, ''))), "
    "current_schema())";

std::string kind_of_relation(const std::string& letter) {
  if (letter == "i" || letter == "I") return "index";
  if (letter == "v") return "view";
  if (letter == "m") return "materialized view";
  if (letter == "S") return "sequence";
  if (letter == "c") return "type";
  return letter == "f" ? "foreign table" : "table";
}

std::optional<Collision> find_relation(Looking& looking, const StatementReading& reading,
                                       const TableFacts& facts) {
  const auto [schema, name] = parts_of(reading.object);
  if (!facts.taken.contains(name)) return std::nullopt;
  // An index lies in the schema of its table.
  const auto rows = looking.ask(std::string(kRelation), {name, schema, reading.index ? reading.table : ""});
  if (!rows || rows->empty()) return std::nullopt;
  const auto& row = rows->front();
  if (row[1] != "t") return std::nullopt;
  const std::string kind = kind_of_relation(row[0]);
  Collision found{title(kind, reading.object), Kind::unsure, row[2]};
  if (kind != kind_of(reading)) {
    found.kind = Kind::other;
  } else if (reading.index) {
    found.kind = compare_index(*reading.index, row[2]);
  } else if (kind == "table") {
    const TableFact* fact = facts.find(name_key(reading.table, Dialect::postgres));
    found.kind = compare_columns(reading, fact, Dialect::postgres);
    found.definition = names_of(fact);
  }
  return found;
}

/// The values of CREATE TYPE ... AS ENUM ('a', 'b'), as they are listed.
std::string enum_values(const StatementReading& reading) {
  std::vector<std::string> values;
  for (const Token& token : reading.statement.tokens) {
    if (token.kind == TokenKind::literal) values.emplace_back(token.text.substr(1, token.text.size() - 2));
  }
  return fmt::format("{}", fmt::join(values, ","));
}

std::optional<Collision> find_type(Looking& looking, const StatementReading& reading) {
  const auto [schema, name] = parts_of(reading.object);
  const auto rows = looking.ask(
      "SELECT t.typtype, coalesce((SELECT string_agg(e.enumlabel, ',' ORDER BY e.enumsortorder) FROM pg_enum "
      "e WHERE "
      "e.enumtypid = t.oid), '') FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace WHERE "
      "t.typname = $1 "
      "AND n.nspname = coalesce(nullif($2, ''), current_schema())",
      {name, schema});
  if (!rows || rows->empty()) return std::nullopt;
  const auto& row = rows->front();
  Collision found{title(kind_of(reading), reading.object), Kind::unsure, row[1]};
  if (row[0] == "e") found.kind = row[1] == enum_values(reading) ? Kind::same : Kind::other;
  return found;
}

std::optional<Collision> find_schema(Looking& looking, const StatementReading& reading) {
  const auto rows =
      looking.ask("SELECT 1 FROM pg_namespace WHERE nspname = $1", {parts_of(reading.object).second});
  if (!rows || rows->empty()) return std::nullopt;
  return Collision{title("schema", reading.object), Kind::same, ""};
}

std::string definition_of(const Constraint& constraint) {
  const std::string columns = fmt::format("({})", fmt::join(constraint.columns, ", "));
  switch (constraint.kind) {
    case ConstraintKind::check: return fmt::format("CHECK ({})", constraint.expression);
    case ConstraintKind::unique: return "UNIQUE " + columns;
    case ConstraintKind::primary_key: return "PRIMARY KEY " + columns;
    case ConstraintKind::foreign_key:
      return fmt::format("FOREIGN KEY {} REFERENCES {} ({})", columns, constraint.referenced,
                         fmt::join(constraint.referenced_columns, ", "));
    case ConstraintKind::exclude: return "EXCLUDE";
  }
  return "";
}

/// The loose form, with columns that are named with their table named without it.
std::string form_within(const std::string& sql, const std::string& table) {
  std::string form = " " + loose_form(sql, Dialect::postgres);
  const std::string prefix = fmt::format(" {} . ", to_lower_ascii(parts_of(table).second));
  for (std::size_t at = form.find(prefix); at != std::string::npos; at = form.find(prefix, at))
    form.erase(at + 1, prefix.size() - 1);
  return form;
}

std::optional<Collision> find_constraint(Looking& looking, const StatementReading& reading,
                                         const Constraint& constraint) {
  const auto rows = looking.ask(
      "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = to_regclass($1) AND conname = $2",
      {reading.table, parts_of(constraint.name).second});
  if (!rows || rows->empty()) return std::nullopt;
  Collision found{title("constraint", constraint.name), Kind::unsure, rows->front()[0]};
  const bool is_key =
      constraint.kind == ConstraintKind::unique || constraint.kind == ConstraintKind::primary_key;
  if (form_within(found.definition, reading.table) == form_within(definition_of(constraint), reading.table)) {
    found.kind = Kind::same;
  } else if (is_key && constraint.index.empty()) {
    found.kind = Kind::other;
  }
  return found;
}

std::optional<Collision> find_column(Looking& looking, const StatementReading& reading,
                                     const TableAction& action, const TableFact& fact) {
  const ColumnFact* column = fact.column(name_key(action.name, looking.dialect()));
  if (column == nullptr) return std::nullopt;
  Collision found{title("column", fmt::format("{}.{}", reading.table, action.name)), Kind::unsure,
                  column->type};
  std::string wanted = action.column->type;
  if (looking.dialect() == Dialect::postgres) {
    const auto rows =
        looking.ask("SELECT format_type(to_regtype($1), NULL), format_type(to_regtype($2), NULL)",
                    {wanted, column->type});
    if (!rows || rows->front()[0] == "-" || rows->front()[0].empty()) return found;
    found.kind = rows->front()[0] == rows->front()[1] ? Kind::same : Kind::other;
    return found;
  }
  found.kind = to_lower_ascii(wanted) == to_lower_ascii(column->type) ? Kind::same : Kind::other;
  return found;
}

// --- SQLite

/// SQLite keeps the statement that made it.
std::string without_tolerance(std::string_view sql) {
  std::string form = loose_form(sql, Dialect::sqlite);
  constexpr std::string_view kTolerance = " if not exists";
  if (const std::size_t at = form.find(kTolerance); at != std::string::npos)
    form.erase(at, kTolerance.size());
  return form;
}

std::optional<Collision> find_in_sqlite(Looking& looking, const StatementReading& reading) {
  const auto rows = looking.ask("SELECT type, coalesce(sql, '') FROM sqlite_schema WHERE lower(name) = $1",
                                {name_key(reading.object, Dialect::sqlite)});
  if (!rows || rows->empty()) return std::nullopt;
  const auto& row = rows->front();
  Collision found{title(row[0], reading.object), Kind::other, row[1]};
  if (without_tolerance(row[1]) == without_tolerance(reading.statement.text)) found.kind = Kind::same;
  return found;
}

}  // namespace

std::optional<Collision> find_object(Looking& looking, const StatementReading& reading,
                                     const TableFacts& facts) {
  if (!reading.tag.starts_with("CREATE ") || reading.object.empty() || reading.temporary) return std::nullopt;
  if (looking.dialect() == Dialect::sqlite) return find_in_sqlite(looking, reading);
  const std::string kind = kind_of(reading);
  if (kind == "table" || kind == "index" || kind == "view" || kind == "materialized view" ||
      kind == "sequence")
    return find_relation(looking, reading, facts);
  if (kind == "type" || kind == "domain") return find_type(looking, reading);
  if (kind == "schema") return find_schema(looking, reading);
  return std::nullopt;
}

std::optional<Collision> find_part(Looking& looking, const StatementReading& reading,
                                   const TableAction& action, const TableFacts& facts) {
  const TableFact* fact = facts.find(name_key(reading.table, looking.dialect()));
  if (fact == nullptr || action.name.empty()) return std::nullopt;
  if (action.kind == ActionKind::add_column) return find_column(looking, reading, action, *fact);
  if (action.kind == ActionKind::add_constraint && action.constraint)
    return find_constraint(looking, reading, *action.constraint);
  return std::nullopt;
}

}  // namespace guildhall::migrate
