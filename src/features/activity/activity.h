// activity: what happened lately at a server, on its dashboard page: streams, gifted subscriptions,
// members who came and went; corrections and links note themselves (bot/activity.h). Subscribes to
// StreamStatus, GiftedSubs, MemberJoined, MemberLeft. Owns no table.
#pragma once

#include "bot/feature.h"

namespace guildhall::features::activity {

void declare(bot::Declarations& declarations);

}  // namespace guildhall::features::activity
