// How a database fails, in one enum for all of them. Thrown through transaction bodies: a unit of
// work that meets one ends, and nothing of it remains.
#pragma once

#include <optional>
#include <stdexcept>
#include <string>

#include "base/error.h"

namespace guildhall::store {

enum class DbCode {
  unique,
  check,
  foreign_key,
  not_null,
  serialisation,    // retried inside the layer
  deadlock,         // retried inside the layer
  busy,             // retried inside the layer; seen only when every retry failed
  no_scope,         // a statement ran without a server
  sealed,           // the database itself refused another server's row, or a table that is not open
  timed_out,        // the statement ran longer than it may
  full,             // disk full
  connection_lost,  // outcome unknown: operation ids decide
  unreachable,      // the server did not answer in time: nothing was started
  read_only,
  corrupt,
  server_unusable,  // this server's own database is damaged, not its own or too new; the others' are not
  overloaded,       // the queue is full: nothing was started
  other,
};

class DatabaseError : public std::runtime_error {
 public:
  DatabaseError(DbCode code, std::string sqlstate, const std::string& message)
      : std::runtime_error(message), code_(code), sqlstate_(std::move(sqlstate)) {}
  DbCode code() const { return code_; }
  /// SQLSTATE on PostgreSQL, the name of the extended result code on SQLite.
  const std::string& sqlstate() const { return sqlstate_; }

 private:
  DbCode code_;
  std::string sqlstate_;
};

/// As a plain sentence for whoever called; nothing when only the database's own words say what it is, which
/// are for the operator.
inline std::optional<Error> to_plain_error(const DatabaseError& error) {
  switch (error.code()) {
    case DbCode::busy:
    case DbCode::overloaded:
    case DbCode::unreachable:
    case DbCode::timed_out:
      return Error{ErrorCode::unavailable, "the database is busy; nothing was changed", "Try again."};
    case DbCode::read_only:
      return Error{
          ErrorCode::storage, "the database is read-only; nothing was changed",
          "On PostgreSQL: a standby, or default_transaction_read_only is on. On SQLite: this user may not "
          "write to the file."};
    case DbCode::full:
      return Error{ErrorCode::storage, "the disk is full; nothing was changed",
                   "Free some space and try again."};
    case DbCode::connection_lost:
      return Error{ErrorCode::unavailable,
                   "the connection to the database was lost on the way: it may or may not have been saved",
                   "Look before you do it again."};
    default: return std::nullopt;
  }
}

/// The same for the operator: in the database's own words where there are no others.
inline Error to_error(const DatabaseError& error) {
  if (auto plain = to_plain_error(error)) return *std::move(plain);
  return {ErrorCode::storage, std::string("the database refused: ") + error.what()};
}

}  // namespace guildhall::store
