#include "tests/support/test_database.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <stdexcept>

#include "migrate/migrate.h"
#include "store/postgres/session.h"
#include "store/schema_session.h"
#include "store/sqlite/connection.h"
#include "store/sqlite/server_files.h"
#include "tenancy/postgres_roles.h"
#include "tests/support/temporary_folder.h"

namespace guildhall::test {
namespace {

using store::Layout;
using store::postgres::Session;
using store::sqlite::Connection;

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

void run_all(const std::string& url, const std::vector<std::string>& statements) {
  Session session(url, "tests");
  for (const std::string& sql : statements) session.execute(sql);
}

/// Roles belong to the whole server: programs that begin at once make them one after the other.
void make_roles() {
  Session session(variable("GUILDHALL_TEST_POSTGRES"), "tests");
  session.execute("BEGIN; SELECT pg_advisory_xact_lock(1)");
  std::vector<std::string> existing;
  for (const auto& row : session.query("SELECT rolname FROM pg_roles WHERE rolname LIKE 'guildhall%'"))
    existing.push_back(row.at(0));
  tenancy::RolePasswords passwords;
  for (const auto role : {tenancy::kAppRole, tenancy::kTickRole, tenancy::kMigrateRole, tenancy::kReadRole})
    passwords[std::string(role)] = std::string(role) + "'s word";
  for (const std::string& sql : tenancy::create_roles(existing, passwords)) session.execute(sql);
  session.execute("COMMIT");
}

void point_at(Config& config, const std::string& database) {
  config.database_url = postgres_url(tenancy::kAppRole, database);
  config.database_tick_url = postgres_url(tenancy::kTickRole, database);
  config.database_migrate_url = postgres_url(tenancy::kMigrateRole, database);
}

void migrate_to(const store::DatabasePlace& place, const tenancy::TableCatalog& tables) {
  const auto migrated = migrate::prepare_schema(place, tables);
  if (!migrated) throw ErrorException(migrated.error());
}

const std::string& template_database(const tenancy::TableCatalog& tables) {
  static const std::string name = [&] {
    const std::string made = fmt::format("template_{}", getpid());
    make_roles();
    run_all(variable("GUILDHALL_TEST_POSTGRES"), tenancy::create_database(made));
    run_all(postgres_url("operator", made), tenancy::prepare_database(made));
    Config config;
    point_at(config, made);
    migrate_to(*store::find_place(config), tables);
    return made;
  }();
  return name;
}

/// The folder of a database on SQLite as every test begins with it: most of what a test takes would be the
/// migrations. Made by the first of a program.
class SqliteTemplate {
 public:
  static const SqliteTemplate& of(const Config& config, const tenancy::TableCatalog& tables, Layout layout) {
    static std::map<Layout, SqliteTemplate> made;
    return made.try_emplace(layout, config, tables).first->second;
  }

  SqliteTemplate(Config config, const tenancy::TableCatalog& tables) : homes_(tables.homes()) {
    config.data_dir = folder_.path().string();
    migrate_to(*store::find_place(config), tables);
  }

  /// False: it is one of other tables.
  bool copy_to(const std::filesystem::path& folder, const tenancy::TableCatalog& tables) const {
    if (tables.homes() != homes_) return false;
    std::filesystem::copy(folder_.path(), folder, std::filesystem::copy_options::recursive);
    return true;
  }

 private:
  TemporaryFolder folder_;
  const store::TableHomes homes_;
};

/// Databases that are done with. PostgreSQL waits a tenth of a second for sessions that are about to end:
/// each is dropped when the next was made, and the last with the program.
class Done {
 public:
  static void with(const std::string& database) {
    static Done done;
    done.drop();
    done.database_ = database;
  }

 private:
  ~Done() { drop(); }
  void drop() {
    if (database_.empty()) return;
    try {
      run_all(variable("GUILDHALL_TEST_POSTGRES"),
              {fmt::format("DROP DATABASE {} WITH (FORCE)", std::exchange(database_, ""))});
    } catch (const store::DatabaseError&) {
      // The server goes with the test run; what it could not drop goes with it.
    }
  }

  std::string database_;
};

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

std::string as_text(const store::SchemaSession::Rows& rows) {
  std::string text;
  for (const auto& row : rows) text += fmt::format("{}\n", fmt::join(row, "|"));
  return text;
}

}  // namespace

Layout tested_layout() {
  const std::string name = variable("GUILDHALL_TEST_STORAGE");
  if (name.empty() || name == "sqlite") return Layout::sqlite;
  if (name == "sqlite-per-server") return Layout::sqlite_per_server;
  if (name == "postgres") return Layout::postgres;
  throw std::invalid_argument("GUILDHALL_TEST_STORAGE: unknown layout " + name);
}

std::string postgres_url(std::string_view login, std::string_view database) {
  // "postgres://operator@HOST/postgres"
  const std::string admin = variable("GUILDHALL_TEST_POSTGRES");
  const auto at = admin.rfind('@');
  const auto slash = admin.rfind('/');
  if (at == std::string::npos) throw std::invalid_argument("GUILDHALL_TEST_POSTGRES is not set");
  return fmt::format("postgres://{}{}/{}", login, admin.substr(at, slash - at), database);
}

TestDatabase::TestDatabase(Config& config, const tenancy::TableCatalog& tables, Layout layout) {
  if (layout == Layout::postgres) {
    static std::atomic<int> number = 0;
    const std::string name = fmt::format("test_{}_{}", getpid(), ++number);
    run_all(variable("GUILDHALL_TEST_POSTGRES"),
            {fmt::format("CREATE DATABASE {} OWNER {} TEMPLATE {} STRATEGY FILE_COPY", name,
                         tenancy::kOwnerRole, template_database(tables))});
    created_ = name;
    point_at(config, name);
  }
  if (layout == Layout::sqlite_per_server) config.database_url = "sqlite-per-server:servers";
  place_ = *store::find_place(config);
  homes_ = tables.homes();
  const bool is_there =
      !created_.empty() || SqliteTemplate::of(config, tables, layout).copy_to(config.data_dir, tables);
  if (!is_there) migrate_to(place_, tables);
}

TestDatabase::~TestDatabase() {
  if (!created_.empty()) Done::with(created_);
}

std::string TestDatabase::dump(const std::string& sql) const {
  if (place_.layout == Layout::sqlite_per_server) return as_text(Merged(place_, homes_).query(sql));
  auto session = store::open_schema_session(place_);
  if (!session) throw ErrorException(session.error());
  return as_text((*session)->query(sql));
}

std::string TestDatabase::file_of(std::int64_t server) const {
  if (place_.layout == Layout::sqlite) return place_.path;
  return server == 0 ? store::sqlite::directory_file(place_.path)
                     : store::sqlite::server_file(place_.path, ServerId(server));
}

Result<std::unique_ptr<store::SchemaSession>> TestDatabase::session_of(std::int64_t server) const {
  return server == 0 ? store::open_schema_session(place_)
                     : store::open_server_session(place_, ServerId(server));
}

std::unique_ptr<store::SchemaSession> TestDatabase::hold_writer(std::int64_t server) const {
  auto session = session_of(server);
  if (!session) throw ErrorException(session.error());
  (*session)->begin();
  if (place_.layout == Layout::postgres)
    (*session)->query(fmt::format("SELECT pg_advisory_xact_lock({})", server));
  return *std::move(session);
}

std::string TestDatabase::rows(const std::string& table, std::int64_t server) const {
  std::string row = fmt::format("CAST({} AS TEXT)", table);
  if (place_.layout != Layout::postgres) {
    auto session = store::open_schema_session(place_);
    if (!session) throw ErrorException(session.error());
    std::vector<std::string> columns;
    for (const auto& column : (*session)->query("SELECT name FROM pragma_table_info($1)", {table}))
      columns.push_back(fmt::format("quote({})", column.at(0)));
    row = fmt::format("{}", fmt::join(columns, ", "));
  }
  const std::string text =
      dump(fmt::format("SELECT {} FROM {} WHERE discord_server_id = {}", row, table, server));
  std::vector<std::string> lines;
  for (std::size_t at = 0; at < text.size();) {
    const auto end = text.find('\n', at) + 1;
    lines.push_back(text.substr(at, end - at));
    at = end;
  }
  std::sort(lines.begin(), lines.end());
  return fmt::format("{}", fmt::join(lines, ""));
}

void TestDatabase::execute(const std::string& sql, std::int64_t server) const {
  auto session = session_of(server);
  if (!session) throw ErrorException(session.error());
  (*session)->execute(sql);
}

}  // namespace guildhall::test
