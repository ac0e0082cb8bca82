#include "migrate/preflight.h"

#include <fmt/format.h>

#include <algorithm>

#include "migrate/phases.h"

namespace guildhall::migrate {
namespace {

bool is_error(const Finding& finding) { return finding.level == Level::error; }

Problem refusal(const Finding& first, std::size_t more, std::string hint) {
  Problem problem{Exit::refused, first};
  problem.where = first.line > 0 ? fmt::format("at {} line {}", first.name, first.line) : "in " + first.name;
  if (more > 0) problem.finding.text += fmt::format(" (and {} more)", more);
  problem.finding.hint = std::move(hint);
  return problem;
}

}  // namespace

bool Preflight::has_errors() const { return std::ranges::any_of(findings(), is_error); }

Findings Preflight::findings() const {
  Findings all = lint;
  for (const PrecheckFinding& one : prechecks) all.push_back(one.finding);
  return all;
}

Preflight look_before(store::SchemaSession& session, Dialect dialect, std::span<const Pending> pending,
                      const PreflightOptions& options) {
  Preflight found;
  Looking looking(session, dialect, options.statement_timeout, options.interrupt);
  found.facts = read_table_facts(session, dialect, pending);
  found.lint = lint(pending, found.facts, dialect, options.lint);
  if (options.set != nullptr && has_contract(pending)) {
    const auto readers = read_readers(session, dialect, options.readers_file);
    const Findings phases = check_phases(*options.set, pending, readers);
    found.lint.insert(found.lint.end(), phases.begin(), phases.end());
  }
  found.prechecks = precheck(looking, pending, found.facts, options.only);
  return found;
}

Outcome<void> check_before(store::SchemaSession& session, Dialect dialect, std::span<const Pending> pending,
                           const PreflightOptions& options, Findings& findings) {
  const Preflight found = look_before(session, dialect, pending, options);
  if (!found.has_errors()) return {};
  findings = found.findings();
  const auto errors = static_cast<std::size_t>(std::ranges::count_if(findings, is_error));
  const Finding& first = *std::ranges::find_if(findings, is_error);
  const bool in_data = first.code.starts_with("P-");
  std::string hint = first.hint;
  if (in_data) {
    const auto named = std::ranges::find(found.prechecks, first.code,
                                         [](const PrecheckFinding& one) { return one.finding.code; });
    hint = fmt::format("See: guildhall migrate precheck {}", named->migration);
  }
  return std::unexpected(refusal(first, errors - 1, std::move(hint)));
}

}  // namespace guildhall::migrate
