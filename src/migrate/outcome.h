// How a run of the tool ends: the exit codes that every command keeps to, and a problem with its code and way
// out.
#pragma once

#include <cstddef>
#include <expected>
#include <string>
#include <string_view>
#include <utility>

#include "base/error.h"
#include "migrate/finding.h"
#include "store/database_error.h"

namespace guildhall::migrate {

enum class Exit : int {
  done = 0,    // or nothing to do
  failed = 1,  // a migration failed and was rolled back
  usage = 2,
  no_database = 3,  // cannot connect, read-only, or a journal that cannot be read
  locked = 4,       // another runner holds the lock, or took it
  drift = 5,        // files, journal and schema do not agree
  refused = 6,      // a guard said no
  midway = 7,       // stopped within a migration that is not one transaction: resume
  no_backup = 8,    // backup or its verification failed; nothing was run
  timed_out = 9,    // lock or statement timeout after every try
  no_space = 10,    // or no memory
  no_permission = 11,
  unhealthy = 12,
  pending = 20,  // status --check
  interrupted = 130,
  terminated = 143,
};

/// Of a script; the line stands in the finding.
struct Place {
  std::string file = {};       // name within the directory; "": in none
  std::size_t statement = 0;   // from 1; 0: of none
  std::size_t statements = 0;  // that the file has
};

struct Problem {
  Exit exit = Exit::failed;
  Finding finding;
  Place place = {};
  std::string sqlstate = {};  // what the database called it, or ""
  bool was_run = false;       // statements were; else it was refused before any was

  /// "at FILE line 28, statement 5 of 13", "in FILE", or "".
  std::string where() const;
  /// What became of the migration that met it: "refused", "rolled back" or "stopped midway".
  std::string_view ending() const;
};

template <class T>
using Outcome = std::expected<T, Problem>;

inline std::unexpected<Problem> stop(Exit exit, std::string code, std::string text, std::string hint = {}) {
  return std::unexpected<Problem>(
      Problem{exit, {std::move(code), Level::error, "", 0, std::move(text), std::move(hint)}});
}

/// SIGINT or SIGTERM came; `text` says what became of what ran.
Problem interruption(int signal, std::string text);

/// What the database refused, as a problem: MG- and its SQLSTATE (or SQLite's result code).
Problem problem_of(const store::DatabaseError& error);
/// What opening or reading brought.
Problem problem_of(const Error& error);

}  // namespace guildhall::migrate
