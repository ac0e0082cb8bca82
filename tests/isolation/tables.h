// What each table's own protections are worth, tried inside of transactions that are rolled back while the
// isolation proof's two servers have rows everywhere.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "store/schema_session.h"
#include "tests/support/test_world.h"

namespace guildhall::test {

/// Runs the isolation proof on the world, and `body` in the middle of it.
void amid_two_servers(TestWorld& world, const std::function<void()>& body);

/// The tables with servers' rows that are not empty between transactions.
std::vector<std::string> tables_with_rows(const TestWorld& world);

/// What a login with one server's scope can do to the other's rows of a table, whatever the statement says.
struct Breach {
  bool reads = false;
  bool changes = false;
  bool erases = false;
  bool inserts = false;
  bool owns = false;  // sees its own
  bool operator==(const Breach&) const = default;
};

/// On PostgreSQL, with every right: plants something, tries, and takes it back.
class PostgresTrial {
 public:
  explicit PostgresTrial(const TestWorld& world);

  /// What the bot's login can do in the first server's scope, after `damage`.
  Breach breach(const std::string& table, const std::string& damage);
  /// What the catalog gate says after `damage`: "table: reason" of each fault.
  std::vector<std::string> faults(const std::string& damage);
  /// The error after `sql`; "" for none.
  std::string error_of(const std::string& sql);
  /// The bot's login reads the table, without any scope.
  std::string error_without_scope(const std::string& table);
  /// The columns of its primary key without the server.
  std::vector<std::string> key_of(const std::string& table);

 private:
  bool can(const std::string& sql);
  template <class F>
  auto rolled_back(const std::string& damage, F look);

  const TestWorld& world_;
  std::unique_ptr<store::SchemaSession> session_;
};

}  // namespace guildhall::test
