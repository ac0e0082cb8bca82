// A plain connection that may change the schema: for the migrator, the seal's catalog check and the tests.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/ids.h"
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

/// Blocks its thread. What fails throws DatabaseError.
class SchemaSession {
 public:
  using Rows = std::vector<std::vector<std::string>>;

  virtual ~SchemaSession() = default;

  /// One or several statements without parameters or rows.
  virtual void execute(const std::string& script) = 0;
  /// One statement; values are bound to $1, $2, ... as text. NULL comes as "".
  virtual Rows query(const std::string& sql, const std::vector<std::string>& values = {}) = 0;
  /// One reading statement with typed values for $1, $2, ...; NULL as a parameter has no type and is not
  /// for this.
  virtual std::vector<ValueRow> read(const std::string& sql, const ValueRow& values = {}) = 0;
  /// Puts rows into a table whatever values it would give them itself; each has a value for every column.
  virtual void insert(const std::string& table, const std::vector<Column>& columns,
                      const std::vector<ValueRow>& rows) = 0;
  /// Begins a transaction that nobody else can write beside.
  virtual void begin() = 0;
  virtual bool in_transaction() const = 0;
  /// For people: the file, or host and database.
  virtual const std::string& name() const = 0;
};

/// Opens or creates a SQLite file and checks that it is one. Error `storage` names the file and the way out.
Result<std::unique_ptr<SchemaSession>> open_schema_session(const std::string& file);
/// A SQLite file as it is: neither made nor read through. Error `storage` when there is none.
Result<std::unique_ptr<SchemaSession>> open_existing_session(const std::string& file);
/// Of what belongs to no server: the file of `sqlite:`, the directory of `sqlite-per-server:`, PostgreSQL
/// with the rights of migrate_url, or of the bot where that address is missing. Errors besides `storage`:
/// `schema` (PostgreSQL that was never set up), `refused_by_guard` (another program's database).
Result<std::unique_ptr<SchemaSession>> open_schema_session(const DatabasePlace& place);
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
/// PostgreSQL with the rights of whoever `url` names, whatever lies there: for the setup.
Result<std::unique_ptr<SchemaSession>> open_postgres_session(const std::string& url);

}  // namespace guildhall::store
