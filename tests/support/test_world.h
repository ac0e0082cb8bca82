// A Guildhall without platforms, for tests: a fresh database of its own (test_database.h), every feature
// declared, a clock set by hand.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "base/clock.h"
#include "base/metrics.h"
#include "bot/feature.h"
#include "net/loops.h"
#include "tenancy/scopes.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/test_database.h"

namespace guildhall::test {

class TestWorld {
 public:
  /// A test that is about one layout names it.
  explicit TestWorld(store::Layout layout = tested_layout());
  ~TestWorld();

  /// Closes the database and opens it again, with whatever was declared meanwhile.
  void reopen(store::FileOptions files);
  void reopen_with(tenancy::OpenOptions options);
  void reopen() { reopen({file_preparation()}); }
  /// A second process on the same database; `gate`: in place of the real one.
  std::unique_ptr<tenancy::Tenancy> beside(store::StatementGate gate = {});
  /// Guildhall's schema, for a server's file.
  std::function<Result<void>(store::SchemaSession&)> file_preparation() const;

  /// Makes the server known and returns a scope for it.
  tenancy::ServerScope server(std::int64_t id);

  /// The owner of that Kick channel, which is called so, lets the server listen to it.
  void listen(std::int64_t id, const std::string& broadcaster, const std::string& slug = "slug");

  /// One transaction of a server, run to its end.
  template <class F>
  auto in(const tenancy::ServerScope& scope, F body) {
    return net::run_to_end(scope.transact(std::move(body)));
  }
  template <class F>
  auto in(std::int64_t id, F body) {
    return in(server(id), std::move(body));
  }

  /// What the database holds, read from outside.
  std::string dump(const std::string& sql) const { return database->dump(sql); }
  /// Changes the database behind the program's back. `server`: in whose file, where each has its own; 0
  /// is the file of what belongs to no server.
  void execute(const std::string& sql, std::int64_t server = 0);
  /// Does a piece of work that changes nothing: a server that has a file of its own has it from then on.
  void touch(std::int64_t server);
  /// Ends what runs on these loops, and waits until the database has let go of it. Before the loops go.
  void close(net::Loops& loops);
  const store::DatabasePlace& place() const { return database->place(); }
  /// Of the SQLite layouts: the file of what belongs to no server, and the one with this server's rows.
  std::string database_file() const { return database->file_of(0); }
  std::string file_of(std::int64_t server) const { return database->file_of(server); }

  TemporaryFolder folder;
  Config config;
  ManualClock clock{from_micros(1'800'000'000'000'000)};
  Metrics metrics;
  bot::Declarations declarations;
  std::optional<TestDatabase> database;
  std::unique_ptr<tenancy::Tenancy> tenancy;
};

}  // namespace guildhall::test
