// How a run of `guildhall migrate` is to go, from the command line: on one database and on a folder of them.
#pragma once

#include "cli/command.h"
#include "migrate/run.h"

namespace guildhall::cli {

/// The lines of what happens: beside an object of JSON they would not be one.
std::function<void(const std::string&)> sayer(const Arguments& arguments);

/// Lock and limits. Problem `usage`.
migrate::Outcome<void> read_run_options(const Arguments& arguments, migrate::RunOptions& options);
/// A backup is taken unless two flags say otherwise. Problem `usage`.
migrate::Outcome<void> read_backup_wish(const Arguments& arguments, migrate::RunOptions& options);
/// What is to be applied. Problem `usage`.
migrate::Outcome<void> read_up_options(const Arguments& arguments, migrate::UpOptions& options);
/// What is to be taken back, and what may be lost. Problem `usage`.
migrate::Outcome<void> read_down_options(const Arguments& arguments, migrate::DownOptions& options);

std::vector<OptionSpec> with_backup(std::vector<OptionSpec> options);
/// `own` among those of every run.
std::vector<OptionSpec> run_options(std::vector<OptionSpec> own);

}  // namespace guildhall::cli
