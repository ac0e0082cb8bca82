// An empty database that is not Guildhall's, for tests of what works on anybody's: a SQLite file, or where
// GUILDHALL_TEST_STORAGE says so a database on the tests' PostgreSQL server. It goes with the object.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "migrate/target.h"
#include "tests/support/temporary_folder.h"

namespace guildhall::test {

class AnyDatabase {
 public:
  explicit AnyDatabase(migrate::Dialect dialect);
  ~AnyDatabase();
  const migrate::Target& target() const { return target_; }
  /// The one to look at it with.
  store::SchemaSession& session() { return *session_; }
  /// A folder beside it.
  const std::filesystem::path& folder() const { return folder_.path(); }

 private:
  TemporaryFolder folder_;
  std::string created_;  // on the PostgreSQL server
  migrate::Target target_;
  std::unique_ptr<store::SchemaSession> session_;
};

/// SQLite in the layouts of SQLite.
migrate::Dialect tested_dialect();

class OnAnyDatabase : public testing::Test {
 protected:
  const migrate::Target& target() const { return database_.target(); }
  store::SchemaSession& session() { return database_.session(); }

  AnyDatabase database_{tested_dialect()};
};

class OnPostgres : public testing::Test {
 protected:
  const migrate::Target& target() const { return database_.target(); }
  store::SchemaSession& session() { return database_.session(); }

  AnyDatabase database_{migrate::Dialect::postgres};
};

class OnSqlite : public testing::Test {
 protected:
  const migrate::Target& target() const { return database_.target(); }
  store::SchemaSession& session() { return database_.session(); }

  AnyDatabase database_{migrate::Dialect::sqlite};
};

}  // namespace guildhall::test
