// A recorded statement run once more at a server, in a unit of work that is always rolled back: what it
// answers and would change, and nothing of it remains.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "doctor/recorder.h"
#include "tenancy/scopes.h"

namespace guildhall::doctor {

struct Outcome {
  std::vector<std::string> rows;  // as text, sorted
  std::int64_t changes = 0;
  std::string error;  // of the database, by its kind; "" without
  bool operator==(const Outcome&) const = default;
  std::int64_t count() const { return static_cast<std::int64_t>(rows.size()) + changes; }
};

/// Distinct lists of values per statement: a few that were used, those first that returned or changed
/// something, and the last of them; and each first one with other values that a parameter of that name had
/// anywhere.
using Samples = std::map<std::size_t, std::vector<Run>>;
Samples samples_of(const std::vector<Run>& runs, const store::StatementRegistry& statements);

/// Runs `sample` at the server: with its scope, or through the cross-server door with that server as the
/// whole range, or as a statement of no server.
Outcome replay(tenancy::Tenancy& tenancy, const store::StatementInfo& info, const Run& sample,
               ServerId server, TimePoint now);

}  // namespace guildhall::doctor
