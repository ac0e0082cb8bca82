// What a script takes away with it: tables and columns that hold something.
#pragma once

#include <string>
#include <vector>

#include "migrate/sql_statements.h"
#include "store/schema_session.h"

namespace guildhall::migrate {

struct Loss {
  std::string table;      // as it is written
  std::string column;     // "": the whole table
  std::int64_t rows = 0;  // of a column: those with another value than its default, or than NULL
};

/// What DROP TABLE, DROP COLUMN, TRUNCATE and DELETE without a condition name, counted where it is there now.
/// Empty tables and columns are left out. Throws DatabaseError.
std::vector<Loss> count_losses(store::SchemaSession& session, const std::vector<SqlStatement>& statements,
                               Dialect dialect);

/// "table giveaway_entry_attempts (18233 rows), column giveaways.entry_count (412 values)"
std::string describe(const std::vector<Loss>& losses);

}  // namespace guildhall::migrate
