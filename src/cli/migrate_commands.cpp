// guildhall migrate: what its commands are called, and up, resume, down, new, verify, repair, unlock
#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>

#include "cli/commands.h"
#include "cli/migrate_answers.h"
#include "cli/migrate_baseline.h"
#include "cli/migrate_doctor.h"
#include "cli/migrate_fleet.h"
#include "cli/migrate_plan.h"
#include "cli/migrate_run_options.h"
#include "cli/migrate_status.h"
#include "cli/signals.h"
#include "migrate/backup_checks.h"
#include "migrate/lint.h"
#include "migrate/new_migration.h"
#include "migrate/proofs.h"
#include "migrate/repair.h"
#include "migrate/run.h"
#include "migrate/unlock.h"
#include "migrate/variants.h"
#include "migrate/verify.h"

namespace guildhall::cli {
namespace {

using migrate::Exit;
using migrate::Outcome;
using migrate::Problem;

using Answered = Result<std::optional<Answer>>;

/// What a run needs, from the command line.
template <class Options>
struct Call {
  migrate::Target target;
  migrate::MigrationSet set;
  Options options;
};

template <class Options>
Outcome<Call<Options>> read_call(const Arguments& arguments, migrate::Missing missing) {
  Call<Options> call;
  auto target = target_of(arguments, missing);
  if (!target) return std::unexpected(target.error());
  call.target = *std::move(target);
  auto set = set_of(arguments, call.target.dialect);
  if (!set) return std::unexpected(set.error());
  call.set = *std::move(set);
  if (auto read = read_run_options(arguments, call.options); !read) return std::unexpected(read.error());
  return call;
}

// --- up, resume, down

std::string now_text() {
  return fmt::format("{:%FT%TZ}", std::chrono::floor<std::chrono::seconds>(SystemClock().now()));
}

boost::json::array json_of(const std::vector<migrate::Applied>& applied) {
  boost::json::array rows;
  for (const auto& one : applied)
    rows.push_back({{"name", one.name},
                    {"statements", one.statements},
                    {"duration_ms", one.duration_ms},
                    {"fingerprint_after", one.fingerprint_after}});
  return rows;
}

std::string last_line(const std::string& command, const migrate::RunReport& report) {
  if (report.failed) return "";
  if (report.applied.empty()) {
    return command == "down" ? std::string("Nothing to do: nothing is applied.\n")
                             : fmt::format("Nothing to do: {} applied, {} pending.\n", report.applied_in_all,
                                           report.pending);
  }
  return fmt::format("Done: {} {}, {} pending. Schema fingerprint {}\n", report.applied.size(),
                     command == "down" ? "taken back" : "applied", report.pending,
                     report.fingerprint.substr(0, 8));
}

Answer answer_of_run(const std::string& command, const std::string& begun, const migrate::RunReport& report) {
  Answer answer;
  answer.text = last_line(command, report);
  if (report.failed) {
    for (const migrate::Finding& one : report.findings) answer.problems += show(one);
    answer.problems += show(*report.failed);
    answer.exit_code = static_cast<int>(report.failed->exit);
  }
  answer.json = {{"command", command},
                 {"ok", !report.failed},
                 {"exit", answer.exit_code},
                 {"run", {{"token", report.token}, {"started_at", begun}, {"finished_at", now_text()}}},
                 {command == "down" ? "reverted" : "applied", json_of(report.applied)},
                 {"failed", report.failed ? to_json(*report.failed, report.failed_name) : nullptr},
                 {"findings", to_json(report.findings)},
                 {"pending", static_cast<std::int64_t>(report.pending)},
                 {"fingerprint", report.fingerprint},
                 {"backup", report.backup ? to_json(*report.backup) : nullptr}};
  return answer;
}

/// With Ctrl-C led to the statement that runs.
template <class Options, class Function>
Answer run(const std::string& command, Call<Options>& call, Function function) {
  migrate::Interrupt interrupt;
  call.options.interrupt = &interrupt;
  Signals signals;
  signals.on_stop([&interrupt](int signal) { interrupt.raise(signal); });
  const std::string begun = now_text();
  return answer_of_run(command, begun, function(call.target, call.set, call.options));
}

Answered up_command(const Arguments& arguments) {
  if (arguments.has("--scratch") && arguments.get("--plan") != "execute")
    return fail(ErrorCode::usage, "guildhall migrate up: --scratch is about --plan=execute");
  if (arguments.has("--plan") || arguments.has("--dry-run")) return migrate_up_plan(arguments);
  if (folder_of(arguments)) return migrate_fleet_up(arguments);
  if (auto fit = refuse_fleet_options(arguments); !fit) return answer_of("up", fit.error());
  auto call = read_call<migrate::UpOptions>(arguments, migrate::Missing::is_made);
  if (!call) return answer_of("up", call.error());
  if (auto wish = read_backup_wish(arguments, call->options); !wish) return answer_of("up", wish.error());
  if (auto read = read_up_options(arguments, call->options); !read) return answer_of("up", read.error());
  return run("up", *call, migrate::up);
}

Answered resume_command(const Arguments& arguments) {
  auto call = read_call<migrate::UpOptions>(arguments, migrate::Missing::is_an_error);
  if (!call) return answer_of("resume", call.error());
  if (auto wish = read_backup_wish(arguments, call->options); !wish) return answer_of("resume", wish.error());
  call->options.only_resume = true;
  return run("resume", *call, migrate::up);
}

Answered down_command(const Arguments& arguments) {
  if (arguments.has("--plan") || arguments.has("--dry-run")) return migrate_down_plan(arguments);
  if (folder_of(arguments)) return migrate_fleet_down(arguments);
  if (auto fit = refuse_fleet_options(arguments); !fit) return answer_of("down", fit.error());
  auto call = read_call<migrate::DownOptions>(arguments, migrate::Missing::is_an_error);
  if (!call) return answer_of("down", call.error());
  if (auto wish = read_backup_wish(arguments, call->options); !wish) return answer_of("down", wish.error());
  if (auto read = read_down_options(arguments, call->options); !read) return answer_of("down", read.error());
  return run("down", *call, migrate::down);
}

// --- new

Answered new_command(const Arguments& arguments) {
  const auto dialects = migrate::dialects_of(arguments.require("--dir"));
  const auto set = set_of(arguments, dialects.front());
  if (!set) return answer_of("new", set.error());
  const auto journal = journal_of(arguments);
  if (!journal) return answer_of("new", journal.error());
  const auto made = migrate::make_migration(
      *set, *journal, arguments.require("DESCRIPTION"),
      fmt::format("{:%F}", std::chrono::floor<std::chrono::days>(SystemClock().now())));
  if (!made) return answer_of("new", made.error());
  return Answer{fmt::format("{}\n{}\n", made->up, made->down),
                {{"command", "new"}, {"ok", true}, {"up", made->up}, {"down", made->down}}};
}

// --- verify

Answered verify_command(const Arguments& arguments) {
  if (folder_of(arguments)) return migrate_fleet_verify(arguments);
  const auto options = verify_options_of(arguments);
  if (!options) return answer_of("verify", options.error());
  std::optional<migrate::Target> target;
  if (is_own(arguments) || url_of(arguments)) {
    auto found = target_of(arguments, migrate::Missing::is_an_error);
    if (!found) return answer_of("verify", found.error());
    target = *std::move(found);
  } else if (options->schema) {
    return fail(ErrorCode::usage, "guildhall migrate verify: --schema needs a database",
                "Name one with --url.");
  }
  const auto dialects =
      target ? std::vector{target->dialect} : migrate::dialects_of(arguments.require("--dir"));
  migrate::Findings findings;
  for (const migrate::Dialect dialect : dialects) {
    const auto set = set_of(arguments, dialect);
    if (!set) return answer_of("verify", set.error());
    migrate::Findings of_files = set->findings;
    if (!target) {
      for (const auto& finding : migrate::lint_files(*set, dialect, options->lint))
        of_files.push_back(finding);
    }
    for (const auto& finding : of_files) {
      const auto same = [&](const migrate::Finding& other) {
        return other.code == finding.code && other.name == finding.name && other.line == finding.line;
      };
      if (std::ranges::none_of(findings, same)) findings.push_back(finding);
    }
    if (!target) continue;
    const auto compared = migrate::verify_database(*target, *set, *options);
    if (!compared) return answer_of("verify", compared.error());
    findings.insert(findings.end(), compared->begin(), compared->end());
    if (!arguments.has("--roundtrip")) continue;
    const auto proved = migrate::prove_round_trips(*target, *set, arguments.get("--scratch-url").value_or(""),
                                                   sayer(arguments));
    if (!proved) return answer_of("verify", proved.error());
    findings.insert(findings.end(), proved->begin(), proved->end());
    if (dialect == migrate::Dialect::sqlite || is_own(arguments)) continue;
    const auto other = set_of(arguments, migrate::Dialect::sqlite);
    if (!other) return answer_of("verify", other.error());
    if (!has_variants(*set, *other)) continue;
    const auto compared_variants =
        migrate::compare_variants(*target, *set, *other, arguments.get("--scratch-url").value_or(""));
    if (!compared_variants) return answer_of("verify", compared_variants.error());
    findings.insert(findings.end(), compared_variants->begin(), compared_variants->end());
  }
  std::optional<migrate::BackupChecks> backups;
  if (arguments.has("--backups")) {
    const Attended attended;
    const auto database = target ? std::optional(target->database) : std::nullopt;
    const auto checked = migrate::check_backups(backup_dir_of(arguments), database, attended.reporting);
    if (!checked) return attended.answer("verify", checked.error());
    backups = *checked;
    findings.insert(findings.end(), backups->findings.begin(), backups->findings.end());
  }
  return answer_of_verify(std::move(findings), arguments.has("--strict"), backups);
}

// --- repair, unlock

Answered repair_command(const Arguments& arguments) {
  auto call = read_call<migrate::RepairOptions>(arguments, migrate::Missing::is_an_error);
  if (!call) return answer_of("repair", call.error());
  call->options.cosmetic = arguments.has("--cosmetic");
  call->options.accept = arguments.get("--accept").value_or("");
  call->options.reason = arguments.get("--reason").value_or("");
  if (call->options.cosmetic == !call->options.accept.empty())
    return fail(ErrorCode::usage, "guildhall migrate repair: say either --cosmetic or --accept NAME");
  if (!call->options.accept.empty() && call->options.reason.empty())
    return fail(ErrorCode::usage, "guildhall migrate repair: --accept needs --reason",
                "The journal keeps why the change was right.");
  const auto repaired = migrate::repair(call->target, call->set, call->options);
  if (!repaired) return answer_of("repair", repaired.error());
  Answer answer;
  boost::json::array names;
  for (const std::string& name : *repaired) {
    answer.text += fmt::format("accepted {}\n", name);
    names.push_back(boost::json::value(name));
  }
  if (names.empty()) answer.text = "Nothing to do: no such file differs from what was applied.\n";
  answer.json = {{"command", "repair"}, {"ok", true}, {"accepted", std::move(names)}};
  return answer;
}

Answered unlock_command(const Arguments& arguments) {
  const auto target = target_of(arguments, migrate::Missing::is_an_error);
  if (!target) return answer_of("unlock", target.error());
  migrate::UnlockOptions options;
  options.terminate = arguments.has("--terminate");
  if (arguments.has("--force")) {
    const auto token = arguments.integer("--force", 0, 1, std::numeric_limits<std::int64_t>::max());
    if (!token) return std::unexpected(token.error());
    options.force = *token;
  }
  const auto unlocked = migrate::unlock(*target, options);
  if (!unlocked) return answer_of("unlock", unlocked.error());
  const auto& holder = unlocked->holder;
  Answer answer;
  answer.json = {
      {"command", "unlock"}, {"ok", true}, {"held", holder.held}, {"released", unlocked->released}};
  if (!holder.held) {
    answer.text = "lock: free\n";
    return answer;
  }
  answer.json.as_object()["holder"] = {{"by", holder.locked_by},
                                       {"host", holder.host},
                                       {"pid", holder.os_pid},
                                       {"backend_pid", holder.backend_pid},
                                       {"token", holder.token},
                                       {"since", holder.locked_at},
                                       {"command", holder.command},
                                       {"migration", holder.current_migration},
                                       {"heartbeat_age_ms", holder.heartbeat_age_ms}};
  answer.text = fmt::format(
      "lock: was held by {}@{} pid {} since {} (token {}, {}, heartbeat {} s ago{}{})\n", holder.locked_by,
      holder.host, holder.os_pid, holder.locked_at, holder.token, holder.command,
      holder.heartbeat_age_ms / 1000, holder.current_migration.empty() ? "" : ", ", holder.current_migration);
  if (!unlocked->doing.empty()) answer.text += unlocked->doing + "\n";
  answer.text += "lock: released\n";
  return answer;
}

Command make(std::string name, std::string summary, std::string example, std::vector<ArgumentSpec> arguments,
             std::vector<OptionSpec> options, std::function<Answered(const Arguments&)> run,
             std::vector<std::string> config_unless = {"--dir"}) {
  return {{"migrate", std::move(name)},
          std::move(summary),
          std::move(example),
          std::move(arguments),
          std::move(options),
          std::move(run),
          true,
          std::move(config_unless)};
}

}  // namespace

void add_migrate_commands(std::vector<Command>& commands) {
  commands.push_back(make("status", "shows which migrations are applied, pending, changed or missing",
                          "guildhall migrate status --dir migrations --url postgres://app@db.example.org/app",
                          {},
                          {dir_option(),
                           {"--check", "", "exit 20 if any are pending, 5 at drift, 7 if one stopped midway"},
                           backup_dir_option(),
                           layout_option()},
                          migrate_status));
  commands.push_back(
      make("up", "applies the migrations that are pending, each with its proof or not at all",
           "guildhall migrate up --dir migrations --url sqlite:app.db --lock-wait 5min", {},
           with_backup(with_fleet(run_options(
               {{"--to", "NAME", "as far as this one"},
                {"--steps", "N", "so many and no more"},
                {"--allow-late", "",
                 "late ones too, once a database of its own has proved that the order does not matter"},
                {"--single-transaction", "", "all of them in one transaction, or none"},
                {"--plan", "[=execute]",
                 "only show what would be done; execute: also run it, in one transaction that is rolled "
                 "back, or where that cannot be in a copy of the schema"},
                {"--scratch", "", "with --plan=execute: in a copy of the schema, without rows; nobody waits"},
                {"--dry-run", "", "the same as --plan"},
                tenant_column_option()}))),
           up_command));
  commands.push_back(
      make("plan", "shows each pending statement with its lock, its table's size and what the data say",
           "guildhall migrate plan --dir migrations --url postgres://app@db.example.org/app", {},
           {dir_option(), {"--to", "NAME", "as far as this one"}, tenant_column_option(), layout_option()},
           migrate_plan));
  commands.push_back(make(
      "precheck", "lists the rows that would make a migration fail, and proposes a repair; changes nothing",
      "guildhall migrate precheck 0003_unique_link --repair-file repair.sql --dir migrations --url "
      "sqlite:app.db",
      {{"NAME", "the migration"}},
      {dir_option(),
       {"--repair-file", "FILE", "write the proposed repairs there, to be looked at"},
       layout_option()},
      migrate_precheck));
  commands.push_back(make("resume", "goes on with a migration that stopped midway, behind its last statement",
                          "guildhall migrate resume --dir migrations --url postgres://app@db.example.org/app",
                          {}, with_backup(run_options({})), resume_command));
  commands.push_back(make(
      "down", "takes the last migration back, or the named one, and proves that the schema is as before",
      "guildhall migrate down 0004_add_entry_count --dir migrations --url sqlite:app.db",
      {{"NAME", "the migration; without it the last that was applied", false}},
      with_backup(
          with_fleet(run_options({{"--to", "NAME", "everything that was applied after this one"},
                                  {"--cascade", "", "what was applied after NAME goes first"},
                                  {"--only", "", "just NAME, whatever was applied after it"},
                                  {"--plan", "",
                                   "only show what would be run, statement by statement, which data would "
                                   "go, and the script for use by hand"},
                                  {"--dry-run", "", "the same as --plan"},
                                  {"--confirm-data-loss", "[=all]",
                                   "the rows that were counted may go; all: also the foundation's"}}))),
      down_command));
  commands.push_back(make("new", "makes the files of a new migration and of its way back",
                          "guildhall migrate new \"add entry count\" --dir migrations",
                          {{"DESCRIPTION", "a few words on what it does"}},
                          {required_dir_option(), {"--sql", "", "plain SQL, as without it"}, layout_option()},
                          new_command));
  commands.push_back(
      make("verify", "checks names, SQL and, with a database, what was applied; changes nothing",
           "guildhall migrate verify --dir migrations --strict", {},
           {dir_option(),
            {"--strict", "", "warnings count as errors"},
            {"--schema", "",
             "name each object by which the live schema differs from what the last migration left; where it "
             "does, the applied files are tried in a database of its own"},
            {"--strict-order", "", "with --schema: the order of columns counts, too"},
            {"--roundtrip", "", "apply each one, take it back and apply it again, in a database of its own"},
            {"--scratch-url", "URL", "PostgreSQL: a login that may make that database"},
            direct_url_option(),
            {"--backups", "", "read each backup to its end: its size, its sum, its tables and rows"},
            backup_dir_option(),
            tenant_column_option(),
            layout_option()},
           verify_command));
  commands.push_back(make(
      "repair", "accepts that the file of an applied migration is another now",
      "guildhall migrate repair --accept 0000_first --reason \"default moved to the code\" --dir migrations "
      "--url sqlite:app.db",
      {},
      run_options({{"--cosmetic", "", "all whose meaning is the same: comments, white space, line ends"},
                   {"--accept", "NAME", "one that means something else now"},
                   {"--reason", "TEXT", "why; the journal keeps it"}}),
      repair_command));
  commands.push_back(
      make("baseline", "adopts a database with a past: which files count as applied, and what differs",
           "guildhall migrate baseline --match --dir migrations --url postgres://app@db.example.org/app", {},
           {required_dir_option(),
            {"--at", "NAME", "all files up to this one"},
            {"--from", "drizzle", "what its tables say was applied"},
            {"--match", "", "what the live schema says: files are tried in a database of their own"},
            {"--accept", "", "write it down; without it nothing is changed"},
            {"--scratch-url", "URL", "PostgreSQL: a login that may make that database"},
            direct_url_option(),
            layout_option()},
           migrate_baseline));
  commands.push_back(
      make("doctor", "looks at everything that a migration needs, and says what is wrong and the way out",
           "guildhall migrate doctor --dir migrations --url postgres://app@db.example.org/app", {},
           {dir_option(), backup_dir_option(), layout_option()}, migrate_doctor, {"--dir", "--url"}));
  commands.push_back(make("docs", "writes what each migration is for and what it changes, as Markdown",
                          "guildhall migrate docs --dir migrations > MIGRATIONS.md", {},
                          {required_dir_option(), layout_option()}, migrate_docs));
  commands.push_back(make("unlock", "shows who holds the lock, and releases it when the holder is gone",
                          "guildhall migrate unlock --url postgres://app@db.example.org/app", {},
                          {{"--force", "TOKEN", "fence the holder off: it can commit nothing any more"},
                           {"--terminate", "", "PostgreSQL: end the holder's sessions first"},
                           direct_url_option()},
                          unlock_command, {"--url"}));
}

}  // namespace guildhall::cli
