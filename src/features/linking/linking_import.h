#pragma once

#include "bot/feature.h"

namespace guildhall::features::linking {

void declare_import(bot::Declarations& declarations);

}  // namespace guildhall::features::linking
