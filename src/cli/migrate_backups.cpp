// guildhall migrate backup, restore, prune
#include <fmt/format.h>

#include "cli/commands.h"
#include "cli/migrate_answers.h"
#include "migrate/restore.h"
#include "migrate/schema_snapshot.h"

namespace guildhall::cli {
namespace {

using migrate::Outcome;

using Answered = Result<std::optional<Answer>>;

migrate::FingerprintOf fingerprint_of(const migrate::Target& target) {
  return [dialect = target.dialect, options = target.snapshot](store::SchemaSession& session) {
    return migrate::read_snapshot(session, dialect, options).fingerprint();
  };
}

Answered backup_command(const Arguments& arguments) {
  const auto target = target_of(arguments, migrate::Missing::is_an_error);
  if (!target) return answer_of("backup", target.error());
  const SystemClock clock;
  Attended attended;
  migrate::BackupOptions options;
  options.url = target->url;
  options.folder = backup_dir_of(arguments);
  options.scratch_url = arguments.get("--scratch-url").value_or("");
  options.reader = target->reader;
  options.fingerprint = fingerprint_of(*target);
  options.clock = &clock;
  options.reporting = attended.reporting;
  const auto begun = std::chrono::steady_clock::now();
  const auto backup = migrate::take_backup(options);
  if (!backup) return attended.answer("backup", backup.error());
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begun;
  return Answer{migrate::backup_line(*backup, took.count()) + "\n",
                {{"command", "backup"}, {"ok", true}, {"backup", to_json(*backup)}}};
}

Answered restore_command(const Arguments& arguments) {
  const auto target = target_of(arguments, migrate::Missing::is_made);
  if (!target) return answer_of("restore", target.error());
  const SystemClock clock;
  Attended attended;
  migrate::RestoreOptions options;
  options.url = target->url;
  options.into = arguments.get("--into").value_or("");
  options.terminate = arguments.has("--terminate");
  options.fingerprint = fingerprint_of(*target);
  options.clock = &clock;
  options.reporting = attended.reporting;
  const auto restored = migrate::restore_backup(arguments.require("FILE"), options);
  if (!restored) return attended.answer("restore", restored.error());
  Answer answer;
  answer.text =
      fmt::format("Restored {} as of {} UTC.\n", restored->name, show_time(restored->record.taken_at));
  if (!restored->kept_as.empty())
    answer.text += fmt::format("What was there is kept as {}.\n", restored->kept_as);
  answer.json = {{"command", "restore"},
                 {"ok", true},
                 {"name", restored->name},
                 {"kept_as", restored->kept_as},
                 {"taken_at", show_time(restored->record.taken_at)}};
  return answer;
}

Answered prune_command(const Arguments& arguments) {
  const auto target = target_of(arguments, migrate::Missing::is_an_error);
  if (!target) return answer_of("prune", target.error());
  const auto session = target->open("");
  if (!session) return answer_of("prune", migrate::problem_of(session.error()));
  const auto rows = migrate::Journal(**session, target->dialect).read();
  if (!rows) return answer_of("prune", rows.error());
  const auto database = migrate::database_of(target->url);
  if (!database) return std::unexpected(database.error());
  const auto pruned = migrate::prune(backup_dir_of(arguments), *database, SystemClock().now(),
                                     migrate::backups_in_use(*rows));
  if (!pruned) return answer_of("prune", migrate::problem_of_backup(pruned.error()));
  Answer answer;
  boost::json::array names;
  for (const std::string& name : *pruned) {
    answer.text += fmt::format("removed {}\n", name);
    names.push_back(boost::json::value(name));
  }
  answer.text += fmt::format("{} removed: older than 30 days, not of the newest three, needed by no run.\n",
                             pruned->size());
  answer.json = {{"command", "prune"}, {"ok", true}, {"removed", std::move(names)}};
  return answer;
}

}  // namespace

void add_migrate_backup_commands(std::vector<Command>& commands) {
  const auto make = [](std::string name, std::string summary, std::string example,
                       std::vector<ArgumentSpec> arguments, std::vector<OptionSpec> options,
                       std::function<Answered(const Arguments&)> run) {
    return Command{{"migrate", std::move(name)},
                   std::move(summary),
                   std::move(example),
                   std::move(arguments),
                   std::move(options),
                   std::move(run),
                   true,
                   {"--url"}};
  };
  commands.push_back(
      make("backup", "takes a backup and proves it by a restore into a database of its own",
           "guildhall migrate backup --url postgres://app@db.example.org/app --backup-dir backups", {},
           {backup_dir_option(),
            {"--scratch-url", "URL", "PostgreSQL: a login that may make the database in which it is proved"},
            direct_url_option()},
           backup_command));
  commands.push_back(make(
      "restore", "puts a database back to a backup; what was there is kept under another name",
      "guildhall migrate restore backups/app_2025-11-15T10-30-00.sql --url postgres://app@db.example.org/app",
      {{"FILE", "the backup"}},
      {{"--into", "NAME", "beside it: a database, or of SQLite a file, that is not there yet"},
       {"--terminate", "", "PostgreSQL: end the sessions that are connected to it"},
       direct_url_option()},
      restore_command));
  commands.push_back(make("prune", "removes backups that are older than 30 days and needed by nobody",
                          "guildhall migrate prune --url sqlite:app.db --backup-dir backups", {},
                          {backup_dir_option()}, prune_command));
}

}  // namespace guildhall::cli
