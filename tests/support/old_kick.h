// The database of the old bot for Kick communities, which served one Discord server, as SQL for PostgreSQL:
// in every shape in which it is found, made anew from what is known of it. For tests, bench and
// `old_database`.
//
// The old bot and its dashboard each made their tables where they were missing, so that whichever began first
// decided how they look. The same description always makes the same rows. At `viewers` = n there are, beside
// some dozens of nasty ones:
//
//   watchtime, user_points, points_watchtime_converted, point_sales,
//   raffle_watchtime_converted, gtb_guesses                          n
//   links, raffle_tickets, raffle_ticket_log                         2n/3
//   slot_requests                                                    n/5
//   clips, oauth_notifications, raffle_gifted_subs                   n/10
//   raffle_shuffle_links, raffle_shuffle_wagers                      n/20
//   pending_links                                                    n/50
//   all others                                                       a few, or none
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace guildhall::test {

struct OldKick {
  enum class Shape {
    bot_only,       // what the bot makes: no table of servers, hardly a server column
    with_dashboard  // and what its dashboard adds: servers, commands, tokens, server columns that are half
                    // filled
  };

  Shape shape = Shape::bot_only;
  /// bot_settings as it was made before December 2025: by key alone.
  bool settings_before_december = false;
  /// A first try to make it multi-server was broken off: columns are there, some rows have a server.
  bool half_migrated = false;
  /// Uniques are plain unique indexes under other names; foreign keys and checks are missing.
  bool hand_made = false;
  /// The server that the bot served. Positive.
  std::int64_t home = 900'000'000'000'000'001;
  /// The rows of table servers (there is none in bot_only), in this order. Another one than home has links,
  /// settings, a raffle period and more of its own.
  std::vector<std::int64_t> servers = {900'000'000'000'000'001};
  /// From 2 to 9,999,999.
  std::int64_t viewers = 500;
  /// What data of years holds: names that differ in case alone, names of every kind, NULL wherever it is
  /// allowed, links of server 0, children that contradict their parent or have none, rows twice, a view that
  /// is grouped by a primary key.
  bool nasty = true;

  /// The first of `servers` that is not home, or where there is none a server that no table of servers knows.
  std::int64_t other() const;
};

/// Everything, for an empty database: tables, rows, keys, views. One script of statements without a
/// transaction of its own.
std::string script(const OldKick& database);

/// The name and the Discord id of a viewer, from 1 to `viewers`.
std::string viewer_name(std::int64_t viewer);
std::int64_t viewer_id(std::int64_t viewer);

/// A statement of the old bot, as its code sends it.
struct OldStatement {
  std::string name;  // "watchtime: tick"
  std::string sql;
  std::vector<std::string> values = {};  // of $1, $2, ...
  bool writes = true;
};

/// What the old bot sends to a database of this shape; all of it works there, in this order. Each `round`
/// adds rows of its own, so that all can be sent again.
std::vector<OldStatement> old_bot_statements(const OldKick& database, int round = 1);

}  // namespace guildhall::test
