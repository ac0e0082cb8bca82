#include "store/sqlite/sqlite_session.h"

#include <fmt/format.h>

#include <filesystem>

#include "store/database_error.h"
#include "store/schema_session.h"
#include "store/sqlite/connection.h"

namespace guildhall::store {
namespace {

/// Larger files are not read through at every start.
constexpr std::uintmax_t kCheckedBytes = 64ULL << 20;

/// `unavailable`: it may be otherwise in a moment.
Error cannot_open(const std::string& file, const DatabaseError& failure) {
  if (failure.code() == DbCode::busy || failure.code() == DbCode::full)
    return {ErrorCode::unavailable, fmt::format("database file '{}': {}", file, failure.what()),
            "Try again."};
  return {ErrorCode::storage, fmt::format("database file '{}': {}", file, failure.what()),
          "Check that the folder exists and that this user may write there (data.dir, database.url)."};
}

Result<std::unique_ptr<SchemaSession>> open_checked(const std::string& file, sqlite::Role role,
                                                    bool reads_through = true) {
  try {
    auto session = std::make_unique<sqlite::SqliteSession>(file, role);
    session->query("SELECT count(*) FROM sqlite_schema", {});
    if (reads_through && std::filesystem::file_size(file) <= kCheckedBytes) {
      auto findings = session->query("PRAGMA quick_check(1)", {});
      // SQLite 3.40 then takes a key for empty that is no first column of a table WITHOUT ROWID.
      if (findings.empty() || findings[0][0] != "ok")
        findings = session->query("PRAGMA integrity_check(1)", {});
      if (findings.empty() || findings[0][0] != "ok")
        return std::unexpected(sqlite::damage_of(file, findings.empty() ? "?" : findings[0][0]));
    }
    return session;
  } catch (const DatabaseError& failure) {
    if (failure.code() == DbCode::corrupt) return std::unexpected(sqlite::damage_of(file, failure.what()));
    return std::unexpected(cannot_open(file, failure));
  }
}

}  // namespace

Result<std::unique_ptr<SchemaSession>> open_existing_session(const std::string& file) {
  if (!std::filesystem::exists(file)) {
    return fail(ErrorCode::storage, fmt::format("there is no database '{}'", file),
                "`guildhall run` makes it; --data-dir and --url say where.");
  }
  try {
    auto session = std::make_unique<sqlite::SqliteSession>(file, sqlite::Role::schema);
    session->query("SELECT count(*) FROM sqlite_schema", {});
    return session;
  } catch (const DatabaseError& failure) {
    if (failure.code() == DbCode::corrupt) return std::unexpected(sqlite::damage_of(file, failure.what()));
    return std::unexpected(cannot_open(file, failure));
  }
}

Result<std::unique_ptr<SchemaSession>> open_schema_session(const std::string& file) {
  std::error_code error;
  std::filesystem::create_directories(std::filesystem::path(file).parent_path(), error);
  return open_checked(file, sqlite::Role::schema);
}

Result<std::unique_ptr<SchemaSession>> sqlite::open_guest_session(const std::string& file, bool may_make,
                                                                  bool reads_through) {
  std::error_code ignored;
  if (!may_make && !std::filesystem::exists(file, ignored))
    return fail(ErrorCode::not_found, fmt::format("there is no database '{}'", file));
  return open_checked(file, Role::guest, reads_through);
}

Result<std::unique_ptr<SchemaSession>> sqlite::open_reading_session(const std::string& file) {
  std::error_code error;
  if (!std::filesystem::is_regular_file(file, error))
    return fail(ErrorCode::storage, fmt::format("there is no database '{}'", file));
  auto session = open_checked(file, Role::visitor);
  if (session) (*session)->execute("BEGIN");
  return session;
}

}  // namespace guildhall::store
