// A new pair of files, with the number behind the highest that files or journal have.
#pragma once

#include <string>

#include "migrate/journal.h"
#include "migrate/migration_files.h"

namespace guildhall::migrate {

struct NewFiles {
  std::string up;  // paths
  std::string down;
};

/// "Add entry count" -> 0004_add_entry_count.sql and .down.sql, in the directory. `journal` may be empty.
/// `date` is the day, for the header. Problems: `usage` (a description that makes no name),
/// `no_permission` (cannot be written).
Outcome<NewFiles> make_migration(const MigrationSet& set, const std::vector<JournalRow>& journal,
                                 const std::string& description, const std::string& date);

}  // namespace guildhall::migrate
