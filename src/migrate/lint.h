// What is wrong with migrations as they are written, whatever the data: what blocks a table that is in use,
// what takes data away, what hides a mistake. A rule stops (error) or warns; `-- guildhall: allow=L03
// reason="..."` silences it in that script.
//
//   L01  E   what needs no transaction among other statements (script_rules.h)
//   L02  E/W CREATE INDEX without CONCURRENTLY on a table that holds something; over 10,000 rows an error
//   L03  E   DROP TABLE, DROP COLUMN, DROP SCHEMA CASCADE, TRUNCATE, DELETE without WHERE
//   L04  E   ADD COLUMN NOT NULL without a default; with a default that differs from row to row
//   L05  E   SET NOT NULL without a validated CHECK (... IS NOT NULL) before it
//   L06  E/W ADD FOREIGN KEY or CHECK without NOT VALID; over 10,000 rows an error
//   L07  E   ALTER COLUMN TYPE that rewrites the table
//   L08  E   ADD UNIQUE or PRIMARY KEY that builds its index while everybody waits
//   L09  W   UPDATE of a whole table in one statement
//   L10  E   RENAME of a table or column that is in use
//   L11  W   IF NOT EXISTS, or a block that swallows "exists already"; after the run what was passed over is
//            compared with what was meant (passed_over.h)
//   L12  E   a role that does not exist
//   L13  E   control of transactions (E-TXCTL, script_rules.h)
//   L14  W   a name of more than 63 bytes, which PostgreSQL cuts
//   L15  W   a table without a primary key; of a tenant schema also without its tenant column, and an error
//            without row-level security
//   L16  E   tenant schema: a unique key without the tenant column
//   L17  E   SECURITY DEFINER without a search_path of its own
//   L18  W   LOCK TABLE
//   L19  W   a SELECT that was left in
//   L20  E   VACUUM FULL, CLUSTER
//   L21  W   no way back, and none that could be derived
//   L22  E   tenant schema: a view without security_invoker
//   L23  W   phase=expand that drops or renames something (phases.h)
//   L24  E   CREATE INDEX CONCURRENTLY without a name, which nobody finds again after a stop
//
// Of a table that the same run makes, or that is known to be empty, nobody has to wait and nothing is lost.
// Without a database sizes are not known: what depends on them is a warning then, and what an earlier file
// made may hold something by now.
//
// For SQLite: L03 (but not the old table of the official way to change one: made anew, filled, dropped,
// renamed), L04 (it refuses NOT NULL without a default and defaults that differ), L09, L10, L11, L15 (primary
// key, tenant column), L19, L21, L23. The others are about locks, roles or settings that it does not have.
#pragma once

#include <span>

#include "migrate/table_facts.h"

namespace guildhall::migrate {

struct LintOptions {
  std::string tenant_column = {};  // of a schema whose tables hold many tenants' rows; "": it does not
};

/// Of the migrations that are to run, in their order. Findings are named by their files.
Findings lint(std::span<const Pending> pending, const TableFacts& facts, Dialect dialect,
              const LintOptions& options = {});

/// Of all files of a directory, without a database.
Findings lint_files(const MigrationSet& set, Dialect dialect, const LintOptions& options = {});

}  // namespace guildhall::migrate
