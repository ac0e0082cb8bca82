// A plain connection that may change the schema: for the migrator, the seal's catalog check and the tests.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/ids.h"
#include "store/place.h"

namespace guildhall::store {

/// Blocks its thread. What fails throws DatabaseError.
class SchemaSession {
 public:
  using Rows = std::vector<std::vector<std::string>>;

  virtual ~SchemaSession() = default;

  /// One or several statements without parameters or rows.
  virtual void execute(const std::string& script) = 0;
  /// One statement; values are bound to $1, $2, ... as text. NULL comes as "".
  virtual Rows query(const std::string& sql, const std::vector<std::string>& values = {}) = 0;
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
