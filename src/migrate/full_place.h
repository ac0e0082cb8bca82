// Which place is full, when a database says that it has no space left.
#pragma once

#include <string>
#include <string_view>

#include "migrate/outcome.h"
#include "migrate/target.h"

namespace guildhall::migrate {

/// The number of the tablespace whose file a message of PostgreSQL speaks of ("could not extend file
/// \"pg_tblspc/16412/...\""); "0": the database's own, in the server's data directory; "" when it speaks of
/// none.
std::string full_tablespace(std::string_view message);

/// Adds to a problem of space, as far as the database still answers, what is full: the tablespace and where
/// it lies, or the disk of the SQLite file. `session` is in no transaction.
void name_full_place(Problem& problem, store::SchemaSession& session, const Target& target);

}  // namespace guildhall::migrate
