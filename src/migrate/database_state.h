// What a database holds, as far as a backup has to hold the same: its tables with their numbers of rows, and
// the fingerprint of its schema. Read from the database that is backed up, and again from every copy.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/error.h"
#include "migrate/backup_files.h"
#include "migrate/progress.h"
#include "store/schema_session.h"

namespace guildhall::migrate {

/// Of a schema, whatever it is called; the same for the same schema.
using FingerprintOf = std::function<std::string(store::SchemaSession&)>;

/// With which rights everything is read.
struct Reader {
  std::string role = {};  // PostgreSQL: acts as that one; "": as the login
  /// PostgreSQL: policies show that role all rows. Otherwise a policy that might hide rows is an error, so
  /// that none is missing without a word.
  bool sees_all_by_policy = false;
};

/// Begins a transaction in which everything is read from one state and nothing waits for ever in vain.
/// PostgreSQL. Throws DatabaseError.
void begin_reading(store::SchemaSession& session, const Reader& reader);

/// Every ordinary table but the database's own, in a fixed order, those of extensions left out: pg_dump
/// leaves them out, too. Throws DatabaseError.
std::vector<TableRows> count_rows(store::SchemaSession& session, Dialect dialect, const Reporting& reporting);

/// What a copy lacks or has too much, in one sentence; "" when nothing. `wanted`: where it has no data, zero
/// rows.
std::string difference(const std::vector<TableRows>& wanted, const std::vector<TableRows>& found);

/// Of the session's present role: the GRANTs that it lacks to read all that pg_dump reads.
std::vector<std::string> missing_rights(store::SchemaSession& session);

/// A database of its own that is gone with the object, whatever happens meanwhile. PostgreSQL.
class ScratchDatabase {
 public:
  /// At the server of `url`, with encoding and collation of the one that `like` is a session of. Takes away
  /// what a killed process left there more than a day ago. Errors: `failed` (the login may not make
  /// databases: names right and way out), `storage`.
  static Result<ScratchDatabase> make(const std::string& url, store::SchemaSession& like, TimePoint now);
  ScratchDatabase(ScratchDatabase&&) noexcept = default;
  ScratchDatabase& operator=(ScratchDatabase&&) = delete;
  ~ScratchDatabase();

  const std::string& name() const { return name_; }

 private:
  ScratchDatabase(std::unique_ptr<store::SchemaSession> session, std::string name)
      : session_(std::move(session)), name_(std::move(name)) {}

  std::unique_ptr<store::SchemaSession> session_;
  std::string name_;
};

/// "CREATE DATABASE ..." of an empty one with the encoding and the collation of the database `like`, which
/// the session's server has. Throws DatabaseError.
std::string create_database_like(store::SchemaSession& session, const std::string& like,
                                 const std::string& name);

}  // namespace guildhall::migrate
