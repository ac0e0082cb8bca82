// Expansion and contraction on PostgreSQL.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "convert/ways.h"
#include "store/quoting.h"

namespace guildhall::convert {

using migrate::Dialect;
using migrate::Exit;
using migrate::Outcome;

Outcome<RunReport> expand_postgres(ConversionRun& run) {
  if (auto opened = run.open(); !opened) return std::unexpected(opened.error());
  if (run.found().has_begun()) {
    if (auto fits = run.check_state({State::expanding, State::expanded},
                                    "'guildhall convert status' shows where it stands.");
        !fits)
      return std::unexpected(fits.error());
    if (auto fits = check_findings(run.found().scheme); !fits) return std::unexpected(fits.error());
    if (auto fits = run.attribute(); !fits) return std::unexpected(fits.error());
  } else if (auto fits = run.examine(); !fits) {
    return std::unexpected(fits.error());
  }
  if (auto taken = run.take_lock(); !taken) return std::unexpected(taken.error());
  if (!run.found().has_begun()) {
    if (auto backed_up = run.back_up(); !backed_up) return std::unexpected(backed_up.error());
    if (auto begun = run.begin(); !begun) return std::unexpected(begun.error());
  }
  const auto steps = [](const Look& found) { return expand_steps(found.scheme, found.facts); };
  if (auto done = run.run_until_done(steps); !done) return std::unexpected(done.error());
  if (run.found().conversion->state == State::expanded && run.report().steps == 0) return run.report();
  if (auto verified = run.verify(Writers::running); !verified) return std::unexpected(verified.error());
  run.set_state(State::expanded);
  return run.report();
}

namespace {

/// Programs in the database that write as the old program did.
Outcome<void> check_routines(const Look& found, const ContractOptions& options) {
  std::vector<std::string> names;
  for (const Routine& routine : found.schema->routines) {
    const bool names_tables = std::ranges::any_of(
        routine.mentions, [&](const auto& table) { return found.scheme.find(table) != nullptr; });
    if (names_tables && !routine.name.starts_with("guildhall.") &&
        std::ranges::find(options.accepted, routine.name) == options.accepted.end())
      names.push_back(routine.name);
  }
  if (names.empty()) return {};
  return migrate::stop(Exit::refused, "CV-ROUTINE",
                       fmt::format("these name converted tables, and may write rows that say no server: {}",
                                   fmt::join(names, ", ")),
                       "Look at each, then say so: --accept NAME.");
}

Outcome<void> check_role(store::SchemaSession& session, const Seal& seal, const Scheme& scheme) {
  const auto rows = session.query(
      "SELECT CASE WHEN rolsuper OR rolbypassrls THEN 'yes' ELSE '' END FROM pg_roles WHERE rolname = $1",
      {seal.role});
  if (rows.empty())
    return migrate::stop(Exit::refused, "CV-ROLE", fmt::format("there is no role '{}'", seal.role),
                         "Make it first: CREATE ROLE ... LOGIN.");
  if (!rows[0][0].empty())
    return migrate::stop(
        Exit::refused, "CV-ROLE",
        fmt::format(
            "the role '{}' is a superuser, or bypasses row security: nothing would be sealed off from it",
            seal.role),
        "Give the new program a role of its own.");
  for (const SchemeTable& one : scheme.tables) {
    if (one.table->owner == store::quoted_name(seal.role) || one.table->owner == seal.role)
      return migrate::stop(
          Exit::refused, "CV-ROLE",
          fmt::format("the role '{}' owns {}, and its owner sees all rows", seal.role, one.name()),
          "Give the new program a role of its own.");
  }
  return {};
}

}  // namespace

Outcome<RunReport> contract_postgres(ConversionRun& run, const ContractOptions& options) {
  if (auto opened = run.open(); !opened) return std::unexpected(opened.error());
  if (auto checked = check_findings(run.found().scheme); !checked) return std::unexpected(checked.error());
  const std::initializer_list<State> fitting{State::expanded, State::contracting, State::contracted};
  if (auto fits = run.check_state(fitting, "First: guildhall convert apply."); !fits)
    return std::unexpected(fits.error());
  if (auto checked = check_routines(run.found(), options); !checked) return std::unexpected(checked.error());
  if (options.seal) {
    if (auto checked = check_role(run.session(), *options.seal, run.found().scheme); !checked)
      return std::unexpected(checked.error());
  }
  if (auto taken = run.take_lock(); !taken) return std::unexpected(taken.error());
  if (run.found().conversion->state == State::expanded) {
    // Whatever came since: rows of a server that the registry lacks, tables that were made.
    const Steps missing = expand_steps(run.found().scheme, run.found().facts);
    if (!missing.empty())
      return migrate::stop(Exit::refused, "CV-STATE",
                           fmt::format("there is still to be done before: {}", missing.front().name()),
                           "First: guildhall convert apply.");
  }
  run.set_state(State::contracting);
  const auto settle = [](const Look& found) { return settle_steps(found.scheme, found.facts); };
  if (auto done = run.run_until_done(settle); !done) return std::unexpected(done.error());
  if (options.seal)
    Records(run.session(), Dialect::postgres).remember(run.number(), {{"seal", "", options.seal->role, ""}});
  const auto steps = [&](const Look& found) { return contract_steps(found.scheme, options.seal); };
  if (auto done = run.run_until_done(steps); !done) return std::unexpected(done.error());
  if (auto verified = run.verify(Writers::running); !verified) return std::unexpected(verified.error());
  run.set_state(State::contracted);
  return run.report();
}

}  // namespace guildhall::convert
