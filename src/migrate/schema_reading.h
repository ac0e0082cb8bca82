// How the schema of each database is read, as a whole or in parts: for SchemaSnapshot and SchemaWatch alone.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "migrate/schema_snapshot.h"

namespace guildhall::migrate {

/// Within a SchemaReading.
SchemaSnapshot read_postgres(store::SchemaSession& session, const SnapshotOptions& options);
SchemaSnapshot read_sqlite(store::SchemaSession& session, const SnapshotOptions& options);

/// While it lives, what the database says of its schema does not depend on the session's settings. In the
/// transaction that is open, or in one of its own that sees one state; at its end the settings are what they
/// were for the next statement, also when something failed.
class SchemaReading {
 public:
  SchemaReading(store::SchemaSession& session, Dialect dialect);
  SchemaReading(const SchemaReading&) = delete;
  SchemaReading& operator=(const SchemaReading&) = delete;
  ~SchemaReading();

 private:
  store::SchemaSession& session_;
  bool is_within_;  // a transaction that was open before
  Dialect dialect_;
};

/// What PostgreSQL's objects are read from: a part's id is the catalog's letter and the object's number
/// there, "c16384".
enum class Catalog : char {
  relation = 'c',
  routine = 'p',
  type = 't',  // enum, domain, range; a type of columns is a relation
  schema = 'n',
  extension = 'x'
};
inline constexpr Catalog kCatalogs[] = {Catalog::relation, Catalog::routine, Catalog::type, Catalog::schema,
                                        Catalog::extension};

/// One statement that reads all parts of a catalog, or those whose object's number is one of the array
/// `wanted` (SQL, of type oid[]); its rows are for `postgres_parts`. Within a SchemaReading.
std::string postgres_parts_sql(Catalog catalog, std::string_view wanted);
/// The same of relations in two halves, for who reads few of them and often: what nearly every table has,
/// with a row that `says_more` for each that is in the second one too; and the rest.
std::string postgres_tables_sql(std::string_view wanted);
std::string postgres_beyond_tables_sql(std::string_view wanted);
bool says_more(const std::vector<std::string>& row);
std::vector<SchemaSnapshot::Part> postgres_parts(Catalog catalog, const store::SchemaSession::Rows& rows,
                                                 const SnapshotOptions& options);
/// Takes the parts of the seal off, where the options say so.
void leave_out(std::vector<SchemaObject>& objects, const SnapshotOptions& options);

/// As SQL: is the relation of this name one of the tool's?
std::string is_tools_relation(std::string_view name);

/// A row of SQLite's sqlite_schema.
struct SqliteEntry {
  std::string type;
  std::string name;
  std::string table;
  std::string sql;

  bool operator==(const SqliteEntry&) const = default;
};

/// All but what is SQLite's own or the tool's, ordered by table.
std::vector<SqliteEntry> sqlite_entries(store::SchemaSession& session);
/// "table/NAME": the part that an entry belongs to.
std::string sqlite_part_id(const SqliteEntry& entry);
/// `entries`: all of one part.
SchemaSnapshot::Part read_sqlite_part(store::SchemaSession& session, std::span<const SqliteEntry> entries,
                                      const SnapshotOptions& options);

}  // namespace guildhall::migrate
