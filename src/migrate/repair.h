// Accepting that an applied migration's file is another now: a row in the journal, with the reason; the
// database itself stays as it is.
#pragma once

#include "migrate/run.h"

namespace guildhall::migrate {

struct RepairOptions : RunOptions {
  bool cosmetic = false;  // every file whose meaning is the same
  std::string accept;     // one that means something else now
  std::string reason;     // why that is right; needed with `accept`
};

/// The names whose new checksums were accepted. Problems: `usage`, `locked`, and what the database brings.
Outcome<std::vector<std::string>> repair(const Target& target, const MigrationSet& set,
                                         const RepairOptions& options);

}  // namespace guildhall::migrate
