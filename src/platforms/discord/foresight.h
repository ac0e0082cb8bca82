// Before a call is made: would Discord refuse it for want of a permission? Refusals of that kind, repeated,
// get a machine's address banned, and Discord does not say which permission it was.
#pragma once

#include "base/error.h"
#include "platforms/discord/rest_call.h"
#include "platforms/discord/state.h"

namespace guildhall::discord {

/// Error `forbidden`, with what is missing, where, and the way out. Only what is certain counts: of a guild,
/// a channel or a role that the state does not know the call is made, and its answer says it.
Result<void> foresee(const State& state, const RestCall& call, TimePoint now);

}  // namespace guildhall::discord
