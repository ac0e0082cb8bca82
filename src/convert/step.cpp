#include "convert/step.h"

#include <fmt/format.h>

#include <utility>

namespace guildhall::convert {

std::string_view name_of(LockLevel level) {
  switch (level) {
    case LockLevel::none: return "none";
    case LockLevel::access_share: return "ACCESS SHARE";
    case LockLevel::row_exclusive: return "ROW EXCLUSIVE";
    case LockLevel::share_update_exclusive: return "SHARE UPDATE EXCLUSIVE";
    case LockLevel::share_row_exclusive: return "SHARE ROW EXCLUSIVE";
    case LockLevel::access_exclusive: return "ACCESS EXCLUSIVE";
  }
  std::unreachable();
}

std::string Step::name() const { return table.empty() ? what : fmt::format("{}: {}", table, what); }

}  // namespace guildhall::convert
