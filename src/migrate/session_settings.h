// What every session of the tool is told when it begins, besides limits of time of its own: its clock is UTC,
// and a server whose client is gone without a word notices it within half a minute (TCP keepalives of 10 s,
// three of 5 s; since PostgreSQL 14 also amid a statement, every 5 s).
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "migrate/target.h"

namespace guildhall::migrate {

using OpenSession = std::function<Result<std::unique_ptr<store::SchemaSession>>(const std::string& settings)>;

/// Opens one with these settings ("-clock_timeout=3s ...") and those. SQLite has none of them. Errors as of
/// `open`.
Result<std::unique_ptr<store::SchemaSession>> open_with_settings(const OpenSession& open,
                                                                 const std::string& settings);

/// PostgreSQL: writes "$user" in the search_path out, so that SET ROLE within a script leads no name anywhere
/// else. Behind a pooler nothing is set that would stay. Throws DatabaseError.
void fix_search_path(store::SchemaSession& session);

}  // namespace guildhall::migrate
