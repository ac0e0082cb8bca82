// status, up, down and verify where --url names a folder: each SQLite file in it is a database of its own.
#pragma once

#include "cli/command.h"
#include "migrate/outcome.h"

namespace guildhall::cli {

/// How many are where; with -v also which ones are not up to date.
Result<std::optional<Answer>> migrate_fleet_status(const Arguments& arguments);
/// A canary first, then two at a time.
Result<std::optional<Answer>> migrate_fleet_up(const Arguments& arguments);
Result<std::optional<Answer>> migrate_fleet_down(const Arguments& arguments);
Result<std::optional<Answer>> migrate_fleet_verify(const Arguments& arguments);

/// --canary and --max-failures.
std::vector<OptionSpec> with_fleet(std::vector<OptionSpec> options);
/// Problem `usage` where they are given and --url names no folder.
migrate::Outcome<void> refuse_fleet_options(const Arguments& arguments);

}  // namespace guildhall::cli
