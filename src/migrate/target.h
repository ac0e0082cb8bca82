// The database that is migrated, and how to sign in there again: work, lock and backup each have a session of
// their own.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "migrate/database_state.h"
#include "migrate/dialect.h"
#include "migrate/schema_snapshot.h"
#include "store/schema_session.h"

namespace guildhall::migrate {

struct Target {
  Dialect dialect = Dialect::postgres;
  std::string url;       // with the password: never shown
  std::string name;      // for people: the file, or host and database
  std::string database;  // what backups are named after
  /// `settings` are PostgreSQL's for the session ("-clock_timeout=3s ...").
  std::function<Result<std::unique_ptr<store::SchemaSession>>(const std::string& settings)> open;
  /// A database of Guildhall's own: what its fingerprints are of, who may read all of it, and what makes new
  /// tables what they have to be, in the transaction that makes them. The tool adds no views for others.
  bool is_own = false;
  /// SQLite: the file whose migration_readers count for this one, too (phases.h).
  std::string readers_file = {};
  SnapshotOptions snapshot = {};
  Reader reader = {};
  std::function<void(store::SchemaSession&)> seal = [](store::SchemaSession&) {};
};

/// Whether a SQLite file may be made where there is none.
enum class Missing { is_an_error, is_made };

/// Anybody's database. Error `usage`: the address has no form that is known.
Result<Target> any_target(const std::string& url, Missing missing);

/// The names of the tool's own tables in this database: in schema guildhall on PostgreSQL.
std::string own_table(Dialect dialect, std::string_view name);

/// The database's own clock as an SQL expression of the journal's type: timestamptz, or microseconds in
/// SQLite.
std::string_view now_of(Dialect dialect);

}  // namespace guildhall::migrate
