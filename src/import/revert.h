// The way back to the old bot: what was earned and spent here since, as SQL for its tables.
//
// Each statement says what it expects to find, and changes nothing where it finds another figure: the script
// can be run twice. A person of several old names is given his under the first of them. After the script has
// run, an import into the same server would bring the same once more: erase that server here first.
#pragma once

#include <cstdint>
#include <string>

#include "base/error.h"
#include "bot/feature.h"
#include "import/old_database.h"
#include "tenancy/scope.h"

namespace guildhall::importing {

struct WayBack {
  std::string sql;
  std::int64_t people = 0;  // that the script changes
  std::int64_t minutes = 0;
  std::int64_t points = 0;
  /// People without a name in the chat: the old tables have no place for theirs.
  std::int64_t nameless = 0;
  std::int64_t nameless_points = 0;
};

/// Throws DatabaseError.
WayBack way_back(const OldDatabase& old, const tenancy::ServerScope& scope);

}  // namespace guildhall::importing
