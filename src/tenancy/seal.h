// The gate: every statement passes here before it may run, on SQLite the only wall between servers in
// one file, on PostgreSQL one of several. It takes three views of a statement that are independent of
// each other: what the database's authorizer saw it touch, what its SQL says, and how the database
// plans to run it.
#pragma once

#include <optional>
#include <string>

#include "store/database.h"
#include "tenancy/table.h"

namespace guildhall::tenancy {

/// Why the statement may not run (names table and reason), or nothing.
///
/// On one server's rows: binds :server on every sealed table, on the same level, by AND; searches
/// each by the tenant column and never scans it; never changes a row's server; writes no global table.
/// Global: touches no sealed table but the registry.
/// Cross-server: touches only sealed tables that declare it, and has a written reason.
std::optional<std::string> refuse_statement(const TableCatalog& catalog, const store::StatementInfo& info,
                                            const store::StatementFacts& facts);

}  // namespace guildhall::tenancy
