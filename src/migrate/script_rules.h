// What no script may hold, whatever it is for, and what it may hold only outside of a transaction. Rules
// about tables and their sizes are lint.
#pragma once

#include "migrate/migration_files.h"

namespace guildhall::migrate {

/// PostgreSQL refuses it inside a transaction block: CREATE INDEX CONCURRENTLY and its kin, DETACH PARTITION
/// CONCURRENTLY, VACUUM, CLUSTER without a table, REINDEX SCHEMA, DATABASE and SYSTEM, CREATE and DROP
/// DATABASE and TABLESPACE, ALTER DATABASE SET TABLESPACE, ALTER SYSTEM, subscriptions that ask their
/// publisher, DISCARD ALL; on Citus the functions that move, copy or split shards. That a table is
/// partitioned, which forbids REINDEX and CLUSTER of it as well, the words do not tell. SQLite: VACUUM,
/// ATTACH, DETACH, and PRAGMA journal_mode and synchronous.
bool needs_no_transaction(const SqlStatement& statement, Dialect dialect);

/// One transaction for the whole script? Not with `transaction=none` or as a batch, and not where each
/// statement of it needs to be outside.
bool runs_in_transaction(const Script& script, Dialect dialect);

/// Refused: commands of psql, COPY from standard input, control of transactions, what needs no transaction
/// mixed with other statements, an enum's value in the transaction that adds it, a batch that cannot be
/// sliced. Warned of: SET that lasts longer than the script, PRAGMA foreign_keys.
void check_script(const Script& script, Dialect dialect, Findings& findings);

}  // namespace guildhall::migrate
