// What the proof puts into the operator's database, and how all of it goes away again.
#pragma once

#include "bot/feature.h"
#include "tenancy/scopes.h"

namespace guildhall::doctor {

/// The two servers, in the reserved range. The second has the smaller number, so that it comes first
/// wherever a missing predicate lets numbers decide.
inline constexpr ServerId kFirstServer{tenancy::kReservedServers.last.value() - 1};
inline constexpr ServerId kSecondServer{tenancy::kReservedServers.last.value() - 2};

/// Before anything else of the proof: the two servers, inactive, by which an interrupted run is found; and
/// a default for all servers that none of them uses.
void plant(tenancy::Tenancy& tenancy, TimePoint now);

/// Erases everything that the proof may have left, the servers last: interrupted, it is found again.
void clear(tenancy::Tenancy& tenancy, const bot::Declarations& declarations, const Clock& clock);

}  // namespace guildhall::doctor
