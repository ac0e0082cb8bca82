// The reader of statements: one that it accepts runs, as server 1, on a database with the rows of two
// servers; nothing of server 2 may come out, and nothing of it may change. Whatever else a statement
// binds is server 2's id.
#include <sqlite3.h>

#include <memory>

#include "tenancy/sql_shape.h"
#include "tests/fuzz/fuzz.h"

namespace guildhall::fuzz {
namespace {

constexpr std::string_view kSecret = "canary-of-server-two";
constexpr int kMostSteps = 20'000;
constexpr int kMostRows = 1'000;

constexpr const char* kSchema =
    "CREATE TABLE t (discord_server_id INTEGER NOT NULL, id INTEGER NOT NULL, v TEXT, n INTEGER, "
    "PRIMARY KEY (discord_server_id, id));"
    "CREATE TABLE c (discord_server_id INTEGER NOT NULL, id INTEGER NOT NULL, at INTEGER NOT NULL, v TEXT, "
    "PRIMARY KEY (discord_server_id, id, at));"
    "CREATE TABLE g (k INTEGER PRIMARY KEY, v TEXT);"
    "INSERT INTO t VALUES (1, 1, 'own', 5), (1, 2, 'own', 6), (2, 1, 'canary-of-server-two', 5), "
    "(2, 2, 'canary-of-server-two', 7), (2, 3, 'canary-of-server-two', 8);"
    "INSERT INTO c VALUES (1, 1, 1, 'own'), (2, 1, 1, 'canary-of-server-two'), (2, 3, 1, "
    "'canary-of-server-two');"
    "INSERT INTO g VALUES (1, 'all'), (2, 'all')";

struct Finalize {
  void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
};
using StatementPtr = std::unique_ptr<sqlite3_stmt, Finalize>;

class Database {
 public:
  Database() {
    sqlite3_open(":memory:", &database_);
    require(sqlite3_exec(database_, kSchema, nullptr, nullptr, nullptr) == SQLITE_OK, "the schema is wrong");
    sqlite3_set_authorizer(database_, authorize, nullptr);
    sqlite3_progress_handler(database_, kMostSteps, [](void*) { return 1; }, nullptr);
    before_ = of_others();
  }

  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;
  ~Database() { sqlite3_close(database_); }

  /// One statement and nothing behind it, as the store demands; nothing: the database does not take it.
  StatementPtr prepare(std::string_view sql) const {
    const std::string text(sql);
    sqlite3_stmt* made = nullptr;
    const char* tail = nullptr;
    const int result = sqlite3_prepare_v2(database_, text.c_str(), -1, &made, &tail);
    StatementPtr statement(made);
    const bool alone =
        made != nullptr && std::string_view(tail).find_first_not_of(" \t\r\n;") == std::string_view::npos;
    return result == SQLITE_OK && alone ? std::move(statement) : nullptr;
  }

  void run_as_server_one(const StatementPtr& statement) {
    execute("BEGIN");
    bind(statement.get());
    for (int rows = 0; rows < kMostRows && sqlite3_step(statement.get()) == SQLITE_ROW; ++rows) {
      for (int i = 0; i < sqlite3_column_count(statement.get()); ++i)
        require(text(statement.get(), i).find(kSecret) == std::string::npos, "another server's row came out");
    }
    sqlite3_reset(statement.get());
    const std::string after = of_others();
    if (sqlite3_get_autocommit(database_) == 0) execute("ROLLBACK");
    require(after == before_, "another server's rows changed");
  }

 private:
  /// As on the store's running connections: rows only.
  static int authorize(void*, int action, const char*, const char*, const char*, const char*) {
    switch (action) {
      case SQLITE_SELECT:
      case SQLITE_READ:
      case SQLITE_INSERT:
      case SQLITE_UPDATE:
      case SQLITE_DELETE:
      case SQLITE_FUNCTION:
      case SQLITE_RECURSIVE:
      case SQLITE_TRANSACTION: return SQLITE_OK;
      default: return SQLITE_DENY;
    }
  }

  static void bind(sqlite3_stmt* statement) {
    for (int i = 1; i <= sqlite3_bind_parameter_count(statement); ++i) {
      const char* name = sqlite3_bind_parameter_name(statement, i);
      sqlite3_bind_int64(statement, i, name != nullptr && std::string_view(name) == ":server" ? 1 : 2);
    }
  }

  static std::string text(sqlite3_stmt* statement, int column) {
    const auto* bytes = static_cast<const char*>(sqlite3_column_blob(statement, column));
    return bytes == nullptr
               ? ""
               : std::string(bytes, static_cast<std::size_t>(sqlite3_column_bytes(statement, column)));
  }

  void execute(const char* sql) const { sqlite3_exec(database_, sql, nullptr, nullptr, nullptr); }

  /// Every row that is not server 1's.
  std::string of_others() const {
    std::string rows;
    for (const char* sql : {"SELECT quote(discord_server_id), quote(id), quote(v), quote(n) FROM t WHERE "
                            "discord_server_id IS NOT 1 ORDER BY 1, 2",
                            "SELECT quote(discord_server_id), quote(id), quote(at), quote(v) FROM c WHERE "
                            "discord_server_id IS NOT 1 ORDER BY 1, 2, 3"}) {
      const StatementPtr statement = prepare(sql);
      while (sqlite3_step(statement.get()) == SQLITE_ROW) {
        for (int i = 0; i < 4; ++i) rows += text(statement.get(), i) + "|";
      }
    }
    return rows;
  }

  sqlite3* database_ = nullptr;
  std::string before_;
};

bool is_sealed(std::string_view table) { return table == "t" || table == "c"; }

}  // namespace

void fuzz_sql(std::string_view input) {
  static Database database;
  const auto shape = tenancy::read_shape(input, is_sealed);
  if (shape.refusal || input.find("canary") != std::string_view::npos) return;
  if (const StatementPtr statement = database.prepare(input)) database.run_as_server_one(statement);
}

}  // namespace guildhall::fuzz
