// An empty database that is not Guildhall's, with a session in it, for tests of what works on anybody's.
#pragma once

#include <memory>
#include <string>

#include "migrate/dialect.h"
#include "store/schema_session.h"
#include "tests/support/temporary_folder.h"

namespace guildhall::test {

/// Does GUILDHALL_TEST_POSTGRES name a server?
bool has_postgres_server();

class PlainDatabase {
 public:
  /// PostgreSQL: on the tests' server, of the login `operator`.
  explicit PlainDatabase(migrate::Dialect dialect);
  PlainDatabase(const PlainDatabase&) = delete;
  PlainDatabase& operator=(const PlainDatabase&) = delete;
  /// Drops it.
  ~PlainDatabase();

  store::SchemaSession& session() { return *session_; }
  /// Another session in the same database.
  std::unique_ptr<store::SchemaSession> open() const;
  const std::string& url() const { return url_; }

 private:
  TemporaryFolder folder_;
  std::string name_;  // on the PostgreSQL server
  std::string url_;
  std::unique_ptr<store::SchemaSession> session_;
};

}  // namespace guildhall::test
