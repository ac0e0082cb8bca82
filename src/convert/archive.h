// Rows of other servers, put aside before a database becomes a single-server one again, and brought back
// after a later conversion. They lie in schema guildhall_archive: one table for each, with the same columns,
// and `kept`, which says for whom the others made room. PostgreSQL.
//
// Put aside is what nothing would tell apart any more once the server column is gone, and what the old keys
// would not let stand beside the home's rows; with it what refers to such a row. Copied first, while others
// write on; then, in one transaction: locked, what has changed since is copied anew, and deleted is each row
// of which an equal one has been put aside, children first.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "convert/scheme.h"
#include "convert/step.h"
#include "migrate/outcome.h"

namespace guildhall::convert {

struct ArchivedTable {
  std::string table;
  std::int64_t rows = 0;
};
using Archived = std::vector<ArchivedTable>;

/// The tables whose other servers' rows cannot stay, given those that are known to be such: they and, over
/// foreign keys, what refers to them. Parents first.
std::vector<const SchemeTable*> tables_to_clear(const Scheme& scheme, const std::set<std::string>& lost);

/// Ahead of `archive_others`, so that it has little left to copy: tables that have a primary key. What an
/// earlier try left is made anew. Problem `refused`: there is an archive already.
migrate::Outcome<Steps> copy_steps(store::SchemaSession& session, const Scheme& scheme,
                                   const OldSchema& before, const std::vector<const SchemeTable*>& tables);
/// What they left where nothing came of it.
void drop_copies(store::SchemaSession& session);

/// Within the transaction that is open. Rows of the home stay, and of an override those of all servers,
/// unless a row of the home has the same old key: then the home's counts, as it did. Problem `refused`: there
/// is an archive already; or a table has other columns than the scheme says; `failed`: copy and source
/// differ, or rows of them are left. Throws DatabaseError.
migrate::Outcome<Archived> archive_others(store::SchemaSession& session, const Scheme& scheme,
                                          const OldSchema& before,
                                          const std::vector<const SchemeTable*>& tables);

/// From then on rows of other servers are refused by those tables (SQLSTATE 23514), until the way back is at
/// its end, or this.
void let_others_in(store::SchemaSession& session);

/// There is one.
bool has_archive(store::SchemaSession& session);

/// Puts all of it back, parents first, and takes the archive away; within the transaction that is open. Ids
/// come back as they were. Problem `refused`: a column or a table that it needs is not there, or its home is
/// another; `failed`: what came back is not what was put aside. Throws DatabaseError (a key that is taken).
migrate::Outcome<Archived> restore_archive(store::SchemaSession& session, const Scheme& scheme);

}  // namespace guildhall::convert
