#include "migrate/down_plan.h"

#include <fmt/format.h>

namespace guildhall::migrate {
namespace {

/// Who holds a table is not waited for longer than this.
constexpr const char* kSettings = "-clock_timeout=3s -ctimezone=UTC";

/// A plan is made of what goes forward.
Migration as_forward(const WayBack& way, Dialect dialect) {
  auto script = std::make_unique<Script>();
  script->file = way.script->file;
  script->sql = way.script->sql;
  script->options = way.script->options;
  if (auto statements = split_statements(script->sql, dialect)) script->statements = *std::move(statements);
  Migration migration;
  migration.name = way.name;
  migration.up = std::move(script);
  return migration;
}

std::string script_of(const Script& script, std::size_t done, bool in_transaction, Dialect dialect) {
  std::string text;
  // As the tool does it: the official way to change a table takes the old one away under those that refer to
  // it.
  if (in_transaction && dialect == Dialect::sqlite) text += "PRAGMA foreign_keys=OFF;\n";
  if (in_transaction) text += "BEGIN;\n";
  for (std::size_t i = done; i < script.statements.size(); ++i)
    text += fmt::format("{};\n", script.statements[i].text);
  return in_transaction ? text + "COMMIT;\n" : text;
}

}  // namespace

Outcome<DownPlan> plan_down(const Target& target, const MigrationSet& set, const DownOptions& options) {
  const auto preview = preview_down(target, set, options);
  if (!preview) return std::unexpected(preview.error());
  const auto session = target.open(kSettings);
  if (!session) return std::unexpected(problem_of(session.error()));
  DownPlan plan;
  plan.dialect = target.dialect;
  plan.refused = preview->refused;
  std::vector<Migration> migrations;
  std::vector<Pending> pending;
  for (const WayBack& way : preview->ways) migrations.push_back(as_forward(way, target.dialect));
  for (std::size_t i = 0; i < migrations.size(); ++i)
    pending.push_back({&migrations[i], preview->ways[i].done});
  Preflight found;
  {
    const Looking looking(**session, target.dialect, PreflightOptions{}.statement_timeout);
    found.facts = read_table_facts(**session, target.dialect, pending);
  }
  Plan planned = make_plan(pending, found, target.dialect);
  plan.space_bytes = planned.space_bytes;
  for (std::size_t i = 0; i < preview->ways.size(); ++i) {
    const WayBack& way = preview->ways[i];
    const bool in_transaction = planned.migrations[i].in_transaction;
    plan.ways.push_back({std::move(planned.migrations[i]), way.source,
                         script_of(*way.script, way.done, in_transaction, target.dialect),
                         count_losses(**session, way.script->statements, target.dialect)});
  }
  return plan;
}

std::string show(const DownPlan& plan) {
  if (plan.ways.empty()) return "Nothing to do: nothing is applied.\n";
  std::string text;
  for (const PlannedWayBack& one : plan.ways) {
    text += show(one.planned, plan.dialect);
    text += fmt::format("  takes with it: {}\n\n", one.losses.empty() ? "no rows" : describe(one.losses));
    text += fmt::format("-- {}\n{}\n", one.planned.file, one.script);
  }
  return text + fmt::format(
                    "plan: {} to take back. Nothing was changed. Of what is run by hand the journal does "
                    "not know.\n",
                    plan.ways.size());
}

}  // namespace guildhall::migrate
