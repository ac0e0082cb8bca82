// A fresh database for one test, in the layout that GUILDHALL_TEST_STORAGE names: `sqlite`
// (default), `sqlite-per-server` or `postgres`, there on the server whose address GUILDHALL_TEST_POSTGRES
// holds, of a login that may make databases and roles (tools/private_postgres.sh).
#pragma once

#include <memory>
#include <string>

#include "base/clock.h"
#include "base/config.h"
#include "store/database.h"
#include "store/place.h"
#include "store/schema_session.h"
#include "tenancy/table.h"

namespace guildhall::test {

store::Layout tested_layout();

class TestDatabase {
 public:
  /// Sets the addresses of `config`, and brings the schema there: the first of a process makes a template, of
  /// which the others are copies.
  TestDatabase(Config& config, const tenancy::TableCatalog& tables, store::Layout layout);
  /// Drops what it made.
  ~TestDatabase();

  const store::DatabasePlace& place() const { return place_; }
  /// Rows as "a|b\n", read from outside of the program.
  std::string dump(const std::string& sql) const;
  /// While it lives, nothing of this server can be written by anybody else.
  std::unique_ptr<store::SchemaSession> hold_writer(std::int64_t server) const;
  /// Every row of a server in a table with all of its values, one line each, sorted.
  std::string rows(const std::string& table, std::int64_t server) const;
  /// Of the SQLite layouts; 0 is the file of what belongs to no server.
  std::string file_of(std::int64_t server) const;
  /// `server`: in whose file, where each has its own; 0 is the file of what belongs to no server.
  void execute(const std::string& sql, std::int64_t server) const;

 private:
  Result<std::unique_ptr<store::SchemaSession>> session_of(std::int64_t server) const;

  store::DatabasePlace place_;
  store::TableHomes homes_;
  std::string created_;  // database on the PostgreSQL server
};

/// The address of another login or database on the tests' PostgreSQL server.
std::string postgres_url(std::string_view login, std::string_view database);

}  // namespace guildhall::test
