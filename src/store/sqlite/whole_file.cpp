#include "store/sqlite/whole_file.h"

#include <fmt/format.h>
#include <sqlite3.h>

#include <stdexcept>

#include "store/database_error.h"
#include "store/failure.h"
#include "store/sqlite/connection.h"
#include "store/sqlite/sqlite_session.h"

namespace guildhall::store {

bool copy_sqlite(SchemaSession& session, const std::string& file, const CopyProgress& progress) {
  auto* from = dynamic_cast<sqlite::SqliteSession*>(&session);
  if (from == nullptr) throw std::logic_error("only a database in a file is copied as a file");
  return from->connection().copy_to(file, progress);
}

namespace {

class Hold final : public SqliteHold {
 public:
  explicit Hold(const std::string& file) : connection_(file, sqlite::Role::guest) {
    // The log stays when this closes: of a file that cannot be read it may be all there is, and by the end of
    // a hold another database's may have its name.
    connection_.keep_log();
    connection_.execute("PRAGMA locking_mode=EXCLUSIVE");
    connection_.execute("BEGIN EXCLUSIVE; COMMIT");
    connection_.execute("PRAGMA wal_checkpoint(TRUNCATE)");
    connection_.execute("BEGIN EXCLUSIVE");
  }

 private:
  sqlite::Connection connection_;
};

}  // namespace

Result<std::unique_ptr<SqliteHold>> hold_sqlite(const std::string& file) {
  try {
    return std::make_unique<Hold>(file);
  } catch (const DatabaseError& failure) {
    if (failure.code() == DbCode::busy) {
      return fail(ErrorCode::conflict, fmt::format("another process has the database file '{}' open", file),
                  "Stop the program that uses it, then try again.");
    }
    if (failure.code() == DbCode::corrupt) return std::unexpected(sqlite::damage_of(file, failure.what()));
    return std::unexpected(failure_of(fmt::format("database file '{}'", file), failure));
  }
}

}  // namespace guildhall::store
