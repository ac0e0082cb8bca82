// SQLite in one shared file: one writer thread that commits waiting units of work as a group (each in
// a savepoint of its own), and reader threads beside it on the write-ahead log.
#pragma once

#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "store/database.h"
#include "store/sqlite/units.h"

namespace guildhall::store {

class SqliteDatabase final : public Database {
 public:
  static Result<std::unique_ptr<Database>> open(const DatabaseOptions& options);
  /// Runs what is queued, then stops the threads.
  ~SqliteDatabase() override;

  Task<bool> changed_elsewhere(Passkey key) override;
  std::size_t waiting() const override;

 protected:
  void submit(WorkScope scope, Mode mode, Work& work, Completion done) override;

 private:
  SqliteDatabase(const DatabaseOptions& options, std::vector<sqlite::StatementHome> homes);

  void write_loop(sqlite::Connection& connection);
  void read_loop(sqlite::Connection& connection);

  sqlite::UnitRunner runner_;
  sqlite::UnitQueue writes_;
  sqlite::UnitQueue reads_;
  sqlite::VersionWatch watch_;
  std::unique_ptr<sqlite::Connection> writer_;
  std::vector<std::unique_ptr<sqlite::Connection>> readers_;
  std::vector<std::jthread> threads_;
};

}  // namespace guildhall::store
