// What concerns a SQLite database as a file: a copy of it while others use it, and having it to oneself while
// another takes its place.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "base/error.h"
#include "store/schema_session.h"

namespace guildhall::store {

/// Told of the pages that are copied and of all there are; false ends the copying.
using CopyProgress = std::function<bool(std::int64_t copied, std::int64_t all)>;

/// Copies what a session sees (in a transaction: the state of that moment) into a file, which is an empty one
/// or none; SQLite's online backup. Throws DatabaseError (`full`, `busy`: a writer did not let go of it), and
/// std::logic_error when it is no session of a file.
/// False: `progress` ended it.
bool copy_sqlite(SchemaSession& session, const std::string& file, const CopyProgress& progress);

/// A database file that nobody else has open, as far as SQLite can tell: with a write-ahead log nobody at
/// all, without one nobody within a transaction. What was in the log is in the file. Where the file then
/// goes, the hold goes, too; nothing that lies at its former name is touched when it ends.
class SqliteHold {
 public:
  virtual ~SqliteHold() = default;
};

/// Errors: `conflict` (somebody has it), `storage` (damaged, or not to be opened).
Result<std::unique_ptr<SqliteHold>> hold_sqlite(const std::string& file);

}  // namespace guildhall::store
