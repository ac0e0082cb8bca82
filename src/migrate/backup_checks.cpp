#include "migrate/backup_checks.h"

#include <fmt/format.h>

#include <ranges>

namespace guildhall::migrate {
namespace {

namespace fs = std::filesystem;

/// Why it cannot be put back.
Result<void> check(const BackupFile& backup, const Reporting& reporting) {
  if (backup.name.dialect == Dialect::sqlite) {
    BackupOptions options;
    options.url = "sqlite:" + backup.path.string();
    options.proof = Proof::read;
    options.reporting = reporting;
    return verify_backup(backup.path, options);
  }
  const auto record = check_backup(backup.path, Dialect::postgres, reporting);
  if (!record) return std::unexpected(record.error());
  return read_backup(backup.path, *record);
}

void add_unfinished(const fs::path& folder, const std::optional<std::string>& database, Findings& findings) {
  std::error_code error;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    const std::string file = it->path().filename().string();
    if (!file.ends_with(".partial")) continue;
    const auto name = parse_backup_name(file.substr(0, file.size() - 8));
    if (!name || (database && name->database != safe_file_name(*database))) continue;
    findings.push_back({"W-PARTIAL", Level::warning, file, 0, "is being written, or its writer was killed",
                        "`guildhall migrate prune` removes it when it is older than a day."});
  }
}

}  // namespace

Result<BackupChecks> check_backups(const fs::path& folder, const std::optional<std::string>& database,
                                   const Reporting& reporting) {
  const auto backups = list_backups(folder, database);
  if (!backups) return std::unexpected(backups.error());
  BackupChecks checks;
  for (const BackupFile& backup : *backups) {
    const auto checked = check(backup, reporting);
    if (!checked && reporting.stop.stop_requested()) return std::unexpected(checked.error());
    checks.bytes += backup.size;
    ++(checked ? checks.sound : checks.damaged);
    if (checked) continue;
    checks.findings.push_back({"E-BACKUP", Level::error, backup.path.filename().string(), 0,
                               checked.error().message,
                               "Keep it out of the way of the others, and take a new one: guildhall migrate "
                               "backup"});
  }
  add_unfinished(folder, database, checks.findings);
  if (backups->empty()) {
    checks.findings.push_back({"W-NOBACKUP", Level::warning, folder.string(), 0,
                               database ? fmt::format("has no backup of '{}'", *database) : "has no backup",
                               "guildhall migrate backup"});
  }
  return checks;
}

Result<bool> has_recent_backup(const fs::path& folder, const std::string& database, Dialect dialect,
                               TimePoint now, const Reporting& reporting) {
  const auto backups = list_backups(folder, database);
  if (!backups) return std::unexpected(backups.error());
  for (const BackupFile& backup : *backups | std::views::reverse) {
    if (now - backup.name.at > kRecentBackup) break;
    const auto record = load_record(backup.path);
    if (!record || !record->is_whole() || record->verified < static_cast<int>(Proof::read)) continue;
    if (check_backup(backup.path, dialect, reporting)) return true;
    if (reporting.stop.stop_requested())
      return fail(ErrorCode::unavailable, "it was ended before it was done");
  }
  return false;
}

}  // namespace guildhall::migrate
