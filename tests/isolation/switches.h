// Which mutations are switched on in this program: in the beginning the one that GUILDHALL_MUTATION names.
#pragma once

#include <set>

#include "base/mutation.h"

namespace guildhall::test {

/// Changed only while nothing of the product runs.
std::set<Mutation>& switched_on();

}  // namespace guildhall::test
