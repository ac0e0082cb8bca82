// The part of restoring (restore.h) that is about SQLite's files.
#pragma once

#include <filesystem>

#include "migrate/restore.h"

namespace guildhall::migrate {

/// Puts a backup that was checked in the place of `target`, or makes `options.into` of it. Errors as of
/// `restore_backup`.
Result<Restored> restore_sqlite(const std::filesystem::path& backup, const std::filesystem::path& target,
                                const RestoreOptions& options, BackupRecord record);

}  // namespace guildhall::migrate
