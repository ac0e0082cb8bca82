// The way back to the old bot: what was earned and spent here since, as SQL for its tables.
//
// Each statement says what it expects to find, and changes nothing where it finds another figure: the script
// can be run twice. A person of several old names is given his under the first of them; what he spent is
// taken from the first that has it. Whose an old name is, the import noted; a viewer who was renamed since
// has the row of his old name. What cannot be given to anybody with certainty is left out and told. After the
// script has run, an import into the same server would bring the same once more: erase that server here
// first.
//
// However many people there are, a page of them is in memory: what they have and what was carried for them is
// read in pages, within one transaction, into a passing file of SQLite's (in its folder for temporary files),
// which puts names and people together.
#pragma once

#include <boost/json/object.hpp>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "base/error.h"
#include "import/old_database.h"
#include "tenancy/scope.h"

namespace guildhall::importing {

struct WayBackOptions {
  std::int64_t at_once = 5'000;  // people, names or keys in one page
  std::function<bool()> is_stopped = [] { return false; };
  std::function<void(const std::string&)> say = [](const std::string&) {};
  /// So often at most how far it is.
  std::chrono::milliseconds between_lines{2'000};
};

/// Old names whose amounts were taken over, and of whom nothing says who he is now: their viewers were
/// renamed, and an earlier version of this program, which did not note whom it booked for, took them over.
struct LostName {
  std::string measure;  // "minutes", "points"
  std::string old_name;
  std::int64_t amount = 0;  // as it was taken over
};

/// What came since for somebody, and is not in the script.
struct LeftOut {
  enum class Reason {
    may_be_lost,  // no old name is known for him, and one of the lost ones may be his: written, it might be
                  // doubled
    shared,       // what was taken over of his old name is another's as well
    name_taken,   // he has no old row, and one under his name is another's
  };
  std::string measure;
  std::string name;
  std::int64_t amount = 0;
  Reason reason = Reason::may_be_lost;
};

struct WayBack {
  std::int64_t people = 0;  // that the script changes
  std::int64_t minutes = 0;
  std::int64_t points = 0;
  /// People without a name in the chat: the old tables have no place for theirs.
  std::int64_t nameless = 0;
  std::int64_t nameless_points = 0;
  std::vector<LostName> lost = {};
  std::vector<LeftOut> left_out = {};
};

/// What is not in the script, for people; "" where all of it is.
std::string text_of(const WayBack& back);
/// All of it.
boost::json::object json_of(const WayBack& back);

/// Writes the script, a new file, which has its name when all of it is on the disk; before that it is
/// FILE.partial, which one run at a time writes. Errors: `usage` (it is there already), `conflict` (another
/// run writes it), `failed` (it cannot be written, or stopped). Throws DatabaseError.
Result<WayBack> write_way_back(const OldDatabase& old, const tenancy::ServerScope& scope,
                               const std::filesystem::path& file, const WayBackOptions& options = {});

}  // namespace guildhall::importing
