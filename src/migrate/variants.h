// One migration written twice, NNNN_name.postgres.sql and NNNN_name.sqlite.sql, has to come to one schema.
// Both sets are applied, each to an empty database of its own kind, and what came of it is compared.
//
// Compared are the tables, their columns by name, whether they may be NULL, the families of their types (a
// number, a text, bytes, ...), primary keys, unique keys and foreign keys. A family of PostgreSQL has those
// of SQLite that can hold its values: a boolean is an INTEGER, a time a TEXT, an INTEGER or a REAL. Not
// compared are names of constraints, CHECKs, defaults, indexes that are not unique, those over expressions or
// parts of a table, views and triggers.
#pragma once

#include <string>

#include "migrate/migration_files.h"
#include "migrate/outcome.h"
#include "migrate/target.h"

namespace guildhall::migrate {

/// Has any migration another file for each database?
bool has_variants(const MigrationSet& postgres, const MigrationSet& sqlite);

/// Findings E-VARIANT: what is otherwise, or which of the two does not go up. `target`: PostgreSQL, beside
/// which an empty database is made (`scratch_url`: by that login). Problems as of ScratchTarget::make.
Outcome<Findings> compare_variants(const Target& target, const MigrationSet& postgres,
                                   const MigrationSet& sqlite, const std::string& scratch_url);

}  // namespace guildhall::migrate
