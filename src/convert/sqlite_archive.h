// archive.h for SQLite: rows of other servers, put aside before a file becomes one of one server again, and
// brought back after a later conversion. They lie in the same file: `guildhall_archive` says for whom they
// made room, and guildhall_archive_TABLE has the rows of each, in columns without a type, which keep every
// value as it is.
//
// No trigger of the tables sees rows go or come: they are no news.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "convert/archive.h"
#include "convert/sqlite_others.h"

namespace guildhall::convert {

/// Begins the names of its tables; no part of a schema.
inline constexpr std::string_view kSqliteArchive = "guildhall_archive";

bool has_sqlite_archive(store::SchemaSession& session);

/// Within the transaction that is open, in which foreign keys are not enforced. Put aside are the other rows
/// of `others.tables` and of whatever refers to them; of an override also those of all servers where a row of
/// the kept server has the same old key, which counts. `things`: what the conversion remembers. Problems
/// CV-ARCHIVE (there is one already; copy and source differ), CV-PARENT (a table that is not converted refers
/// to such rows). Throws DatabaseError.
migrate::Outcome<Archived> put_aside(store::SchemaSession& session, std::int64_t conversion,
                                     const std::vector<Before>& things,
                                     const std::vector<SharedTable>& tables, const Others& others);

/// Puts all of it back, parents first, and takes the archive away; within the transaction that is open. A
/// row's number that was given out again meanwhile becomes another where nothing refers to it. Problems
/// CV-ARCHIVE (a table or column that it needs is not there, or what came back is not what was put aside),
/// CV-HOME (it was made beside the rows of another server), CV-KEYS. Throws DatabaseError.
migrate::Outcome<Archived> bring_back(store::SchemaSession& session, const Scheme& scheme);

}  // namespace guildhall::convert
