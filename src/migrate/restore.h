// Puts a database back to what a backup holds. The backup is loaded beside the database and compared with
// what was written down when it was taken; only then it takes the database's place, at once, and what was
// there is kept under another name. Until that moment nothing of the database is touched, and whatever goes
// wrong leaves it as it was.
//
// What was written after the backup is not in the restored database, and what was deleted since is back.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "migrate/backup.h"

namespace guildhall::migrate {

struct RestoreOptions {
  std::string url;  // the database that is put back; sqlite:FILE or postgres://...
  std::string into =
      {};  // beside it: a database that is not there yet, or of SQLite a file; "": in its place
  bool terminate = false;  // PostgreSQL: sessions that are connected to it are ended; otherwise they are
                           // named, and nothing is done
  Reader reader = {};
  FingerprintOf fingerprint = {};
  const Clock* clock = nullptr;
  Reporting reporting = {};
  std::vector<std::filesystem::path> programs = {};  // as of BackupOptions
};

struct Restored {
  std::string name;     // database or file that has the backup's content now
  std::string kept_as;  // where what was there before is: NAME_before_TIME; "" when there was nothing
  BackupRecord record;
};

/// The lock of a migration that ran when the backup was taken is not in the restored database.
///
/// PostgreSQL: the login makes databases, owns this one, and reaches the database `postgres` or `template1`
/// of the same server, from where it renames. The new database has the owner, the rights on the database, the
/// settings and the limit of connections of the old one; both renames are one transaction. Whoever calls has
/// no session of their own on it. SQLite: the new file takes the old one's place by a rename, and what lay
/// beside the old one for it (-wal, -shm) goes along with that. Refused while another process has it open, as
/// far as SQLite can tell.
///
/// Errors by `fault_of`: a file that is no whole and unaltered backup (`invalid`, `not_found`), sessions in
/// the way or a name that is taken (`conflict`, `refused_by_guard`), and those of taking a backup.
Result<Restored> restore_backup(const std::filesystem::path& file, const RestoreOptions& options);

}  // namespace guildhall::migrate
