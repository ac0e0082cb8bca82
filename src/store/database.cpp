#include "store/database.h"

#include <fmt/format.h>

#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/prefer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <filesystem>

#include "store/sqlite/sqlite_database.h"

namespace guildhall::store {

namespace asio = boost::asio;

Task<void> Database::perform(Passkey, WorkScope scope, Mode mode, Work& work) {
  if (scope.access == Access::server && scope.server == ServerId{}) {
    throw DatabaseError(DbCode::no_scope, "", "a unit of work named no server");
  }
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

Result<std::string> sqlite_file(const std::string& url, const std::string& data_dir) {
  constexpr std::string_view kScheme = "sqlite:";
  if (!url.starts_with(kScheme) || url.size() == kScheme.size()) {
    return fail(
        ErrorCode::configuration, fmt::format("database.url: '{}' is not of the form sqlite:FILE", url),
        "This version keeps its data in one SQLite file; leave the key out for guildhall.db in data.dir.");
  }
  const std::filesystem::path file = url.substr(kScheme.size());
  return (file.is_absolute() ? file : std::filesystem::path(data_dir) / file).string();
}

Result<std::unique_ptr<Database>> open_database(DatabaseOptions options) {
  auto file = sqlite_file(options.url, options.data_dir);
  if (!file) return std::unexpected(file.error());
  return SqliteDatabase::open(*file, *options.statements, options.gate, options.metrics);
}

}  // namespace guildhall::store
