// The commands of roles.
#pragma once

#include "bot/feature.h"
#include "features/roles/roles_store.h"

namespace guildhall::features::roles {

/// As the audit log has a threshold.
std::string described(const ThresholdRow& row);

void declare_commands(bot::Declarations& declarations);

}  // namespace guildhall::features::roles
