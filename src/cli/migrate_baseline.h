#pragma once

#include "cli/command.h"

namespace guildhall::cli {

/// Says which files count as applied and what speaks against it; writes that down with --accept only.
Result<std::optional<Answer>> migrate_baseline(const Arguments& arguments);

}  // namespace guildhall::cli
