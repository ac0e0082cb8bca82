// Where the data lies: one URL chooses the layout.
//
//   sqlite:FILE              one file for all servers (below data.dir unless absolute)
//   sqlite-per-server:DIR    a file per server, and one for what belongs to no server
//   postgres://...           a PostgreSQL database; also postgresql://
#pragma once

#include <string>

#include "base/config.h"
#include "base/error.h"
#include "base/ids.h"

namespace guildhall::store {

enum class Layout { sqlite, sqlite_per_server, postgres };

struct DatabasePlace {
  Layout layout = Layout::sqlite;
  std::string path;         // of the file or the folder; "" on PostgreSQL
  std::string url;          // as the bot connects; on PostgreSQL with the rights of guildhall_app
  std::string tick_url;     // PostgreSQL: of the cross-server door
  std::string migrate_url;  // PostgreSQL: for changes of the schema; may be ""

  /// For people: the file, the folder, or host and database. Never a password.
  std::string name() const;
  /// SQLite: the file of what belongs to no server; where all servers share one, all is in it.
  std::string file() const;
  /// SQLite with a file for each server: that server's.
  std::string file_of(ServerId server) const;
};

/// An address without what stands before its '@', for messages.
std::string shown_url(std::string_view url);

/// Error `configuration` names the key and the forms that are known.
Result<DatabasePlace> find_place(const std::string& url, const std::string& data_dir);
/// Error `configuration` when an address that the bot needs beside the first is missing.
Result<void> check_addresses(const DatabasePlace& place);
/// The one of the configuration, whole.
Result<DatabasePlace> find_place(const Config& config);

}  // namespace guildhall::store
