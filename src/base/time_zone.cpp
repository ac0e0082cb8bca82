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

}  // namespace guildhall
