// The commands and dashboard routes of watchtime.
#pragma once

#include "bot/feature.h"

namespace guildhall::features::watchtime {

void declare_commands(bot::Declarations& declarations);
void declare_routes(bot::Declarations& declarations);

}  // namespace guildhall::features::watchtime
