// roles: Discord roles for members who watched long enough, and one for everybody who is linked.
//
// Administrators keep the thresholds with `roles list|add|update|remove|enable|disable|members`, and give
// again what somebody lost with `roles restore`; owners switch roles by watch time with
// `watchtime_roles_enabled` and name the role of linked members with `kick_linked_role_id`.
//
// Whoever is linked or writes in Discord and reaches a threshold gets its role; of the roles of one group a
// member holds the highest alone, and no other is ever taken for watch time. The linked role goes when the
// last link is undone, or when another one is named. Who comes back to the Discord server gets back what was
// given him. With `watchtime_roles_message` a member is told in private what his watch time has earned.
//
// A stage in the minute's tick, after watch time, looks at whoever's time changed and at whom `role_checks`
// names: links, thresholds and settings that change put people there, and so does an import. It only writes
// down what is wanted; the rest is bot/role_changes.h. Whoever waits for a role when its threshold, the
// switch or the setting changes is looked at anew, and gets what he gets by then. Owns: watchtime_roles,
// role_checks; writes role_changes, and what it followed last into settings.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "bot/feature.h"
#include "bot/role_changes.h"

namespace guildhall::features::roles {

inline constexpr bot::BooleanSetting kEnabled{"watchtime_roles_enabled", true};
inline constexpr bot::BooleanSetting kMessage{"watchtime_roles_message", false};
/// Minutes of the thresholds of a server that says none: of its first role, its second, ...
Result<std::string> normalise_minutes(std::string_view text);
inline constexpr bot::TextSetting kUsualMinutes{"watchtime_roles_minutes", "120, 600, 2000", true,
                                                normalise_minutes};
inline constexpr bot::TextSetting kLinkedRole{"kick_linked_role_id", "", false, bot::normalise_role_id};

inline constexpr std::int64_t kMostMinutes = 10'000'000;
inline constexpr std::size_t kMostThresholds = 25;
/// What `normalise_minutes` has made.
std::vector<std::int64_t> read_minutes(std::string_view text);
/// As people read it beside minutes.
std::string hours(std::int64_t minutes);

/// Gives a member, or everybody, what was given before and is still given: he may have lost it unseen. To how
/// many roles that comes.
store::TxTask<std::int64_t> restore(store::Tx& tx, const bot::ServerContext& context,
                                    std::optional<std::string> member_id);

void declare(bot::Declarations& declarations);

}  // namespace guildhall::features::roles
