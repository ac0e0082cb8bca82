// Is a PostgreSQL server, with all that runs there, fit for a conversion? Asked before its backup, and before
// anything is changed, in one question to the catalogs and the statistics: no row is read, nothing is waited
// for.
//
//   CV-RIGHTS       a right is missing beside the ownership of the tables (CV-OWNER)
//   CV-SPACE        where the server keeps its data less is free than 1.2 times what the new indexes need; an
//                   info where that cannot be seen from here
//   CV-INVALID      somebody else's index that is not finished, or constraint that was never checked
//   CV-TRANSACTION  transactions that last longer than a minute, prepared ones among them: each step waits
//   for
//                   them, or tries again and again
//   CV-SLOT         replication slots that nobody reads from, or that are far behind: the server keeps what
//                   the conversion writes on its disk for them
//   CV-LAG          standbys that are further behind than --max-lag: rows are not written on until they have
//                   caught up; an info where this login may not see how far they are
//   CV-PUBLICATION  tables that other databases subscribe to: the column has to be there first
//   CV-ROUTINE      functions, procedures and rules that write into the tables and name no server
//   CV-MATERIAL     materialised views over the tables, which no policy covers
//
// CV-RIGHTS, CV-INVALID and CV-SPACE stand in the way; the others are told beforehand.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "convert/row_facts.h"
#include "convert/scheme.h"
#include "migrate/backup_files.h"
#include "migrate/finding.h"
#include "migrate/looking.h"

namespace guildhall::convert {

struct ServerLimits {
  std::chrono::milliseconds old_transaction{60'000};
  std::chrono::milliseconds most_lag{10'000};
  migrate::FreeSpaceOf free_space = migrate::free_space;
};

/// Of a database in which no conversion is on, or one that is to be gone on with (`has_begun`): then what it
/// left half done itself is no finding. Throws DatabaseError only when the connection is gone.
migrate::Findings look_at_server(migrate::Looking& looking, const Scheme& scheme, const RowFacts& facts,
                                 const ServerLimits& limits, bool has_begun);

/// Bytes of the indexes that the expansion is going to build, as far as can be told before.
std::int64_t new_index_bytes(const Scheme& scheme);

/// Functions, procedures and rules that write into a table of the scheme without naming its server; what was
/// written anew for several servers is not among them.
std::vector<const Routine*> routines_of_one_server(const Scheme& scheme);

/// Publications that name a table's columns, each with the table: "p of points". `with_server`: the server's
/// is among them, and cannot be dropped. Else those of changes and deletions in which it is missing: once the
/// key that rows are known by begins with the server, PostgreSQL refuses the changes themselves. Throws
/// DatabaseError.
std::vector<std::string> publications_of_columns(store::SchemaSession& session, const Scheme& scheme,
                                                 bool with_server);

/// The view shows rows of a table of the scheme, directly or through other views.
bool reads_converted(const Scheme& scheme, const View& view);

/// A transaction that others wait for: "process 17 (psql), in a transaction since 2026-01-31 09:00:00 UTC",
/// or "the prepared transaction 'g' of bot since ...". What they do is not told. `older`: that have lasted
/// so long; the oldest first, at most ten. Throws DatabaseError.
std::vector<std::string> old_transactions(store::SchemaSession& session, std::chrono::milliseconds older);

}  // namespace guildhall::convert
