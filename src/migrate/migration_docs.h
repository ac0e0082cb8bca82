// What the migrations of a directory are for and what they do, as a table for people. Each says it of itself:
//
//   -- guildhall: purpose="entries are counted" date=2025-11-15 risk=low impact="none while it runs"
//
// or, as other tools' files have it, in comments at its top: `-- Purpose: ...`, `-- Date:`, `-- Risk:`,
// `-- Impact:`. What it changes is read from its statements.
#pragma once

#include <string>
#include <vector>

#include "migrate/history.h"

namespace guildhall::migrate {

struct MigrationNote {
  std::string name;
  std::string purpose;
  std::string date;
  std::string changes;   // "table a, index b on a", or "37 tables, 43 constraints"
  std::string way_back;  // the file; "derived", where the journal keeps one; "none"
  std::string risk;
  std::string impact;
  std::string state;  // with a journal
};

/// In the order of their numbers. `standings`: with a journal, else of the set and nothing.
std::vector<MigrationNote> describe(const MigrationSet& set, const std::vector<Standing>& standings,
                                    Dialect dialect);

/// A table of Markdown; with a column for the state where `with_state`.
std::string as_markdown(const std::vector<MigrationNote>& notes, bool with_state);

}  // namespace guildhall::migrate
