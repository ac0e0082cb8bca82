// move: carries a whole database from one layout to another (sqlite:FILE, sqlite-per-server:DIR,
// postgres://...), in any direction.
//
// Called by `guildhall move` alone, while no bot runs on either end. It promises: the source is only read;
// the target is empty at the beginning, or holds what an interrupted move from the same source left, which
// is then continued; rows arrive value by value as they were, each server's in the place that is that
// server's; before it reports success, it has compared the number of rows and a checksum of every table
// and server on both sides. Until then the target bears a mark (the table `move_progress`) and no bot opens
// it. It never copies the journal of migrations: the target has its own. It knows no table by name: classes
// and homes come from the TableCatalog, columns and keys from the target's own catalog.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "store/place.h"
#include "tenancy/table.h"

namespace guildhall::move {

struct Progress {
  enum class Step { copying, comparing } step = Step::copying;
  std::uint64_t rows = 0;  // done with in this step
  std::uint64_t of = 0;
};

struct Options {
  /// Continue what an interrupted move left in the target.
  bool resume = false;
  /// Told after every batch and between the steps.
  std::function<void(const Progress&)> on_progress = {};
  /// Rows that are read at once; of so many at least, but for the last, each commit consists.
  std::size_t batch = 2'000;
  /// How long to wait for sessions of others to end before the move is refused.
  std::chrono::milliseconds patience{1'000};
};

/// Of one table, over all servers.
struct TableSum {
  std::string table;
  std::uint64_t rows = 0;
  std::string checksum;  // hexadecimal; the same on every layout
};

struct Report {
  std::uint64_t servers = 0;
  std::uint64_t rows = 0;
  bool resumed = false;
  std::vector<TableSum> tables;
};

/// What can be said before anything is opened: that the two ends are two, that each is a whole database and
/// not one file of a folder's, that the source exists. Errors `usage`, `storage`.
Result<void> check_places(const store::DatabasePlace& from, const store::DatabasePlace& to);

/// On PostgreSQL the login of `url` has to be one that may act as guildhall_owner; for the source
/// guildhall_ro will do. Errors: `usage` (one place twice), `storage` (unreachable, damaged, disk full),
/// `schema` (no Guildhall database, older, newer), `refused_by_guard` (target not empty, another move's
/// target, rights), `other_instance` (somebody uses it), `failed` (rows that the target refuses; a difference
/// at the end, with table and server).
Result<Report> move_database(const store::DatabasePlace& from, const store::DatabasePlace& to,
                             const tenancy::TableCatalog& catalog, const Clock& clock,
                             const Options& options);

/// Whoever opens a database asks first: is it the target of a move that has not ended? Error
/// `refused_by_guard`.
Result<void> refuse_unfinished(const store::DatabasePlace& place);

}  // namespace guildhall::move
