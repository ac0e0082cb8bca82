// A plain connection that may change the schema: for the migrator, the seal's catalog check and the tests.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/ids.h"
#include "store/database_error.h"
#include "store/place.h"
#include "store/value.h"

namespace guildhall::store {

/// PostgreSQL: who changes the schema, who runs the bot or moves the database, and who runs the isolation
/// proof hold advisory locks (kLockClass, number). Pairs of numbers are another kind of key than the single
/// numbers under which servers are locked.
inline constexpr int kLockClass = 7133;
enum class DatabaseLock { schema = 1, bot = 2, proof = 3 };

struct Column {
  std::string name;
  ValueType type = ValueType::integer;
};

/// Values as they are stored.
using ValueRow = std::vector<Value>;

/// Why one statement failed, as far as the database tells.
class StatementError : public DatabaseError {
 public:
  struct Account {
    std::string message;  // the database's own sentence
    std::string detail;
    std::string hint;
    std::optional<std::size_t> position;  // byte in the statement, from 0
  };
  StatementError(DbCode code, std::string sqlstate, Account account)
      : DatabaseError(code, std::move(sqlstate), account.message), account_(std::move(account)) {}
  const Account& account() const { return account_; }

 private:
  Account account_;
};

/// Blocks its thread. What fails throws DatabaseError.
class SchemaSession {
 public:
  using Rows = std::vector<std::vector<std::string>>;

  virtual ~SchemaSession() = default;

  /// One or several statements without parameters or rows.
  virtual void execute(const std::string& script) = 0;
  /// Exactly one statement, whatever it is, as it is written; its rows are counted and dropped: how many it
  /// answered, or changed. Throws StatementError.
  virtual std::int64_t run(const std::string& statement) = 0;
  /// One statement; values are bound to $1, $2, ... as text. NULL comes as "".
  virtual Rows query(const std::string& sql, const std::vector<std::string>& values = {}) = 0;
  /// One statement whose rows nobody wants, ahead of the next one and without a round trip of its own where
  /// the database allows it. What fails of it is thrown there, and the next one is not run then. For what is
  /// the tool's own and belongs to what follows: nothing else may come in between.
  virtual void later(const std::string& sql, const std::vector<std::string>& values = {}) = 0;
  /// One reading statement with typed values for $1, $2, ...; NULL as a parameter has no type and is not
  /// for this.
  virtual std::vector<ValueRow> read(const std::string& sql, const ValueRow& values = {}) = 0;
  /// Puts rows into a table whatever values it would give them itself; each has a value for every column.
  virtual void insert(const std::string& table, const std::vector<Column>& columns,
                      const std::vector<ValueRow>& rows) = 0;
  /// Begins a transaction that nobody else can write beside.
  virtual void begin() = 0;
  virtual bool in_transaction() const = 0;
  /// What is set, prepared or locked for the session is still there after a transaction: not so where a
  /// pooler gives each transaction another.
  virtual bool stays_the_same() const { return true; }
  /// Ends the statement that runs at that moment, with DbCode::timed_out; from any thread, while this lives.
  virtual std::function<void()> canceller() const = 0;
  /// PostgreSQL: the number of the server's process, as it was told when the connection began; 0 in SQLite.
  virtual std::int64_t backend() const = 0;
  /// For people: the file, or host and database.
  virtual const std::string& name() const = 0;
};

/// Opens or creates a SQLite file and checks that it is one. Error `storage` names the file and the way out.
Result<std::unique_ptr<SchemaSession>> open_schema_session(const std::string& file);
/// A SQLite file as it is: neither made nor read through. Error `storage` when there is none.
Result<std::unique_ptr<SchemaSession>> open_existing_session(const std::string& file);
/// Of what belongs to no server: the file of `sqlite:`, the directory of `sqlite-per-server:`, PostgreSQL
/// with the rights of migrate_url, or of the bot where that address is missing, and with these settings for
/// the session ("-clock_timeout=3s ..."). Errors besides `storage`: `schema` (PostgreSQL that was never set
/// up), `refused_by_guard` (another program's database).
Result<std::unique_ptr<SchemaSession>> open_schema_session(const DatabasePlace& place,
                                                           const std::string& settings = "");
/// Of one server's rows: its file where it has its own, else the same as above. Error `not_found` when it
/// has no file yet.
Result<std::unique_ptr<SchemaSession>> open_server_session(const DatabasePlace& place, ServerId server);
/// Reads and nothing else, and leaves the database and what lies beside its files as it is. All of its
/// reading sees one state. PostgreSQL: with the login of `url`, as the owner where it may act as that.
/// Errors: `storage` (no such database, damaged), `refused_by_guard` (the login may not read every
/// server's rows).
Result<std::unique_ptr<SchemaSession>> open_reading_session(const DatabasePlace& place);
/// The same of one server's rows. Error `not_found` when each has its own file and this one has none.
Result<std::unique_ptr<SchemaSession>> open_reading_session(const DatabasePlace& place, ServerId server);
/// The servers that have a file of their own, in the order of their ids; none in the other layouts.
Result<std::vector<ServerId>> servers_with_file(const DatabasePlace& place);

/// Who signs in; with files all are one.
enum class Login { bot, cross_server };
/// With the rights of one login, to look at what is there: the file of what belongs to no server, as it is.
/// Errors as above, and `configuration` when PostgreSQL's address of that login is missing.
Result<std::unique_ptr<SchemaSession>> open_login_session(const DatabasePlace& place, Login login);
/// How anybody's database is opened.
struct AnySession {
  std::string url;             // sqlite:FILE or postgres://...
  std::string settings = {};   // PostgreSQL's for this session ("-clock_timeout=3s ..."), over the address's
  bool may_make_file = false;  // SQLite: where there is none
  bool reads_through = true;   // SQLite: a small file is looked through for damage first
};
/// Anybody's database as it is: nothing is set that stays. Errors: `usage` (no such form of address),
/// `not_found` (no such file), `storage`.
Result<std::unique_ptr<SchemaSession>> open_any_session(const AnySession& wanted);
/// PostgreSQL with the rights of whoever `url` names, whatever lies there: for the setup.
Result<std::unique_ptr<SchemaSession>> open_postgres_session(const std::string& url);

}  // namespace guildhall::store
