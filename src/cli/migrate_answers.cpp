#include "cli/migrate_answers.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>

#include "cli/workspace.h"
#include "migrate/migrate.h"
#include "migrate/migration_options.h"
#include "migrate/pooled_session.h"
#include "store/place.h"

namespace guildhall::cli {

using migrate::Dialect;
using migrate::Exit;
using migrate::Finding;
using migrate::Outcome;
using migrate::Problem;

std::optional<std::string> url_of(const Arguments& arguments) {
  if (const auto url = arguments.get("--url")) return url;
  for (const char* name : {"GUILDHALL_DATABASE_URL", "DATABASE_URL"}) {
    if (const char* url = std::getenv(name); url != nullptr && *url != '\0') return url;
  }
  return std::nullopt;
}

bool is_own(const Arguments& arguments) { return arguments.has_config; }

namespace {

const tenancy::TableCatalog& own_tables() {
  static const Config config;
  static const auto declarations = declare_everything(config);
  return declarations->tables;
}

Outcome<migrate::Target> own_target_of(const Config& config, migrate::Missing missing) {
  const auto place = store::find_place(config);
  if (!place) return std::unexpected(migrate::problem_of(place.error()));
  auto target = migrate::own_target(*place, own_tables());
  if (place->layout == store::Layout::postgres) return target;
  if (missing == migrate::Missing::is_an_error)
    target.open = [file = place->file()](const std::string&) { return store::open_existing_session(file); };
  return target;
}

}  // namespace

std::optional<std::string> folder_of(const Arguments& arguments) {
  if (is_own(arguments)) {
    const auto own = store::find_place(arguments.config);
    return own && own->layout == store::Layout::sqlite_per_server ? std::optional(own->path) : std::nullopt;
  }
  const auto url = url_of(arguments);
  if (!url) return std::nullopt;
  const auto place = store::find_place(*url, ".");
  if (!place || place->layout != store::Layout::sqlite) return std::nullopt;
  std::error_code ignored;
  if (!url->ends_with('/') && !std::filesystem::is_directory(place->path, ignored)) return std::nullopt;
  return std::filesystem::path(place->path).lexically_normal().string();
}

Outcome<migrate::Target> target_of(const Arguments& arguments, migrate::Missing missing) {
  if (const auto folder = folder_of(arguments)) {
    return migrate::stop(Exit::usage, "E-FOLDER", fmt::format("'{}' is a folder", *folder),
                         "Only status, up, down --to and verify take a folder of databases: name one file, "
                         "--url sqlite:FILE.");
  }
  if (is_own(arguments)) return own_target_of(arguments.config, missing);
  const auto url = url_of(arguments);
  if (!url) {
    return migrate::stop(
        Exit::usage, "E-USAGE", "no database is named",
        "Name one: --url postgres://USER@HOST/DATABASE or --url sqlite:FILE, or set DATABASE_URL.");
  }
  auto target = migrate::any_target(*url, missing);
  if (!target) return std::unexpected(migrate::problem_of(target.error()));
  const auto direct_url = arguments.get("--direct-url");
  if (!direct_url) return *std::move(target);
  auto direct = migrate::any_target(*direct_url, missing);
  if (!direct) return std::unexpected(migrate::problem_of(direct.error()));
  return migrate::direct_target(*target, *std::move(direct));
}

std::string backup_dir_of(const Arguments& arguments) {
  if (const auto named = arguments.get("--backup-dir")) return *named;
  return is_own(arguments) ? backups_folder(arguments.config).string() : "backups";
}

Outcome<migrate::MigrationSet> set_of(const Arguments& arguments, Dialect dialect) {
  if (is_own(arguments))
    return migrate::read_migrations(migrate::embedded_files(), "Guildhall's own", dialect);
  const std::string layout = arguments.get("--layout").value_or("any");
  const auto meant = layout == "plain"     ? migrate::FileLayout::plain
                     : layout == "drizzle" ? migrate::FileLayout::drizzle
                                           : migrate::FileLayout::any;
  if (meant == migrate::FileLayout::any && layout != "any") {
    return migrate::stop(Exit::usage, "E-USAGE",
                         fmt::format("--layout: '{}' is neither plain nor drizzle", layout),
                         "Leave it away: the tool sees by itself which it is.");
  }
  auto set = migrate::read_migrations(arguments.require("--dir"), dialect, meant);
  if (!set) return std::unexpected(migrate::problem_of(set.error()));
  return *std::move(set);
}

Outcome<std::vector<migrate::JournalRow>> journal_of(const Arguments& arguments) {
  if (!url_of(arguments)) return std::vector<migrate::JournalRow>{};
  const auto target = target_of(arguments, migrate::Missing::is_an_error);
  if (!target) return std::unexpected(target.error());
  const auto session = target->open("");
  if (!session) return std::unexpected(migrate::problem_of(session.error()));
  return migrate::Journal(**session, target->dialect).read();
}

std::string show(const Problem& problem) {
  std::string text = fmt::format("{}: {}\n", problem.finding.code, problem.finding.text);
  if (const auto where = problem.where(); !where.empty()) text += fmt::format("  {}\n", where);
  if (!problem.finding.hint.empty()) text += fmt::format("hint: {}\n", problem.finding.hint);
  return text;
}

boost::json::value to_json(const Problem& problem, const std::string& name) {
  return {{"name", name},
          {"code", problem.finding.code},
          {"file", problem.place.file},
          {"line", static_cast<std::int64_t>(problem.finding.line)},
          {"statement", static_cast<std::int64_t>(problem.place.statement)},
          {"where", problem.where()},
          {"sqlstate", problem.sqlstate},
          {"message", problem.finding.text},
          {"hint", problem.finding.hint}};
}

Answer answer_of(const std::string& command, const Problem& problem) {
  Answer answer;
  answer.problems = show(problem);
  answer.exit_code = static_cast<int>(problem.exit);
  answer.json = {{"command", command},
                 {"ok", false},
                 {"exit", answer.exit_code},
                 {"failed", to_json(problem, problem.finding.name)}};
  return answer;
}

std::optional<boost::json::value> json_of(const std::vector<std::string>& words, const Error& error) {
  if (words.empty() || (words[0] != "migrate" && words[0] != "convert") ||
      std::ranges::find(words, "--json") == words.end())
    return std::nullopt;
  const bool is_named = words.size() > 1 && !words[1].starts_with('-');
  Problem problem = migrate::problem_of(error);
  if (error.code == ErrorCode::configuration) problem.finding.code = "E-CONFIG";
  auto object = answer_of(is_named ? words[1] : words[0], problem).json;
  object.as_object()["exit"] = static_cast<int>(exit_code(error.code));
  return object;
}

std::string show(const Finding& finding) {
  const std::string at = finding.line > 0 ? fmt::format(" line {}", finding.line) : "";
  const std::string of = finding.name.empty() ? "" : fmt::format("{}{}: ", finding.name, at);
  std::string text = fmt::format("{}: {}{}\n", finding.code, of, finding.text);
  if (!finding.hint.empty()) text += fmt::format("hint: {}\n", finding.hint);
  return text;
}

boost::json::object to_json(const Finding& finding) {
  const char* level = finding.level == migrate::Level::error     ? "error"
                      : finding.level == migrate::Level::warning ? "warning"
                                                                 : "info";
  return {{"code", finding.code}, {"level", level},
          {"name", finding.name}, {"line", static_cast<std::int64_t>(finding.line)},
          {"text", finding.text}, {"hint", finding.hint}};
}

boost::json::value to_json(const migrate::Backup& backup) {
  return {{"file", backup.file.string()},
          {"sha256", backup.record.sha256},
          {"size", static_cast<std::int64_t>(backup.record.size)},
          {"verified", backup.record.verified > 0},
          {"level", backup.record.verified},
          {"at", show_time(backup.record.taken_at)}};
}

boost::json::array to_json(const migrate::Findings& findings) {
  boost::json::array rows;
  for (const Finding& one : findings) rows.push_back(to_json(one));
  return rows;
}

namespace {

/// Lint alone has an exit of its own, and so have backups.
Exit exit_of(const migrate::Findings& findings) {
  bool has_errors = false;
  bool of_lint = true;
  bool of_backups = true;
  for (const migrate::Finding& one : findings) {
    if (one.level != migrate::Level::error) continue;
    has_errors = true;
    of_lint = of_lint && one.code.starts_with('L');
    of_backups = of_backups && one.code.ends_with("BACKUP");
  }
  return !has_errors ? Exit::done : of_lint ? Exit::refused : of_backups ? Exit::no_backup : Exit::drift;
}

}  // namespace

Outcome<migrate::VerifyOptions> verify_options_of(const Arguments& arguments) {
  migrate::VerifyOptions options;
  options.schema = arguments.has("--schema");
  options.drift.strict_order = arguments.has("--strict-order");
  options.lint = lint_options_of(arguments);
  options.drift.scratch_url = arguments.get("--scratch-url").value_or("");
  if (options.drift.strict_order && !options.schema)
    return migrate::stop(Exit::usage, "E-USAGE", "--strict-order is about --schema", "Add --schema.");
  return options;
}

Answer answer_of_verify(migrate::Findings findings, bool strict,
                        const std::optional<migrate::BackupChecks>& backups) {
  Answer answer;
  std::int64_t errors = 0;
  std::int64_t warnings = 0;
  for (migrate::Finding& finding : findings) {
    if (strict && finding.level == migrate::Level::warning) finding.level = migrate::Level::error;
    if (finding.level == migrate::Level::warning) ++warnings;
    if (finding.level == migrate::Level::error) ++errors;
    answer.text += show(finding);
  }
  boost::json::value of_backups = nullptr;
  if (backups) {
    answer.text += fmt::format("backups: {} sound, {} damaged, {}\n", backups->sound, backups->damaged,
                               migrate::shown_bytes(backups->bytes));
    of_backups = {{"sound", backups->sound}, {"damaged", backups->damaged}, {"bytes", backups->bytes}};
  }
  answer.text += fmt::format("verify: {} errors, {} warnings\n", errors, warnings);
  answer.exit_code = static_cast<int>(exit_of(findings));
  answer.json = {{"command", "verify"},
                 {"ok", errors == 0},
                 {"exit", answer.exit_code},
                 {"findings", to_json(findings)},
                 {"errors", errors},
                 {"warnings", warnings},
                 {"backups", std::move(of_backups)}};
  return answer;
}

std::string show_time(const std::optional<TimePoint>& time) {
  return time ? fmt::format("{:%F %T}", std::chrono::floor<std::chrono::seconds>(*time)) : "-";
}

Outcome<std::chrono::milliseconds> duration_of(const Arguments& arguments, std::string_view option,
                                               std::chrono::milliseconds otherwise) {
  const auto text = arguments.get(option);
  if (!text) return otherwise;
  const auto duration = migrate::parse_duration(*text);
  if (duration) return *duration;
  return migrate::stop(Exit::usage, "E-USAGE", fmt::format("{}: {}", option, duration.error().message),
                       duration.error().hint);
}

std::string way_back(const migrate::Standing& standing) {
  if (standing.migration != nullptr && standing.migration->down) return "file";
  const bool derived = standing.row && !standing.row->down_script.empty();
  return derived ? "derived" : is_applied(standing.state) ? "none" : "-";
}

Attended::Attended() {
  reporting.report = [](const migrate::Progress& progress) {
    if (progress.all == 0) {
      fmt::print(stderr, "{} ...\n", progress.step);
    } else {
      fmt::print(stderr, "{} {} %\n", progress.step, 100 * progress.done / progress.all);
    }
  };
  reporting.stop = source_.get_token();
  signals_.on_stop([this](int signal) {
    signal_ = signal;
    source_.request_stop();
  });
}

Answer Attended::answer(const std::string& command, const Error& error) const {
  Problem problem = migrate::problem_of_backup(error);
  if (signal_ != 0) problem.exit = signal_ == SIGTERM ? Exit::terminated : Exit::interrupted;
  return answer_of(command, problem);
}

OptionSpec dir_option() {
  return {"--dir", "DIR", "the directory of the migrations; without it Guildhall's own, in its database"};
}
OptionSpec required_dir_option() { return {"--dir", "DIR", "the directory of the migrations", true}; }
OptionSpec layout_option() {
  return {"--layout", "NAME", "plain or drizzle; without it the tool sees which it is"};
}
OptionSpec direct_url_option() {
  return {"--direct-url", "URL", "PostgreSQL: the server itself, where --url leads through a pooler"};
}
OptionSpec lock_wait_option() {
  return {"--lock-wait", "DUR", "wait so long for another runner (30s, 5min); without it not at all"};
}
OptionSpec tenant_column_option() {
  return {
      "--tenant-column", "NAME",
      "this column tells many tenants' rows apart: lint asks for it, for row-level security and for unique "
      "keys that hold it"};
}
migrate::LintOptions lint_options_of(const Arguments& arguments) {
  return {.tenant_column = arguments.get("--tenant-column").value_or("")};
}
OptionSpec backup_dir_option() {
  return {"--backup-dir", "DIR", "where backups lie; backups, of Guildhall's own database below data.dir"};
}

}  // namespace guildhall::cli
