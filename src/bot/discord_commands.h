// Our commands as Discord knows them: slash commands and menus, with their names and descriptions in every
// language, and what comes back when one is called.
#pragma once

#include <vector>

#include "bot/dispatcher.h"
#include "bot/feature.h"
#include "platforms/discord/commands_json.h"

namespace guildhall::bot {

/// As they are registered. Where an argument is a person there are two options, of which one is filled in: a
/// member, whom Discord lets people choose, or a viewer by name, whom only we know.
std::vector<discord::CommandDefinition> command_definitions(const Declarations& declarations);

/// The command that such an interaction calls, or is being typed; null: none of ours.
const CommandSpec* called_command(const Declarations& declarations, const discord::Interaction& interaction);

/// Its arguments as they were filled in. Empty: both a member and a viewer were named.
std::optional<std::map<std::string, std::string, std::less<>>> called_options(
    const CommandSpec& command, const discord::Interaction& interaction);

/// Is it the name of a viewer that is being typed?
bool types_viewer(const CommandSpec& command, const discord::Interaction& interaction);
/// The name itself: people write "@name" too.
std::string_view typed_viewer(std::string_view text);

}  // namespace guildhall::bot
