// features: one folder per feature, all of one shape (docs/internals/architecture.md). This header is
// the one list of them. Features never include each other; they meet through events, through the
// core tables and through what bot offers.
#pragma once

#include "bot/feature.h"

namespace guildhall::features {

/// Every feature declares what it has.
void declare_all(bot::Declarations& declarations);

}  // namespace guildhall::features
