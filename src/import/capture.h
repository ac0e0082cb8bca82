// What the old bot writes while it is followed, and the fence that ends it. All of it lies in the old
// database, in a schema of its own, and goes again with `remove`.
//
//   guildhall_follow.changes             one row for each key that a statement touched
//   guildhall_follow_insert, _update, _delete, _truncate
//                                        triggers behind each statement of the old bot: they write those
//   guildhall_follow_fence               the trigger before each: it refuses, with a sentence for people
//   guildhall_follow_keys_TABLE          an index by the key, where the table has none: behind the fence the
//   rows
//                                        of a few keys are read, however many there are
//
// A statement of the old bot costs one more insert, and does not fail: the triggers act with the rights of
// whoever made them. The locks that making them takes are asked for with a short timeout, again and again, so
// that nobody queues behind them for long.
#pragma once

#include <chrono>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "import/old_database.h"

namespace guildhall::importing {

struct CaptureLimits {
  std::chrono::milliseconds lock_timeout{200};
  int tries = 150;
  std::chrono::milliseconds pause{200};  // between two tries
};

/// The keys of one table; `all`: it was emptied.
struct ChangedKeys {
  bool all = false;
  std::set<std::string> keys = {};
};

class Capture {
 public:
  /// `sources`: the tables that are followed.
  Capture(OldDatabase& old, std::vector<bot::OldSource> sources, CaptureLimits limits = {});

  /// Is the fence up?
  bool is_fenced();
  /// From here on every change is noted. Again: makes what is missing. Error `unavailable`: a lock was not
  /// there in time, `forbidden`: no right to make triggers.
  Result<void> begin();
  /// Within a transaction that began after `begin`: what is noted so far, by table.
  std::map<std::string, ChangedKeys> changes();
  /// Within the same: those are done with.
  void forget_changes();
  /// Begins a transaction in which nobody else writes to the followed tables, and puts up the fence, which
  /// stands when it is committed. Whoever writes meanwhile waits, since the moment that is returned at the
  /// longest. Errors as of `begin`.
  Result<std::chrono::steady_clock::time_point> fence();
  /// Takes everything away, the fence too. Error as of `begin`.
  Result<void> remove();

 private:
  Result<void> insist(const std::string& what, const std::function<void()>& attempt);
  void index_keys(const bot::OldSource& source);
  std::string table(const bot::OldSource& source) const;

  OldDatabase& old_;
  std::vector<bot::OldSource> sources_;
  CaptureLimits limits_;
};

}  // namespace guildhall::importing
