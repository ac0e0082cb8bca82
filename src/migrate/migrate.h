// migrate: brings a database's schema to the version that this program was built with.
//
// Called at every start and by commands that open the database, before anything else does. It promises: a
// migration is applied in one transaction with its journal row, or not at all; an applied file that
// was changed since, and a database newer than the program, stop with a plain message and change
// nothing. It never touches a server's rows.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/embedded.h"
#include "base/error.h"

namespace guildhall::migrate {

/// Guildhall's own schema: migrations/*.sqlite.sql, by name.
std::span<const EmbeddedFile> embedded_files();

struct Report {
  std::vector<std::string> applied;  // names, in order; empty when there was nothing to do
};

/// Applies what is pending. Errors: `storage` (cannot open, damaged, a migration failed and was rolled
/// back), `schema` (changed file, newer database): the message names file and migration.
Result<Report> bring_up_to_date(const std::string& url, const std::string& data_dir,
                                std::span<const EmbeddedFile> files, TimePoint now);

}  // namespace guildhall::migrate
