// What a function, procedure or rule of a PostgreSQL database says of the server where it writes into tables
// that are converted: read from its text, statement by statement, also within strings that it may run, which
// what it says with RAISE is not. What it puts together only as it runs is not seen.
#pragma once

#include <string>
#include <vector>

#include "convert/scheme.h"

namespace guildhall::convert {

struct RoutineWrites {
  /// For people: "its INSERT INTO points names no server". They fail once contract is through.
  std::vector<std::string> failing = {};
  /// "its UPDATE points names no server": may be meant for all servers, or say it in a way that is not seen.
  std::vector<std::string> doubtful = {};
};

/// Names that column of that table, as far as can be told: both stand in it.
bool names_column(const Routine& routine, const SchemeTable& table);

/// Of a routine that writes into none of the scheme's tables, or whose text is not understood, nothing.
RoutineWrites writes_of(const Routine& routine, const Scheme& scheme);

}  // namespace guildhall::convert
