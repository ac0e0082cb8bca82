// Where each migration stands: the files and the journal, compared.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "migrate/journal.h"
#include "migrate/migration_files.h"

namespace guildhall::migrate {

enum class State {
  pending,
  late,  // pending, with a number below the newest that is applied
  applied,
  baseline,  // was there when the database was adopted
  cosmetic,  // applied; other bytes now, the same meaning
  changed,   // applied; another meaning now
  missing,   // applied, or stopped on the way there, and there is no file
  partial,   // stopped in the middle of what is not one transaction
  failed,    // tried, rolled back
};

/// "applied", "partial", ...
std::string_view name_of(State state);

struct Standing {
  std::string name;
  std::int64_t number = 0;
  State state = State::pending;
  const Migration* migration = nullptr;  // none where it is missing; of the set that was compared
  std::optional<JournalRow> row;         // that put it where it stands
  std::optional<JournalRow> applied;     // that applied it; the same, but where its way back stopped midway
};

/// Is it in the database, whatever became of its file?
bool is_applied(State state);
/// Files and journal do not agree: nothing is run until they do.
bool is_drift(State state);

/// By number and name. The rows are those of a whole journal, in order.
std::vector<Standing> compare(const MigrationSet& set, const std::vector<JournalRow>& journal);

/// What is applied, in the order in which it was.
std::vector<const Standing*> in_order_of_application(const std::vector<Standing>& standings);

/// Finds one by its name or by the beginning of its name that only it has ("0004"). Problem `usage`.
Outcome<const Standing*> find_standing(const std::vector<Standing>& standings, std::string_view name);

}  // namespace guildhall::migrate
