// The commands of roles.
#pragma once

#include "bot/feature.h"

namespace guildhall::features::roles {

void declare_commands(bot::Declarations& declarations);

}  // namespace guildhall::features::roles
