// The floor under everything that commits on SQLite: the same rows, written into a file of the same
// schema by prepared statements and nothing around them, with the same durability and group size.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace guildhall::bench {

struct RawLoad {
  std::string source;               // the database that holds the rows; nobody writes to it
  std::vector<std::string> tables;  // each event writes one row of each, in turn
  std::size_t events = 0;
  std::size_t group = 1;  // events per commit
};

/// Events per second.
double raw_events_per_second(const RawLoad& load);

struct RawFiles {
  std::string source;               // one server's file; nobody writes to it
  std::vector<std::string> tables;  // every file gets all of their rows
  std::size_t files = 0;
};

/// Seconds for one commit in each of so many files, one after the other, all of them open and each statement
/// prepared: in their second round, when they hold what was written in the first.
double raw_seconds_of_files(const RawFiles& load);

}  // namespace guildhall::bench
