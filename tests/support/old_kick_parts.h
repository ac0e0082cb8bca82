// The pieces of old_kick.h's script, with tags (tagged_text.h): made, hand_made, dashboard, bot_only,
// settings_by_server, settings_by_key, nasty, tame, others. Words in {braces} are values.
#pragma once

#include <string_view>

namespace guildhall::test {

extern const std::string_view kOldKickTables;
extern const std::string_view kOldKickRows;
extern const std::string_view kOldKickNastyRows;
extern const std::string_view kOldKickFirstTry;  // of the migration that was broken off
extern const std::string_view kOldKickKeys;

}  // namespace guildhall::test
