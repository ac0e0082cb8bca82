// What `down` would run, and what of the data would go: for whoever wants to see it first, or to run it by
// hand. Looks, and changes nothing.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "migrate/data_loss.h"
#include "migrate/plan.h"
#include "migrate/run.h"

namespace guildhall::migrate {

struct PlannedWayBack {
  PlannedMigration planned;  // its statements that are still to run; without lint and prechecks
  std::string source;        // "file", or "derived": nobody wrote one
  std::string script;        // to be run by hand: those statements, and the transaction around them
  std::vector<Loss> losses;
};

struct DownPlan {
  Dialect dialect = Dialect::postgres;
  std::vector<PlannedWayBack> ways;  // in the order in which they would run
  std::optional<Problem> refused;    // why the run would end before any of it: data that goes unconfirmed
  std::int64_t space_bytes = 0;
};

/// Problems as of `down`, but for what is refused for its data. Throws DatabaseError.
Outcome<DownPlan> plan_down(const Target& target, const MigrationSet& set, const DownOptions& options);

/// For people: aligned, ASCII but for what the scripts hold.
std::string show(const DownPlan& plan);

}  // namespace guildhall::migrate
