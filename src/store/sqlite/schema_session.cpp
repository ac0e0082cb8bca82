#include "store/sqlite/schema_session.h"

#include <fmt/format.h>

#include <filesystem>

#include "store/database.h"

namespace guildhall::store {
namespace {

/// Larger files are not read through at every start.
constexpr std::uintmax_t kCheckedBytes = 64ULL << 20;

std::unexpected<Error> damaged(const std::string& file, std::string_view why) {
  return fail(ErrorCode::storage, fmt::format("database file '{}' is damaged: {}", file, why),
              fmt::format("Put a backup in its place, or save what can be read: "
                          "sqlite3 '{0}' .recover | sqlite3 '{0}.recovered'",
                          file));
}

}  // namespace

Result<SchemaSession> SchemaSession::open(const std::string& url, const std::string& data_dir) {
  const auto file = sqlite_file(url, data_dir);
  if (!file) return std::unexpected(file.error());
  std::error_code error;
  std::filesystem::create_directories(std::filesystem::path(*file).parent_path(), error);
  try {
    auto connection = std::make_unique<sqlite::Connection>(*file, sqlite::Role::schema);
    connection->query("SELECT count(*) FROM sqlite_schema");
    if (std::filesystem::file_size(*file) <= kCheckedBytes) {
      const auto findings = connection->query("PRAGMA quick_check(1)");
      if (findings.empty() || findings[0][0] != "ok")
        return damaged(*file, findings.empty() ? "?" : findings[0][0]);
    }
    return SchemaSession(*file, std::move(connection));
  } catch (const DatabaseError& failure) {
    if (failure.code() == DbCode::corrupt) return damaged(*file, failure.what());
    return fail(ErrorCode::storage, fmt::format("database file '{}': {}", *file, failure.what()),
                "Check that the folder exists and that this user may write there (data.dir, database.url).");
  }
}

}  // namespace guildhall::store
