#include "features/features.h"

namespace guildhall::features {

void declare_all(bot::Declarations&) {}

}  // namespace guildhall::features
