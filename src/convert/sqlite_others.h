// Whose rows a converted SQLite file holds, as the way back has to know it: which rows nothing would tell
// apart any more once the tables are those of one server again, and which would not stand beside each other.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "convert/conversion.h"
#include "migrate/outcome.h"
#include "store/schema_session.h"

namespace guildhall::convert {

/// A table of a conversion, as it is now.
struct SharedTable {
  std::string name;
  std::string tenant;  // its column for the server
  bool is_override = false;
  /// It had that column before, and keeps it; or the row that it belongs to says whose it is.
  bool is_told = false;
  std::vector<std::string> refers_to = {};  // tables of the conversion
  /// Keys that it has again afterwards, each without the server.
  std::vector<std::vector<std::string>> old_keys = {};
};

/// Of the tables that `things`, which the conversion remembers, are of; those that are gone are left out.
/// Problem CV-SQL: a text that was remembered is not understood. Throws DatabaseError.
migrate::Outcome<std::vector<SharedTable>> shared_tables(store::SchemaSession& session,
                                                         const std::vector<Before>& things);

/// What tables of one server have no place for.
struct Others {
  /// Whose rows stay: the only server that tables have rows of which would not say so; else the home.
  std::int64_t kept = 0;
  std::vector<std::string> tables = {};  // whose other rows cannot stay
  std::vector<std::string> counts = {};  // for people: "users: 2 of server 5"
  std::vector<std::string> twins = {};   // for people: "1 of (user_id) in recruitment_stats"
};
Others find_others(store::SchemaSession& session, const std::vector<SharedTable>& tables, std::int64_t home);

}  // namespace guildhall::convert
