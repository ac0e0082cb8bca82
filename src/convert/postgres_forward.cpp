// Expansion and contraction on PostgreSQL.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "convert/merging.h"
#include "convert/postgres_dependents.h"
#include "convert/postgres_preflight.h"
#include "convert/postgres_steps.h"
#include "convert/sql_names.h"
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
    if (run.found().is_expanding()) {
      if (auto fits = run.look_at_server(); !fits) return std::unexpected(fits.error());
    }
  } else if (auto fits = run.examine(); !fits) {
    return std::unexpected(fits.error());
  }
  if (auto taken = run.take_lock(); !taken) return std::unexpected(taken.error());
  if (!run.found().has_begun()) {
    if (auto backed_up = run.back_up(); !backed_up) return std::unexpected(backed_up.error());
    if (auto begun = run.begin(); !begun) return std::unexpected(begun.error());
  } else {
    run.remember_new_tables();
  }
  const auto steps = [&] { return expand_steps(run.found().scheme, run.facts()); };
  if (auto done = run.run_until_done(steps); !done) return std::unexpected(done.error());
  if (run.found().conversion->state == State::expanded && run.report().steps == 0) return run.report();
  if (auto verified = run.verify(Proof::rows); !verified) return std::unexpected(verified.error());
  run.set_state(State::expanded);
  return run.report();
}

namespace {

bool is_accepted(const std::string& name, const ContractOptions& options) {
  return std::ranges::find(options.accepted, name) != options.accepted.end();
}

/// Rows that give way would leave others without the one that they belong to, or take them along. Asked
/// before the conversion begins (conflicts.h), and again here, since the old program wrote on.
Outcome<void> check_merges(ConversionRun& run) {
  const Scheme& scheme = run.found().scheme;
  for (const SchemeTable& one : scheme.tables) {
    const auto others = referring_tables(scheme, one);
    if (others.empty() || !makes_one(one.rule.duplicates)) continue;
    bool has_duplicates =
        std::ranges::find(run.facts().alike, one.name(), &RowsAlike::table) != run.facts().alike.end();
    for (const RowKey& key : keys_with_server(one))
      has_duplicates = has_duplicates || !run.session().query(ask_for_duplicates(scheme, one, key)).empty();
    if (has_duplicates)
      return migrate::stop(
          Exit::refused, "CV-MERGE",
          fmt::format("rows of {} have to give way to others, and rows of {} refer to it", one.name(),
                      fmt::join(others, ", ")),
          "Set those rows right first: 'guildhall convert plan' names them before a conversion begins.");
  }
  return {};
}

/// Programs in the database that write as the old program did.
Outcome<void> check_routines(const Look& found, const ContractOptions& options) {
  std::vector<std::string> names;
  for (const Routine* routine : routines_of_one_server(found.scheme)) {
    if (!is_accepted(routine->name, options)) names.push_back(routine->name);
  }
  if (names.empty()) return {};
  return migrate::stop(
      Exit::refused, "CV-ROUTINE",
      fmt::format("these write into converted tables and name no server, which fails from now on: {}",
                  fmt::join(names, ", ")),
      fmt::format("Write each anew for several servers; or, where one may stay: --accept '{}'",
                  fmt::join(names, ",")));
}

/// A change of a row that its subscribers could not be told of would be refused to whoever makes it.
Outcome<void> check_publications(ConversionRun& run) {
  const auto lacking = publications_of_columns(run.session(), run.found().scheme, false);
  if (lacking.empty()) return {};
  return migrate::stop(
      Exit::refused, "CV-PUBLICATION",
      fmt::format("these publications name columns and the server is not among them, so that no row could be "
                  "changed any more: {}",
                  fmt::join(lacking, ", ")),
      "The subscribers get the column first; then, of each table: ALTER PUBLICATION ... DROP TABLE, and ADD "
      "TABLE with the server among its columns.");
}

/// Policies do not reach what a view holds of its own.
Outcome<void> check_materialized(ConversionRun& run, const ContractOptions& options) {
  const Scheme& scheme = run.found().scheme;
  std::vector<std::string> names;
  for (const auto& [name, view] : scheme.schema->views) {
    if (!view.is_materialized || is_accepted(name, options) || !reads_converted(scheme, view)) continue;
    const auto rows =
        run.session().query("SELECT 1 WHERE has_table_privilege($1::name, to_regclass($2), 'SELECT')",
                            {options.seal->role, qualified(*scheme.schema, name)});
    if (!rows.empty()) names.push_back(name);
  }
  if (names.empty()) return {};
  return migrate::stop(
      Exit::refused, "CV-MATERIAL",
      fmt::format("these materialised views hold rows of all servers, and '{}' may read them: {}",
                  options.seal->role, fmt::join(names, ", ")),
      fmt::format("REVOKE SELECT ON ... FROM {}; or, where that may be: --accept '{}'",
                  store::quoted_name(options.seal->role), fmt::join(names, ",")));
}

/// What would keep a key from going, or a view from being made again.
Outcome<void> check_dependents(ConversionRun& run) {
  std::vector<std::string> constraints;
  for (const SchemeTable& one : run.found().scheme.tables) {
    for (const Index* old : old_keys(one)) {
      if (!old->constraint.empty()) constraints.push_back(old->constraint);
    }
  }
  run.session().execute("BEGIN");
  const auto found = dependents_of_keys(run.session(), *run.found().schema, run.number(), constraints);
  run.session().execute("ROLLBACK");
  return refuse(found,
                "these hang on a key that has the server from now on, or on a view over one that is made "
                "again");
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
  if (auto checked = check_publications(run); !checked) return std::unexpected(checked.error());
  if (auto checked = check_dependents(run); !checked) return std::unexpected(checked.error());
  if (options.seal) {
    if (auto checked = check_role(run.session(), *options.seal, run.found().scheme); !checked)
      return std::unexpected(checked.error());
    if (auto checked = check_materialized(run, options); !checked) return std::unexpected(checked.error());
  }
  if (auto taken = run.take_lock(); !taken) return std::unexpected(taken.error());
  if (run.found().conversion->state == State::expanded) {
    // Whatever came since: rows of a server that the registry lacks, tables that were made.
    const Steps missing = expand_steps(run.found().scheme, run.facts());
    if (!missing.empty())
      return migrate::stop(Exit::refused, "CV-STATE",
                           fmt::format("there is still to be done before: {}", missing.front().name()),
                           "First: guildhall convert apply.");
  }
  if (auto fits = check_hashing(run.records(), run.number(), Dialect::postgres); !fits)
    return std::unexpected(fits.error());
  const bool goes_on = run.found().conversion->state == State::contracting;
  if (auto fits = check_merges(run); !fits) return std::unexpected(fits.error());
  if (!goes_on) run.remember_replaced();
  run.set_state(State::contracting);
  // A run that was killed may have settled rows.
  bool touched_rows = goes_on;
  const auto settle = [&] {
    Steps steps = settle_steps(run.found().scheme, run.facts());
    touched_rows =
        touched_rows || std::ranges::find(steps, LockLevel::row_exclusive, &Step::lock) != steps.end();
    return steps;
  };
  if (auto done = run.run_until_done(settle); !done) return std::unexpected(done.error());
  if (options.seal)
    Records(run.session(), Dialect::postgres).remember(run.number(), {{"seal", "", options.seal->role, ""}});
  const auto steps = [&] {
    return contract_steps(run.found().scheme, options.seal, run.records().made(run.number()));
  };
  if (auto done = run.run_until_done(steps); !done) return std::unexpected(done.error());
  run.say_unfilled();
  // What else it does is done to the schema: the rows were proved after expansion.
  if (auto verified = run.verify(touched_rows ? Proof::rows : Proof::servers); !verified)
    return std::unexpected(verified.error());
  run.set_state(State::contracted);
  return run.report();
}

}  // namespace guildhall::convert
