// The way back of a migration that nobody wrote one for, from the schema before and after it.
//
// What was added is dropped, dependents first. What was changed is set back, where the old definition says
// all that there is to know: defaults, not null, identity, comments, constraints, indexes, views, functions,
// triggers, policies, rules, row security, parameters. Objects without rows of their own that were dropped
// are made again. There is no way back where rows or values are gone, or could be: a dropped table, column or
// sequence (a renamed one looks the same), changed data, a type that is not one of these widenings:
//   smallint -> integer -> bigint; varchar(n) -> a longer one, varchar or text; numeric(p, s) -> a greater p
// (the way back fails on a value that no longer fits, and cuts spaces at the end of a varchar). Nor where
// PostgreSQL has no statement for it (a new value of an enum), nor where an object with rights of its own
// would have to be made anew, since it would have others.
// SQLite alters tables only by columns added at the end; there is a way back from those that it lets drop.
#pragma once

#include <string>
#include <vector>

#include "migrate/schema_snapshot.h"

namespace guildhall::migrate {

struct DerivedDown {
  /// Whose rows or values go when the script runs; `column` is "" for the whole table. Quoted.
  struct Dropped {
    std::string table;
    std::string column;
    bool operator==(const Dropped&) const = default;
  };

  /// Without semicolons, in the order in which they run, for one transaction; empty when nothing changed, and
  /// when there is no way back.
  std::vector<std::string> statements;
  std::vector<Dropped> dropped;
  /// "" when there is a way back; else one plain sentence that names the object.
  std::string none;

  bool exists() const { return none.empty(); }
  /// Each statement on a line of its own, with a semicolon.
  std::string script() const;
};

/// `changes_data`: the migration changed rows that were there before. Snapshots of one database, with
/// comments.
DerivedDown derive_down(const SchemaSnapshot& before, const SchemaSnapshot& after, Dialect dialect,
                        bool changes_data = false);

}  // namespace guildhall::migrate
