// What roles takes over from old bots.
#pragma once

#include "bot/feature.h"

namespace guildhall::features::roles {

void declare_import(bot::Declarations& declarations);

}  // namespace guildhall::features::roles
