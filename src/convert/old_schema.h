// The database that is converted as it stands: what its catalog says, in one reading. Names are as the
// database has them, without quotes; only what is marked "SQL" may go into a statement as it is.
//
// Only one schema of PostgreSQL is read, the one in which the session makes tables; what lies elsewhere and
// refers to it is in `outside`.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "migrate/dialect.h"
#include "store/schema_session.h"

namespace guildhall::convert {

struct Column {
  std::string name;
  std::string type;  // SQL: "bigint", "character varying(50)"; of SQLite as it was declared
  bool not_null = false;
  std::string default_expression = {};  // SQL; "" where there is none
  bool is_generated = false;
  bool is_identity = false;
  bool has_grants = false;  // PostgreSQL: rights on this column alone
  /// PostgreSQL, SQL: where the type, what it is a domain over and their "=" lie, beside pg_catalog; whether
  /// anybody may put something there. Not remembered.
  std::vector<std::string> operator_schemas = {};
  bool has_open_schemas = false;
};

/// What an index is over, one after another.
struct IndexPart {
  std::string column = {};  // "" of an expression
  std::string sql = {};     // SQL with its collation, operator class and order: "lower(name)", "points DESC"
};

struct Index {
  std::string name;
  std::vector<IndexPart> parts;
  bool is_unique = false;
  bool is_primary = false;
  bool is_valid = true;
  bool is_exclusion = false;
  bool nulls_not_distinct = false;
  std::string method = "btree";
  std::vector<std::string> included = {};
  std::string predicate = {};   // SQL; "" where it is over all rows
  std::string constraint = {};  // that it stands behind, or ""
  std::string definition = {};  // SQL: of the constraint where there is one, else CREATE INDEX ...
  std::int64_t bytes = 0;

  /// Its columns; nothing where an expression is among them.
  std::vector<std::string> columns() const;
  /// Has this column at this place, from 0.
  bool has_at(std::size_t place, std::string_view column) const;
  bool has(std::string_view column) const;
};

struct ForeignKey {
  std::string name;  // "" in SQLite
  std::vector<std::string> columns;
  std::string table;  // that it refers to
  std::vector<std::string> referenced;
  char on_update = 'a';  // a: no action, r: restrict, c: cascade, n: set null, d: set default
  char on_delete = 'a';
  std::vector<std::string> set_columns = {};  // ON DELETE SET NULL (...); empty: all
  bool is_valid = true;
  bool is_deferrable = false;
  bool is_deferred = false;
  bool matches_full = false;
  std::string definition = {};  // SQL

  bool has(std::string_view column) const;
};

struct Check {
  std::string name;
  std::string expression;  // SQL
  bool is_valid = true;
};

struct Policy {
  std::string name;
  std::string definition;  // SQL of USING, ";", of WITH CHECK
};

struct Trigger {
  std::string name;
  std::string definition;  // SQL
};

enum class Relation { table, partitioned, partition, inheriting, foreign };

struct Table {
  std::string name;
  Relation relation = Relation::table;
  std::string parent = {};  // of a partition, or of what inherits
  bool is_unlogged = false;
  std::string owner = {};
  bool is_owned = true;     // the session may change it
  bool is_readable = true;  // the session may read its rows; not remembered
  std::int64_t rows = 0;    // as the database reckons
  std::int64_t bytes = 0;
  std::int64_t index_bytes = 0;
  std::vector<Column> columns = {};
  std::vector<Index> indexes = {};
  std::vector<ForeignKey> foreign_keys = {};
  std::vector<Check> checks = {};
  std::vector<Policy> policies = {};
  std::vector<Trigger> triggers = {};
  bool row_security = false;
  bool row_security_forced = false;
  std::string replica_identity = {};  // an index's name; "" where it is no index
  std::string sql = {};               // SQLite: the statement that made it
  bool is_strict = false;             // SQLite
  bool has_rowid = true;              // SQLite

  const Column* column(std::string_view name) const;
  const Index* index(std::string_view name) const;
  const ForeignKey* foreign_key(std::string_view name) const;
  const Check* check(std::string_view name) const;
};

struct View {
  std::string name;
  bool is_materialized = false;
  bool invoker = false;                       // security_invoker
  std::string definition = {};                // SQL: CREATE VIEW ..., with its options
  std::vector<std::string> reads = {};        // tables and views, directly
  std::vector<std::string> constraints = {};  // that it depends on: GROUP BY a primary key
  // SQL: what gives its indexes, owner, rights, comments, columns' defaults, triggers and rules back.
  std::vector<std::string> grants = {};
  std::vector<Trigger> triggers = {};  // SQLite: INSTEAD OF
};

/// A function, procedure or rule whose text names tables.
struct Routine {
  std::string name;
  std::vector<std::string> mentions = {};
  std::vector<std::string> writes =
      {};                 // of those, that it puts rows into, changes or empties; not remembered
  std::string text = {};  // SQL; not remembered
};

struct OldSchema {
  migrate::Dialect dialect = migrate::Dialect::postgres;
  std::string schema = {};        // PostgreSQL's
  std::int64_t version = 0;       // 150020; of SQLite 3040001
  std::string version_text = {};  // "15.20"
  std::map<std::string, Table> tables = {};
  std::map<std::string, View> views = {};
  std::vector<Routine> routines = {};
  std::vector<std::string> outside = {};       // for people: what lies in other schemas and refers to here
  std::vector<std::string> publications = {};  // for people
  bool is_in_recovery = false;

  const Table* find(std::string_view table) const;
};

/// All of it in one transaction. The tool's own tables are left out. Throws DatabaseError.
OldSchema read_old_schema(store::SchemaSession& session, migrate::Dialect dialect);

/// The same of each database, for read_old_schema alone.
OldSchema read_postgres_schema(store::SchemaSession& session);
OldSchema read_sqlite_schema(store::SchemaSession& session);

}  // namespace guildhall::convert
