// Many SQLite files that follow one directory of migrations: a file for each tenant, each with its own
// journal. A run changes one file first, the canary, and the others only when that one came through; it stops
// at as many failures as are allowed and leaves the rest at their old version. What reads the files has to
// get on with both versions meanwhile.
//
// A run holds one lock on the folder, and on each file that it changes the usual one. Files that have nothing
// to do are read, and neither locked nor backed up, so that a run that was stopped goes on where it was; one
// in which a migration failed is tried last then.
#pragma once

#include <string>
#include <vector>

#include "migrate/run.h"
#include "migrate/verify.h"
#include "store/place.h"

namespace guildhall::migrate {

struct FleetMember {
  std::string name;  // unique in its fleet; what backups of the file are named after
  std::string file;
  TimePoint last_activity;  // later of file and write-ahead log
};

struct Fleet {
  std::string folder;                // where its lock lies
  std::vector<FleetMember> members;  // the last active first
  bool is_own = false;               // Guildhall's: of a database with a file for each server
  std::string readers_file = {};     // of Guildhall's: whose migration_readers count for all (phases.h)
};

/// Every *.sqlite, *.sqlite3 and *.db of a folder, but not below it; a member is called as its file without
/// the ending. Problem `usage`: no such folder, no such file in it, or two files that would be called the
/// same; `no_permission`.
Outcome<Fleet> find_fleet(const std::string& folder);
/// Guildhall's own database with a file for each server: those files, and that of what belongs to none.
/// Problem `no_database`: there is no such database.
Outcome<Fleet> own_fleet(const store::DatabasePlace& place);

/// Where one file stands.
enum class MemberState {
  up_to_date,
  pending,
  midway,  // a migration that is not one transaction stopped in it
  drift,   // files and journal do not agree
  failed   // it cannot be read, or its last migration failed
};
/// "up to date", "pending", ...
std::string_view name_of(MemberState state);

struct MemberLook {
  std::string name;
  MemberState state = MemberState::up_to_date;
  std::size_t applied = 0;
  std::size_t pending = 0;
  std::string migration;           // the one that is next, stopped, failed or does not agree; or ""
  std::optional<Problem> problem;  // why it is `drift` or cannot be read
};

/// In the fleet's order. Only reads: the journals, not the rows. A file that cannot be read is `failed`.
std::vector<MemberLook> look_at_fleet(const Fleet& fleet, const MigrationSet& set);

struct FleetFindings {
  Findings findings;           // of each file, named "FILE MIGRATION", in the fleet's order
  std::size_t unreadable = 0;  // files; each is a finding, too
};
/// `verify_database` of each.
FleetFindings verify_fleet(const Fleet& fleet, const MigrationSet& set, const VerifyOptions& options);

/// "deploy@web1 pid 4711 since 2025-11-15T10:30:00Z (up)": whose run holds the folder; "" when nobody's does.
std::string holder_of_fleet(const Fleet& fleet);

/// What came of one file.
struct MemberRun {
  std::string name;
  RunReport report;
  std::int64_t duration_ms = 0;
  bool is_canary = false;
};

struct FleetOptions {
  std::string canary;            // its name; "": the last active one that can be read and did not fail before
  std::size_t max_failures = 1;  // at so many the run stops; a canary's ends it at once
  std::size_t at_once = 2;
  /// After each file; never by two threads at once. Out of how many: `of`.
  std::function<void(const MemberRun&, std::size_t of)> done = [](const MemberRun&, std::size_t) {};
};

struct FleetReport {
  std::vector<MemberRun> runs;    // of the files that were tried, in the order in which they ended
  std::vector<std::string> left;  // that would have had something to do, and were not tried
  std::size_t idle = 0;           // that had nothing to do
  std::optional<Problem> failed;  // of the first file that failed, or what kept the whole run from beginning
  std::string failed_member;      // whose; "" of the whole run

  std::vector<const MemberRun*> failures() const;
  std::size_t migrations() const;  // of all files together
};

/// `each` is the run of one file; its `say` gets lines that begin with the file's name, its `interrupt` ends
/// the whole run, its `lock_wait` counts for the folder as for a file. Problems besides those of one file:
/// `locked` (another run holds the folder), `usage` (no such canary, backups in the folder itself).
FleetReport fleet_up(const Fleet& fleet, const MigrationSet& set, const UpOptions& each,
                     const FleetOptions& options);
/// `each.to` is given: what was applied after it is taken back from every file.
FleetReport fleet_down(const Fleet& fleet, const MigrationSet& set, const DownOptions& each,
                       const FleetOptions& options);

}  // namespace guildhall::migrate
