// argv -> the command and its arguments.
#pragma once

#include <string>
#include <vector>

#include "cli/command.h"

namespace guildhall::cli {

struct Parsed {
  const Command* command = nullptr;
  Arguments arguments;
  std::optional<std::string> help;  // asked for: print it and end
};

/// What `guildhall COMMAND --help` prints.
std::string help_of(const Command& command);

/// Error `usage` with a suggestion, `configuration` when the configuration cannot be used.
Result<Parsed> parse(const std::vector<Command>& commands, const std::vector<std::string>& argv,
                     const std::vector<std::pair<std::string, std::string>>& environment);

}  // namespace guildhall::cli
