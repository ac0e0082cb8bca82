// The schema of a database while migrations change it: kept, and brought up to date after each of them for
// the price of what changed.
//
// PostgreSQL: the catalogs' rows say which transaction wrote them. What was written since the oldest
// transaction that was open at the last reading is read again, with what hangs on it; what is gone is told by
// counting. It does not notice that an object becomes part of an extension or leaves it (ALTER EXTENSION ...
// ADD, DROP), nor a new name of a role or of an operator: a new watch does.
// SQLite: the texts of sqlite_schema are compared.
#pragma once

#include <memory>

#include "migrate/schema_snapshot.h"

namespace guildhall::migrate {

class SchemaWatch {
 public:
  /// Where the schema may have changed since the last update. `here`: in the transaction that is open, and
  /// nowhere else. That costs less: the locks that it holds say whose columns and indexes to look at. What
  /// others did is then not looked for before the next update with `anywhere`.
  enum class Changed { anywhere, here };

  /// One of the two databases.
  class Source {
   public:
    virtual ~Source() = default;
    /// Makes `kept` equal to a whole reading. Whatever it throws, the source stays as it was.
    virtual void update(SchemaSnapshot& kept, Changed changed) = 0;
    /// Takes back what the last update made of the source.
    virtual void undo() = 0;
  };

  /// Reads nothing yet. The session outlives the watch.
  SchemaWatch(store::SchemaSession& session, Dialect dialect, const SnapshotOptions& options = {});

  /// Reads what changed since the last time, in the transaction that is open or in one of its own. Equal to
  /// read_snapshot. Throws DatabaseError; then the watch is as it was.
  const SchemaSnapshot& update(Changed changed = Changed::anywhere);
  /// As of the last update; empty before the first.
  const SchemaSnapshot& now() const { return now_; }
  /// Back to what it was before the last update, once: when that was in a transaction that was rolled back.
  /// After a rollback over several updates nothing but a new watch will do.
  void undo();

 private:
  std::unique_ptr<Source> source_;
  SchemaSnapshot now_;
  SchemaSnapshot before_;
};

std::unique_ptr<SchemaWatch::Source> watch_postgres(store::SchemaSession& session,
                                                    const SnapshotOptions& options);
/// Reads everything each time: where the session does not stay the same.
std::unique_ptr<SchemaWatch::Source> watch_by_reading(store::SchemaSession& session, Dialect dialect,
                                                      const SnapshotOptions& options);
std::unique_ptr<SchemaWatch::Source> watch_sqlite(store::SchemaSession& session,
                                                  const SnapshotOptions& options);

}  // namespace guildhall::migrate
