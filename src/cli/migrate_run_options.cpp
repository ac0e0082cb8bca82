#include "cli/migrate_run_options.h"

#include <fmt/format.h>

#include <cstdio>

#include "cli/migrate_answers.h"

namespace guildhall::cli {

using migrate::Exit;
using migrate::Outcome;

namespace {

Outcome<void> usage(std::string text, std::string hint = {}) {
  return migrate::stop(Exit::usage, "E-USAGE", std::move(text), std::move(hint));
}

}  // namespace

std::function<void(const std::string&)> sayer(const Arguments& arguments) {
  std::FILE* to = arguments.json ? stderr : stdout;
  return [to](const std::string& line) {
    fmt::print(to, "{}\n", line);
    std::fflush(to);
  };
}

Outcome<void> read_run_options(const Arguments& arguments, migrate::RunOptions& options) {
  const auto wait = duration_of(arguments, "--lock-wait", std::chrono::milliseconds(0));
  if (!wait) return std::unexpected(wait.error());
  options.lock_wait = *wait;
  for (const auto& [option, field] : {std::pair{"--lock-timeout", &options.limits.lock_timeout},
                                      std::pair{"--statement-timeout", &options.limits.statement_timeout},
                                      std::pair{"--lock-heartbeat", &options.lock.heartbeat}}) {
    const auto value = duration_of(arguments, option, *field);
    if (!value) return std::unexpected(value.error());
    *field = *value;
  }
  // Two beats that were missed, and a little more.
  if (arguments.has("--lock-heartbeat")) options.lock.gone = options.lock.heartbeat * 7 / 3;
  options.say = sayer(arguments);
  return {};
}

Outcome<void> read_backup_wish(const Arguments& arguments, migrate::RunOptions& options) {
  const bool without = arguments.has("--no-backup");
  if (without != arguments.has("--i-accept-data-loss")) {
    return migrate::stop(Exit::usage, "E-USAGE", "--no-backup and --i-accept-data-loss go together",
                         "Without a backup nothing brings back what a migration destroys.");
  }
  const auto coverage = arguments.get("--backup");
  if (coverage && (without || arguments.has("--backup-by"))) {
    return usage("--backup goes with neither --no-backup nor --backup-by", "Choose one of them.");
  }
  if (coverage && *coverage != "whole" && *coverage != "schema+touched") {
    return usage(fmt::format("--backup is whole or schema+touched, not '{}'", *coverage),
                 "A program of your own takes it with --backup-by COMMAND.");
  }
  options.earlier_backups = backup_dir_of(arguments);
  if (without) return {};
  options.backup.emplace();
  options.backup->touched_only = coverage == "schema+touched";
  options.backup->folder = backup_dir_of(arguments);
  options.backup->scratch_url = arguments.get("--scratch-url").value_or("");
  if (const auto program = arguments.get("--backup-by"))
    options.backup->external = {"/bin/sh", "-c", *program};
  return {};
}

Outcome<void> read_up_options(const Arguments& arguments, migrate::UpOptions& options) {
  options.to = arguments.get("--to").value_or("");
  if (arguments.has("--steps")) {
    const auto steps = arguments.integer("--steps", 1, 1, 1'000'000);
    if (!steps) return usage(steps.error().message, steps.error().hint);
    options.steps = static_cast<std::size_t>(*steps);
  }
  options.allow_late = arguments.has("--allow-late");
  options.together = arguments.has("--single-transaction");
  options.lint = lint_options_of(arguments);
  return {};
}

Outcome<void> read_down_options(const Arguments& arguments, migrate::DownOptions& options) {
  options.name = arguments.get("NAME").value_or("");
  options.to = arguments.get("--to").value_or("");
  options.cascade = arguments.has("--cascade");
  options.only = arguments.has("--only");
  if (options.cascade && options.only) return usage("--cascade and --only exclude each other");
  if (!options.name.empty() && !options.to.empty()) return usage("NAME and --to exclude each other");
  const auto confirmed = arguments.get("--confirm-data-loss");
  if (confirmed && !confirmed->empty() && *confirmed != "all")
    return usage(fmt::format("--confirm-data-loss: '{}' is not 'all'", *confirmed));
  options.confirm_data_loss = confirmed.has_value();
  options.confirm_all = confirmed == "all";
  return {};
}

std::vector<OptionSpec> with_backup(std::vector<OptionSpec> options) {
  options.push_back(backup_dir_option());
  options.push_back(
      {"--backup", "WHAT",
       "what it holds: whole, or schema+touched (PostgreSQL: rows of the touched tables alone); "
       "whole"});
  options.push_back({"--backup-by", "COMMAND", "this command takes the backup, and answers for it"});
  options.push_back(
      {"--scratch-url", "URL", "PostgreSQL: a login that may make the database in which a backup is proved"});
  options.push_back({"--no-backup", "", "none is taken; only together with --i-accept-data-loss"});
  options.push_back({"--i-accept-data-loss", "", "see --no-backup"});
  return options;
}

std::vector<OptionSpec> run_options(std::vector<OptionSpec> own) {
  std::vector<OptionSpec> options{dir_option()};
  for (OptionSpec& option : own) options.push_back(std::move(option));
  options.push_back(lock_wait_option());
  options.push_back({"--lock-timeout", "DUR", "a statement waits so long for a table; 3s, tried five times"});
  options.push_back({"--statement-timeout", "DUR", "a statement may run so long; 5min"});
  options.push_back({"--lock-heartbeat", "DUR", "how often the lock's holder shows that it is alive; 15s"});
  options.push_back(direct_url_option());
  options.push_back(layout_option());
  return options;
}

}  // namespace guildhall::cli
