// Backups of anybody's database, taken and proved: a dump of PostgreSQL by pg_dump, a copy of SQLite by its
// online backup. A backup that this answers with can be put back (restore.h); one that cannot be proved is an
// error and leaves nothing behind.
//
// The dump or the copy, the numbers of rows and the fingerprint are of one state: of PostgreSQL they share a
// snapshot, of SQLite a transaction. Writers go on meanwhile, but for those of a SQLite file without a
// write-ahead log; changes of PostgreSQL's tables wait.
#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "migrate/backup_files.h"
#include "migrate/database_state.h"
#include "migrate/postgres_programs.h"
#include "migrate/progress.h"
#include "store/database_error.h"

namespace guildhall::migrate {

/// What went wrong, for whoever chooses an exit code.
enum class Fault {
  failed,       // the backup or its proof: nothing may be run (8)
  no_space,     // (10)
  permission,   // of this process on files and folders (11); what a role may not read is `failed`
  unreachable,  // the database (3)
  refused,      // somebody is in the way (6)
  usage         // (2)
};
Fault fault_of(const Error& error);

enum class Coverage {
  whole,
  /// All of the schema, and the rows of those tables alone that are about to be changed. It is read to its
  /// end but not restored to prove it, as rows that others refer to may not be in it. PostgreSQL only.
  schema_and_touched,
  /// A program of the operator's takes it, and answers for it.
  external
};

/// How far a backup is proved. Each includes those before.
enum class Proof {
  by_size = 0,  // restored up to 2 GiB, else read
  whole = 1,    // its end is there, and its sum is known
  read = 2,     // read to its end; every table, and as many rows as there were
  restored = 3  // loaded into a database of its own: the same rows and fingerprint
};
inline constexpr std::uintmax_t kLargestRestored = 2ULL << 30;

struct BackupOptions {
  std::string url;                           // sqlite:FILE or postgres://...
  std::filesystem::path folder = "backups";  // where they lie
  Coverage coverage = Coverage::whole;
  std::vector<std::string> touched = {};   // "users", "public.users": with schema_and_touched
  std::vector<std::string> external = {};  // program and arguments. It gets the address as libpq's
                                           // variables, or GUILDHALL_BACKUP_FILE, SQLite's file
  Proof proof = Proof::by_size;
  std::string scratch_url = {};  // where it is restored to be proved; "": at the same server
  Reader reader = {};
  FingerprintOf fingerprint = {};
  std::int64_t run_token = 0;  // written down
  const Clock* clock = nullptr;
  std::function<void(Duration)> wait = {};  // lets so much of that clock's time pass; empty: sleeps
  FreeSpaceOf free_space = migrate::free_space;
  Reporting reporting = {};
  std::vector<std::filesystem::path> programs = {};  // where pg_dump and psql are looked for; empty: PATH
                                                     // and PostgreSQL's own folders
};

struct Backup {
  std::filesystem::path file;  // "" when it is external
  BackupRecord record;
};

/// Nothing is begun without enough space: 1.2 times the last backup, or without one half of the database (of
/// SQLite 1.2 times the database). Errors by `fault_of`; a request to stop is ErrorCode::unavailable.
Result<Backup> take_backup(const BackupOptions& options);

/// What a backup needs in its folder.
struct BackupSpace {
  std::uintmax_t bytes = 0;
  std::string reckoned;  // "the last backup has 1.2 MiB"
};
/// Of a database of that size, of which it takes this share at most where no backup before it tells more.
/// Errors as of `take_backup`.
Result<BackupSpace> backup_space(const BackupOptions& options, const std::string& database,
                                 std::uintmax_t size, double share_of_database);
/// Of PostgreSQL a dump is smaller than its database, which has indexes and dead rows; of SQLite it is a
/// copy.
double share_of_database(Dialect dialect);
struct Question {
  std::string sql;
  std::vector<std::string> values;
};
/// Asks for how many bytes it is about: of the whole database, or of the tables that are touched with their
/// indexes.
Question size_to_back_up(Dialect dialect, const BackupOptions& options);
/// Is so much there? Errors as of `take_backup`.
Result<void> check_backup_space(const BackupOptions& options, const std::string& database,
                                std::uintmax_t size, double share_of_database);

/// Proves a backup that lies there once more: its sum, and what `options.proof` says, with the fingerprint
/// where one was written down and `options.fingerprint` is given. Of the options, the rest of what proving
/// needs.
Result<void> verify_backup(const std::filesystem::path& file, const BackupOptions& options);

/// A backup's name is that of its database: of the file without its last ending, or of PostgreSQL's database.
/// Error `usage`.
Result<std::string> database_of(const std::string& url);

/// Without a database: it is a file, it has the size and the sum that were written down beside it, and an
/// end. Errors in plain words: `not_found`, `invalid`, and those of the file system.
Result<BackupRecord> check_backup(const std::filesystem::path& file, Dialect dialect,
                                  const Reporting& reporting);
/// Reads it to its end: every table that was written down, and as many rows. Of SQL. Error `invalid`.
Result<void> read_backup(const std::filesystem::path& file, const BackupRecord& record);
/// Compares a database that a backup was loaded into with what was written down: rows, and the fingerprint
/// where both sides have one; SQLite's own check of the file, too. Error `failed`, `unavailable`.
Result<void> compare_copy(store::SchemaSession& copy, Dialect dialect, const BackupRecord& record,
                          const BackupOptions& options);
/// The psql that can load a backup. Errors as of `find_program`.
Result<Program> find_psql(const BackupRecord& record, const std::vector<std::filesystem::path>& programs);

/// What the database said, as an error of a backup.
Error backup_error(const store::DatabaseError& error, const Reporting& reporting);

}  // namespace guildhall::migrate
