#include "migrate/repair.h"

#include <fmt/format.h>

#include <algorithm>

namespace guildhall::migrate {
namespace {

Outcome<std::vector<const Standing*>> choose(const std::vector<Standing>& standings,
                                             const RepairOptions& options) {
  std::vector<const Standing*> chosen;
  if (options.cosmetic) {
    for (const Standing& one : standings) {
      if (one.state == State::cosmetic) chosen.push_back(&one);
    }
    return chosen;
  }
  const auto found = find_standing(standings, options.accept);
  if (!found) return std::unexpected(found.error());
  if ((*found)->state == State::changed || (*found)->state == State::cosmetic) chosen.push_back(*found);
  return chosen;
}

JournalRow row_of(const Standing& standing, const RepairOptions& options, std::int64_t token,
                  std::string who) {
  JournalRow row;
  row.name = standing.name;
  row.direction = "repair";
  row.state = "applied";
  row.checksum = standing.migration->up->checksum;
  row.token_checksum = standing.migration->up->token_checksum;
  row.applied_by = std::move(who);
  row.tool_version = GUILDHALL_VERSION;
  row.lock_token = token;
  row.note = options.cosmetic ? "the same meaning in other bytes" : options.reason;
  return row;
}

}  // namespace

Outcome<std::vector<std::string>> repair(const Target& target, const MigrationSet& set,
                                         const RepairOptions& options) {
  try {
    auto session = open_work_session(target, options.limits);
    if (!session) return std::unexpected(session.error());
    auto lock = Lock::take(target, **session,
                           {"repair", options.lock_wait, options.lock, options.interrupt, options.say});
    if (!lock) return std::unexpected(lock.error());
    Journal journal(**session, target.dialect);
    const auto rows = journal.read();
    if (!rows) return std::unexpected(rows.error());
    const auto standings = compare(set, *rows);
    const auto chosen = choose(standings, options);
    if (!chosen) return std::unexpected(chosen.error());
    std::vector<std::string> names;
    (*session)->execute("BEGIN");
    for (const Standing* one : *chosen) {
      journal.add(row_of(*one, options, (*lock)->token(), who_runs(**session, target.dialect)));
      names.push_back(one->name);
    }
    auto ours = (*lock)->check(**session);
    (*session)->execute(ours ? "COMMIT" : "ROLLBACK");
    if (!ours) return std::unexpected(ours.error());
    return names;
  } catch (const store::DatabaseError& error) {
    return std::unexpected(problem_of(error));
  }
}

}  // namespace guildhall::migrate
