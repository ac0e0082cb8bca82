#include "migrate/verify.h"

#include <fmt/format.h>

#include "migrate/preflight.h"
#include "migrate/run.h"
#include "migrate/schema_snapshot.h"

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

/// What the schema was when the tool last changed it; "" when it never did.
std::string last_fingerprint(const std::vector<JournalRow>& rows) {
  std::string fingerprint;
  for (const JournalRow& row : rows) {
    if (row.state == "applied" && !row.fingerprint_after.empty()) fingerprint = row.fingerprint_after;
  }
  return fingerprint;
}

/// What is applied cannot be written otherwise any more.
Findings lint_pending(store::SchemaSession& session, Dialect dialect,
                      const std::vector<Standing>& standings) {
  std::vector<Pending> pending;
  for (const Standing& one : standings) {
    if (one.migration != nullptr && !is_applied(one.state)) pending.push_back(pending_of(one));
  }
  const Looking looking(session, dialect, PreflightOptions{}.statement_timeout);
  return lint(pending, read_table_facts(session, dialect, pending), dialect);
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
    for (Finding& one : lint_pending(**session, target.dialect, standings))
      findings.push_back(std::move(one));
    const std::string expected = last_fingerprint(*rows);
    if (!options.schema || expected.empty()) return findings;
    const std::string found = read_snapshot(**session, target.dialect, target.snapshot).fingerprint();
    if (found != expected) {
      add(findings, "E-SCHEMA", Level::error, target.database,
          fmt::format(
              "the schema is not what the last migration left ({}, not {}): somebody changed it by hand",
              found.substr(0, 8), expected.substr(0, 8)),
          "Undo the change, or write it as a migration.");
    }
    return findings;
  } catch (const store::DatabaseError& error) {
    return std::unexpected(problem_of(error));
  }
}

}  // namespace guildhall::migrate
