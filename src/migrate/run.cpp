#include "migrate/run.h"

#include <fmt/format.h>

#include <algorithm>

#include "migrate/backup_checks.h"
#include "migrate/checksums.h"
#include "migrate/citus.h"
#include "migrate/data_loss.h"
#include "migrate/full_place.h"
#include "migrate/passed_over.h"
#include "migrate/phases.h"
#include "migrate/pooled_session.h"
#include "migrate/preflight.h"
#include "migrate/proofs.h"
#include "migrate/revision.h"
#include "migrate/rights.h"
#include "migrate/script_rules.h"
#include "migrate/space.h"
#include "migrate/touched_tables.h"

namespace guildhall::migrate {
namespace {

/// A step of a run; the Job points into `script`, which may be our own.
struct Step {
  Job job;
  std::shared_ptr<const Script> derived;  // where the script is no file's
};

/// What both directions share: session, lock, bench, and the report.
class Run {
 public:
  Run(const Target& target, const MigrationSet& set, const RunOptions& options, std::string command)
      : target_(target), set_(set), options_(options), command_(std::move(command)) {}
  virtual ~Run() = default;

  RunReport run() {
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

 protected:
  /// In place of everything else.
  virtual Outcome<void> nothing_to_do() { return {}; }
  /// What is to be done as the journal stands; asked before the lock and again under it.
  virtual Outcome<std::vector<Step>> plan(const std::vector<Standing>& standings) = 0;
  virtual bool allow_late() const { return false; }
  /// All of it in one transaction?
  virtual bool together() const { return false; }
  /// Whether it can go well at all; asked before anybody has to wait.
  virtual Outcome<void> check_before_lock(const std::vector<Standing>&) { return {}; }
  /// Whether that may be done; asked once, under the lock.
  virtual Outcome<void> allow(const std::vector<Standing>&, const std::vector<Step>&) { return {}; }
  /// What it came to, once all of it is done.
  virtual void look_after_it() {}
  /// Whether this one may; asked under the lock right before it runs.
  virtual Outcome<void> allow_now(const Job&) { return {}; }

  Outcome<std::unique_ptr<Lock>> take_lock() {
    return Lock::take(target_, *session_,
                      {command_, options_.lock_wait, options_.lock, options_.interrupt, options_.say});
  }

  Target target_;
  const MigrationSet& set_;
  const RunOptions& options_;
  std::string command_;
  std::unique_ptr<store::SchemaSession> session_;
  RunReport report_;
  std::vector<Pending> pending_;  // what `plan` chose

 private:
  Outcome<void> perform() {
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
    if (auto checked = check_before_lock(standings_); !checked) return checked;
    if (auto going = go_on("interrupted before anything was run"); !going) return going;
    if (auto fits = check_space_before_lock(*steps); !fits) return fits;
    return work();
  }

  Outcome<void> check_space_before_lock(const std::vector<Step>& steps) {
    Looking looking(*session_, target_.dialect, PreflightOptions{}.statement_timeout, options_.interrupt);
    if (!options_.backup) return check_space(looking, target_, pending_, nullptr, options_.free_space);
    BackupOptions wanted = backup_options(0);
    if (options_.backup->touched_only) {
      auto touched = tables_to_keep(steps);
      if (!touched) return std::unexpected(touched.error());
      wanted.touched = *std::move(touched);
    }
    return check_space(looking, target_, pending_, &wanted, options_.free_space);
  }

  /// What needs a session that stays the same is not begun without one.
  Outcome<void> check_pooler(const std::vector<Step>& steps) {
    if (session_->stays_the_same()) return {};
    const auto refuse = [&](const std::string& what, const std::string& hint) {
      return stop(
          Exit::refused, "MG-POOLER",
          fmt::format("between us and the server of '{}' stands a connection pooler: {}", target_.name, what),
          "Name the server itself with --direct-url" + hint);
    };
    for (const Step& step : steps) {
      if (!runs_in_transaction(*step.job.script, target_.dialect))
        return refuse(fmt::format("{} is not one transaction, and cannot run through it", step.job.name),
                      ".");
    }
    if (options_.backup && options_.backup->external.empty())
      return refuse("a backup cannot be taken through it", ", or take it with --backup-by.");
    options_.say("pooler: the lock is its row alone");
    return {};
  }

  std::vector<Standing> standings_;

 protected:
  Outcome<std::vector<Step>> look() {
    const auto rows = Journal(*session_, target_.dialect).read();
    if (!rows) return std::unexpected(rows.error());
    standings_ = compare(set_, *rows);
    count();
    if (auto agreed = check_agreement(set_, standings_, allow_late()); !agreed)
      return std::unexpected(agreed.error());
    return plan(standings_);
  }

 private:
  void count() {
    report_.applied_in_all = static_cast<std::size_t>(
        std::ranges::count_if(standings_, [](const Standing& one) { return is_applied(one.state); }));
    report_.pending = standings_.size() - report_.applied_in_all;
  }

  Outcome<void> work() {
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
    if (done) look_after_it();
    if (done && options_.backup) prune_backups(*bench.session);
    return done;
  }

  /// Taken and proved, or nothing is run.
  Outcome<void> back_up(Workbench& bench, const std::vector<Step>& steps) {
    if (!options_.backup) {
      bench.note = options_.why_no_backup;
      return {};
    }
    const auto begun = std::chrono::steady_clock::now();
    BackupOptions wanted = backup_options(bench.lock->token());
    if (options_.backup->touched_only) {
      auto touched = tables_to_keep(steps);
      if (!touched) return std::unexpected(touched.error());
      wanted.touched = *std::move(touched);
    }
    auto backup = take_unless_interrupted(wanted);
    if (auto going = go_on("interrupted while a backup was taken; nothing was run"); !going) return going;
    if (!backup) return std::unexpected(problem_of_backup(backup.error()));
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begun;
    report_.backup = *std::move(backup);
    bench.backup_file = report_.backup->file.filename().string();
    bench.backup_sha256 = report_.backup->record.sha256;
    options_.say(backup_line(*report_.backup, took.count()));
    return {};
  }

  Result<Backup> take_unless_interrupted(BackupOptions& wanted) {
    std::stop_source stop;
    wanted.reporting.stop = stop.get_token();
    if (options_.interrupt == nullptr) return take_backup(wanted);
    options_.interrupt->set_cancel([&stop] { stop.request_stop(); });
    // Whoever was told before cancels nothing more.
    if (options_.interrupt->signal() != 0) stop.request_stop();
    auto backup = take_backup(wanted);
    options_.interrupt->set_cancel(nullptr);
    return backup;
  }

  Outcome<void> go_on(std::string if_not) const {
    const int signal = options_.interrupt == nullptr ? 0 : options_.interrupt->signal();
    if (signal == 0) return {};
    return std::unexpected(interruption(signal, std::move(if_not)));
  }

  /// What the run touches, and the journal.
  Outcome<std::vector<std::string>> tables_to_keep(const std::vector<Step>& steps) {
    std::vector<const Script*> scripts;
    for (const Step& step : steps) scripts.push_back(step.job.script);
    auto tables = touched_tables(*session_, scripts);
    if (tables) tables->push_back(own_table(target_.dialect, "migration_journal"));
    return tables;
  }

  BackupOptions backup_options(std::int64_t run_token) const {
    static const SystemClock clock;
    BackupOptions wanted;
    wanted.url = target_.url;
    wanted.folder = options_.backup->folder;
    wanted.external = options_.backup->external;
    if (options_.backup->touched_only) wanted.coverage = Coverage::schema_and_touched;
    if (!wanted.external.empty()) wanted.coverage = Coverage::external;
    wanted.scratch_url = options_.backup->scratch_url;
    wanted.proof = options_.backup->proof;
    wanted.reader = target_.reader;
    wanted.fingerprint = [this](store::SchemaSession& session) {
      return read_snapshot(session, target_.dialect, target_.snapshot).fingerprint();
    };
    wanted.run_token = run_token;
    wanted.free_space = options_.free_space;
    wanted.clock = &clock;
    wanted.reporting.report = [this](const Progress& progress) {
      options_.say(progress.all == 0
                       ? fmt::format("backup: {} ...", progress.step)
                       : fmt::format("backup: {} {} %", progress.step, 100 * progress.done / progress.all));
    };
    return wanted;
  }

  /// What is old goes, but what the journal's unfinished rows or the last one may need.
  void prune_backups(store::SchemaSession& session) {
    const auto rows = Journal(session, target_.dialect).read();
    const auto database = database_of(target_.url);
    if (!rows || !database) return;
    const auto pruned = prune(options_.backup->folder, *database, SystemClock().now(), backups_in_use(*rows));
    if (!pruned) options_.say(fmt::format("backup: old ones stay: {}", pruned.error().message));
  }

  Outcome<void> perform(Workbench& bench, const std::vector<Step>& steps) {
    for (std::size_t i = 0; i < steps.size(); ++i) {
      const Job& job = steps[i].job;
      if (auto allowed = allow_now(job); !allowed) {
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

  /// With a line after two seconds, after twice as long and so on; a batch has its own.
  Outcome<Applied> apply_and_tell(Workbench& bench, const Job& job, const std::string& what) {
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
    const migrate::Step shown(reporting, what, [&] {
      return migrate::Step::Amount{bench.at_statement, job.script->statements.size()};
    });
    return apply(bench, job);
  }

  Outcome<void> perform_together(Workbench& bench, const std::vector<Step>& steps) {
    std::vector<const Job*> jobs;
    for (const Step& step : steps) {
      if (!runs_in_transaction(*step.job.script, target_.dialect)) {
        return stop(Exit::refused, "MG-TOGETHER",
                    fmt::format("{} cannot run in a transaction with others", step.job.name),
                    "Apply it by itself: --to the one before it, then --steps 1.");
      }
      if (auto allowed = allow_now(step.job); !allowed) {
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
      options_.say(
          fmt::format("up {}/{} {} ... ok {} ms", i + 1, applied->size(), one.name, one.duration_ms));
      note(one, true);
    }
    return {};
  }

  void note(const Applied& applied, bool forward) {
    report_.applied.push_back(applied);
    report_.pending = forward ? report_.pending - 1 : report_.pending + 1;
    report_.applied_in_all = forward ? report_.applied_in_all + 1 : report_.applied_in_all - 1;
  }
};

// --- up

Job up_job(const Standing& standing) {
  const Migration& migration = *standing.migration;
  Job job;
  job.name = migration.name;
  job.direction = "up";
  job.script = migration.up.get();
  job.script_checksum = migration.up->checksum;
  job.token_checksum = migration.up->token_checksum;
  job.down_source = migration.down ? "file" : "";
  job.down_checksum = migration.down ? migration.down->checksum : "";
  if (standing.state == State::partial) job.open = standing.row;
  return job;
}

class Up final : public Run {
 public:
  Up(const Target& target, const MigrationSet& set, const UpOptions& options)
      : Run(target, set, options, options.only_resume ? "resume" : "up"), up_(options) {}

 private:
  Outcome<std::vector<Step>> plan(const std::vector<Standing>& standings) override {
    const auto chosen = to_apply(standings, up_);
    if (!chosen) return std::unexpected(chosen.error());
    std::vector<Step> steps;
    pending_.clear();
    for (const Standing* one : *chosen) {
      steps.push_back({up_job(*one), nullptr});
      pending_.push_back(pending_of(*one));
    }
    return steps;
  }

  /// Guildhall itself uses the journal as it is now.
  Outcome<void> nothing_to_do() override {
    if (!target_.is_own || !Journal(*session_, target_.dialect).is_older()) return {};
    const auto lock = take_lock();
    return lock ? Outcome<void>{} : std::unexpected(lock.error());
  }

  /// What came late only now, under the lock, nobody has proved.
  Outcome<void> allow(const std::vector<Standing>& standings, const std::vector<Step>&) override {
    for (const std::string& name : late_of(standings)) {
      if (std::ranges::find(proved_, name) == proved_.end())
        return stop(Exit::drift, "E-LATE", fmt::format("{} became late just now", name), "Start again.");
    }
    return {};
  }

  Outcome<void> allow_now(const Job& job) override {
    if (job.script->options.phase != Phase::contract) return {};
    const auto readers = read_readers(*session_, target_.dialect, target_.readers_file);
    for (const Finding& one : check_phases(set_, pending_, readers)) {
      if (one.name == job.script->file) return std::unexpected(Problem{Exit::refused, one});
    }
    return {};
  }

  void look_after_it() override {
    for (Finding& one : find_passed_over(*session_, target_.dialect, pending_)) {
      up_.say(fmt::format("warning: {}: {} line {}: {}", one.code, one.name, one.line, one.text));
      report_.findings.push_back(std::move(one));
    }
  }

  static std::vector<std::string> late_of(const std::vector<Standing>& standings) {
    std::vector<std::string> names;
    for (const Standing& one : standings) {
      if (one.state == State::late) names.push_back(one.name);
    }
    return names;
  }

  bool allow_late() const override { return up_.allow_late; }
  bool together() const override { return up_.together; }

  Outcome<void> check_before_lock(const std::vector<Standing>& standings) override {
    if (proved_ = late_of(standings); !proved_.empty()) {
      if (auto same = prove_late(target_, standings, up_.backup ? up_.backup->scratch_url : ""); !same)
        return same;
    }
    PreflightOptions options;
    options.interrupt = up_.interrupt;
    options.set = &set_;
    options.lint = up_.lint;
    options.readers_file = target_.readers_file;
    auto checked = check_before(*session_, target_.dialect, pending_, options, report_.findings);
    for (const Pending& one : pending_) {
      if (!checked && checked.error().finding.name == one.migration->up->file)
        report_.failed_name = one.migration->name;
    }
    return checked;
  }

  const UpOptions& up_;
  std::vector<std::string> proved_;  // late ones that may come late
};

// --- down

class Down final : public Run {
 public:
  Down(const Target& target, const MigrationSet& set, const DownOptions& options)
      : Run(target, set, options, "down"), down_(options) {}

  Outcome<DownPreview> preview() {
    auto session = target_.open("");
    if (!session) return std::unexpected(problem_of(session.error()));
    session_ = *std::move(session);
    const auto steps = look();
    if (!steps) return std::unexpected(steps.error());
    DownPreview preview;
    for (const Step& step : *steps) {
      const std::size_t done = step.job.open ? static_cast<std::size_t>(step.job.open->statements_done) : 0;
      // What stands in the set is not ours to delete.
      auto script = step.derived ? step.derived
                                 : std::shared_ptr<const Script>(std::shared_ptr<void>(), step.job.script);
      preview.ways.push_back({step.job.name, step.job.down_source, std::move(script), done});
    }
    if (auto allowed = allow({}, *steps); !allowed) preview.refused = allowed.error();
    return preview;
  }

 private:
  Outcome<std::vector<Step>> plan(const std::vector<Standing>& standings) override {
    auto chosen = choose(standings);
    if (!chosen) return std::unexpected(chosen.error());
    std::vector<Step> steps;
    pending_.clear();
    for (const Standing* one : *chosen) {
      auto step = step_of(*one);
      if (!step) return std::unexpected(step.error());
      const auto done = one->state == State::partial ? one->row->statements_done : 0;
      pending_.push_back({one->migration, static_cast<std::size_t>(done), step->job.script});
      steps.push_back(*std::move(step));
    }
    return steps;
  }

  Outcome<void> check_before_lock(const std::vector<Standing>&) override {
    if (target_.dialect == Dialect::sqlite) return {};
    Looking looking(*session_, target_.dialect, PreflightOptions{}.statement_timeout, down_.interrupt);
    const TableFacts facts = read_table_facts(*session_, target_.dialect, pending_);
    return refuse_missing_rights(find_missing_rights(looking, pending_, facts));
  }

  /// In the order in which they go.
  Outcome<std::vector<const Standing*>> choose(const std::vector<Standing>& standings) {
    for (const Standing& one : standings) {
      if (one.state != State::partial) continue;
      if (one.row->direction == "down") return std::vector<const Standing*>{&one};
      return stop(Exit::midway, "MG-MIDWAY", fmt::format("{} stopped midway", one.name),
                  "Finish it first: guildhall migrate resume");
    }
    const auto applied = in_order_of_application(standings);
    if (applied.empty()) return std::vector<const Standing*>{};
    if (!down_.to.empty()) return all_above(standings, applied);
    if (down_.name.empty()) return std::vector<const Standing*>{applied.back()};
    const auto found = find_standing(standings, down_.name);
    if (!found) return std::unexpected(found.error());
    const auto at = std::ranges::find(applied, *found);
    if (at == applied.end())
      return stop(Exit::usage, "E-NAME", fmt::format("{} is not applied", (*found)->name));
    if (down_.only) return std::vector<const Standing*>{*found};
    std::vector<const Standing*> newest_first(at, applied.end());
    std::ranges::reverse(newest_first);
    if (newest_first.size() == 1 || down_.cascade) return newest_first;
    return stop(Exit::refused, "MG-NEWER",
                fmt::format("newer ones were applied after {}: {}", (*found)->name, names_of(newest_first)),
                "--cascade takes them back first; --only takes back just this one.");
  }

  Outcome<std::vector<const Standing*>> all_above(const std::vector<Standing>& standings,
                                                  const std::vector<const Standing*>& applied) {
    const auto found = find_standing(standings, down_.to);
    if (!found) return std::unexpected(found.error());
    const auto at = std::ranges::find(applied, *found);
    if (at == applied.end())
      return stop(Exit::usage, "E-NAME", fmt::format("{} is not applied", (*found)->name));
    std::vector<const Standing*> newest_first(at + 1, applied.end());
    std::ranges::reverse(newest_first);
    return newest_first;
  }

  static std::string names_of(const std::vector<const Standing*>& newest_first) {
    std::vector<std::string> names;
    for (const Standing* one : newest_first) names.push_back(one->name);
    names.pop_back();
    return fmt::format("{}", fmt::join(names, ", "));
  }

  Outcome<Step> step_of(const Standing& one) const {
    Step step;
    step.job.name = one.name;
    step.job.direction = "down";
    const JournalRow& applied = one.applied ? *one.applied : *one.row;
    // With later ones still there it cannot be the schema of before; then it is what it did that has to be
    // undone.
    if (!down_.only) step.job.expected = applied.fingerprint_before;
    step.job.undoes_changes = !applied.fingerprint_after.empty();
    step.job.expected_changes = lines_of(applied.schema_changes);
    if (one.state == State::partial) step.job.open = one.row;
    if (one.migration != nullptr && one.migration->down) {
      step.job.script = one.migration->down.get();
      step.job.down_source = "file";
    } else if (!applied.down_script.empty()) {
      step.derived = parse_derived(applied);
      step.job.script = step.derived.get();
      step.job.down_source = "derived";
    } else {
      return stop(Exit::refused, "MG-NOWAY", fmt::format("no way back for {}", one.name),
                  applied.backup_file.empty()
                      ? "Write a down script beside it."
                      : fmt::format("Restore with: guildhall migrate restore {}", applied.backup_file));
    }
    step.job.script_checksum = step.job.script->checksum;
    step.job.token_checksum = step.job.script->token_checksum;
    return step;
  }

  std::shared_ptr<const Script> parse_derived(const JournalRow& applied) const {
    auto script = std::make_shared<Script>();
    script->file = applied.name + " (derived way back)";
    script->sql = applied.down_script;
    script->checksum = checksum_of_bytes(script->sql);
    script->token_checksum = checksum_of_tokens(script->sql, target_.dialect).value_or("");
    if (auto statements = split_statements(script->sql, target_.dialect))
      script->statements = *std::move(statements);
    return script;
  }

  Outcome<void> allow(const std::vector<Standing>&, const std::vector<Step>& steps) override {
    if (down_.in_scratch) return {};
    for (const Step& step : steps) {
      const auto losses =
          count_losses(*session_, step.job.script->statements, target_.dialect, down_.interrupt);
      if (losses.empty()) continue;
      if (!set_.migrations.empty() && step.job.name == set_.migrations.front().name) {
        if (auto allowed = allow_foundation(step.job.name, describe(losses)); !allowed) return allowed;
      }
      if (down_.confirm_data_loss || down_.confirm_all) continue;
      return stop(Exit::refused, "MG-DATALOSS",
                  fmt::format("{} down will drop: {}", step.job.name, describe(losses)),
                  "If that is meant: --confirm-data-loss");
    }
    return {};
  }

  /// Two words of the operator's are not enough to bring everything back.
  Outcome<void> allow_foundation(const std::string& name, const std::string& losses) {
    if (!down_.confirm_all) {
      return stop(Exit::refused, "MG-FOUNDATION",
                  fmt::format("{} is what all others stand on, and would drop: {}", name, losses),
                  "If everything is meant to go: --confirm-data-loss=all");
    }
    const auto& wish = down_.backup;
    if (wish && wish->external.empty() && !wish->touched_only) return {};
    const auto recent =
        has_recent_backup(down_.earlier_backups, target_.database, target_.dialect, SystemClock().now(), {});
    if (!recent) return std::unexpected(problem_of_backup(recent.error()));
    if (*recent) return {};
    return stop(Exit::refused, "MG-FOUNDATION",
                fmt::format("{} is what all others stand on, and in '{}' is no verified backup of the last "
                            "hour with all of '{}'",
                            name, down_.earlier_backups.string(), target_.database),
                "Take one: guildhall migrate backup; or leave --no-backup, --backup-by and "
                "--backup=schema+touched away.");
  }

  const DownOptions& down_;
};

}  // namespace

Outcome<void> check_agreement(const MigrationSet& set, const std::vector<Standing>& standings,
                              bool allow_late) {
  for (const Finding& one : set.findings) {
    if (one.level != Level::error) continue;
    Problem problem{one.code.starts_with('L') ? Exit::refused : Exit::drift, one};
    if (one.line > 0) problem.place.file = one.name;
    problem.finding.text = fmt::format("{}: {}", one.name, one.text);
    return std::unexpected(std::move(problem));
  }
  for (const Standing& one : standings) {
    if (one.state == State::changed)
      return stop(
          Exit::drift, "E-CHANGED", fmt::format("{} was changed after it had been applied", one.name),
          fmt::format("Bring it back as it was, or: guildhall migrate repair --accept {} --reason ...",
                      one.name));
    if (one.state == State::missing)
      return stop(Exit::drift, "E-MISSING", fmt::format("{} was applied, and its file is gone", one.name),
                  "Bring the file back.");
    if (one.state == State::late && !allow_late)
      return stop(
          Exit::drift, "E-LATE", fmt::format("{} is not applied, and later ones are", one.name),
          "Give it a higher number, or use --allow-late, which first proves that the order does not matter.");
  }
  return {};
}

std::string backup_line(const Backup& backup, double seconds) {
  if (backup.file.empty()) return fmt::format("backup: by the given program in {:.1f} s", seconds);
  const char* proof = backup.record.verified == 3   ? "verified (restore)"
                      : backup.record.verified == 2 ? "verified (read to its end)"
                                                    : "verified (sum)";
  return fmt::format("backup: {} {} in {:.1f} s, {}", backup.file.filename().string(),
                     shown_bytes(backup.record.size), seconds, proof);
}

Problem problem_of_backup(const Error& error) {
  const auto made = [&](Exit exit, std::string code) {
    return Problem{exit, {std::move(code), Level::error, "", 0, error.message, error.hint}};
  };
  switch (fault_of(error)) {
    case Fault::no_space: return made(Exit::no_space, "MG-SPACE");
    case Fault::permission: return made(Exit::no_permission, "MG-PERMISSION");
    case Fault::unreachable: return made(Exit::no_database, "MG-CONNECTION");
    case Fault::refused: return made(Exit::refused, "MG-REFUSED");
    case Fault::usage: return made(Exit::usage, "E-USAGE");
    case Fault::failed: break;
  }
  return made(Exit::no_backup, "MG-BACKUP");
}

std::set<std::string> backups_in_use(const std::vector<JournalRow>& rows) {
  std::set<std::string> used;
  std::string last;
  for (const JournalRow& row : rows) {
    if (row.backup_file.empty()) continue;
    if (row.state == "started" || row.state == "partial") used.insert(row.backup_file);
    if (row.state == "applied") last = row.backup_file;
  }
  if (!last.empty()) used.insert(last);
  return used;
}

Outcome<std::vector<const Standing*>> to_apply(const std::vector<Standing>& standings,
                                               const UpOptions& options) {
  const Standing* last = nullptr;
  if (!options.to.empty()) {
    const auto found = find_standing(standings, options.to);
    if (!found) return std::unexpected(found.error());
    last = *found;
  }
  std::vector<const Standing*> chosen;
  for (const Standing& one : standings) {
    if (one.state == State::partial && one.row->direction != "up") {
      return stop(Exit::midway, "MG-MIDWAY", fmt::format("the way back of {} stopped midway", one.name),
                  "Finish it first: guildhall migrate down " + one.name);
    }
    const bool to_do = one.state == State::pending || one.state == State::failed || one.state == State::late;
    const bool wanted = one.state == State::partial || (!options.only_resume && to_do);
    const bool in_steps = !options.steps || chosen.size() < *options.steps;
    const bool in_reach = last == nullptr || &one <= last;
    if (wanted && in_steps && in_reach) chosen.push_back(&one);
  }
  return chosen;
}

Pending pending_of(const Standing& standing) {
  const bool midway = standing.state == State::partial && standing.row;
  return {standing.migration, midway ? static_cast<std::size_t>(standing.row->statements_done) : 0};
}

RunReport up(const Target& target, const MigrationSet& set, const UpOptions& options) {
  return Up(target, set, options).run();
}

Outcome<DownPreview> preview_down(const Target& target, const MigrationSet& set, const DownOptions& options) {
  return Down(target, set, options).preview();
}

RunReport down(const Target& target, const MigrationSet& set, const DownOptions& options) {
  return Down(target, set, options).run();
}

}  // namespace guildhall::migrate
