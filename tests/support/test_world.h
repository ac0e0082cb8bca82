// A Guildhall without platforms, for tests: a fresh database in a folder of its own, every feature
// declared, a clock set by hand. GUILDHALL_TEST_STORAGE chooses the layout of the database: sqlite (the
// default) or sqlite-per-server.
#pragma once

#include <memory>
#include <string>

#include "base/clock.h"
#include "base/metrics.h"
#include "bot/feature.h"
#include "net/loops.h"
#include "tenancy/scopes.h"
#include "tests/support/temporary_folder.h"

namespace guildhall::test {

class TestWorld {
 public:
  TestWorld();
  /// What GUILDHALL_TEST_STORAGE says, as a URL.
  static std::string chosen_url();
  /// On the database of that URL, for tests of one layout.
  explicit TestWorld(const std::string& url);
  ~TestWorld();

  /// Closes the database and opens it again, with whatever was declared meanwhile.
  void reopen(store::FileOptions files);
  void reopen() { reopen({file_preparation()}); }
  /// A second process on the same database.
  std::unique_ptr<tenancy::Tenancy> beside();
  /// Guildhall's schema, for a server's file.
  std::function<Result<void>(store::SchemaSession&)> file_preparation() const;

  /// Makes the server known and returns a scope for it.
  tenancy::ServerScope server(std::int64_t id);

  /// One transaction of a server, run to its end.
  template <class F>
  auto in(const tenancy::ServerScope& scope, F body) {
    return net::run_to_end(scope.transact(std::move(body)));
  }
  template <class F>
  auto in(std::int64_t id, F body) {
    return in(server(id), std::move(body));
  }

  /// What the tables of the database hold, those of all servers together, read from outside.
  std::string dump(const std::string& sql) const;
  /// Changes the database behind the program's back. `server`: in whose file, where each has its own; 0
  /// is the file of what belongs to no server.
  void execute(const std::string& sql, std::int64_t server = 0);
  /// The SQLite file of what belongs to no server; in a shared database of everything.
  std::string database_file() const;
  /// The SQLite file with this server's rows.
  std::string file_of(std::int64_t server) const;
  /// Does a piece of work that changes nothing: a server that has a file of its own has it from then on.
  void touch(std::int64_t server);

  TemporaryFolder folder;
  Config config;
  store::DatabasePlace place;
  ManualClock clock{from_micros(1'800'000'000'000'000)};
  Metrics metrics;
  bot::Declarations declarations;
  std::unique_ptr<tenancy::Tenancy> tenancy;
};

}  // namespace guildhall::test
