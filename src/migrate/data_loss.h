// What a script takes away with it, counted before it runs.
//
//   DROP TABLE, DROP COLUMN          the rows; the values that are neither NULL nor the column's default
//   DROP ... CASCADE, DROP SCHEMA,   PostgreSQL: every table and column that goes along, by the catalog's own
//   DROP EXTENSION, DROP OWNED       dependencies
//   TRUNCATE                         the rows; with CASCADE those of the tables that refer to it, too
//   DELETE                           the rows that match, and "some rows" of the tables whose foreign keys
//                                    delete along
//   UPDATE                           the values that are overwritten by something that is not made of them;
//                                    `n = n + 1` is taken to be undone by its opposite, and does not count
//   ALTER COLUMN TYPE                PostgreSQL: the values that would not come back from the new type
//   MERGE, ON CONFLICT DO UPDATE,    some rows
//   REPLACE
//
// A batch counts as its statement, a DO block as what can be read of it. What cannot be asked (a condition
// about rows of a table that is yet to be made, or one that takes too long) is "some rows". What functions
// and triggers take is not known, and views, indexes and sequences are no data.
#pragma once

#include <string>
#include <vector>

#include "migrate/interrupt.h"
#include "migrate/sql_statements.h"
#include "store/schema_session.h"

namespace guildhall::migrate {

struct Loss {
  enum class Kind {
    table,       // all of its rows
    column,      // with its values
    rows,        // so many of a table; 0: some
    overwritten  // so many values of a column; 0: some
  };
  Kind kind = Kind::table;
  std::string table;      // as it is written, or as the database writes it
  std::string column;     // "" where it is of a table
  std::int64_t rows = 0;  // of a column: those with another value than its default, or than NULL
};

/// Counted where it is there now, in one transaction of its own that only reads; `session` is in none.
/// Nothing is listed that holds nothing. Throws DatabaseError.
std::vector<Loss> count_losses(store::SchemaSession& session, const std::vector<SqlStatement>& statements,
                               Dialect dialect, Interrupt* interrupt = nullptr);

/// "table giveaway_entry_attempts (18233 rows), column giveaways.entry_count (412 values), 3 rows of users,
/// some values of users.name"
std::string describe(const std::vector<Loss>& losses);

}  // namespace guildhall::migrate
