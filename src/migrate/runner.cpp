#include "migrate/runner.h"

#include <fmt/format.h>

#include <algorithm>

#include "migrate/citus.h"
#include "migrate/full_place.h"
#include "migrate/pooled_session.h"
#include "migrate/preflight.h"
#include "migrate/revision.h"
#include "migrate/script_rules.h"
#include "migrate/space.h"
#include "migrate/touched_tables.h"

namespace guildhall::migrate {

RunReport Runner::run() {
  try {
    if (auto done = perform(); !done) report_.failed = done.error();
  } catch (const store::DatabaseError& error) {
    const auto going = go_on("interrupted; nothing is half done");
    report_.failed = going ? problem_of(error) : going.error();
  } catch (const ErrorException& error) {
    report_.failed = problem_of(error.error());
  }
  if (report_.failed && report_.failed->exit == Exit::no_space && session_)
    name_full_place(*report_.failed, *session_, target_);
  return std::move(report_);
}

Outcome<std::unique_ptr<Lock>> Runner::take_lock() {
  return Lock::take(target_, *session_,
                    {command_, options_.lock_wait, options_.lock, options_.interrupt, options_.say});
}

Outcome<void> Runner::perform() {
  if (options_.backup && options_.backup->touched_only && target_.dialect == Dialect::sqlite) {
    return stop(Exit::usage, "E-USAGE", "a SQLite database is copied whole",
                "Leave --backup=schema+touched away.");
  }
  auto opened = open_work_session(target_, options_.limits);
  if (!opened && opened.error().finding.code == "MG-POOLER" && !target_.is_own) {
    target_ = behind_pooler(target_);
    opened = open_work_session(target_, options_.limits);
  }
  if (!opened) return std::unexpected(opened.error());
  session_ = *std::move(opened);
  auto steps = look();
  if (!steps) return std::unexpected(steps.error());
  if (steps->empty()) return nothing_to_do();
  if (auto possible = check_pooler(*steps); !possible) return possible;
  if (target_.dialect == Dialect::postgres) {
    if (auto spread = check_citus(*session_); !spread) return spread;
  }
  if (auto checked = check_before_lock(standings_); !checked) {
    // Of what another run has applied since that look, the schema says that it is there already.
    const std::size_t applied = report_.applied_in_all;
    steps = look();
    if (!steps || report_.applied_in_all == applied) return checked;
    report_.findings.clear();
    report_.failed_name.clear();
    if (steps->empty()) return nothing_to_do();
    if (auto again = check_before_lock(standings_); !again) return again;
  }
  if (auto going = go_on("interrupted before anything was run"); !going) return going;
  if (auto fits = check_space_before_lock(*steps); !fits) return fits;
  return work();
}

Outcome<void> Runner::check_space_before_lock(const std::vector<RunStep>& steps) {
  Looking looking(*session_, target_.dialect, PreflightOptions{}.statement_timeout, options_.interrupt);
  if (!options_.backup) return check_space(looking, target_, pending_, facts_, nullptr, options_.free_space);
  BackupOptions wanted = backup_options(0);
  if (options_.backup->touched_only) {
    auto touched = tables_to_keep(steps);
    if (!touched) return std::unexpected(touched.error());
    wanted.touched = *std::move(touched);
  }
  return check_space(looking, target_, pending_, facts_, &wanted, options_.free_space);
}

Outcome<void> Runner::check_pooler(const std::vector<RunStep>& steps) {
  if (session_->stays_the_same()) return {};
  const auto refuse = [&](const std::string& what, const std::string& hint) {
    return stop(
        Exit::refused, "MG-POOLER",
        fmt::format("between us and the server of '{}' stands a connection pooler: {}", target_.name, what),
        "Name the server itself with --direct-url" + hint);
  };
  for (const RunStep& step : steps) {
    if (!runs_in_transaction(*step.job.script, target_.dialect))
      return refuse(fmt::format("{} is not one transaction, and cannot run through it", step.job.name), ".");
  }
  if (options_.backup && options_.backup->external.empty())
    return refuse("a backup cannot be taken through it", ", or take it with --backup-by.");
  options_.say("pooler: the lock is its row alone");
  return {};
}

Outcome<std::vector<RunStep>> Runner::look() {
  const auto rows = Journal(*session_, target_.dialect).read();
  if (!rows) return std::unexpected(rows.error());
  standings_ = compare(set_, *rows);
  count();
  if (auto agreed = check_agreement(set_, standings_, allow_late()); !agreed)
    return std::unexpected(agreed.error());
  return plan(standings_);
}

void Runner::count() {
  report_.applied_in_all = static_cast<std::size_t>(
      std::ranges::count_if(standings_, [](const Standing& one) { return is_applied(one.state); }));
  report_.pending = standings_.size() - report_.applied_in_all;
}

Outcome<void> Runner::work() {
  auto lock = take_lock();
  if (!lock) return std::unexpected(lock.error());
  report_.token = (*lock)->token();
  // Another runner may have done it while we waited.
  const auto steps = look();
  if (!steps) return std::unexpected(steps.error());
  if (steps->empty()) return {};
  if (auto allowed = allow(standings_, *steps); !allowed) return allowed;
  Workbench bench{target_, session_.get(), lock->get(), options_.limits, options_.interrupt, options_.say};
  bench.watch = std::make_unique<SchemaWatch>(*session_, target_.dialect, target_.snapshot);
  bench.watch->update();
  bench.applied_by = who_runs(*session_, target_.dialect);
  bench.git_revision = revision_of(set_.directory);
  if (auto kept = back_up(bench, *steps); !kept) return kept;
  auto done = together() ? perform_together(bench, *steps) : perform(bench, *steps);
  report_.fingerprint = bench.watch->now().fingerprint();
  if (done) look_after_it(*bench.session);
  if (done && options_.backup) prune_backups(*bench.session);
  return done;
}

Outcome<void> Runner::back_up(Workbench& bench, const std::vector<RunStep>& steps) {
  if (!options_.backup) {
    bench.note = options_.why_no_backup;
    return {};
  }
  BackupOptions wanted = backup_options(bench.lock->token());
  if (options_.backup->touched_only) {
    auto touched = tables_to_keep(steps);
    if (!touched) return std::unexpected(touched.error());
    wanted.touched = *std::move(touched);
  }
  auto backup = take_before_run(std::move(wanted), options_.interrupt, options_.say);
  if (!backup) return std::unexpected(backup.error());
  report_.backup = *std::move(backup);
  bench.backup_file = report_.backup->file.filename().string();
  bench.backup_sha256 = report_.backup->record.sha256;
  return {};
}

Outcome<void> Runner::go_on(std::string if_not) const {
  const int signal = options_.interrupt == nullptr ? 0 : options_.interrupt->signal();
  if (signal == 0) return {};
  return std::unexpected(interruption(signal, std::move(if_not)));
}

Outcome<std::vector<std::string>> Runner::tables_to_keep(const std::vector<RunStep>& steps) {
  std::vector<const Script*> scripts;
  for (const RunStep& step : steps) scripts.push_back(step.job.script);
  auto tables = touched_tables(*session_, scripts);
  if (tables) tables->push_back(own_table(target_.dialect, "migration_journal"));
  return tables;
}

BackupOptions Runner::backup_options(std::int64_t run_token) const {
  return backup_options_of(target_, *options_.backup, run_token, options_.free_space, options_.say);
}

void Runner::prune_backups(store::SchemaSession& session) {
  const auto rows = Journal(session, target_.dialect).read();
  const auto database = database_of(target_.url);
  if (!rows || !database) return;
  const auto pruned = prune(options_.backup->folder, *database, SystemClock().now(), backups_in_use(*rows));
  if (!pruned) options_.say(fmt::format("backup: old ones stay: {}", pruned.error().message));
}

Outcome<void> Runner::perform(Workbench& bench, const std::vector<RunStep>& steps) {
  for (std::size_t i = 0; i < steps.size(); ++i) {
    const Job& job = steps[i].job;
    if (auto allowed = allow_now(job, *bench.session); !allowed) {
      report_.failed_name = job.name;
      return allowed;
    }
    const auto begun = std::chrono::steady_clock::now();
    const std::string what = fmt::format("{} {}/{} {}", job.direction, i + 1, steps.size(), job.name);
    const auto applied = apply_and_tell(bench, job, what);
    if (!applied) {
      const auto took =
          std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - begun);
      options_.say(
          fmt::format("{} ... FAILED after {} ms, {}", what, took.count(), applied.error().ending()));
      report_.failed_name = job.name;
      return std::unexpected(applied.error());
    }
    options_.say(fmt::format("{} ... ok {} ms ({} statement{})", what, applied->duration_ms,
                             applied->statements, applied->statements == 1 ? "" : "s"));
    note(*applied, job.direction == "up");
  }
  return {};
}

Outcome<Applied> Runner::apply_and_tell(Workbench& bench, const Job& job, const std::string& what) {
  using std::chrono::seconds;
  const auto begun = std::chrono::steady_clock::now();
  seconds next(2);
  Reporting reporting;
  reporting.every = seconds(1);
  reporting.report = [&](const Progress& progress) {
    const auto time = std::chrono::floor<seconds>(std::chrono::steady_clock::now() - begun);
    if (time < next) return;
    next = std::min(2 * time, time + seconds(30));
    options_.say(fmt::format("{}: statement {} of {}, {} s", progress.step, progress.done, progress.all,
                             time.count()));
  };
  if (job.script->options.batch) reporting.report = nullptr;
  const Step shown(reporting, what,
                   [&] { return Step::Amount{bench.at_statement, job.script->statements.size()}; });
  return apply(bench, job);
}

Outcome<void> Runner::perform_together(Workbench& bench, const std::vector<RunStep>& steps) {
  std::vector<const Job*> jobs;
  for (const RunStep& step : steps) {
    if (auto fits = check_together(step.job.name, *step.job.script, target_.dialect); !fits) return fits;
    if (auto allowed = allow_now(step.job, *bench.session); !allowed) {
      report_.failed_name = step.job.name;
      return allowed;
    }
    jobs.push_back(&step.job);
  }
  const auto applied = apply_together(bench, jobs);
  if (!applied) {
    report_.failed_name = applied.error().finding.name;
    options_.say(fmt::format("up {} migrations in one transaction ... FAILED, {}", jobs.size(),
                             applied.error().ending()));
    return std::unexpected(applied.error());
  }
  for (std::size_t i = 0; i < applied->size(); ++i) {
    const Applied& one = applied->at(i);
    options_.say(fmt::format("up {}/{} {} ... ok {} ms", i + 1, applied->size(), one.name, one.duration_ms));
    note(one, true);
  }
  return {};
}

void Runner::note(const Applied& applied, bool forward) {
  report_.applied.push_back(applied);
  report_.pending = forward ? report_.pending - 1 : report_.pending + 1;
  report_.applied_in_all = forward ? report_.applied_in_all + 1 : report_.applied_in_all - 1;
}
}  // namespace guildhall::migrate
