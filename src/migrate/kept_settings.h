// What is set for a session of PostgreSQL, to put it back after a script that may have set something else.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "migrate/sql_statements.h"
#include "store/schema_session.h"

namespace guildhall::migrate {

/// SET, RESET, set_config, or code that may hold one of them.
bool may_set_something(const SqlStatement& statement);

class KeptSettings {
 public:
  /// As they are now: the role, and what was set since the connection began. Throws DatabaseError.
  explicit KeptSettings(store::SchemaSession& session);
  /// Sets all of it back. Throws DatabaseError.
  void restore() const;
  /// The role of then until the end of the transaction that is open. Throws DatabaseError.
  void act_as_then() const;

 private:
  store::SchemaSession& session_;
  std::string role_;
  std::vector<std::pair<std::string, std::string>> set_;
};

}  // namespace guildhall::migrate
