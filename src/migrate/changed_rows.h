// The rows that an UPDATE or a DELETE would change, as questions that change nothing.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "migrate/statement_reading.h"

namespace guildhall::migrate {

/// How many rows a DELETE takes: "SELECT count(*) FROM ..."; nothing where its words do not let themselves be
/// asked (a WITH that writes).
std::optional<std::string> count_of_deleted(const StatementReading& reading);

/// A column that an UPDATE sets.
struct Overwriting {
  std::string column;  // as it is written
  std::string before;  // "SELECT count(*) FROM t AS x WHERE "
  std::string behind;  // " AND ..."

  /// How many rows lose a value there, of those that hold one: the condition under which they do.
  std::string count(const std::string& holds) const { return before + holds + behind; }
};
/// Of an UPDATE: the columns that it sets to something that is not made of what they held. None of one
/// whose WITH writes, too.
std::vector<Overwriting> overwritten_by(const StatementReading& reading, Dialect dialect);

}  // namespace guildhall::migrate
