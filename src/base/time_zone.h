// Time zones by their names in the system's zone database.
#pragma once

#include <string>
#include <string_view>

#include "base/clock.h"

namespace guildhall {

/// A name such as "Europe/Berlin" or "UTC" that the zone database knows?
bool is_time_zone(std::string_view name);

/// To the minute, as clocks there show it: "2026-05-01 12:00 CEST". Of a zone that is none: UTC.
std::string format_local(TimePoint at, std::string_view zone);

}  // namespace guildhall
