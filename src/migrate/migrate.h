// migrate: versioned migrations of Guildhall's own schema, and of anybody's database.
//
//   sql_lexer.h, sql_statements.h    SQL text as tokens and as statements, of PostgreSQL and of SQLite
//   migration_files.h, history.h     the files of a directory; where each stands by the journal
//   journal.h, lock.h                what was done to a database; one runner at a time
//   run.h, apply.h                   up and down; one migration with all that must hold
//   fleet.h                          a folder of SQLite files under one directory of migrations
//   phases.h                         expand, backfill, contract under programs that run
//   schema_snapshot.h                what a schema is, and its fingerprint
//   lint.h, precheck.h, plan.h       what is wrong with a migration, before anybody has to wait for it
//   backup.h, restore.h              backups of anybody's database, taken and proved; and put back
//   baseline.h, repair.h, verify.h   a database with a past; a file that changed; what does not agree
//
// This header is about Guildhall's own schema: called at every start of the bot and by commands that open the
// database, before anything else does. The bot's start brings it up to date, commands only compare it. It
// runs the same `up` as the command does, under the same lock: a run's migrations are applied in one
// transaction with their journal rows, or not at all; an applied file that was changed since, and a database
// newer than the program, stop with a plain message and change nothing. It never touches a server's rows.
#pragma once

#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "base/embedded.h"
#include "base/error.h"
#include "migrate/interrupt.h"
#include "migrate/migration_files.h"
#include "migrate/target.h"
#include "store/place.h"
#include "tenancy/table.h"

namespace guildhall::migrate {

/// The files of migrations/, by name. NAME.sqlite.sql and NAME.postgres.sql are one migration, written for
/// each of the two.
std::span<const EmbeddedFile> embedded_files();
/// The same as migrations of one of the two.
const MigrationSet& own_migrations(Dialect dialect);

Dialect dialect_of(store::Layout layout);

/// What belongs to no server in a database of Guildhall's own; where all servers share one, all of it. New
/// tables are sealed in the transaction that makes them. `tables` outlives it.
Target own_target(const store::DatabasePlace& place, const tenancy::TableCatalog& tables);
/// One of its SQLite files; a server's own is sealed off in the transaction that makes a table (the pins of
/// store/server_file.h). `readers_file`: where the programs that read it say so, besides in itself.
Target own_file(const std::string& file, const std::string& readers_file = {});

struct Report {
  std::vector<std::string> applied;  // names, in order; empty when there was nothing to do
};

/// What may be done to a schema that is not this program's.
struct Preparation {
  /// False: one that is older is refused; programs of its own time may run on it. A database that nobody has
  /// migrated yet gets its schema all the same.
  bool migrates = true;
  std::filesystem::path backups = {};  // where one is put if there is anything to lose; "": none is taken
  Interrupt* interrupt = nullptr;
};

/// Applies what is pending. `session`, on the same database, only looks. Errors: `storage` (a migration
/// failed and was rolled back), `schema` (changed file, newer database, older where it is not migrated),
/// `other_instance` (another runner was at work for five minutes), `refused_by_guard`, `failed`
/// (interrupted).
Result<Report> bring_up_to_date(store::SchemaSession& session, const Target& target, const MigrationSet& set,
                                const Preparation& how = {});

/// Guildhall's own schema at that place, before the database is opened. Without the right to change the
/// schema it is only compared. Errors as above, and what opening the database brings.
Result<Report> prepare_schema(const store::DatabasePlace& place, const tenancy::TableCatalog& tables,
                              const Preparation& how = {});

/// Whether the schema at that place is the one of this program; changes nothing. Error `schema`, and what
/// opening the database brings.
Result<void> compare_schema(const store::DatabasePlace& place);

/// The same for one server's file, in the layout where each has its own.
std::function<Result<void>(store::SchemaSession&)> file_preparation(Preparation how = {});

/// The same as SQL text, journal and all, for somebody else to run on an empty schema.
std::string schema_script(Dialect dialect);

/// Says what stands in the way of reading the database as it is, and changes nothing. Error `schema`.
Result<void> check_version(store::SchemaSession& session, const MigrationSet& set, Dialect dialect);

}  // namespace guildhall::migrate
