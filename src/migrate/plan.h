// What a run would do, statement by statement, before it does it: which lock each takes, how large the table
// is, how long others would have to wait, and what lint and the prechecks have to say.
//
// Locks are those of PostgreSQL 15 (manual, 13.3.1 Table-Level Locks, and the pages of the statements
// themselves, ALTER TABLE above all). SQLite has one lock for the whole file.
//
// The stall is an estimate and no more: the bytes that are read or written under a lock that keeps others
// out, at an assumed pace (kScanBytesPerSecond, kWriteBytesPerSecond). It knows neither the machine nor its
// load, nor how long the statement waits for its lock in the first place.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "migrate/preflight.h"

namespace guildhall::migrate {

inline constexpr std::int64_t kScanBytesPerSecond = 200'000'000;
/// Of a table that is written anew, and of an index that is built.
inline constexpr std::int64_t kWriteBytesPerSecond = 50'000'000;

/// Weakest first, as in 13.3.1.
enum class LockLevel {
  none,
  access_share,
  row_share,
  row_exclusive,
  share_update_exclusive,
  share,
  share_row_exclusive,
  exclusive,
  access_exclusive
};
/// "ACCESS EXCLUSIVE"; "" of none.
std::string_view name_of(LockLevel level);
/// Whom it keeps out: "", "writers" or "everybody".
std::string_view kept_out_by(LockLevel level);

/// What a statement costs the table that it touches.
struct StatementCost {
  LockLevel lock = LockLevel::none;
  bool scans = false;
  bool rewrites = false;
  bool builds_index = false;
};
StatementCost cost_of(const StatementReading& reading, const TableFacts& facts, Dialect dialect);

struct PlannedStatement {
  std::size_t number = 0;  // within its file, from 1
  std::size_t line = 0;
  std::string text;   // the first 80 characters, on one line
  std::string table;  // "" where it touches none
  StatementCost cost;
  bool is_new_table = false;         // made by this run
  std::optional<std::int64_t> rows;  // of the table as it is now
  bool rows_are_estimated = false;
  std::int64_t bytes = 0;        // with its indexes
  std::int64_t stall_ms = 0;     // that others wait for it, estimated
  std::int64_t space_bytes = 0;  // that a rewrite or an index needs on the data volume: 1.3 times the table
};

struct PlannedMigration {
  std::string name;
  std::string file;
  bool in_transaction = true;
  bool in_slices = false;  // a batch
  std::vector<PlannedStatement> statements;
  std::int64_t stall_ms = 0;  // in one transaction all locks last until its end
  Findings lint;
  std::vector<PrecheckFinding> prechecks;
};

struct Plan {
  Dialect dialect = Dialect::postgres;
  std::vector<PlannedMigration> migrations;
  std::size_t errors = 0;        // of lint and of prechecks
  std::int64_t space_bytes = 0;  // of all statements: nothing of it is free before the end
};

Plan make_plan(std::span<const Pending> pending, const Preflight& preflight, Dialect dialect);

/// For people: aligned, ASCII.
std::string show(const Plan& plan);
std::string show(const PlannedMigration& migration, Dialect dialect);
std::string show(const PrecheckFinding& finding);

}  // namespace guildhall::migrate
