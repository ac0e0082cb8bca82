// up, resume and down: what is to be done, in which order, under the lock; and what may not be done.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "migrate/apply.h"
#include "migrate/history.h"
#include "migrate/lint.h"
#include "migrate/run_backup.h"
#include "migrate/table_facts.h"

namespace guildhall::migrate {

struct RunOptions {
  std::optional<BackupWish> backup;  // nothing: without one, and the journal says why
  std::string why_no_backup = "without a backup, which was asked for";
  std::chrono::milliseconds lock_wait{0};
  LockTimings lock;
  ApplyLimits limits;
  Interrupt* interrupt = nullptr;
  FreeSpaceOf free_space = migrate::free_space;
  std::filesystem::path earlier_backups = "backups";  // where those lie that were taken before
  std::function<void(const std::string&)> say = [](const std::string&) {};  // a line of what happens
};

struct UpOptions : RunOptions {
  std::string to;                    // as far as this one; "": all
  std::optional<std::size_t> steps;  // so many
  bool allow_late = false;           // late ones too, once it is proved that the order does not matter
  bool together = false;             // all in one transaction, or none
  bool only_resume = false;          // what stopped midway, and nothing else
  LintOptions lint = {};
};

struct DownOptions : RunOptions {
  std::string name;      // "": the last that was applied
  std::string to;        // everything above this one
  bool cascade = false;  // what was applied after it goes first
  bool only = false;     // just this one, whatever came after it
  bool confirm_data_loss = false;
  bool confirm_all = false;  // also for the foundation
  bool in_scratch = false;   // nothing that is there is anybody's: no confirmation, no backup
};

/// What came of a run; `failed` is why it ended early.
struct RunReport {
  std::int64_t token = 0;  // 0: the lock was not needed
  std::vector<Applied> applied;
  std::size_t pending = 0;  // afterwards
  std::size_t applied_in_all = 0;
  std::string fingerprint;  // of the schema, where it was looked at
  std::optional<Problem> failed;
  std::string failed_name;
  std::optional<Backup> backup;
  Findings findings;  // of lint and prechecks, when they are why it was refused; else of what was passed over
};

/// Backups that are not too old to be kept: those of runs that are not finished, and of the last one.
std::set<std::string> backups_in_use(const std::vector<JournalRow>& rows);
/// Applies what is pending. With nothing to do it takes no lock.
RunReport up(const Target& target, const MigrationSet& set, const UpOptions& options);

/// Runs ways back. Data that goes is counted first, and needs a confirmation.
RunReport down(const Target& target, const MigrationSet& set, const DownOptions& options);

/// One that `down` would take back.
struct WayBack {
  std::string name;
  std::string source;                    // "file" or "derived"
  std::shared_ptr<const Script> script;  // of the set that was given, or its own
  std::size_t done = 0;                  // statements that it has behind it
};

struct DownPreview {
  std::vector<WayBack> ways;       // in the order in which they would run
  std::optional<Problem> refused;  // why the run would end there: data that goes unconfirmed
};

/// What `down` would do as things stand, without its lock; nothing is changed. Problems as of `down`. Throws
/// DatabaseError.
Outcome<DownPreview> preview_down(const Target& target, const MigrationSet& set, const DownOptions& options);

/// Those that `up` would apply as things stand, in its order. Problems `usage`, `midway`.
Outcome<std::vector<const Standing*>> to_apply(const std::vector<Standing>& standings,
                                               const UpOptions& options);
/// What of it is still to run.
Pending pending_of(const Standing& standing);

/// May it be one of several in a transaction? Problem `refused`: it cannot be in any.
Outcome<void> check_together(const std::string& name, const Script& script, Dialect dialect);

/// Why nothing may be run: errors in the files, then files and journal that do not agree. Problems `drift`,
/// `refused`.
Outcome<void> check_agreement(const MigrationSet& set, const std::vector<Standing>& standings,
                              bool allow_late);

}  // namespace guildhall::migrate
