// Is a SQLite file fit to be converted? Asked before its backup, and before anything is changed.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "migrate/backup_files.h"
#include "migrate/finding.h"
#include "migrate/outcome.h"
#include "store/schema_session.h"

namespace guildhall::convert {

struct SqliteHealth {
  std::string version;       // of the library
  std::string journal_mode;  // "wal", "delete", ...
  std::uintmax_t bytes = 0;
  std::uintmax_t free_bytes = 0;  // where the file lies
  std::size_t dangling = 0;       // rows that refer to none, as SQLite itself counts them
  migrate::Findings findings = {};
};

/// The file is read through, and its write lock taken for a moment. Problems: CV-DAMAGED, CV-SPACE (less is
/// free than twice the file), CV-BUSY (another program wrote for as long as `wait`), and what the database
/// says where it cannot be written. Findings: CV-VERSION (not the library that this was tried with),
/// CV-JOURNAL (without a write-ahead log readers wait, too), CV-DANGLING.
migrate::Outcome<SqliteHealth> check_sqlite(store::SchemaSession& session, std::chrono::milliseconds wait,
                                            const migrate::FreeSpaceOf& free_space = migrate::free_space);

}  // namespace guildhall::convert
