// What the commands of `guildhall migrate` share: where the database and the files are, and how a problem, a
// finding and a migration are said, to people and as JSON.
#pragma once

#include <atomic>
#include <stop_token>

#include "cli/command.h"
#include "cli/signals.h"
#include "migrate/backup_checks.h"
#include "migrate/history.h"
#include "migrate/outcome.h"
#include "migrate/run.h"
#include "migrate/verify.h"

namespace guildhall::cli {

/// --url, then GUILDHALL_DATABASE_URL, then DATABASE_URL; nothing when there is none.
std::optional<std::string> url_of(const Arguments& arguments);

/// The command is about Guildhall's own schema: no --dir and no --url named anybody else's, so that the
/// configuration was read.
bool is_own(const Arguments& arguments);

/// The folder, where that address names one: each SQLite file in it is a database of its own.
std::optional<std::string> folder_of(const Arguments& arguments);

/// The one that --direct-url leads to, where that is given. Problems: `usage` when no database is named, or a
/// folder of them, `refused` when the two addresses do not lead to one database.
migrate::Outcome<migrate::Target> target_of(const Arguments& arguments, migrate::Missing missing);

/// The files of --dir for that database, or Guildhall's own.
migrate::Outcome<migrate::MigrationSet> set_of(const Arguments& arguments, migrate::Dialect dialect);

/// Where backups lie, unless --backup-dir says otherwise: below data.dir, or anybody's in the folder at hand.
std::string backup_dir_of(const Arguments& arguments);

/// The journal's rows; nothing where no database is named, or has none.
migrate::Outcome<std::vector<migrate::JournalRow>> journal_of(const Arguments& arguments);

/// A command's answer when it came to nothing.
Answer answer_of(const std::string& command, const migrate::Problem& problem);

/// What a call of `guildhall migrate` or `guildhall convert` with --json answers where no command could: an
/// unknown flag, an argument that is missing, a configuration that cannot be used. Nothing for other calls.
/// `words` are those of the command line.
std::optional<boost::json::value> json_of(const std::vector<std::string>& words, const Error& error);

/// `CODE: text`, where, and `hint: ...`.
std::string show(const migrate::Problem& problem);
boost::json::value to_json(const migrate::Problem& problem, const std::string& name);

/// "W-STRAY: fix.sql: ..." and its hint.
std::string show(const migrate::Finding& finding);
boost::json::object to_json(const migrate::Finding& finding);
boost::json::array to_json(const migrate::Findings& findings);

/// Problem `usage`.
migrate::Outcome<migrate::VerifyOptions> verify_options_of(const Arguments& arguments);

/// What `verify` found. `strict`: warnings count as errors.
Answer answer_of_verify(migrate::Findings findings, bool strict,
                        const std::optional<migrate::BackupChecks>& backups = {});

boost::json::value to_json(const migrate::Backup& backup);

/// "2025-11-14 12:55:10"; "-" for nothing.
std::string show_time(const std::optional<TimePoint>& time);

/// A duration option. Problem `usage`.
migrate::Outcome<std::chrono::milliseconds> duration_of(const Arguments& arguments, std::string_view option,
                                                        std::chrono::milliseconds otherwise);

/// "file", "derived" or "none": how it can be taken back.
std::string way_back(const migrate::Standing& standing);

/// What takes long says so on stderr, and Ctrl-C ends it.
class Attended {
 public:
  Attended();

  /// How the command ends where it was asked to stop.
  Answer answer(const std::string& command, const Error& error) const;

  migrate::Reporting reporting;

 private:
  std::stop_source source_;
  std::atomic<int> signal_{0};
  Signals signals_;
};

OptionSpec dir_option();
/// Of a command that is not about Guildhall's own schema.
OptionSpec required_dir_option();
OptionSpec layout_option();
OptionSpec direct_url_option();
OptionSpec lock_wait_option();
OptionSpec tenant_column_option();
/// As that option says.
migrate::LintOptions lint_options_of(const Arguments& arguments);
OptionSpec backup_dir_option();

}  // namespace guildhall::cli
