// One look at everything that a migration needs, before it is needed: can the database be reached and
// changed, are the programs there, is there space, who holds the lock, do files, journal and schema agree,
// how did the last run end, which indexes are broken, which backups are there. Changes nothing, and shows no
// secret.
#pragma once

#include <string>
#include <vector>

#include "migrate/backup.h"
#include "migrate/migration_files.h"
#include "migrate/outcome.h"
#include "migrate/target.h"

namespace guildhall::migrate {

/// One line of the report.
struct Checkup {
  std::string topic;  // "connection", "rights", "lock", ...
  Level level = Level::info;
  std::string text;
  std::string hint = {};   // the way out, or ""
  Exit exit = Exit::done;  // of an error: how a run would end for it
};

struct DoctorOptions {
  const MigrationSet* set = nullptr;  // or nothing: then files are not compared
  std::filesystem::path backups = "backups";
  TimePoint now;
  std::chrono::seconds long_transaction{60};  // open so long, it is in the way
};

/// What fails is a line of its own, and everything that can still be looked at is.
std::vector<Checkup> examine(const Target& target, const DoctorOptions& options);

}  // namespace guildhall::migrate
