// Our commands as Discord knows them: slash commands and menus, with their names and descriptions in every
// language, the selects and forms in which people fill in arguments, and what comes back of all these.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "bot/dispatcher.h"
#include "bot/feature.h"
#include "platforms/discord/commands_json.h"
#include "platforms/discord/components.h"

namespace guildhall::bot {

/// As they are registered. Where an argument is a person there are two options, of which one is filled in: a
/// member, whom Discord lets people choose, or a viewer by name, whom only we know.
std::vector<discord::CommandDefinition> command_definitions(const Declarations& declarations);

/// The command that such an interaction calls, or is being typed; null: none of ours.
const CommandSpec* called_command(const Declarations& declarations, const discord::Interaction& interaction);

/// Its arguments as they were filled in. Empty: both a member and a viewer were named.
std::optional<std::map<std::string, std::string, std::less<>>> called_options(
    const CommandSpec& command, const discord::Interaction& interaction);

/// What somebody may call who has these permissions in a server.
Permission permission_by(discord::Permissions held);
/// May whoever began it call this, as far as Discord tells?
bool may_call(const CommandSpec& command, const discord::Interaction& interaction);

/// What the menu of a user leaves open: all arguments but the user, if others are required; else none.
std::vector<std::string> left_open(const CommandSpec& command);
/// One field for each open argument of the call, called by its name there. `title`: at most 45.
discord::Modal form_of(const CommandSpec& command, const OfferedCall& call, std::string title,
                       const Catalogue& texts, std::string_view language);
/// Of an offer with an open argument; what its call holds already is chosen.
discord::Select select_of(const CommandSpec& command, const OfferedCall& call, const Catalogue& texts,
                          std::string_view language);
/// Puts what was chosen in a select or written in a form in the place of what the call left open.
void fill_in(OfferedCall& call, const discord::Interaction& interaction);

/// Is it the name of a viewer that is being typed?
bool types_viewer(const CommandSpec& command, const discord::Interaction& interaction);
/// The name itself: people write "@name" too.
std::string_view typed_viewer(std::string_view text);

}  // namespace guildhall::bot
