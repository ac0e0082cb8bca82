// What `up`, `resume` and `down` share: they look what is to be done, ask whether it may be, take the lock,
// look again, take the backup, and do it.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "migrate/run.h"

namespace guildhall::migrate {

/// A step of a run; the Job points into `script`, which may be our own.
struct RunStep {
  Job job;
  std::shared_ptr<const Script> derived;  // where the script is no file's
};

/// What both directions share: session, lock, bench, and the report.
class Runner {
 public:
  Runner(const Target& target, const MigrationSet& set, const RunOptions& options, std::string command)
      : target_(target), set_(set), options_(options), command_(std::move(command)) {}
  virtual ~Runner() = default;

  RunReport run();

 protected:
  /// In place of everything else.
  virtual Outcome<void> nothing_to_do() { return {}; }
  /// What is to be done as the journal stands; asked before the lock and again under it.
  virtual Outcome<std::vector<RunStep>> plan(const std::vector<Standing>& standings) = 0;
  virtual bool allow_late() const { return false; }
  /// All of it in one transaction?
  virtual bool together() const { return false; }
  /// Whether it can go well at all; asked before anybody has to wait.
  virtual Outcome<void> check_before_lock(const std::vector<Standing>&) { return {}; }
  /// Whether that may be done; asked once, under the lock.
  virtual Outcome<void> allow(const std::vector<Standing>&, const std::vector<RunStep>&) { return {}; }
  /// What it came to, on the session that the work is on by now, once all of it is done.
  virtual void look_after_it(store::SchemaSession&) {}
  /// Whether this one may; asked under the lock right before it runs.
  virtual Outcome<void> allow_now(const Job&, store::SchemaSession&) { return {}; }

  Outcome<std::unique_ptr<Lock>> take_lock();
  /// The steps, as journal and files stand now.
  Outcome<std::vector<RunStep>> look();

  Target target_;
  const MigrationSet& set_;
  const RunOptions& options_;
  std::string command_;
  std::unique_ptr<store::SchemaSession> session_;
  RunReport report_;
  std::vector<Pending> pending_;  // what `plan` chose
  TableFacts facts_;              // of that, before the lock, where check_before_lock read them

 private:
  Outcome<void> perform();
  Outcome<void> check_space_before_lock(const std::vector<RunStep>& steps);
  /// What needs a session that stays the same is not begun without one.
  Outcome<void> check_pooler(const std::vector<RunStep>& steps);

  void count();
  Outcome<void> work();

  /// Taken and proved, or nothing is run.
  Outcome<void> back_up(Workbench& bench, const std::vector<RunStep>& steps);
  Outcome<void> go_on(std::string if_not) const;
  /// What the run touches, and the journal.
  Outcome<std::vector<std::string>> tables_to_keep(const std::vector<RunStep>& steps);
  BackupOptions backup_options(std::int64_t run_token) const;
  /// What is old goes, but what the journal's unfinished rows or the last one may need.
  void prune_backups(store::SchemaSession& session);

  Outcome<void> perform(Workbench& bench, const std::vector<RunStep>& steps);
  /// With a line after two seconds, after twice as long and so on; a batch has its own.
  Outcome<Applied> apply_and_tell(Workbench& bench, const Job& job, const std::string& what);
  Outcome<void> perform_together(Workbench& bench, const std::vector<RunStep>& steps);
  void note(const Applied& applied, bool forward);

  std::vector<Standing> standings_;
};

}  // namespace guildhall::migrate
