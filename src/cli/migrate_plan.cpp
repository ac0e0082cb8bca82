// guildhall migrate plan, up --plan, down --plan, precheck
#include "cli/migrate_plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <tuple>

#include "cli/migrate_answers.h"
#include "cli/migrate_run_options.h"
#include "migrate/down_plan.h"
#include "migrate/proofs.h"
#include "migrate/try_out.h"

namespace guildhall::cli {
namespace {

using migrate::Exit;
using migrate::Outcome;
using Answered = Result<std::optional<Answer>>;

/// The database as it stands, and what would be applied to it.
struct View {
  migrate::Target target;
  migrate::MigrationSet set;
  std::unique_ptr<store::SchemaSession> session;
  std::vector<migrate::Standing> standings;
  std::vector<migrate::Pending> pending;
};

/// Who holds a table is not waited for longer than this.
constexpr const char* kSettings = "-clock_timeout=3s -ctimezone=UTC";

Outcome<std::unique_ptr<store::SchemaSession>> open(const migrate::Target& target) {
  auto session = target.open(kSettings);
  if (session) return *std::move(session);
  migrate::Problem problem = migrate::problem_of(session.error());
  problem.exit = Exit::no_database;
  return std::unexpected(std::move(problem));
}

Outcome<View> look(const Arguments& arguments, const migrate::UpOptions& options) {
  View view;
  auto target = target_of(arguments, migrate::Missing::is_an_error);
  if (!target) return std::unexpected(target.error());
  view.target = *std::move(target);
  auto set = set_of(arguments, view.target.dialect);
  if (!set) return std::unexpected(set.error());
  view.set = *std::move(set);
  auto session = open(view.target);
  if (!session) return std::unexpected(session.error());
  view.session = *std::move(session);
  const auto rows = migrate::Journal(*view.session, view.target.dialect).read();
  if (!rows) return std::unexpected(rows.error());
  view.standings = compare(view.set, *rows);
  if (auto agreed = check_agreement(view.set, view.standings, options.allow_late); !agreed)
    return std::unexpected(agreed.error());
  const auto chosen = to_apply(view.standings, options);
  if (!chosen) return std::unexpected(chosen.error());
  for (const migrate::Standing* one : *chosen) view.pending.push_back(pending_of(*one));
  return view;
}

// --- as JSON

boost::json::array to_json(const std::vector<std::string>& strings) {
  boost::json::array array;
  for (const std::string& one : strings) array.push_back(boost::json::value(one));
  return array;
}

boost::json::object to_json(const migrate::PrecheckFinding& found) {
  boost::json::object object = cli::to_json(found.finding);
  object["table"] = found.table;
  object["count"] = found.count;
  object["columns"] = to_json(found.columns);
  boost::json::array rows;
  for (const auto& row : found.rows) rows.push_back(to_json(row));
  object["rows"] = std::move(rows);
  object["repair"] = found.repair;
  return object;
}

boost::json::array to_json(const std::vector<migrate::PrecheckFinding>& findings) {
  boost::json::array array;
  for (const auto& one : findings) array.push_back(to_json(one));
  return array;
}

boost::json::object to_json(const migrate::PlannedStatement& one) {
  return {{"number", static_cast<std::int64_t>(one.number)},
          {"line", static_cast<std::int64_t>(one.line)},
          {"text", one.text},
          {"table", one.table},
          {"lock", name_of(one.cost.lock)},
          {"keeps_out", kept_out_by(one.cost.lock)},
          {"scans", one.cost.scans},
          {"rewrites", one.cost.rewrites},
          {"builds_index", one.cost.builds_index},
          {"new_table", one.is_new_table},
          {"rows", one.rows ? boost::json::value(*one.rows) : nullptr},
          {"rows_estimated", one.rows_are_estimated},
          {"bytes", one.bytes},
          {"stall_ms", one.stall_ms},
          {"space_bytes", one.space_bytes}};
}

boost::json::object to_json(const migrate::PlannedMigration& one) {
  boost::json::array statements;
  for (const auto& statement : one.statements) statements.push_back(to_json(statement));
  return {{"name", one.name},
          {"file", one.file},
          {"in_transaction", one.in_transaction},
          {"stall_ms", one.stall_ms},
          {"statements", std::move(statements)},
          {"lint", cli::to_json(one.lint)},
          {"prechecks", to_json(one.prechecks)}};
}

boost::json::object to_json(const migrate::PlannedWayBack& one) {
  boost::json::object object = to_json(one.planned);
  for (const char* none : {"lint", "prechecks"}) object.erase(none);
  boost::json::array losses;
  for (const migrate::Loss& loss : one.losses)
    losses.push_back({{"table", loss.table}, {"column", loss.column}, {"rows", loss.rows}});
  object["source"] = one.source;
  object["losses"] = std::move(losses);
  object["script"] = one.script;
  return object;
}

boost::json::value assumed() {
  return {{"scan_bytes_per_second", migrate::kScanBytesPerSecond},
          {"write_bytes_per_second", migrate::kWriteBytesPerSecond}};
}

Answer answer_of_plan(const std::string& command, const View& view, const migrate::Plan& plan) {
  Answer answer;
  answer.text = show(plan);
  answer.exit_code = static_cast<int>(plan.errors > 0 ? Exit::refused : Exit::done);
  boost::json::array migrations;
  for (const auto& one : plan.migrations) migrations.push_back(to_json(one));
  answer.json = {{"command", command},
                 {"ok", plan.errors == 0},
                 {"exit", answer.exit_code},
                 {"database", {{"name", view.target.name}}},
                 {"migrations", std::move(migrations)},
                 {"assumed", assumed()},
                 {"space_bytes", plan.space_bytes},
                 {"errors", static_cast<std::int64_t>(plan.errors)},
                 {"tried_out", nullptr}};
  return answer;
}

// --- plan

/// How --plan is meant.
struct Trial {
  bool wanted = false;
  bool in_copy = false;  // though one transaction would do
  std::string scratch_url = {};
};

/// What `up` makes sure of before it looks at statements and rows.
Outcome<void> check_choice(const View& view, const migrate::UpOptions& options,
                           const std::string& scratch_url) {
  if (view.pending.empty()) return {};
  if (std::ranges::count(view.standings, migrate::State::late, &migrate::Standing::state) > 0) {
    if (auto same = prove_late(view.target, view.standings, scratch_url); !same) return same;
  }
  for (const migrate::Pending& one : view.pending) {
    if (!options.together) break;
    const auto& [name, script] = std::tie(one.migration->name, *one.migration->up);
    if (auto fits = migrate::check_together(name, script, view.target.dialect); !fits) return fits;
  }
  return {};
}

Outcome<std::string> try_in_transaction(const View& view, const migrate::TrialOptions& options) {
  const auto session = open_work_session(view.target, options.limits);
  if (!session) return std::unexpected(session.error());
  return try_out(**session, view.target, view.pending, options);
}

Outcome<void> add_trial(const View& view, const migrate::UpOptions& options, const Trial& trial,
                        Answer& answer) {
  const bool in_copy = trial.in_copy || !fits_one_transaction(view.pending, view.target.dialect);
  const migrate::TrialOptions how{options.together, options.limits, trial.scratch_url};
  const auto fingerprint =
      in_copy ? try_out_in_copy(view.target, view.pending, how) : try_in_transaction(view, how);
  if (!fingerprint) return std::unexpected(fingerprint.error());
  answer.text += fmt::format("Tried out {}. Schema fingerprint would be {}\n",
                             in_copy ? "in a copy of the schema, without rows" : "and rolled back",
                             fingerprint->substr(0, 8));
  answer.json.as_object()["tried_out"] = {{"fingerprint", *fingerprint},
                                          {"in", in_copy ? "copy" : "transaction"}};
  return {};
}

Answer plan(const std::string& command, const Arguments& arguments, const migrate::UpOptions& options,
            const Trial& trial) {
  try {
    const auto view = look(arguments, options);
    if (!view) return answer_of(command, view.error());
    if (const auto possible = check_choice(*view, options, trial.scratch_url); !possible)
      return answer_of(command, possible.error());
    migrate::PreflightOptions preflight;
    preflight.set = &view->set;
    preflight.readers_file = view->target.readers_file;
    preflight.lint = lint_options_of(arguments);
    const auto found = look_before(*view->session, view->target.dialect, view->pending, preflight);
    Answer answer = answer_of_plan(command, *view, make_plan(view->pending, found, view->target.dialect));
    if (!trial.wanted || answer.exit_code != 0 || view->pending.empty()) return answer;
    if (const auto tried = add_trial(*view, options, trial, answer); !tried)
      return answer_of(command, tried.error());
    return answer;
  } catch (const store::DatabaseError& error) {
    return answer_of(command, migrate::problem_of(error));
  }
}

// --- down --plan

Outcome<Answer> down_plan(const Arguments& arguments) {
  migrate::DownOptions options;
  if (auto read = read_down_options(arguments, options); !read) return std::unexpected(read.error());
  const auto target = target_of(arguments, migrate::Missing::is_an_error);
  if (!target) return std::unexpected(target.error());
  const auto set = set_of(arguments, target->dialect);
  if (!set) return std::unexpected(set.error());
  const auto plan = plan_down(*target, *set, options);
  if (!plan) return std::unexpected(plan.error());
  Answer answer;
  answer.text = show(*plan);
  boost::json::array ways;
  for (const auto& one : plan->ways) ways.push_back(to_json(one));
  if (plan->refused) {
    answer.problems = cli::show(*plan->refused);
    answer.exit_code = static_cast<int>(plan->refused->exit);
  }
  answer.json = {
      {"command", "down"},
      {"ok", !plan->refused},
      {"exit", answer.exit_code},
      {"database", {{"name", target->name}}},
      {"migrations", std::move(ways)},
      {"assumed", assumed()},
      {"space_bytes", plan->space_bytes},
      {"refused", plan->refused ? cli::to_json(*plan->refused, plan->refused->finding.name) : nullptr}};
  return answer;
}

// --- precheck

/// Outcome of writing it: a file that is there is somebody's.
Outcome<void> write_repairs(const std::string& path, const std::string& text) {
  if (std::filesystem::exists(path))
    return migrate::stop(Exit::usage, "E-USAGE", fmt::format("--repair-file: '{}' exists already", path),
                         "Name a file that does not exist yet.");
  std::ofstream file(path, std::ios::binary);
  file << text;
  file.close();
  if (file) return {};
  return migrate::stop(Exit::no_permission, "E-ACCESS", fmt::format("--repair-file: cannot write '{}'", path),
                       "Check that the folder exists and that this user may write there.");
}

Answer answer_of_precheck(const std::string& name, const std::vector<migrate::PrecheckFinding>& findings) {
  Answer answer;
  std::int64_t errors = 0;
  for (const auto& one : findings) {
    answer.text += show(one);
    if (one.finding.level == migrate::Level::error) ++errors;
  }
  answer.text += fmt::format("precheck {}: {} {}\n", name, findings.size(),
                             findings.size() == 1 ? "finding" : "findings");
  answer.exit_code = static_cast<int>(errors > 0 ? Exit::refused : Exit::done);
  answer.json = {{"command", "precheck"},         {"ok", errors == 0},
                 {"exit", answer.exit_code},      {"name", name},
                 {"findings", to_json(findings)}, {"errors", errors}};
  return answer;
}

Outcome<Answer> precheck(const Arguments& arguments) {
  migrate::UpOptions all;
  auto view = look(arguments, all);
  if (!view) return std::unexpected(view.error());
  const auto found = find_standing(view->standings, arguments.require("NAME"));
  if (!found) return std::unexpected(found.error());
  const std::string& name = (*found)->name;
  if (is_applied((*found)->state)) {
    Answer answer = answer_of_precheck(name, {});
    answer.text = fmt::format("Nothing to do: {} is applied.\n", name);
    return answer;
  }
  const auto last = std::ranges::find(view->pending, (*found)->migration, &migrate::Pending::migration);
  if (last != view->pending.end()) view->pending.erase(last + 1, view->pending.end());
  migrate::PreflightOptions options;
  options.only = name;
  const auto findings = look_before(*view->session, view->target.dialect, view->pending, options).prechecks;
  Answer answer = answer_of_precheck(name, findings);
  const auto file = arguments.get("--repair-file");
  if (!file || findings.empty()) return answer;
  if (auto written = write_repairs(*file, repair_file(name, findings)); !written)
    return std::unexpected(written.error());
  answer.text += fmt::format("{}: look at it before you run any of it\n", *file);
  answer.json.as_object()["repair_file"] = *file;
  return answer;
}

}  // namespace

Answered migrate_plan(const Arguments& arguments) {
  migrate::UpOptions options;
  options.to = arguments.get("--to").value_or("");
  return plan("plan", arguments, options, {});
}

Answered migrate_up_plan(const Arguments& arguments) {
  const std::string how = arguments.get("--plan").value_or("");
  if (!how.empty() && how != "execute")
    return fail(ErrorCode::usage, fmt::format("--plan: '{}' is not 'execute'", how));
  migrate::UpOptions options;
  auto read = read_run_options(arguments, options);
  if (read) read = read_backup_wish(arguments, options);
  if (read) read = read_up_options(arguments, options);
  if (!read) return answer_of("up", read.error());
  return plan("up", arguments, options,
              {how == "execute", arguments.has("--scratch"), arguments.get("--scratch-url").value_or("")});
}

Answered migrate_down_plan(const Arguments& arguments) {
  try {
    auto answer = down_plan(arguments);
    if (!answer) return answer_of("down", answer.error());
    return *std::move(answer);
  } catch (const store::DatabaseError& error) {
    return answer_of("down", migrate::problem_of(error));
  }
}

Answered migrate_precheck(const Arguments& arguments) {
  try {
    auto answer = precheck(arguments);
    if (!answer) return answer_of("precheck", answer.error());
    return *std::move(answer);
  } catch (const store::DatabaseError& error) {
    return answer_of("precheck", migrate::problem_of(error));
  }
}

}  // namespace guildhall::cli
