#pragma once

#include "bot/feature.h"

namespace guildhall::features::linking {

void declare_commands(bot::Declarations& declarations);

}  // namespace guildhall::features::linking
