// The backups of a folder, each looked at once more: does it have the size and the sum that were written down
// beside it, does it end where it should, and can it be read to its end?
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "migrate/backup.h"
#include "migrate/finding.h"

namespace guildhall::migrate {

struct BackupChecks {
  Findings findings;
  std::size_t sound = 0;
  std::size_t damaged = 0;
  std::uintmax_t bytes = 0;  // of all
};

/// Of one database or of every one. SQL is read as statements and rows, a copy of SQLite by its own check of
/// the file; its tables and rows must be those that were written down. Findings: E-BACKUP, W-PARTIAL (one
/// that was begun and never finished), W-NOBACKUP. Errors `forbidden`, `failed`, `unavailable` (stopped).
Result<BackupChecks> check_backups(const std::filesystem::path& folder,
                                   const std::optional<std::string>& database, const Reporting& reporting);

inline constexpr std::chrono::hours kRecentBackup{1};

/// Is there one of all of this database, proved by reading or restoring it when it was taken, not older than
/// an hour, and as it was then? Errors as above.
Result<bool> has_recent_backup(const std::filesystem::path& folder, const std::string& database,
                               Dialect dialect, TimePoint now, const Reporting& reporting);

}  // namespace guildhall::migrate
