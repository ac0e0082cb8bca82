// The two ways of taking one measure, for sums.cpp alone.
#pragma once

#include <stop_token>
#include <string>
#include <vector>

#include "convert/rows.h"
#include "convert/sums.h"

namespace guildhall::convert {

/// What is read for one measure.
struct Reading {
  const Measure* measure = nullptr;
  const Table* table = nullptr;
  const Table* parent = nullptr;       // where the measure has one
  std::string rows;                    // SQL: the table as t
  std::string join = {};               // SQL: its parents, behind that
  std::string parent_alias = {};       // SQL: of those
  std::string server = {};             // SQL: t's server; "" where it is not asked for
  std::vector<std::string> sums = {};  // columns of t whose totals are wanted
};

/// Of the tool's own making, for SQLite.
std::int64_t hash_of(std::string_view text);

/// PostgreSQL: SQL that says of a row of t (or p) that it was written after a snapshot.
class WrittenSince {
 public:
  /// "" for `snapshot`: nothing was. Throws DatabaseError.
  WrittenSince(store::SchemaSession& session, const std::string& snapshot);
  bool is_asked() const { return is_asked_; }
  std::string sql(std::string_view alias) const;

 private:
  bool is_asked_ = false;
  bool is_too_old_ = false;
  std::int64_t limit_ = 0;  // as in a row's header: all before it had ended by then
};

/// In one pass. `readings` are of one table, have one key, and no row has two parents by one of them; what is
/// asked per server and as totals is the first one's.
std::vector<Measured> read_postgres(store::SchemaSession& session, const std::vector<Reading>& readings,
                                    const WrittenSince& written);
/// Stops between two rows, with what there is.
Measured read_sqlite(store::SchemaSession& session, const Reading& reading, const std::stop_token& stop);

}  // namespace guildhall::convert
