// A migration that is run in slices, each committed by itself, so that no row stays locked for long:
//
//   -- guildhall: batch=users(id) size=1000 pause=50ms
//   UPDATE users SET email_folded = lower(email) WHERE email_folded IS NULL;
//
// The file is plain SQL: run by hand it does the same in one go. The tool adds the slice to the statement's
// own condition, "... WHERE (users.id > '1000' AND users.id <= '2000') AND (email_folded IS NULL)". That is
// safe whatever the condition is, as it can only leave rows out, and each row has its key in exactly one
// slice; a placeholder that the file would have to carry can be forgotten or put in the wrong place, and then
// it would not run by hand. The slices go up the key and are counted in rows of the table, whether the
// condition takes them or not: so a row that was changed is never met again, also when it still meets the
// condition.
//
// The key is one column, unique and not null, and the statement does not set it. What others insert meanwhile
// above the last key is done too; below it, it is theirs.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "migrate/migration_files.h"
#include "migrate/outcome.h"
#include "store/schema_session.h"

namespace guildhall::migrate {

/// The one UPDATE or DELETE of a batch file.
struct BatchStatement {
  std::string table;                   // as it is written
  bool only = false;                   // without the tables that inherit from it
  std::string alias = {};              // what its columns are named with: its alias, or the table's own name
  std::string key = {};                // as the option has it; "": the primary key
  std::vector<std::string> sets = {};  // columns, by name_key
  std::string before = {};             // the text up to its WHERE
  std::string condition = {};          // behind that; "" where it has none
};

/// Error `invalid`: what of it cannot be sliced, for the statement's line.
Result<BatchStatement> read_batch(const Script& script, Dialect dialect);

/// The column whose slices are taken, quoted. Problem `refused`: no such table, or no column that is one.
Outcome<std::string> batch_key(store::SchemaSession& session, const BatchStatement& statement,
                               Dialect dialect);

/// The keys above `from` ("": from the first), up to `to`; both as SQL has them, like '1000'.
struct Slice {
  std::string from;
  std::string to;
};
/// What is run for it; up to its condition it is the statement's own text.
std::string slice_sql(const BatchStatement& statement, std::string_view key, const Slice& slice);
/// Answers the last key of the next `size` rows above `from`, as SQL has it; no row when none is left.
std::string next_key_sql(const BatchStatement& statement, std::string_view key, const std::string& from,
                         std::int64_t size, Dialect dialect);

/// How many rows at once, and how long to leave the others alone after them: fewer rows while slices take
/// long or wait for locks, as many as asked for again when they are quick; a longer pause while a replica is
/// behind.
class BatchPace {
 public:
  BatchPace(std::int64_t size, std::chrono::milliseconds pause) : most_(size), size_(size), pause_(pause) {}

  std::int64_t size() const { return size_; }
  std::chrono::milliseconds pause(std::chrono::milliseconds replica_lag) const;
  /// A slice is done.
  void took(std::chrono::milliseconds time);
  /// A slice was given up: it waited for a lock for as long as it may.
  void waited_in_vain();

  static constexpr std::chrono::milliseconds kLong{1'000};
  static constexpr std::chrono::milliseconds kQuick{250};
  static constexpr std::chrono::milliseconds kMostLag{10'000};

 private:
  std::int64_t most_;
  std::int64_t size_;
  std::chrono::milliseconds pause_;
};

/// PostgreSQL: how far the slowest replica is behind, as far as this role may see (pg_read_all_stats); 0
/// where there is none.
std::chrono::milliseconds replica_lag(store::SchemaSession& session);

}  // namespace guildhall::migrate
