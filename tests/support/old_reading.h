// The SQLite database of the old bot for reading clubs, which served one Discord server, as SQL: in every
// generation in which it is found, made anew from what is known of it. For tests, bench and `old_database`.
//
// The same description always makes the same rows. At `members` = n there are, beside some dozens of nasty
// ones:
//
//   user_manga_progress                                            20n  (from L1 on)
//   achievements, user_progress                                     2n  (user_progress from L1 on)
//   users, user_stats, cached_stats, invite_uses                     n  (the last two from L1 on)
//   steam_users, manga_challenges, user_progress_checkpoint        n/4
//   challenges, challenge_manga                                     40
//   all others                                                   a few
#pragma once

#include <cstdint>
#include <string>

namespace guildhall::test {

struct OldReading {
  enum class Generation {
    l0,  // six tables, users without AniList account
    l1,  // the 19 tables of one server; five invite tables name a server, more or less
    l2,  // guild_id added everywhere as a bare nullable column, keys as they were, users made anew
    l3   // and some twenty tables of servers and caches, with what was left over of attempts
  };

  Generation generation = Generation::l1;
  std::int64_t members = 20;  // from 5 to 9,999,999
  std::int64_t home = 700'000'000'000'000'001;
  /// Tables as the program's own text has them, where the one that was found differs from it.
  bool made_by_code = false;
  /// What operators add: indexes of every kind, triggers, views, a generated column, tables with odd names.
  bool operator_made = false;
  /// Rows twice, rows without their parent, NULL in keys, text in columns of numbers, ids that were deleted,
  /// invites of two servers.
  bool nasty = true;

  std::int64_t other() const { return home + 1; }
};

/// Everything, for an empty database. One script of statements; leaves foreign keys unchecked in the session.
std::string script(const OldReading& database);

/// The Discord id of a member, from 1 to `members`; its name is "reader_" and the number.
std::int64_t reader_id(std::int64_t member);

}  // namespace guildhall::test
