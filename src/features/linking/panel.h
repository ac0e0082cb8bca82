// The panel: a message of the server with the button that begins a link. It stands where
// `link_panel_channel_id` says, follows the server's language, and is sent anew when the bot starts and it is
// gone.
#pragma once

#include "bot/feature.h"

namespace guildhall::features::linking {

/// Puts it up in that channel, or makes sure that it is there.
store::TxTask<void> put_panel(store::Tx& tx, bot::ServerContext& context, std::string channel_id);

void declare_panel(bot::Declarations& declarations);

}  // namespace guildhall::features::linking
