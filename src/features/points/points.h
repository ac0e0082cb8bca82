// points: what a person earns in a server, from watch time and by an administrator's correction.
//
// Members and viewers ask with `points [user]` (balance, pts); administrators change balances with
// `points add|remove <user> <amount> <reason>`; owners set the rates `points_per_5min` and
// `sub_points_per_5min` and see balances over time on the dashboard.
//
// Each whole five minutes of watch time pay once: those watched as a subscriber at the subscriber's
// rate, the others at the plain one; what is left over carries on. Time that passes while the feature
// or both rates are off is used up without pay. Stages in the minute's tick after watch time. Owns:
// point_conversions; books through bot/ledger.h under the unit "points".
#pragma once

#include "bot/feature.h"

namespace guildhall::features::points {

inline constexpr bot::BooleanSetting kEnabled{"points_enabled", true};
inline constexpr bot::IntegerSetting kRate{"points_per_5min", 1, 0, 1'000'000};
inline constexpr bot::IntegerSetting kSubscriberRate{"sub_points_per_5min", 2, 0, 1'000'000};

void declare(bot::Declarations& declarations);

}  // namespace guildhall::features::points
