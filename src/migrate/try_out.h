// A run that leaves nothing behind.
#pragma once

#include <span>
#include <string>

#include "migrate/outcome.h"
#include "migrate/schema_snapshot.h"
#include "migrate/table_facts.h"
#include "migrate/target.h"

namespace guildhall::migrate {

/// Runs the statements of all in one transaction, which is rolled back whatever comes of it. What stays: the
/// numbers that sequences gave away. Others wait for its locks as they would for the run itself. Answers the
/// fingerprint that the schema would have. Problems: `refused` when one of them is not one transaction, else
/// what the database said, and where. `session`: of the work (`open_work_session`), in no transaction.
Outcome<std::string> try_out(store::SchemaSession& session, std::span<const Pending> pending, Dialect dialect,
                             const SnapshotOptions& options = {});

/// Can all of them be tried in one transaction?
bool fits_one_transaction(std::span<const Pending> pending, Dialect dialect);

/// The same in a copy of the schema (schema_copy.h), whatever the files need: nobody waits for it, and what
/// rows would say to it is not known. Problems: those of the copy, and what the database said, and where.
Outcome<std::string> try_out_in_copy(const Target& target, std::span<const Pending> pending,
                                     const std::string& scratch_url);

}  // namespace guildhall::migrate
