// The fast way, for one server for each SQLite file: the file that is there becomes its server's. A marker
// says whose it is, and each table gets its tenant column with a constant default, for which SQLite writes
// one row of its schema: milliseconds at any size. (Tables with a CHECK and STRICT ones are read through by
// SQLite itself.) Keys stay as they are, since all rows are one server's; the old program's statements work
// on.
//
// Such a file may go into a shared one later, by the rebuild.
#pragma once

#include "convert/scheme.h"
#include "convert/sqlite_run.h"

namespace guildhall::convert {

/// All in one transaction. With `options.sums` the tables are added up before; without, which is what takes
/// milliseconds alone, a verification can tell of the tables that they are what they were, and of the file
/// that it is sound, but does not compare rows. Once done it is told so. Problems: CV-HOME; CV-OTHERS, with
/// counts: the file holds rows of other servers, too; CV-MARKER: it is another server's already; CV-BUSY.
migrate::Outcome<SqliteReport> give_file_to_server(store::SchemaSession& session, const Scheme& scheme,
                                                   const Conversion& conversion,
                                                   const SqliteOptions& options = {});

}  // namespace guildhall::convert
