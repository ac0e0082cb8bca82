// Time zones by their names in the system's zone database.
#pragma once

#include <string_view>

namespace guildhall {

/// A name such as "Europe/Berlin" or "UTC" that the zone database knows?
bool is_time_zone(std::string_view name);

}  // namespace guildhall
