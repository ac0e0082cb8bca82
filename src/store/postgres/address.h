// The address of a PostgreSQL database taken apart by libpq's own rules, for PostgreSQL's own programs: they
// get it by their environment, since what stands in a program's arguments is everybody's to read.
#pragma once

#include <map>
#include <string>

#include "base/error.h"

namespace guildhall::store {

/// Keywords of the address and their values, decoded ("host", "password", ...): those that it sets.
/// Error `usage`: it cannot be read; nothing of it is quoted.
Result<std::map<std::string, std::string>> connection_parameters(const std::string& url);

/// The same as the variables that libpq reads ("PGHOST", "PGPASSWORD", ...), and PGAPPNAME and
/// PGCONNECT_TIMEOUT where the address says nothing of them. Error `usage`, too, for `sslpassword`, which
/// has no variable.
Result<std::map<std::string, std::string>> connection_environment(const std::string& url);

/// The address of another database, with everything else the same.
Result<std::string> address_of_database(const std::string& url, const std::string& database);

}  // namespace guildhall::store
