#pragma once

#include "cli/command.h"

namespace guildhall::cli {

/// What `up` would do, and what stands against it. Exit 5 at drift, 6 at errors of lint or findings in the
/// data.
Result<std::optional<Answer>> migrate_plan(const Arguments& arguments);
/// `up --plan` and `--dry-run`: the same; with --plan=execute the statements are run too, and rolled back.
Result<std::optional<Answer>> migrate_up_plan(const Arguments& arguments);
/// `down --plan`: what it would run, and which data would go. Exit 6 where the run would be refused.
Result<std::optional<Answer>> migrate_down_plan(const Arguments& arguments);
/// What in the data stands against one migration. Exit 6 when something does.
Result<std::optional<Answer>> migrate_precheck(const Arguments& arguments);

}  // namespace guildhall::cli
