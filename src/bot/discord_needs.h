// What Discord is asked for, and what is remembered of it: as much as features have declared, and no more.
#pragma once

#include <algorithm>

#include "bot/feature.h"
#include "platforms/discord/session.h"
#include "platforms/discord/state.h"

namespace guildhall::bot {

inline discord::StateNeeds discord_state_for(const Declarations& declared) {
  return {.channels = declared.remembered.channels, .members = declared.remembered.members};
}

/// Servers always; members where somebody follows them or has them remembered; messages with their text where
/// a command can be called by its prefix.
inline discord::Intents discord_intents_for(const Declarations& declared) {
  discord::Intents intents = discord::kGuilds;
  if (declared.remembered.members || !declared.on_join.empty() || !declared.on_leave.empty())
    intents |= discord::kGuildMembers;
  const bool prefix = std::ranges::any_of(declared.commands.all(),
                                          [](const auto& command) { return command.open_at(Door::prefix); });
  if (prefix) intents |= discord::kGuildMessages | discord::kMessageContent;
  return intents;
}

}  // namespace guildhall::bot
