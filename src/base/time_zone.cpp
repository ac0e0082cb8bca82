#include "base/time_zone.h"

#include <date/tz.h>

#include <string>

namespace guildhall {

bool is_time_zone(std::string_view name) {
  try {
    return date::locate_zone(std::string(name)) != nullptr;
  } catch (const std::runtime_error&) {  // the library's word for "not found"
    return false;
  }
}

std::string format_local(TimePoint at, std::string_view zone) {
  const std::string name = is_time_zone(zone) ? std::string(zone) : "UTC";
  const auto minute = std::chrono::floor<std::chrono::minutes>(at);
  return date::format("%Y-%m-%d %H:%M %Z", date::make_zoned(name, minute));
}

}  // namespace guildhall
