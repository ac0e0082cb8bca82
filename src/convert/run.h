// The conversion of a database, from the first look to the way back. Each call looks at what is there, says
// what stands in the way, takes the lock, looks again and does what is missing; the same call goes on after a
// run that was killed.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "convert/archive.h"
#include "convert/attribution.h"
#include "convert/conversion.h"
#include "convert/postgres_preflight.h"
#include "convert/postgres_steps.h"
#include "convert/report.h"
#include "convert/scheme.h"
#include "convert/step_runner.h"
#include "migrate/lock.h"
#include "migrate/run_backup.h"

namespace guildhall::convert {

/// How a SQLite file is converted.
enum class SqliteWay {
  rebuild,  // every table anew in one transaction: writes wait
  online,   // beside a program that writes
  file      // the file becomes one server's own: nothing is copied
};

struct Options {
  /// Of a conversion that has begun it is the one that was remembered, and need not be given.
  std::optional<Description> description;
  std::optional<std::int64_t> server;  // the home, where it was said
  /// PostgreSQL: rows that name no server are not all the home's. Of a conversion that has begun the same
  /// wish, or none.
  AttributionWish attribution;
  std::optional<migrate::BackupWish> backup;
  std::string backup_done = {};  // the operator's word for one that was taken otherwise
  SqliteWay way = SqliteWay::rebuild;
  bool sums = false;  // of the way `file`: tables are added up first, so that they can be compared
  std::vector<std::string> accepted =
      {};                       // routines and triggers that write without naming the server, and may
  bool register_found = false;  // servers that rows name join the registry
  ServerLimits server_limits;   // of what is asked before: but for most_lag, which is that of `limits`
  StepLimits limits;
  std::chrono::milliseconds lock_wait{0};
  migrate::LockTimings lock;
  migrate::Interrupt* interrupt = nullptr;
  std::function<void(const std::string&)> say = [](const std::string&) {};
};

/// A database as it is found. The scheme points into the schema.
struct Look {
  std::unique_ptr<OldSchema> schema;
  Scheme scheme;  // with the home, where one was chosen
  std::vector<Candidate> candidates;
  std::optional<Conversion> conversion;  // the newest

  /// A conversion has begun, and was not taken back.
  bool has_begun() const;
  /// It has not, or is in the middle of its expansion.
  bool is_expanding() const;
};

/// Without a lock, in one reading; nothing is changed. Problems: `usage` (no description is given, and none
/// remembered). Throws DatabaseError.
migrate::Outcome<Look> look(store::SchemaSession& session, migrate::Dialect dialect, const Options& options);
/// The home of that look: what was said, or remembered, or the one candidate that there is. Problem
/// `refused` lists the candidates.
migrate::Outcome<std::int64_t> choose_home(const Look& found, const Options& options);
/// Finds which server's each row is that names none, where that is wished, and adds what is in the way to the
/// findings of that look, whose home is chosen. Problems: `usage`, as of attribute; `refused` (SQLite; a
/// conversion that began with another wish). Throws DatabaseError.
migrate::Outcome<void> attribute_rows(store::SchemaSession& session, Look& found, const Options& options);
/// Asks the rows what stands in their way, and adds it to the findings of that look, whose home is chosen.
/// `session` is in no transaction. Throws DatabaseError.
void survey(store::SchemaSession& session, Look& found, const Options& options);
/// Asks a PostgreSQL server the same (postgres_preflight.h). `session` is in no transaction. Throws
/// DatabaseError.
void preflight(store::SchemaSession& session, Look& found, const RowFacts& facts, const Options& options);
/// Why nothing may be done: the errors among the findings, as one problem; its exit is that of the first.
migrate::Outcome<void> check_findings(const Scheme& scheme);

struct Plan {
  Look look;
  Steps steps;  // of the expansion
  Steps later;  // of the contraction, as far as it can be told by now
  std::vector<AttributedRows> attributed = {};
};
/// What `apply` would do; no steps where the tables themselves stand in the way. Problems as of look,
/// choose_home; of check_findings where the rows may not be read. Throws DatabaseError.
migrate::Outcome<Plan> plan(store::SchemaSession& session, migrate::Dialect dialect, const Options& options);

struct RunReport {
  std::int64_t conversion = 0;
  State state = State::expanding;
  std::int64_t home = 0;
  std::size_t steps = 0;  // that were done by this run
  int tries_lost = 0;     // how often a lock was not there in time
  /// PostgreSQL: what the steps took, and what adding the tables up and checking them did beside that.
  std::chrono::duration<double> stepping{0}, proving{0};
  std::optional<migrate::Backup> backup;
  Archived moved = {};                      // into the archive, or back
  bool is_of_one_server = false;            // SQLite: the file is one server's own, and stays so
  std::vector<std::string> untouched = {};  // SQLite: tables that are as they were, and are not sealed
};

/// A conversion held against what was there before it.
struct Checked {
  ReportHead head;
  Verification found;
};
/// Of `wish` what is contracted and who is sealed off are filled in. Problems: `refused` (none has begun),
/// and those of verify.h. Throws DatabaseError.
migrate::Outcome<Checked> check(store::SchemaSession& session, const migrate::Target& target,
                                const Options& options, VerifyOptions wish);

/// Expands, and verifies it while others write. Problems as of plan, `locked`, `no_backup`, those of
/// StepRunner; `failed`: the verification found a difference.
migrate::Outcome<RunReport> apply(const migrate::Target& target, const Options& options);

struct ContractOptions : Options {
  std::optional<Seal> seal;
};
/// The old program has been stopped, and the new one writes. Problem `refused` while something is missing.
migrate::Outcome<RunReport> contract(const migrate::Target& target, const ContractOptions& options);

struct RollbackOptions : Options {
  bool archive = false;  // rows that the old schema has no place for are put aside
  /// PostgreSQL: rows that gave way to others, and are not let in any more, stay written down.
  bool leave_aside = false;
};
/// Back to the schema that was. Problem `refused` lists the rows of others, unless they may be archived; on
/// PostgreSQL also what others made that cannot stay (CV-DEPENDS), and rows that gave way and have no place
/// any more (CV-PLACE), before anything is changed.
migrate::Outcome<RunReport> rollback(const migrate::Target& target, const RollbackOptions& options);
/// Brings back what a rollback archived, after a later conversion and its contraction.
migrate::Outcome<RunReport> restore(const migrate::Target& target, const Options& options);

}  // namespace guildhall::convert
