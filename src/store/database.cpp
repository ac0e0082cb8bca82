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

#include "store/schema_session.h"
#include "store/sqlite/per_server_database.h"
#include "store/sqlite/server_files.h"
#include "store/sqlite/sqlite_database.h"

namespace guildhall::store {

namespace asio = boost::asio;

Task<void> Database::perform(Passkey, WorkScope scope, Mode mode, Work& work) {
  if (scope.access == Access::server && scope.server == ServerId{}) {
    throw DatabaseError(DbCode::no_scope, "", "a unit of work named no server");
  }
  co_await asio::async_initiate<const asio::use_awaitable_t<>, void(std::exception_ptr)>(
      [&](auto handler) {
        // The loop must not stop while the answer is under way, and the answer belongs on it. Once it is
        // posted, the loop may be gone: what holds it travels with the answer, and is not touched here again.
        auto executor =
            asio::prefer(asio::get_associated_executor(handler), asio::execution::outstanding_work.tracked);
        submit(scope, mode, work, [handler = std::move(handler), executor](std::exception_ptr error) mutable {
          const auto loop = asio::prefer(executor, asio::execution::outstanding_work.untracked);
          asio::post(loop, [handler = std::move(handler), held = std::move(executor), error]() mutable {
            std::move(handler)(error);
          });
        });
      },
      asio::use_awaitable);
}

Result<std::unique_ptr<Database>> open_database(DatabaseOptions options) {
  switch (options.place.layout) {
    case Layout::sqlite: return SqliteDatabase::open(options);
    case Layout::sqlite_per_server: return PerServerDatabase::open(options);
    case Layout::postgres: break;
  }
  return fail(ErrorCode::configuration, "this layout is not there yet");
}

Result<std::unique_ptr<SchemaSession>> open_schema_session(const DatabasePlace& place) {
  switch (place.layout) {
    case Layout::sqlite: return open_schema_session(place.path);
    case Layout::sqlite_per_server: return open_schema_session(sqlite::directory_file(place.path));
    case Layout::postgres: break;
  }
  return fail(ErrorCode::configuration, "this layout is not there yet");
}

Result<std::unique_ptr<SchemaSession>> open_server_session(const DatabasePlace& place, ServerId server) {
  if (place.layout != Layout::sqlite_per_server) return open_schema_session(place);
  const std::string file = sqlite::server_file(place.path, server);
  if (!std::filesystem::exists(file))
    return fail(ErrorCode::not_found, fmt::format("server {} has no file '{}'", server.str(), file));
  return open_schema_session(file);
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
