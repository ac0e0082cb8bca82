#pragma once

#include "cli/command.h"

namespace guildhall::cli {

/// Reads, and creates nothing; a role that may only SELECT can do it.
Result<std::optional<Answer>> migrate_status(const Arguments& arguments);

}  // namespace guildhall::cli
