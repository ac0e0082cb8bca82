// What is done with each table of a SQLite file, worked out once from the scheme: the new table's text, and
// what of each old row goes where. The rebuild, the online way and the way back share it.
//
// In the SQL here an old row is `t`, and a new one `n`.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "convert/conversion.h"
#include "convert/scheme.h"
#include "convert/sqlite_table_text.h"
#include "migrate/outcome.h"

namespace guildhall::convert {

struct SqliteTable {
  const SchemeTable* scheme = nullptr;
  TableText text;
  TableChange change;
  bool is_override = false;

  struct Copied {
    std::string column;
    std::string value;         // SQL
    bool is_as_it_was = true;  // and not filled, nor set right
  };
  std::vector<Copied> copied;  // without generated columns and the tenant column
  std::string row_id_target;   // SQL: the column of the new table that takes the old row's number; "" of none
  std::string server;          // SQL: whose the row is; NULL or less than 0 where that cannot be told
  std::string own_server;      // SQL: what the row says itself; NULL where it says nothing
  std::string has_parent;      // SQL: true or false; "" of no child
  /// What tells one row from another: SQL of columns, or of the row's number.
  std::vector<std::string> old_key_columns;
  std::vector<std::string> new_key_columns;

  const std::string& name() const { return scheme->table->name; }
  const TableRule& rule() const { return scheme->rule; }
  /// SQL: what tells one old row from another, as one value; and the same of what became of it.
  std::string old_key(std::string_view alias = "t") const;
  std::string new_key(std::string_view alias = "n") const;
  /// SQL: `n` is what became of `t`.
  std::string match() const;
  /// SQL: the order in which old rows lie.
  std::string order() const;
  /// Has rules that take rows out, or values that are not simply copied.
  bool has_rules() const;
  /// Refers to a table that gets the tenant column, too, or to itself.
  bool refers_to_others() const;
  /// The statement that makes it, under that name.
  migrate::Outcome<ChangedTable> made_anew(std::string_view name) const;
  /// INSERT INTO target SELECT ..., of all old rows, for a WHERE behind it.
  std::string copy_into(std::string_view target) const;
};

struct SqlitePlan {
  std::vector<SqliteTable> tables;  // in the scheme's order
  std::string registry;             // SQL behind REFERENCES; "" where there is none to refer to
  bool makes_registry = false;
  migrate::Findings findings = {};
};

/// Problems CV-SQL, CV-FK, CV-KEY (a key of which the description has to say what it is), CV-HOME (no home
/// was chosen), CV-REGISTRY, CV-TRIGGER: one that writes into a table without naming the server, and is not
/// `accepted`.
migrate::Outcome<SqlitePlan> plan_sqlite(const Scheme& scheme, const std::vector<std::string>& accepted = {});

/// What the way back has to know of the tables: kinds "tenant" (whose definition is the table's class),
/// "parent" (whose name is another table's) and "servers" (the registry and its column).
std::vector<Before> remembered_tables(const Scheme& scheme);

/// SQL: a value of a column as SQL takes it again. quote() would end a text at its first zero byte.
std::string literal_of(std::string_view column);
/// SQL: a row's number under a name that no column has; "" where there is none, as WITHOUT ROWID.
std::string row_id_name(store::SchemaSession& session, const std::string& table);

/// As `read_sqlite_schema`, but without numbers of rows and sizes, for which every page is read.
OldSchema read_sqlite_shape(store::SchemaSession& session);

/// What begins the names of tables and triggers that are there for a while; no part of a schema.
inline constexpr std::string_view kPassingNames = "guildhall_passing_";
/// The table that says whose a file is.
inline constexpr std::string_view kServerMarker = "server_marker";
/// The names under which tables stand while they are made, and once they were replaced.
std::string new_name(std::string_view table);
std::string replaced_name(std::string_view table);

}  // namespace guildhall::convert
