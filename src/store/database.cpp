#include "store/database.h"

#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/prefer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "store/schema_session.h"
#include "store/sqlite/sqlite_database.h"

namespace guildhall::store {

namespace asio = boost::asio;

Task<void> Database::perform(Passkey, WorkScope scope, Mode mode, Work& work) {
  if (scope.access == Access::server && scope.server == ServerId{}) {
    throw DatabaseError(DbCode::no_scope, "", "a unit of work named no server");
  }
  if (observer_ != nullptr) work.observe(*observer_, scope);
  co_await asio::async_initiate<const asio::use_awaitable_t<>, void(std::exception_ptr)>(
      [&](auto handler) {
        // The loop must not stop while the answer is under way, and the answer belongs on it.
        auto executor =
            asio::prefer(asio::get_associated_executor(handler), asio::execution::outstanding_work.tracked);
        submit(scope, mode, work, [handler = std::move(handler), executor](std::exception_ptr error) mutable {
          asio::post(executor,
                     [handler = std::move(handler), error]() mutable { std::move(handler)(error); });
        });
      },
      asio::use_awaitable);
}

namespace {

Result<std::unique_ptr<Database>> open_layout(const DatabaseOptions& options) {
  switch (options.place.layout) {
    case Layout::sqlite:
      return SqliteDatabase::open(options.place.path, *options.statements, options.gate, options.metrics);
    case Layout::sqlite_per_server:
    case Layout::postgres: break;
  }
  return fail(ErrorCode::configuration, "this layout is not there yet");
}

}  // namespace

Result<std::unique_ptr<Database>> open_database(DatabaseOptions options) {
  auto database = open_layout(options);
  if (database) (*database)->observe(options.observer);
  return database;
}

Result<std::unique_ptr<SchemaSession>> open_schema_session(const DatabasePlace& place) {
  if (place.layout == Layout::sqlite) return open_schema_session(place.path);
  return fail(ErrorCode::configuration, "this layout is not there yet");
}

}  // namespace guildhall::store
