// The number of a channel's chatroom. Kick's API does not tell it; its own site does, and keeps programs out
// when it likes.
#pragma once

#include <cstdint>
#include <string>

#include "platforms/kick/client.h"

namespace guildhall::kick {

/// Of the channel with that slug, if it is still that broadcaster's. Errors: `not_found`; `conflict` (the
/// channel is somebody else's); `forbidden`, `rate_limited`, `unavailable`: the site does not say so now.
Task<Result<std::int64_t>> find_chatroom(Client::Send send, std::string site_url, std::string slug,
                                         std::string broadcaster_id);

}  // namespace guildhall::kick
