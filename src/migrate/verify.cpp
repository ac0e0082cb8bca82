#include "migrate/verify.h"

#include <fmt/format.h>

#include "migrate/preflight.h"
#include "migrate/run.h"

namespace guildhall::migrate {
namespace {

void add(Findings& findings, std::string code, Level level, const std::string& name, std::string text,
         std::string hint) {
  findings.push_back({std::move(code), level, name, 0, std::move(text), std::move(hint)});
}

void check_standing(const Standing& one, Findings& findings) {
  switch (one.state) {
    case State::changed:
      return add(
          findings, "E-CHANGED", Level::error, one.name, "was changed after it had been applied",
          "Bring it back as it was, or accept it: guildhall migrate repair --accept NAME --reason TEXT");
    case State::cosmetic:
      return add(findings, "W-COSMETIC", Level::warning, one.name,
                 "has other bytes than were applied, and the same meaning",
                 "guildhall migrate repair --cosmetic");
    case State::missing:
      return add(findings, "E-MISSING", Level::error, one.name, "was applied, and its file is gone",
                 "Bring the file back.");
    case State::late:
      return add(findings, "E-LATE", Level::error, one.name, "is not applied, and later ones are",
                 "Give it a higher number.");
    case State::partial:
      return add(findings, "E-PARTIAL", Level::error, one.name,
                 fmt::format("stopped after {} of {} statements", one.row->statements_done,
                             one.row->statements_total),
                 "guildhall migrate resume");
    default: return;
  }
}

/// What is applied cannot be written otherwise any more.
Findings lint_pending(store::SchemaSession& session, Dialect dialect, const std::vector<Standing>& standings,
                      const LintOptions& options) {
  std::vector<Pending> pending;
  for (const Standing& one : standings) {
    if (one.migration != nullptr && !is_applied(one.state)) pending.push_back(pending_of(one));
  }
  const Looking looking(session, dialect, PreflightOptions{}.statement_timeout);
  return lint(pending, read_table_facts(session, dialect, pending), dialect, options);
}

}  // namespace

Outcome<Findings> verify_database(const Target& target, const MigrationSet& set,
                                  const VerifyOptions& options) {
  try {
    const auto session = target.open("");
    if (!session) {
      Problem problem = problem_of(session.error());
      problem.exit = Exit::no_database;
      return std::unexpected(std::move(problem));
    }
    const auto rows = Journal(**session, target.dialect).read();
    if (!rows) return std::unexpected(rows.error());
    Findings findings;
    const auto standings = compare(set, *rows);
    for (const Standing& one : standings) check_standing(one, findings);
    for (Finding& one : lint_pending(**session, target.dialect, standings, options.lint))
      findings.push_back(std::move(one));
    if (!options.schema) return findings;
    for (Finding& one : find_drift(**session, target, *rows, standings, options.drift))
      findings.push_back(std::move(one));
    return findings;
  } catch (const store::DatabaseError& error) {
    return std::unexpected(problem_of(error));
  }
}

}  // namespace guildhall::migrate
