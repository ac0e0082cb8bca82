// Backups as files: their names, what is written down beside each, how one comes to be there whole or not at
// all, and which are old enough to go.
//
//   DATABASE_2025-11-15T10-30-00.sql        of PostgreSQL: SQL as pg_dump writes it
//   DATABASE_2025-11-15T10-30-00.db         of SQLite: a database file
//   DATABASE_2025-11-15T10-30-00.sql.json   what is known of it (BackupRecord)
//   DATABASE_2025-11-15T10-30-00.sql.partial  one that is being written, or was when its writer was killed
//
// Times are UTC. Of a database's name ASCII letters, digits, '-', '_' and '.' stay as they are, every other
// byte and a '.' or '-' in front become '%' and two hex digits; of what is longer than 180 bytes then, the
// first 160 and, behind a '%', 16 hex digits of the name's SHA-256 are left.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "migrate/dialect.h"
#include "migrate/journal.h"

namespace guildhall::migrate {

std::string safe_file_name(std::string_view database);
/// "2025-11-15T10-30-00".
std::string file_time(TimePoint at);

struct BackupName {
  std::string database;  // as it stands in the name
  TimePoint at;          // whole seconds
  Dialect dialect = Dialect::postgres;

  std::string text() const;
};
/// Nothing for what is named otherwise.
std::optional<BackupName> parse_backup_name(std::string_view file);

struct TableRows {
  std::string table;  // as SQL writes it: "public.users"; of SQLite: "users"
  std::int64_t rows = 0;
  bool has_data = true;  // its rows are in the backup
};

/// What is written down beside a backup.
struct BackupRecord {
  std::string sha256;  // of the file, hex
  std::uintmax_t size = 0;
  std::string database;
  std::string server_version;  // "15.20", of SQLite its library's
  std::string dump_version;    // of pg_dump; "" of SQLite
  TimePoint taken_at;
  std::vector<TableRows> tables;
  std::string fingerprint;   // "" when none was asked for
  JournalHead journal_head;  // the newest row of the journal that is in it
  std::int64_t run_token = 0;
  int verified = 0;  // level, 1 to 3

  /// Can the database be put back from it alone?
  bool is_whole() const;
};

std::string write_record(const BackupRecord& record);
/// Error `invalid` names what is missing.
Result<BackupRecord> read_record(std::string_view json);

/// The file beside a backup.
std::filesystem::path record_file(const std::filesystem::path& backup);
/// Of a backup. Errors `not_found` (there is none), `invalid` (it is none).
Result<BackupRecord> load_record(const std::filesystem::path& backup);

/// A backup on its way: "NAME.partial" until `publish`, and gone when that never came.
class PartialBackup {
 public:
  /// Makes the folder (0700) when it is missing, and claims the name of this second, or of a later one when
  /// it is taken; `wait` lets so much time of the clock pass. Errors: `forbidden`, `too_large` (no space),
  /// `failed`.
  static Result<PartialBackup> begin(const std::filesystem::path& folder, std::string_view database,
                                     Dialect dialect, const Clock& clock,
                                     const std::function<void(Duration)>& wait);
  PartialBackup(PartialBackup&& other) noexcept;
  PartialBackup& operator=(PartialBackup&&) = delete;
  ~PartialBackup();

  const BackupName& name() const { return name_; }
  std::filesystem::path file() const { return folder_ / name_.text(); }
  std::filesystem::path partial() const;
  /// Open for writing, mode 0600.
  int descriptor() const { return descriptor_; }
  /// Brings what was written to the disk. Errors as of `begin`.
  Result<void> sync();
  /// Writes down the record, then gives the file its name; both are on the disk when it returns.
  Result<void> publish(const BackupRecord& record);

 private:
  PartialBackup(std::filesystem::path folder, BackupName name, int descriptor);

  std::filesystem::path folder_;
  BackupName name_;
  int descriptor_;
};

struct BackupFile {
  std::filesystem::path path;
  BackupName name;
  std::uintmax_t size = 0;
};
/// All in a folder, of one database or of every one, the oldest first; none when there is no folder.
/// Errors `forbidden`, `failed`.
Result<std::vector<BackupFile>> list_backups(const std::filesystem::path& folder,
                                             std::optional<std::string> database = std::nullopt);

inline constexpr std::chrono::days kKeptDays{30};
inline constexpr std::size_t kKeptAtLeast = 3;

/// Removes the backups of `database` that are older than 30 days by their names, but never its newest three
/// and never a name in `referenced`; with each what is written down beside it. A `.partial` older than a day
/// goes, too. Everything else stays. Answers the removed names. Errors `forbidden`, `failed`: what was
/// removed before stays removed.
Result<std::vector<std::string>> prune(const std::filesystem::path& folder, std::string_view database,
                                       TimePoint now, const std::set<std::string>& referenced);

/// Hex. Errors `not_found`, `forbidden`, `failed`. `each` is told of the bytes read; false ends it with
/// `unavailable`.
Result<std::string> sha256_of_file(const std::filesystem::path& file,
                                   const std::function<bool(std::uintmax_t)>& each = {});
/// What this user may still write where `folder`, or the nearest folder above it that exists, lies.
Result<std::uintmax_t> free_space(const std::filesystem::path& folder);
/// What answers that.
using FreeSpaceOf = std::function<Result<std::uintmax_t>(const std::filesystem::path&)>;
/// "1.2 MiB".
std::string shown_bytes(std::uintmax_t bytes);
/// Of the system's own number: `forbidden`, `too_large` (no space), `failed`.
Error file_error(int number, std::string_view doing, const std::filesystem::path& file);

}  // namespace guildhall::migrate
