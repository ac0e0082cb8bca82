// guildhall doctor discord
#pragma once

#include <optional>

#include "cli/command.h"

namespace guildhall::cli {

/// Looks at what people have to set right in Discord (bot/discord_checkup.h), for every server or for one.
/// The exit code is that of the first problem. Errors: `configuration` (no token), those of Workspace::open
/// and Workspace::scope, `usage`.
Result<std::optional<Answer>> doctor_discord(const Arguments& arguments);

std::vector<OptionSpec> doctor_discord_options();

}  // namespace guildhall::cli
