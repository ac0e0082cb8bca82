#include <fmt/format.h>

#include <filesystem>

#include "store/database_error.h"
#include "store/schema_session.h"
#include "store/sqlite/connection.h"

namespace guildhall::store {
namespace {

/// Larger files are not read through at every start.
constexpr std::uintmax_t kCheckedBytes = 64ULL << 20;

Error cannot_open(const std::string& file, const DatabaseError& failure) {
  return {ErrorCode::storage, fmt::format("database file '{}': {}", file, failure.what()),
          "Check that the folder exists and that this user may write there (data.dir, database.url)."};
}

class SqliteSession final : public SchemaSession {
 public:
  explicit SqliteSession(const std::string& file) : file_(file), connection_(file, sqlite::Role::schema) {}

  void execute(const std::string& script) override { connection_.execute(script.c_str()); }
  Rows query(const std::string& sql, const std::vector<std::string>& values) override {
    return connection_.query(sql, values);
  }
  void begin() override { connection_.execute("BEGIN IMMEDIATE"); }
  bool in_transaction() const override { return connection_.in_transaction(); }
  const std::string& name() const override { return file_; }

 private:
  std::string file_;
  sqlite::Connection connection_;
};

}  // namespace

Result<std::unique_ptr<SchemaSession>> open_existing_session(const std::string& file) {
  if (!std::filesystem::exists(file)) {
    return fail(ErrorCode::storage, fmt::format("there is no database '{}'", file),
                "`guildhall run` makes it; --data-dir and --url say where.");
  }
  try {
    auto session = std::make_unique<SqliteSession>(file);
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
  try {
    auto session = std::make_unique<SqliteSession>(file);
    session->query("SELECT count(*) FROM sqlite_schema", {});
    if (std::filesystem::file_size(file) <= kCheckedBytes) {
      const auto findings = session->query("PRAGMA quick_check(1)", {});
      if (findings.empty() || findings[0][0] != "ok")
        return std::unexpected(sqlite::damage_of(file, findings.empty() ? "?" : findings[0][0]));
    }
    return session;
  } catch (const DatabaseError& failure) {
    if (failure.code() == DbCode::corrupt) return std::unexpected(sqlite::damage_of(file, failure.what()));
    return std::unexpected(cannot_open(file, failure));
  }
}

}  // namespace guildhall::store
