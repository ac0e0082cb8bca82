#include "tests/support/test_world.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cstdlib>
#include <stdexcept>

#include "features/features.h"
#include "migrate/migrate.h"
#include "store/schema_session.h"
#include "store/sqlite/connection.h"
#include "store/sqlite/server_files.h"
#include "web/sessions.h"

namespace guildhall::test {
namespace {

using store::Layout;
using store::sqlite::Connection;

std::string as_text(const store::SchemaSession::Rows& rows) {
  std::string text;
  for (const auto& row : rows) text += fmt::format("{}\n", fmt::join(row, "|"));
  return text;
}

/// The tables of a directory and of the servers' files, put together as one shared database would be.
class Merged {
 public:
  Merged(const store::DatabasePlace& place, const store::TableHomes& homes) : homes_(homes) {
    connection_.execute("PRAGMA foreign_keys=OFF");
    const std::string directory = store::sqlite::directory_file(place.path);
    Connection schema(directory, store::sqlite::Role::schema);
    for (const auto& row : schema.query("SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL"))
      connection_.execute(row[0].c_str());
    add(directory, false);
    for (const ServerId server : *store::servers_with_file(place))
      add(store::sqlite::server_file(place.path, server), true);
  }

  store::SchemaSession::Rows query(const std::string& sql) { return connection_.query(sql); }

 private:
  void add(const std::string& file, bool of_server) {
    connection_.query("ATTACH $1 AS one", {file});
    for (const auto& [table, home] : homes_) {
      if (of_server != (home == store::TableHome::server)) continue;
      std::vector<std::string> columns;
      for (const auto& row : connection_.query("SELECT name FROM pragma_table_info($1, 'main')", {table}))
        columns.push_back(row[0]);
      connection_.execute(
          fmt::format("INSERT INTO main.{0} ({1}) SELECT {1} FROM one.{0}", table, fmt::join(columns, ", "))
              .c_str());
    }
    connection_.execute("DETACH one");
  }

  const store::TableHomes& homes_;
  Connection connection_{":memory:", store::sqlite::Role::schema};
};

}  // namespace

std::string TestWorld::chosen_url() {
  const char* chosen = std::getenv("GUILDHALL_TEST_STORAGE");
  const std::string storage = chosen == nullptr ? "sqlite" : chosen;
  if (storage == "sqlite") return "sqlite:guildhall.db";
  if (storage == "sqlite-per-server") return "sqlite-per-server:servers";
  throw std::invalid_argument("GUILDHALL_TEST_STORAGE: no layout is called " + storage);
}

TestWorld::TestWorld() : TestWorld(chosen_url()) {}

TestWorld::TestWorld(const std::string& url) : declarations(config) {
  config.data_dir = folder.path().string();
  config.database_url = url;
  tenancy::Tenancy::declare(declarations.statements, declarations.tables);
  bot::declare_bot(declarations);
  features::declare_all(declarations);
  web::Sessions::declare(declarations.statements);
  place = *store::find_place(config);
  const auto migrated = migrate::prepare_schema(place, clock.now());
  if (!migrated) throw ErrorException(migrated.error());
  reopen();
}

void TestWorld::reopen(store::FileOptions files) {
  tenancy.reset();
  auto opened =
      tenancy::Tenancy::open(place, declarations.statements, declarations.tables, &metrics, std::move(files));
  if (!opened) throw ErrorException(opened.error());
  tenancy = std::move(*opened);
  net::run_to_end(tenancy->load());
}

std::unique_ptr<tenancy::Tenancy> TestWorld::beside() {
  auto opened = tenancy::Tenancy::open(place, declarations.statements, declarations.tables, nullptr,
                                       {file_preparation()});
  if (!opened) throw ErrorException(opened.error());
  net::run_to_end((*opened)->load());
  return std::move(*opened);
}

std::function<Result<void>(store::SchemaSession&)> TestWorld::file_preparation() const {
  return migrate::file_preparation(clock);
}

TestWorld::~TestWorld() = default;

tenancy::ServerScope TestWorld::server(std::int64_t id) {
  const ServerId server(id);
  if (!tenancy->servers().is_known(server)) {
    net::run_to_end(tenancy->servers().arrived(server, fmt::format("Server {}", id), clock.now()));
  }
  return *tenancy->scopes().for_operator(server);
}

std::string TestWorld::dump(const std::string& sql) const {
  if (place.layout == Layout::sqlite_per_server) {
    const store::TableHomes homes = declarations.tables.homes();
    return as_text(Merged(place, homes).query(sql));
  }
  auto session = store::open_schema_session(place);
  if (!session) throw ErrorException(session.error());
  return as_text((*session)->query(sql));
}

void TestWorld::execute(const std::string& sql, std::int64_t id) {
  if (id != 0) touch(id);
  auto session =
      id == 0 ? store::open_schema_session(place) : store::open_server_session(place, ServerId(id));
  if (!session) throw ErrorException(session.error());
  (*session)->execute(sql);
}

void TestWorld::touch(std::int64_t id) {
  in(id, [](store::Tx&) -> store::TxTask<void> { co_return; });
}

std::string TestWorld::file_of(std::int64_t id) const {
  return place.layout == Layout::sqlite_per_server ? store::sqlite::server_file(place.path, ServerId(id))
                                                   : place.path;
}

std::string TestWorld::database_file() const {
  return place.layout == Layout::sqlite_per_server ? store::sqlite::directory_file(place.path) : place.path;
}

}  // namespace guildhall::test
