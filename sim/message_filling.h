// What Discord adds to a message before it shows it: numbers of components, kinds of embeds, defaults.
#pragma once

#include "base/json.h"

namespace guildhall::sim {

/// Components as they come back, each with a number of its own.
json::Array filled_components(json::Array components);
json::Array filled_embeds(json::Array embeds);

}  // namespace guildhall::sim
