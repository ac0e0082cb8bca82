// Whose rows a plan changes or takes away, for a backup of those tables alone. Where the words of a statement
// do not tell all of it, there is no such backup: one that leaves out what is lost would be none.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "migrate/migration_files.h"
#include "migrate/outcome.h"
#include "store/schema_session.h"

namespace guildhall::migrate {

/// PostgreSQL: tables that are there now, qualified and quoted: written to, altered, emptied or dropped by
/// these scripts, and those whose rows a foreign key changes or deletes along with theirs. What a trigger
/// writes elsewhere is not among them. Problem `refused` names the statement that does not tell (a DO block,
/// CALL, a SELECT of functions, DROP ... CASCADE of more than a table, writing to a view).
Outcome<std::vector<std::string>> touched_tables(store::SchemaSession& session,
                                                 std::span<const Script* const> scripts);

}  // namespace guildhall::migrate
