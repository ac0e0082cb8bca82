// What keeps other runners out before any row is read: the advisory locks of PostgreSQL, or the system's lock
// on a file beside a SQLite database. They end with who holds them, however that ends.
#pragma once

#include <memory>

#include "migrate/dialect.h"
#include "store/schema_session.h"

namespace guildhall::migrate {

enum class Taken {
  yes,
  no,            // another runner holds them
  work_goes_on,  // the runner is gone, and what it started in the database still works
};

class LockKeys {
 public:
  virtual ~LockKeys() = default;
  /// Asks, and does not wait. Throws DatabaseError, and ErrorException where the file cannot be made.
  virtual Taken try_take() = 0;
  /// Once taken: the session of the work was lost, and `work` is in its place. False: not now, since what it
  /// did still runs. Throws DatabaseError.
  virtual bool give_to(store::SchemaSession& work) = 0;
};

/// `own` is the session of the lock alone, `work` that of the work; both outlive the keys.
std::unique_ptr<LockKeys> keys_of(Dialect dialect, store::SchemaSession& own, store::SchemaSession& work);

}  // namespace guildhall::migrate
