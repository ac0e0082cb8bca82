// The commands and dashboard routes of points.
#pragma once

#include "bot/feature.h"

namespace guildhall::features::points {

void declare_commands(bot::Declarations& declarations);
void declare_routes(bot::Declarations& declarations);

}  // namespace guildhall::features::points
