// Everything that is looked at before a migration waits for a lock: the tables that it touches, lint, the
// programs that run, and the data. One read-only transaction; nothing is changed.
#pragma once

#include <chrono>
#include <span>
#include <vector>

#include "migrate/lint.h"
#include "migrate/outcome.h"
#include "migrate/precheck.h"

namespace guildhall::migrate {

struct PreflightOptions {
  std::chrono::milliseconds statement_timeout{60'000};  // of each question
  LintOptions lint = {};
  std::string only = {};              // prechecks of this migration alone; "": of all
  const MigrationSet* set = nullptr;  // all files: with them contracts are held against the programs that run
  std::string readers_file = {};      // where more of those are (Target)
  Interrupt* interrupt = nullptr;
};

struct Preflight {
  TableFacts facts;
  Findings lint;  // and of the phases
  std::vector<PrecheckFinding> prechecks;

  bool has_errors() const;
  /// Those of lint, then those of the prechecks.
  Findings findings() const;
};

/// `session` is in no transaction. Throws DatabaseError.
Preflight look_before(store::SchemaSession& session, Dialect dialect, std::span<const Pending> pending,
                      const PreflightOptions& options = {});

/// Whether a run may begin, and what is there before it. Problems, with all that was found in `findings`:
/// `refused` (errors of lint, findings in the data), `no_permission` (a right is missing). Throws
/// DatabaseError.
Outcome<TableFacts> check_before(store::SchemaSession& session, Dialect dialect,
                                 std::span<const Pending> pending, const PreflightOptions& options,
                                 Findings& findings);

}  // namespace guildhall::migrate
