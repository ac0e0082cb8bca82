// One SQLite connection: prepared statements, one transaction at a time, used by one thread.
// Only the .cpp of this folder sees sqlite3.h.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/error.h"
#include "store/database.h"
#include "store/sqlite/row_reading.h"

struct sqlite3;
struct sqlite3_stmt;

namespace guildhall::store::sqlite {

/// A checker only looks at statements: without foreign keys, so that what it reports is what the
/// statement itself touches and not what the database looks up for it. A visitor reads a database that is not
/// its own, and leaves it and what lies beside it as it was. A guest writes in somebody else's database, as
/// anybody's program would: its journal and its foreign keys stay as they are.
enum class Role { reader, writer, schema, checker, visitor, guest };

/// One of many keeps little in memory and on disk beside its file, and does not make the file.
enum class Share { whole, one_of_many };

/// A session of a visitor (store/schema_session.h).
Result<std::unique_ptr<SchemaSession>> open_reading_session(const std::string& file);

/// A session of a guest. Error `not_found` where there is no file and none may be made.
Result<std::unique_ptr<SchemaSession>> open_guest_session(const std::string& file, bool may_make,
                                                          bool reads_through);

/// What is to be said of a file that SQLite finds damaged.
Error damage_of(const std::string& file, std::string_view why);

class Connection {
 public:
  /// Opens the file with WAL, synchronous=FULL and foreign keys; a reader never writes; a schema
  /// connection may change tables; every other is watched by an authorizer that refuses DDL, ATTACH
  /// and PRAGMA. Throws DatabaseError.
  Connection(const std::string& file, Role role, Share share = Share::whole);
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  ~Connection();

  /// SQL without parameters or rows (BEGIN, COMMIT, a migration's script).
  void execute(const char* sql);
  /// One statement and no more; its rows are dropped: how many there were, or were changed. Throws
  /// StatementError.
  std::int64_t run_one(const std::string& sql);
  /// Ends what runs at that moment; from any thread.
  std::function<void()> interrupter() const;
  /// Rows as text, NULL as "" (the migrator's journal, a pragma). Values are bound to $1, $2, ... as text.
  std::vector<std::vector<std::string>> query(const std::string& sql,
                                              const std::vector<std::string>& values = {});
  /// Rows with typed values; values are bound to $1, $2, ...
  std::vector<std::vector<Value>> read(const std::string& sql, const std::vector<Value>& values);
  /// Tells `see` of each row that a statement answers, until it answers false (row_reading.h).
  void read_each(const std::string& sql, const std::function<bool(CellRow)>& see);
  /// Runs one statement once for each row of values, bound to $1, $2, ...
  void run_for_each(const std::string& sql, const std::vector<std::vector<Value>>& rows);
  /// Copies the database, in a transaction the state of its beginning, into a file; `progress` is told of the
  /// pages copied and of all, and ends it with false: then the answer is false, too.
  bool copy_to(const std::string& file, const std::function<bool(std::int64_t, std::int64_t)>& progress);
  /// A write-ahead log stays beside the file when the last connection closes.
  void keep_log();
  bool in_transaction() const;
  std::int64_t data_version();

  /// Prepares (once) and runs one registered statement for all of its calls.
  void run(const StatementInfo& info, WorkScope scope, Execution& execution);

  /// How long a statement may run before it ends with `timed_out`; thirty seconds unless told otherwise.
  void limit_statements(std::chrono::milliseconds most) { longest_ = most; }

  /// Gives back what would have been quick to have at hand: pages, and what is prepared but for the
  /// statements of set-based work, which come back every minute.
  void rest();

  /// What the database says of a statement, without running it.
  StatementFacts inspect(const std::string& sql);

 private:
  struct Prepared {
    sqlite3_stmt* statement = nullptr;
    bool is_set_based = false;
    int server_position = 0;     // of :server, 0 when absent
    std::vector<int> positions;  // of each parameter, in the order of StatementInfo::parameters
    std::vector<int> columns;    // of each wanted column in the answer
  };

  sqlite3_stmt* prepare(const std::string& sql, bool persistent);
  const Prepared& prepared(std::size_t index, const StatementInfo& info);
  void bind(sqlite3_stmt* statement, int position, const Value& value);
  void bind_numbered(sqlite3_stmt* statement, const std::vector<Value>& values);

  void begin_statement();
  void use_write_ahead_log();
  static int is_overdue(void* self);

  sqlite3* db_ = nullptr;
  std::vector<Prepared> prepared_;
  std::chrono::milliseconds longest_ = std::chrono::seconds(30);
  std::chrono::steady_clock::time_point deadline_;
};

}  // namespace guildhall::store::sqlite
