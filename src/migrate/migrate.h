// migrate: brings a database's schema to the version that this program was built with.
//
//   sql_lexer.h        SQL text as tokens, for PostgreSQL and for SQLite
//   sql_statements.h   a file of SQL as statements, and what kind each is
//   backup.h           backups of anybody's database, taken and proved
//   backup_files.h     their names, what is written down beside each, and which are old enough to go
//   restore.h          putting a database back to what a backup holds
//   fleet.h            a folder of SQLite files under one directory of migrations
//   phases.h           expand, backfill, contract under programs that run
//
// Called at every start and by commands that open the database, before anything else does. It promises: a
// migration is applied in one transaction with its journal row, or not at all; an applied file that
// was changed since, and a database newer than the program, stop with a plain message and change
// nothing. It never touches a server's rows.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/embedded.h"
#include "base/error.h"
#include "migrate/dialect.h"
#include "store/schema_session.h"
#include "tenancy/table.h"

namespace guildhall::migrate {

/// Guildhall's own schema: the files of migrations/, by name. NAME.sqlite.sql and NAME.postgres.sql are
/// one migration, written for each of the two.
std::span<const EmbeddedFile> embedded_files();

struct Report {
  std::vector<std::string> applied;  // names, in order; empty when there was nothing to do
};

/// Applies what is pending; if that is anything, `afterwards` too, in the same transaction. Errors:
/// `storage` (a migration failed and was rolled back), `schema` (changed file, newer database): the
/// message names file and migration.
Result<Report> bring_up_to_date(store::SchemaSession& session, Dialect dialect,
                                std::span<const EmbeddedFile> files, TimePoint now,
                                std::span<const std::string> afterwards = {});

/// Guildhall's own schema at that place, before the bot opens it. Without the right to change the schema
/// it is only compared. Errors as above, and what opening the database brings.
Result<Report> prepare_schema(const store::DatabasePlace& place, const tenancy::TableCatalog& tables,
                              TimePoint now);

/// Brings one server's file up to date, in the layout where each has its own. The clock outlives it.
std::function<Result<void>(store::SchemaSession&)> file_preparation(const Clock& clock);

/// The same as SQL text, journal and all, for somebody else to run on an empty schema.
std::string schema_script(Dialect dialect, std::span<const EmbeddedFile> files, TimePoint now);

/// Says what stands in the way of using the database as it is, and changes nothing. Error `schema`.
Result<void> check_version(store::SchemaSession& session, Dialect dialect,
                           std::span<const EmbeddedFile> files);

}  // namespace guildhall::migrate
