// What watchtime takes over from old bots.
#pragma once

#include "bot/feature.h"

namespace guildhall::features::watchtime {

void declare_import(bot::Declarations& declarations);

}  // namespace guildhall::features::watchtime
