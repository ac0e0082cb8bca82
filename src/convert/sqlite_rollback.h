// The way back of a SQLite file to one server: what the conversion added is taken away, and no row.
//
// After a rebuild, online or not, the tables get the texts that they had, with the rows as they are now and
// those that were put aside; their numbers and the counters stay. The file of one server loses its columns
// and its marker, an unfinished online run its successors. Indexes and triggers that others made on the
// tables since stay where they do not need the server; which ones go is said (CV-PART), and which triggers of
// other tables and which views stay behind and work no more. Rows of more than one server do not fit into
// tables of one: then nothing is done, and it is said which servers hold how many. Not so those of a table
// that had its column for the server before: there they are told apart as they were.
#pragma once

#include "convert/sqlite_run.h"

namespace guildhall::convert {

/// With `options.archive` rows that have no place are put aside (sqlite_archive.h).
///
/// Of the newest conversion that the file remembers; from its records alone. Problems: CV-NONE (there is
/// nothing to take back), CV-OTHERS with counts, CV-KEYS (rows, of two servers or of one, cannot stand beside
/// each other under the old keys), CV-COLUMNS (a table has columns since then that would be lost), CV-ROWS,
/// CV-BUSY.
migrate::Outcome<SqliteReport> roll_back_sqlite(store::SchemaSession& session,
                                                const SqliteOptions& options = {});

}  // namespace guildhall::convert
