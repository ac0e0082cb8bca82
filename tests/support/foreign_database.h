// Somebody else's PostgreSQL database, for a test of its own, on the server that GUILDHALL_TEST_POSTGRES
// names.
#pragma once

#include <memory>
#include <string>

#include "store/schema_session.h"

namespace guildhall::test {

/// Without it a test skips.
bool has_postgres();

class ForeignDatabase {
 public:
  /// Makes it, empty, and a login that may connect to it and no more.
  ForeignDatabase();
  ForeignDatabase(const ForeignDatabase&) = delete;
  ForeignDatabase& operator=(const ForeignDatabase&) = delete;
  /// Drops both, and every database whose name begins with its name.
  ~ForeignDatabase();

  const std::string& name() const { return name_; }
  const std::string& weak_login() const { return weak_; }
  /// As its owner, who may make databases and roles.
  std::string url() const;
  std::string weak_url() const;

  std::unique_ptr<store::SchemaSession> session() const;
  void execute(const std::string& sql) const { session()->execute(sql); }
  /// Rows as "a|b\n".
  std::string dump(const std::string& sql) const;

 private:
  std::string name_;
  std::string weak_;
};

/// Of the server, by its administrator: rows as above.
std::string ask_server(const std::string& sql);

}  // namespace guildhall::test
