// What every way of converting a SQLite file is told, answers, and holds while it works.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "convert/archive.h"
#include "convert/conversion.h"
#include "migrate/finding.h"
#include "migrate/outcome.h"
#include "store/schema_session.h"

namespace guildhall::convert {

struct SqliteOptions {
  std::vector<std::string> accepted = {};  // triggers that write without naming the server
  std::chrono::milliseconds wait{10'000};  // for another program's write
  // The online way: rows of its first and smallest batch, and of its greatest. Between two batches others
  // write: SQLite asks for a lock again after at most 25 ms, while it has waited for no longer than a batch
  // takes.
  std::size_t batch = 1'000;
  std::size_t greatest_batch = 32'000;
  std::chrono::milliseconds pause{30};
  bool sums = false;     // of the file way: adds the tables up first
  bool archive = false;  // of the way back: puts rows of other servers aside
  /// Called before each step, for people to read; within a transaction and outside. What it throws ends the
  /// run, as a kill would.
  std::function<void(const std::string& step)> at = [](const std::string&) {};
};

struct SqliteReport {
  std::int64_t conversion = 0;
  bool was_done = false;                          // before; nothing was changed
  std::size_t tables = 0;                         // that were changed
  std::map<std::string, std::int64_t> rows = {};  // by table, as they are now; not of the file way
  Archived moved = {};                            // into the archive
  std::vector<std::string> untouched = {};        // tables that were left as they are, and are not sealed
  migrate::Findings findings = {};
};

/// While it lives: foreign keys are not enforced, and what mentions a table is not rewritten when that gets
/// another name. Both can only be said outside of a transaction, else SQLite ignores the first without a
/// word.
class SqliteSettings {
 public:
  /// Throws DatabaseError, also where the session is in a transaction.
  SqliteSettings(store::SchemaSession& session, std::chrono::milliseconds wait);
  SqliteSettings(const SqliteSettings&) = delete;
  SqliteSettings& operator=(const SqliteSettings&) = delete;
  ~SqliteSettings();

 private:
  store::SchemaSession& session_;
  std::string foreign_keys_;
  std::string legacy_;
  std::string busy_;
  std::string cache_;
};

/// One that nobody else writes beside; taken back unless it is committed.
class SqliteTransaction {
 public:
  /// Throws DatabaseError: `busy` where somebody else wrote for too long.
  explicit SqliteTransaction(store::SchemaSession& session);
  SqliteTransaction(const SqliteTransaction&) = delete;
  SqliteTransaction& operator=(const SqliteTransaction&) = delete;
  ~SqliteTransaction();
  void commit();

 private:
  store::SchemaSession& session_;
};

/// A table's triggers are gone until they are put back; within a transaction, which takes them back too.
class TriggersAside {
 public:
  TriggersAside(store::SchemaSession& session, const std::string& table);
  void put_back() const;

 private:
  store::SchemaSession& session_;
  std::vector<std::string> texts_;
};

/// What the database refused: CV-BUSY where another program wrote for too long, else as everywhere.
migrate::Problem sqlite_problem(const store::DatabaseError& error);

/// Changes with each commit of somebody else.
std::string written_state(store::SchemaSession& session);

/// One number that a statement answers.
std::int64_t number_of(store::SchemaSession& session, const std::string& sql,
                       const std::vector<std::string>& values = {});

}  // namespace guildhall::convert
