// The online way to many servers in one SQLite file: while the old program writes on. Beside each table
// stands its successor; three triggers carry over what is written, and what was there before is copied in
// batches, in the order of its key. Then one short transaction exchanges them (sqlite_switch.h), and the old
// tables are dropped, one after another.
//
// A writer waits for a batch, for the exchange, or for the drop of one old index. The successor has
// all of its indexes from the beginning, so that none is built while somebody waits; in the exchange they
// take the names of the old ones. Tables for which the description has rules on rows, which have the tenant
// column already, or which refer to others that get it, are made anew within the exchange: their rows have to
// be seen together. What is compared is compared before the exchange, in a transaction that only reads.
//
// A run that was killed is gone on with by the same call: how far each table is, the file remembers; a
// successor whose triggers are not all there is stale, and is begun anew.
#pragma once

#include <string>
#include <vector>

#include "convert/sqlite_plan.h"
#include "convert/sqlite_run.h"

namespace guildhall::convert {

/// As `rebuild_sqlite`. Problems besides: CV-SHADOW, when a successor is not what it should be; it is thrown
/// away then, and the file is as it was.
migrate::Outcome<SqliteReport> convert_sqlite_online(store::SchemaSession& session, const Scheme& scheme,
                                                     const Conversion& conversion,
                                                     const SqliteOptions& options = {});

/// Takes away what an unfinished online run left: triggers, then successors. Throws DatabaseError.
void drop_shadows(store::SchemaSession& session);

/// Old tables that were exchanged, and are there still; nothing but the room that they take is left of them.
std::vector<std::string> replaced_tables(store::SchemaSession& session);
/// Drops them, piece by piece where nobody's transaction is open: first each index, then the rows in batches
/// (a library that overwrites what is deleted, as Debian's, writes each page of them), then what is left. The
/// rows of a table WITHOUT ROWID are dropped at once. Throws DatabaseError.
void drop_replaced(store::SchemaSession& session, const SqliteOptions& options);

/// Tables that are copied while the old program writes; all others wait for the exchange.
bool is_shadowed(const SqliteTable& table);

/// The three triggers on a table that keep its successor up to date.
std::vector<std::string> shadow_triggers(const SqliteTable& table);

}  // namespace guildhall::convert
