// What is done to a database, one step after another. Steps are not remembered but found: `expand_steps` and
// its like look at a schema as it stands and say what is still missing, so that a run that was killed
// anywhere is gone on with by asking again. A step that is done is one that is not found any more.
#pragma once

#include <compare>
#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace guildhall::convert {

/// PostgreSQL's table locks, as far as steps take them.
enum class LockLevel {
  none,
  access_share,            // reads
  row_exclusive,           // writes rows
  share_update_exclusive,  // others read and write on
  share_row_exclusive,     // others read on; writes wait
  access_exclusive         // everybody waits
};
std::string_view name_of(LockLevel level);

enum class StepKind {
  transaction,   // all statements in one, with a lock timeout and tries
  concurrently,  // one statement outside of one, which waits for nobody's table
  backfill,      // the statement again and again, a range of pages each time
  merge  // two in one transaction, again and again: the first gives the places of rows that it locks, the
         // second is about these; until there are none
};

/// Something that a step makes, by which the way back knows it from what others made.
struct Made {
  /// "index", which may stand behind a constraint of that name, "reference", "check", "policy"; "row
  /// security", "forced row security" of a table, "invoker" of a view: switched on; "view": made again in
  /// another way, "unfilled": without its rows, which come behind that, or "unfillable"; "right SELECT" and
  /// its like: what a role, by name, was given.
  std::string kind;
  std::string table;
  std::string name = {};  // "" of what is switched on

  friend auto operator<=>(const Made&, const Made&) = default;
};
using MadeThings = std::set<Made>;

struct Step {
  std::string table;  // "" of none
  std::string what;   // for people: "tenant column"
  StepKind kind = StepKind::transaction;
  LockLevel lock = LockLevel::none;
  // A backfill has $1 and $2, the range of pages; the second of a merge $1, the places (tid[]).
  std::vector<std::string> statements;
  std::int64_t bytes = 0;               // that it reads or makes, as far as can be told
  bool grows_with_size = false;         // its own duration does
  std::vector<std::string> locks = {};  // further tables that are locked with it
  std::vector<Made> makes = {};         // put down with the step, or before it where it is no transaction

  /// "user_points: tenant column": the same for the same step of any run.
  std::string name() const;
};

using Steps = std::vector<Step>;

}  // namespace guildhall::convert
