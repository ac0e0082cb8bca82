// Drizzle Kit's own list of what it generated, meta/_journal.json (version "7": entries of idx, version, when
// in milliseconds, tag, breakpoints). It is compared with the files and never decides what is pending:
// Drizzle itself passes over every file that is older than the newest it ran.
#pragma once

#include <optional>
#include <string>

#include "migrate/migration_files.h"

namespace guildhall::migrate {

/// Reads the list into the set and adds what differs. `required`: that there is none is an error.
void add_drizzle_list(const std::string& directory, bool required, Dialect dialect, MigrationSet& set);

/// Whose SQL the list says that the files are; nothing without a list that can be read.
std::optional<Dialect> drizzle_dialect(const std::string& directory);

}  // namespace guildhall::migrate
