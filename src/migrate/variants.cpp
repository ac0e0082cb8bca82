#include "migrate/variants.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "base/text.h"
#include "migrate/proofs.h"

namespace guildhall::migrate {
namespace {

using store::SchemaSession;

struct LogicalColumn {
  std::string type;  // as its database calls it
  bool not_null = false;
};

struct LogicalTable {
  std::map<std::string, LogicalColumn> columns;
  std::set<std::string> keys;  // "primary key (a, b)", "unique (a)", "(a) refers to t"
};
using LogicalSchema = std::map<std::string, LogicalTable>;

bool is_ours(const std::string& table) {
  return std::ranges::find(kToolRelations, table) != std::end(kToolRelations);
}

// --- reading

constexpr std::string_view kColumns =
    "SELECT c.relname, a.attname, format_type(a.atttypid, NULL), a.attnotnull FROM pg_class c JOIN "
    "pg_namespace n ON "
    "n.oid = c.relnamespace LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT "
    "a.attisdropped "
    "WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND n.nspname NOT IN ('pg_catalog', "
    "'information_schema', "
    "'guildhall')";
constexpr std::string_view kKeys =
    "SELECT c.relname, format('%s (%s)', CASE WHEN i.indisprimary THEN 'primary key' ELSE 'unique' END, "
    "(SELECT "
    "string_agg(a.attname, ', ' ORDER BY p.place) FROM unnest(i.indkey) WITH ORDINALITY AS p(number, place) "
    "JOIN "
    "pg_attribute a ON a.attrelid = c.oid AND a.attnum = p.number)) FROM pg_index i JOIN pg_class c ON c.oid "
    "= "
    "i.indrelid WHERE i.indisunique AND i.indpred IS NULL AND i.indexprs IS NULL";
constexpr std::string_view kReferences =
    "SELECT c.relname, format('(%s) refers to %s', (SELECT string_agg(a.attname, ', ' ORDER BY p.place) FROM "
    "unnest(k.conkey) WITH ORDINALITY AS p(number, place) JOIN pg_attribute a ON a.attrelid = c.oid AND "
    "a.attnum = "
    "p.number), f.relname) FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid JOIN pg_class f ON "
    "f.oid = "
    "k.confrelid WHERE k.contype = 'f'";

LogicalSchema read_postgres(SchemaSession& session) {
  LogicalSchema schema;
  for (const auto& row : session.query(std::string(kColumns))) {
    if (is_ours(row[0])) continue;
    LogicalTable& table = schema[row[0]];
    if (!row[1].empty()) table.columns[to_lower_ascii(row[1])] = {row[2], row[3] == "t"};
  }
  for (const std::string_view question : {kKeys, kReferences}) {
    for (const auto& row : session.query(std::string(question))) {
      if (const auto found = schema.find(row[0]); found != schema.end())
        found->second.keys.insert(to_lower_ascii(row[1]));
    }
  }
  return schema;
}

LogicalTable read_sqlite_table(SchemaSession& session, const std::string& name) {
  LogicalTable table;
  std::map<int, std::string> primary;
  for (const auto& row :
       session.query("SELECT name, type, \"notnull\", pk FROM pragma_table_info($1)", {name})) {
    // A key of one INTEGER is never NULL there, and of others it is meant not to be.
    table.columns[to_lower_ascii(row[0])] = {row[1], row[2] == "1" || row[3] != "0"};
    if (row[3] != "0") primary[std::stoi(row[3])] = to_lower_ascii(row[0]);
  }
  std::string key;
  for (const auto& [place, column] : primary) key += (key.empty() ? "" : ", ") + column;
  if (!key.empty()) table.keys.insert(fmt::format("primary key ({})", key));
  const auto grouped = [&](const std::string& sql, std::string_view form) {
    for (const auto& row : session.query(sql, {name}))
      table.keys.insert(to_lower_ascii(fmt::format(fmt::runtime(form), row[0], row[1])));
  };
  grouped(
      "SELECT group_concat(name, ', '), '' FROM (SELECT l.name AS list, i.name FROM pragma_index_list($1) AS "
      "l, "
      "pragma_index_info(l.name) AS i WHERE l.\"unique\" AND NOT l.partial AND l.origin <> 'pk' ORDER BY "
      "l.name, "
      "i.seqno) GROUP BY list HAVING count(*) = count(name)",
      "unique ({})");
  grouped(
      "SELECT group_concat(\"from\", ', '), \"table\" FROM (SELECT id, \"from\", \"table\" FROM "
      "pragma_foreign_key_list($1) ORDER BY id, seq) GROUP BY id",
      "({}) refers to {}");
  return table;
}

LogicalSchema read_sqlite(SchemaSession& session) {
  LogicalSchema schema;
  for (const auto& row : session.query("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT "
                                       "LIKE 'sqlite\\_%' ESCAPE '\\'")) {
    if (!is_ours(row[0])) schema.emplace(to_lower_ascii(row[0]), read_sqlite_table(session, row[0]));
  }
  return schema;
}

// --- families of types

/// SQLite's own rule for what a declared type prefers (datatype3.html, 3.1).
std::string_view affinity_of(const std::string& declared) {
  const std::string type = to_lower_ascii(declared);
  const auto has = [&](std::string_view part) { return type.find(part) != std::string::npos; };
  if (has("int")) return "integer";
  if (has("char") || has("clob") || has("text")) return "text";
  if (has("blob") || type.empty()) return "blob";
  return has("real") || has("floa") || has("doub") ? "real" : "numeric";
}

/// Those of SQLite's in which values of a type of PostgreSQL can be kept.
std::set<std::string_view> affinities_for(const std::string& type) {
  const auto begins = [&](std::string_view word) { return type.starts_with(word); };
  if (type.ends_with("[]")) return {"text", "blob"};
  if (type == "smallint" || type == "integer" || type == "bigint" || type == "boolean")
    return {"integer", "numeric"};
  if (type == "real" || type == "double precision") return {"real", "numeric"};
  if (type == "numeric" || type == "money") return {"numeric", "real", "integer", "text"};
  if (type == "bytea") return {"blob"};
  if (begins("timestamp") || begins("time") || type == "date") return {"text", "integer", "real", "numeric"};
  if (begins("interval")) return {"text", "integer", "real", "numeric"};
  if (type == "uuid" || type == "jsonb" || type == "json") return {"text", "blob", "numeric"};
  return {"text"};
}

// --- comparing

class Comparison {
 public:
  Findings run(const LogicalSchema& postgres, const LogicalSchema& sqlite) {
    for (const auto& [name, table] : postgres) {
      const auto other = sqlite.find(to_lower_ascii(name));
      if (other == sqlite.end()) {
        report(fmt::format("table {} is there in PostgreSQL alone", name));
      } else {
        compare(name, table, other->second);
      }
    }
    for (const auto& [name, table] : sqlite) {
      if (std::ranges::none_of(postgres, [&](const auto& one) { return to_lower_ascii(one.first) == name; }))
        report(fmt::format("table {} is there in SQLite alone", name));
    }
    return std::move(findings_);
  }

 private:
  void report(std::string text) {
    findings_.push_back({"E-VARIANT", Level::error, "", 0, std::move(text),
                         "Bring both files of the migration to one schema."});
  }

  void compare(const std::string& table, const LogicalTable& postgres, const LogicalTable& sqlite) {
    for (const auto& [name, column] : postgres.columns) {
      const auto other = sqlite.columns.find(name);
      if (other == sqlite.columns.end()) {
        report(fmt::format("column {}.{} is there in PostgreSQL alone", table, name));
      } else {
        compare(fmt::format("{}.{}", table, name), column, other->second);
      }
    }
    for (const auto& [name, column] : sqlite.columns) {
      if (!postgres.columns.contains(name))
        report(fmt::format("column {}.{} is there in SQLite alone", table, name));
    }
    report_keys(table, postgres.keys, sqlite.keys, "PostgreSQL");
    report_keys(table, sqlite.keys, postgres.keys, "SQLite");
  }

  void compare(const std::string& column, const LogicalColumn& postgres, const LogicalColumn& sqlite) {
    if (postgres.not_null != sqlite.not_null)
      report(fmt::format("column {} may be NULL in {} alone", column,
                         postgres.not_null ? "SQLite" : "PostgreSQL"));
    if (!affinities_for(postgres.type).contains(affinity_of(sqlite.type))) {
      report(fmt::format("column {} is {} in PostgreSQL and {} in SQLite", column, postgres.type,
                         sqlite.type.empty() ? "without a type" : sqlite.type));
    }
  }

  void report_keys(const std::string& table, const std::set<std::string>& keys,
                   const std::set<std::string>& others, std::string_view where) {
    for (const std::string& key : keys) {
      if (!others.contains(key))
        report(fmt::format("{} of table {} is there in {} alone", key, table, where));
    }
  }

  Findings findings_;
};

/// Applies a set to an empty database and reads what came of it; a finding where it does not go up.
template <class Read>
Outcome<std::optional<LogicalSchema>> build(const Target& beside, const MigrationSet& set,
                                            const std::string& scratch_url, Read read, Findings& findings) {
  const auto scratch = ScratchTarget::make(beside, scratch_url);
  if (!scratch) return std::unexpected(scratch.error());
  const RunReport report = up((*scratch)->target(), set, UpOptions{});
  if (report.failed) {
    findings.push_back({"E-VARIANT", Level::error, report.failed_name, 0,
                        fmt::format("does not go up in an empty database of {}: {}",
                                    beside.dialect == Dialect::postgres ? "PostgreSQL" : "SQLite",
                                    report.failed->finding.text),
                        "Mend it; the two cannot be compared before."});
    return std::nullopt;
  }
  const auto session = (*scratch)->target().open("");
  if (!session) return std::unexpected(problem_of(session.error()));
  return read(**session);
}

}  // namespace

bool has_variants(const MigrationSet& postgres, const MigrationSet& sqlite) {
  return std::ranges::any_of(postgres.migrations, [&](const Migration& one) {
    const Migration* other = sqlite.find(one.name);
    return other != nullptr && other->up->file != one.up->file;
  });
}

Outcome<Findings> compare_variants(const Target& target, const MigrationSet& postgres,
                                   const MigrationSet& sqlite, const std::string& scratch_url) {
  Findings findings;
  try {
    const auto one = build(target, postgres, scratch_url, read_postgres, findings);
    if (!one) return std::unexpected(one.error());
    Target file;
    file.dialect = Dialect::sqlite;
    const auto other = build(file, sqlite, "", read_sqlite, findings);
    if (!other) return std::unexpected(other.error());
    if (!*one || !*other) return findings;
    return Comparison().run(**one, **other);
  } catch (const store::DatabaseError& error) {
    return std::unexpected(problem_of(error));
  }
}

}  // namespace guildhall::migrate
