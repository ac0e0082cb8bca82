// How far the standbys of a PostgreSQL server are behind, also those that stand still: the server's own
// figure (pg_stat_replication.replay_lag) is of what a standby has told, and one whose replay is paused tells
// nothing more.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <string>

#include "store/schema_session.h"

namespace guildhall::convert {

/// When the log was how long. From two looks that are apart by t a standby is told that is behind by t.
class LogMarks {
 public:
  using Clock = std::chrono::steady_clock;

  /// The log ends at that byte now.
  void add(Clock::time_point now, std::int64_t end);
  /// How long ago the log was longer than that for the first time, as far as was looked; 0 where it is not.
  std::chrono::milliseconds since(Clock::time_point now, std::int64_t replayed) const;

 private:
  struct Mark {
    Clock::time_point when;
    std::int64_t end;
  };
  std::deque<Mark> marks_;  // each one longer than the one before it
};

struct Standby {
  std::string name = {};  // as it calls itself
  std::chrono::milliseconds behind{0};
};

class StandbyLag {
 public:
  /// The one that is the farthest behind, since the object looks; 0 without one. Standbys that the login may
  /// not see are none. Throws DatabaseError.
  Standby ask(store::SchemaSession& session);

 private:
  LogMarks marks_;
};

}  // namespace guildhall::convert
