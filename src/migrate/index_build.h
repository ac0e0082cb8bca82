// Statements that no transaction may hold: whether they are done already, and whether what they built is
// whole. An index that was built beside the writers and failed stays behind as INVALID, and IF NOT EXISTS
// takes it for one.
#pragma once

#include <chrono>

#include "migrate/outcome.h"
#include "migrate/sql_statements.h"
#include "store/schema_session.h"

namespace guildhall::migrate {

/// Runs it outside of any transaction, or finds that an earlier try already did it. An INVALID index of the
/// name is dropped first; one that comes out INVALID is a problem. `limit` is for the whole statement; it
/// waits for locks as long as that. Throws DatabaseError.
Outcome<void> run_outside(store::SchemaSession& session, const SqlStatement& statement, Dialect dialect,
                          std::chrono::milliseconds limit);

/// CREATE INDEX CONCURRENTLY of a named index: the name as it is written, and the table's.
struct IndexBuild {
  std::string index;
  std::string table;
};
std::optional<IndexBuild> read_index_build(const SqlStatement& statement);

}  // namespace guildhall::migrate
