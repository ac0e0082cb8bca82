// "postgres://user:word@host:5432/database?sslmode=require", taken apart so that the same server can be
// addressed by another login or for another database.
#pragma once

#include <string>

#include "base/error.h"

namespace guildhall::cli {

class PostgresUrl {
 public:
  /// Error `usage` when it is not of that form.
  static Result<PostgresUrl> parse(const std::string& text);

  /// The same login at another database.
  std::string at(const std::string& database) const;
  /// Another login at that database. What belongs to the first login (its certificate, its options) is left
  /// out. An empty password: it stands elsewhere.
  std::string as(const std::string& role, const std::string& password, const std::string& database) const;

 private:
  std::string user_;   // "user:word@", or ""
  std::string host_;   // as it stands there, several hosts too
  std::string query_;  // without "?"
};

}  // namespace guildhall::cli
