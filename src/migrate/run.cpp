#include "migrate/run.h"

#include <fmt/format.h>

#include <algorithm>

#include "migrate/script_rules.h"

namespace guildhall::migrate {

Outcome<void> check_agreement(const MigrationSet& set, const std::vector<Standing>& standings,
                              bool allow_late) {
  for (const Finding& one : set.findings) {
    if (one.level != Level::error) continue;
    Problem problem{one.code.starts_with('L') ? Exit::refused : Exit::drift, one};
    if (one.line > 0) problem.place.file = one.name;
    problem.finding.text = fmt::format("{}: {}", one.name, one.text);
    return std::unexpected(std::move(problem));
  }
  for (const Standing& one : standings) {
    if (one.state == State::changed)
      return stop(
          Exit::drift, "E-CHANGED", fmt::format("{} was changed after it had been applied", one.name),
          fmt::format("Bring it back as it was, or: guildhall migrate repair --accept {} --reason ...",
                      one.name));
    if (one.state == State::missing)
      return stop(Exit::drift, "E-MISSING", fmt::format("{} was applied, and its file is gone", one.name),
                  "Bring the file back.");
    if (one.state == State::late && !allow_late)
      return stop(
          Exit::drift, "E-LATE", fmt::format("{} is not applied, and later ones are", one.name),
          "Give it a higher number, or use --allow-late, which first proves that the order does not matter.");
  }
  return {};
}

Outcome<void> check_together(const std::string& name, const Script& script, Dialect dialect) {
  if (runs_in_transaction(script, dialect)) return {};
  return stop(Exit::refused, "MG-TOGETHER", fmt::format("{} cannot run in a transaction with others", name),
              "Apply it by itself: --to the one before it, then --steps 1.");
}

std::set<std::string> backups_in_use(const std::vector<JournalRow>& rows) {
  std::set<std::string> used;
  std::string last;
  for (const JournalRow& row : rows) {
    if (row.backup_file.empty()) continue;
    if (row.state == "started" || row.state == "partial") used.insert(row.backup_file);
    if (row.state == "applied") last = row.backup_file;
  }
  if (!last.empty()) used.insert(last);
  return used;
}

}  // namespace guildhall::migrate
