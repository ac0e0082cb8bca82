// What a run passed over: statements with IF NOT EXISTS, and those within a block that takes "exists already"
// for success, where what is there now is another thing than they would have made. The prechecks look before
// the run (P-EXISTS); this looks after it, also at what an earlier statement of the same run made.
//
// PostgreSQL itself says what a statement would have made: a temporary table is given the same columns,
// checks and keys, or the same index, in a transaction that is rolled back, and both are compared in the
// server's own words. Compared are tables (columns, types, NOT NULL, defaults, CHECK, UNIQUE, PRIMARY KEY),
// columns, these constraints, indexes and enums. In SQLite it is the statement that the database keeps, and a
// column's type, NOT NULL and default.
//
// Compared is what may have been there when its statement ran: what the facts from before the run know of,
// and what an earlier statement of the run made. What the run itself made new sends nothing. To a table as it
// was meant belongs what later statements of the run add to it with IF NOT EXISTS: that is compared by
// itself.
//
// Not compared are foreign keys, functions, views, the defaults of columns that number themselves, what has
// no column list of its own (LIKE, AS, PARTITION OF), and whatever a later statement of the run alters or
// drops. What cannot be built (no right to temporary tables) is not compared either, nor what somebody else
// made between those facts and the run.
#pragma once

#include <span>

#include "migrate/table_facts.h"

namespace guildhall::migrate {

/// Findings W-EXISTS, named by their files. After the run; `before`: of what was applied, from before it, or
/// unknown facts, and then all of it is compared. `session` is in no transaction. Throws DatabaseError.
Findings find_passed_over(store::SchemaSession& session, Dialect dialect, std::span<const Pending> applied,
                          const TableFacts& before);

}  // namespace guildhall::migrate
