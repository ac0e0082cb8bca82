// A link to a viewer who is known by his name alone: an old bot or an administrator said that he is this
// member, and no platform has told his number. When the member is called otherwise at the platform, he has
// come under another name, and whoever may be called so from now on is somebody else.
#pragma once

#include "bot/links.h"

namespace guildhall::bot {

bool is_known_by_name(const Identity& account);

/// Undoes the member's link to such a viewer, and what it had brought stays with the member: it is nobody
/// else's. Nothing is booked, since nothing moves; the link to his account under its new name is made and
/// undone as any other. Error `not_found` when the member has no such link.
store::TxTask<Result<void>> leave_old_name(store::Tx& tx, DiscordUserId member, std::string platform,
                                           tenancy::Actor actor, TimePoint now);

}  // namespace guildhall::bot
