// The proof that servers are sealed off from each other, on the database as it is: two throw-away servers
// with the same ids and names but texts and amounts of their own live through everything that is declared;
// then each is asked for the other's.
//
// What counts as a leak:
//   - a text of one server in an answer, a row, a message, a metric or a log line of the other
//   - a row of one that changed while the other lived
//   - a statement that returns or changes something else at one server because the other is there
//   - a call or request with the other's ids that is answered otherwise than one with ids that nobody has
//   - memory of the process (settings, cooldowns, recent ids) that one has from the other
#pragma once

#include <functional>
#include <memory>
#include <string_view>

#include "base/clock.h"
#include "bot/feature.h"
#include "doctor/report.h"
#include "tenancy/scopes.h"

namespace guildhall::doctor {

struct Installation {
  const bot::Declarations& declarations;
  const Clock& clock;
  /// Opens the database once more. The metrics outlive what it returns.
  std::function<Result<std::unique_ptr<tenancy::Tenancy>>(tenancy::OpenOptions, Metrics&)> open;
};

/// Told in a word what is going on.
using Progress = std::function<void(std::string_view)>;

/// Runs the proof and erases its servers. One at a time per database: whoever calls it holds a lock.
/// Errors: those of `open`; `failed` when the two servers could not be made to live.
Result<Report> prove_isolation(const Installation& installation, const Progress& progress);

/// Erases what an interrupted run left in the reserved range.
Result<void> sweep(const Installation& installation);

}  // namespace guildhall::doctor
