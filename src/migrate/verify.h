// What a database says of the files, and of itself: checksums against the journal, and the live schema
// against what the last migration left. Nothing in it is changed.
#pragma once

#include "migrate/history.h"
#include "migrate/lint.h"
#include "migrate/schema_drift.h"
#include "migrate/target.h"

namespace guildhall::migrate {

struct VerifyOptions {
  bool schema = false;  // the live schema too
  DriftOptions drift = {};
  LintOptions lint = {};
};

/// Findings: E-CHANGED, W-COSMETIC, E-MISSING, E-LATE, E-PARTIAL, those of schema_drift.h, and lint of what
/// is not applied yet. Problem `no_database`.
Outcome<Findings> verify_database(const Target& target, const MigrationSet& set,
                                  const VerifyOptions& options);

}  // namespace guildhall::migrate
