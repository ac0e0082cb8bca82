#include "migrate/preflight.h"

#include <fmt/format.h>

#include <algorithm>

#include "migrate/phases.h"
#include "migrate/rights.h"

namespace guildhall::migrate {
namespace {

bool is_error(const Finding& finding) { return finding.level == Level::error; }

Problem refusal(const Finding& first, std::size_t more, std::string hint) {
  Problem problem{Exit::refused, first};
  problem.place.file = first.name;
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
  found.prechecks = find_missing_rights(looking, pending, found.facts);
  std::erase_if(found.prechecks, [&](const PrecheckFinding& one) {
    return !options.only.empty() && one.migration != options.only;
  });
  std::ranges::move(precheck(looking, pending, found.facts, options.only),
                    std::back_inserter(found.prechecks));
  return found;
}

Outcome<TableFacts> check_before(store::SchemaSession& session, Dialect dialect,
                                 std::span<const Pending> pending, const PreflightOptions& options,
                                 Findings& findings) {
  Preflight found = look_before(session, dialect, pending, options);
  if (!found.has_errors()) return std::move(found.facts);
  findings = found.findings();
  if (std::ranges::none_of(found.lint, is_error)) {
    if (auto may = refuse_missing_rights(found.prechecks); !may) return std::unexpected(may.error());
  }
  const auto errors = static_cast<std::size_t>(std::ranges::count_if(findings, is_error));
  const Finding& first = *std::ranges::find_if(findings, is_error);
  std::string hint = first.hint;
  if (std::ranges::none_of(found.lint, is_error)) {
    // Then it is of the data; warnings of earlier files may stand before it.
    const auto named = std::ranges::find_if(found.prechecks, is_error, &PrecheckFinding::finding);
    hint = fmt::format("See: guildhall migrate precheck {}", named->migration);
  }
  return std::unexpected(refusal(first, errors - 1, std::move(hint)));
}

}  // namespace guildhall::migrate
