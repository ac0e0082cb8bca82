// The backup before a run: what was wished for, taken and proved while it says how far it is, and ended by
// Ctrl-C.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "migrate/backup.h"
#include "migrate/interrupt.h"
#include "migrate/outcome.h"
#include "migrate/target.h"

namespace guildhall::migrate {

/// Before anything is run: what is taken, and where it is put.
struct BackupWish {
  std::filesystem::path folder = "backups";
  std::vector<std::string> external = {};  // a program of the operator's takes it instead
  std::string scratch_url = {};            // where it is proved; "": at the same server
  Proof proof = Proof::by_size;
  bool touched_only = false;  // PostgreSQL: the schema, and rows of the tables alone that the run touches
};

using Say = std::function<void(const std::string&)>;

/// The options of that backup. `target` and `say` outlive them.
BackupOptions backup_options_of(const Target& target, const BackupWish& wish, std::int64_t run_token,
                                const FreeSpaceOf& free_space, const Say& say);
/// Taken, with a line for people. Problems: as of `take_backup`; `interrupted`.
Outcome<Backup> take_before_run(BackupOptions options, Interrupt* interrupt, const Say& say);
/// "backup: NAME 1.2 MiB in 0.4 s, verified (restore)"
std::string backup_line(const Backup& backup, double seconds);
/// What a backup or a restore brought, with its exit.
Problem problem_of_backup(const Error& error);

}  // namespace guildhall::migrate
