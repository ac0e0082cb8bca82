#include "store/database.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/prefer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <filesystem>
#include <stdexcept>

#include "base/log.h"
#include "store/postgres/logins.h"
#include "store/postgres/postgres_database.h"
#include "store/postgres/session.h"
#include "store/schema_session.h"
#include "store/sqlite/connection.h"
#include "store/sqlite/per_server_database.h"
#include "store/sqlite/server_files.h"
#include "store/sqlite/sqlite_database.h"

namespace guildhall::store {

namespace asio = boost::asio;

namespace {

/// While it lasts, the log says so this often.
constexpr std::chrono::seconds kRemindOfFullDisk{10};

}  // namespace

Task<void> Database::perform(Passkey, WorkScope scope, Mode mode, Work& work) {
  if (scope.access == Access::server && scope.server == ServerId{}) {
    throw DatabaseError(DbCode::no_scope, "", "a unit of work named no server");
  }
  if (observer_ != nullptr) work.observe(*observer_, scope);
  const auto hand_over = [&](auto handler) {
    // The answer belongs on the loop, which must not stop while it is under way, nor before this thread has
    // let go of it: whoever is woken may end the loop while the thread that posted still signals.
    auto executor =
        asio::prefer(asio::get_associated_executor(handler), asio::execution::outstanding_work.tracked);
    submit(scope, mode, work, [handler = std::move(handler), executor](std::exception_ptr error) mutable {
      const auto held = std::move(executor);
      const auto loop = asio::prefer(held, asio::execution::outstanding_work.untracked);
      asio::post(loop, [handler = std::move(handler), error]() mutable { std::move(handler)(error); });
    });
  };
  try {
    co_await asio::async_initiate<const asio::use_awaitable_t<>, void(std::exception_ptr)>(
        hand_over, asio::use_awaitable);
  } catch (const DatabaseError& error) {
    if (error.code() == DbCode::full) tell_of_full_disk(error);
    throw;
  }
}

void Database::count_in(Metrics& metrics) {
  full_ = &metrics.counter("guildhall_db_full_total",
                           "Units of work that were refused because the disk of the database is full.");
}

void Database::tell_of_full_disk(const DatabaseError& error) {
  if (full_ != nullptr) full_->add();
  const auto now = std::chrono::steady_clock::now();
  auto told = told_.load();
  const bool lately = told != std::chrono::steady_clock::time_point{} && now < told + kRemindOfFullDisk;
  if (lately || !told_.compare_exchange_strong(told, now)) return;
  log::error("the disk of the database is full: nothing is written until there is space again",
             {log::field("error", error.what())});
}

namespace {

Result<std::unique_ptr<Database>> open_layout(const DatabaseOptions& options) {
  switch (options.place.layout) {
    case Layout::sqlite: return SqliteDatabase::open(options);
    case Layout::sqlite_per_server: return PerServerDatabase::open(options);
    case Layout::postgres: {
      PostgresLimits limits;
      if (options.connections > 0)
        limits.exclusive = limits.shared = limits.cross_server = options.connections;
      return PostgresDatabase::open(options, limits);
    }
  }
  throw std::logic_error("a layout that is none");
}

}  // namespace

Result<std::unique_ptr<Database>> open_database(DatabaseOptions options) {
  auto database = open_layout(options);
  if (!database) return database;
  (*database)->observe(options.observer);
  if (options.metrics != nullptr) (*database)->count_in(*options.metrics);
  return database;
}

Result<std::unique_ptr<SchemaSession>> open_schema_session(const DatabasePlace& place,
                                                           const std::string& settings) {
  if (place.layout != Layout::postgres) return open_schema_session(place.file());
  // Whoever changes the schema acts as its owner; without that right the bot's own login only looks.
  const auto signer = place.migrate_url.empty() ? postgres::Signer::bot : postgres::Signer::migrate;
  return postgres::open_session(place, signer, settings);
}

Result<std::unique_ptr<SchemaSession>> open_any_session(const AnySession& wanted) {
  const auto place = find_place(wanted.url, ".");
  if (!place || place->layout == Layout::sqlite_per_server) {
    return fail(ErrorCode::usage,
                fmt::format("--url: '{}' is neither sqlite:FILE nor postgres://USER@HOST/DATABASE",
                            shown_url(wanted.url)));
  }
  if (place->layout == Layout::sqlite)
    return sqlite::open_guest_session(place->path, wanted.may_make_file, wanted.reads_through);
  return postgres::open_guest_session(wanted.url, place->name(), wanted.settings);
}

Result<std::unique_ptr<SchemaSession>> open_login_session(const DatabasePlace& place, Login login) {
  switch (place.layout) {
    case Layout::sqlite: return open_existing_session(place.path);
    case Layout::sqlite_per_server: return open_existing_session(place.file());
    case Layout::postgres: break;
  }
  return postgres::open_session(place,
                                login == Login::bot ? postgres::Signer::bot : postgres::Signer::cross_server);
}

Result<std::unique_ptr<SchemaSession>> open_server_session(const DatabasePlace& place, ServerId server) {
  if (place.layout != Layout::sqlite_per_server) return open_schema_session(place);
  const std::string file = sqlite::server_file(place.path, server);
  if (!std::filesystem::exists(file))
    return fail(ErrorCode::not_found, fmt::format("server {} has no file '{}'", server.str(), file));
  return open_schema_session(file);
}

namespace {

/// Reads everything by its rights: as the owner, or by the policy for backups.
Result<void> take_reading_role(SchemaSession& session) {
  const auto may_be = [&](std::string_view role) {
    return !session
                .query(
                    fmt::format("SELECT 1 FROM pg_roles WHERE rolname = '{}' AND pg_has_role(current_user, "
                                "oid, 'MEMBER')",
                                role))
                .empty();
  };
  const bool owner = may_be("guildhall_owner");
  if (owner) session.execute("SET ROLE guildhall_owner");
  if (owner || may_be("guildhall_ro")) return {};
  return fail(ErrorCode::refused_by_guard,
              fmt::format("the login for '{}' may not read every server's rows", session.name()),
              "Give the address of guildhall_ro or of guildhall_migrate (database.migrate_url).");
}

Result<std::unique_ptr<SchemaSession>> open_postgres_reading(const DatabasePlace& place) {
  try {
    auto session = std::make_unique<postgres::Session>(place.url, place.name());
    if (auto role = take_reading_role(*session); !role) return std::unexpected(role.error());
    session->execute(
        "SET statement_timeout = 0; SET idle_in_transaction_session_timeout = 0; "
        "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");
    return session;
  } catch (const DatabaseError& error) {
    return fail(ErrorCode::storage, fmt::format("database '{}': {}", place.name(), error.what()),
                "Check that PostgreSQL runs there and that the address is right.");
  }
}

}  // namespace

Result<std::unique_ptr<SchemaSession>> open_reading_session(const DatabasePlace& place) {
  switch (place.layout) {
    case Layout::sqlite: return sqlite::open_reading_session(place.path);
    case Layout::sqlite_per_server: return sqlite::open_reading_session(sqlite::directory_file(place.path));
    case Layout::postgres: return open_postgres_reading(place);
  }
  throw std::logic_error("a layout that is none");
}

Result<std::unique_ptr<SchemaSession>> open_reading_session(const DatabasePlace& place, ServerId server) {
  if (place.layout != Layout::sqlite_per_server) return open_reading_session(place);
  const std::string file = sqlite::server_file(place.path, server);
  if (!std::filesystem::exists(file))
    return fail(ErrorCode::not_found, fmt::format("server {} has no file '{}'", server.str(), file));
  return sqlite::open_reading_session(file);
}

Result<std::vector<ServerId>> servers_with_file(const DatabasePlace& place) {
  std::vector<ServerId> servers;
  if (place.layout != Layout::sqlite_per_server) return servers;
  std::error_code error;
  const auto folder = std::filesystem::path(sqlite::server_file(place.path, ServerId{})).parent_path();
  for (const auto& entry : std::filesystem::directory_iterator(folder, error)) {
    if (entry.path().extension() != ".db") continue;
    if (const auto id = ServerId::parse(entry.path().stem().string())) servers.push_back(*id);
  }
  if (error)
    return fail(ErrorCode::storage,
                fmt::format("cannot read the folder '{}': {}", folder.string(), error.message()));
  std::ranges::sort(servers);
  return servers;
}

}  // namespace guildhall::store
