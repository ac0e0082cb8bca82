#include "migrate/application.h"

#include <fmt/format.h>

#include <algorithm>
#include <thread>

#include "base/pause.h"
#include "migrate/checksums.h"
#include "migrate/schema_effect.h"
#include "migrate/script_rules.h"

namespace guildhall::migrate {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr const char* kRolledBack = "interrupted; the migration that ran was rolled back";

std::int64_t since(steady_clock::time_point begin) {
  return std::chrono::duration_cast<milliseconds>(steady_clock::now() - begin).count();
}

std::size_t line_of(const SqlStatement& statement, std::optional<std::size_t> position) {
  if (!position) return statement.line;
  const auto text = statement.text.substr(0, *position);
  return statement.line + static_cast<std::size_t>(std::ranges::count(text, '\n'));
}

}  // namespace

bool is_worth_a_try(const Problem& problem) {
  const std::string& state = problem.sqlstate;
  if (state == "40P01" || state == "40001") return true;
  // Not what took too long by itself, or was ended.
  return problem.exit == Exit::timed_out && state != "57014" && state != "SQLITE_9";
}

void sleep(const Workbench& bench, milliseconds pause) {
  const auto until = steady_clock::now() + random_pause(pause, pause * 6 / 5);
  while (steady_clock::now() < until && (bench.interrupt == nullptr || bench.interrupt->signal() == 0))
    std::this_thread::sleep_for(milliseconds(20));
}

Outcome<void> reconnect(Workbench& bench) {
  auto again = open_work_session(bench.target, bench.limits);
  if (!again) return std::unexpected(again.error());
  const auto adopted = bench.lock->adopt(*std::move(again));
  if (!adopted) return std::unexpected(adopted.error());
  bench.session = *adopted;
  bench.watch = std::make_unique<SchemaWatch>(*bench.session, bench.target.dialect, bench.target.snapshot);
  bench.watch->update();
  return {};
}

std::optional<Applied> find_committed(const Workbench& bench, const std::string& name) {
  const auto rows = Journal(*bench.session, bench.target.dialect).read();
  if (!rows) return std::nullopt;
  for (const JournalRow& one : *rows) {
    if (one.lock_token == bench.lock->token() && one.name == name && one.state == "applied")
      return Applied{name, one.statements_total, one.duration_ms, one.fingerprint_after};
  }
  return std::nullopt;
}

Application::Application(Workbench& bench, const Job& job) : bench_(bench), job_(job), script_(*job.script) {}

Outcome<Applied> Application::run() {
  auto applied = runs_in_transaction(script_, dialect()) ? with_tries() : in_steps();
  if (!applied) applied = std::unexpected(here(applied.error()));
  return applied;
}

Outcome<Applied> Application::run_within() {
  remember_settings();
  limit();
  auto applied = within();
  // At once: what fails of it is this one's fault, not the next one's.
  if (applied) journal().add(done_);
  if (applied && postgres() && (script_.options.lock_timeout || script_.options.statement_timeout)) {
    // They are this one's, and the transaction goes on.
    session().execute(fmt::format("SET LOCAL lock_timeout = {}; SET LOCAL statement_timeout = {}",
                                  bench_.limits.lock_timeout.count(),
                                  bench_.limits.statement_timeout.count()));
  }
  if (!applied) applied = std::unexpected(here(applied.error()));
  return applied;
}

Problem Application::explain_last(const store::DatabaseError& error) const {
  return here(explain(error, number_));
}

JournalRow Application::row(std::string state, std::int64_t done) const {
  JournalRow row;
  row.name = job_.name;
  row.direction = job_.direction;
  row.state = std::move(state);
  row.checksum = job_.script_checksum;
  row.token_checksum = job_.token_checksum;
  row.down_checksum = job_.down_checksum;
  row.down_source = job_.down_source;
  row.statements_total = static_cast<std::int64_t>(script_.statements.size());
  row.statements_done = done;
  row.duration_ms = since(begun_);
  row.applied_by = bench_.applied_by;
  row.tool_version = GUILDHALL_VERSION;
  row.git_revision = bench_.git_revision;
  row.backup_file = bench_.backup_file;
  row.backup_sha256 = bench_.backup_sha256;
  row.fingerprint_before = fingerprint_before_;
  row.lock_token = bench_.lock->token();
  row.note = bench_.note;
  return row;
}

// --- what can go wrong

/// Why a statement ended: somebody pressed Ctrl-C, the lock was lost, or the database said no.
Problem Application::explain(const store::DatabaseError& error, std::size_t number) const {
  if (const int signal = bench_.interrupt == nullptr ? 0 : bench_.interrupt->signal(); signal != 0)
    return interruption(signal, kRolledBack);
  if (bench_.lock->is_lost()) return bench_.lock->fenced();
  Problem problem = problem_of(error);
  if (number >= script_.statements.size()) {
    problem.finding.name = job_.name;
    return problem;
  }
  const SqlStatement& statement = script_.statements[number];
  const auto* told = dynamic_cast<const store::StatementError*>(&error);
  return at(std::move(problem), number,
            line_of(statement, told == nullptr ? std::nullopt : told->account().position));
}

/// Whatever it is, it was met in this script.
Problem Application::here(Problem problem) const {
  problem.was_run = has_run_;
  if (problem.place.file.empty()) problem.place.file = script_.file;
  return problem;
}

Problem Application::at(Problem problem, std::size_t number, std::size_t line) const {
  problem.finding.name = job_.name;
  problem.finding.line = line;
  problem.place = {script_.file, number + 1, script_.statements.size()};
  return problem;
}

Outcome<void> Application::go_on() const {
  const int signal = bench_.interrupt == nullptr ? 0 : bench_.interrupt->signal();
  if (signal != 0) return std::unexpected(interruption(signal, kRolledBack));
  return {};
}

void Application::roll_back() {
  if (watched_) bench_.watch->undo();
  watched_ = false;
  try {
    if (session().in_transaction()) session().execute("ROLLBACK");
  } catch (const store::DatabaseError&) {
    // With the connection the transaction is gone too.
  }
}

void Application::note_failure(const Problem& problem) {
  if (problem.exit == Exit::no_database || problem.exit == Exit::locked) return;
  try {
    JournalRow failed = row("failed", 0);
    failed.error = fmt::format("{}: {}", problem.finding.code, problem.finding.text);
    journal().add(failed);
  } catch (const store::DatabaseError&) {
    // The problem itself is what counts.
  }
}

// --- one transaction

Outcome<Applied> Application::with_tries() {
  milliseconds pause = bench_.limits.first_pause;
  for (int attempt = 1;; ++attempt) {
    auto applied = once();
    if (applied || !is_worth_a_try(applied.error()) || attempt >= bench_.limits.tries) {
      if (!applied) note_failure(applied.error());
      return applied;
    }
    bench_.say(fmt::format("{} {}: waited for a lock in vain, try {} of {} in {}", job_.direction, job_.name,
                           attempt + 1, bench_.limits.tries, show_duration(pause)));
    sleep(bench_, pause);
    if (auto going = go_on(); !going) return std::unexpected(going.error());
    pause *= 2;
  }
}

Outcome<Applied> Application::once() {
  try {
    begin();
    remember_settings();
    limit();
    auto applied = within();
    if (applied) {
      if (auto committed = commit(); !committed) applied = std::unexpected(committed.error());
    }
    if (!applied) roll_back();
    return applied;
  } catch (const store::DatabaseError& error) {
    roll_back();
    if (Lock::refused_commit(error)) return std::unexpected(bench_.lock->fenced());
    if (error.code() == store::DbCode::connection_lost && number_ >= script_.statements.size())
      return look_whether_committed(error);
    return std::unexpected(explain(error, number_));
  }
}

/// The row that says so, the lock, and the end.
Outcome<void> Application::commit() {
  bench_.target.seal(session());
  journal().add_later(done_);
  if (postgres()) {
    bench_.lock->check_later(session());
    session().run("COMMIT");
  } else {
    if (auto ours = bench_.lock->check(session()); !ours) return ours;
    session().execute("COMMIT");
  }
  watched_ = false;
  return {};
}

/// The answer to COMMIT was lost: the journal knows.
Outcome<Applied> Application::look_whether_committed(const store::DatabaseError& error) {
  watched_ = false;
  if (!reconnect(bench_)) return std::unexpected(explain(error, number_));
  if (auto committed = find_committed(bench_, job_.name)) return *std::move(committed);
  return std::unexpected(explain(error, number_));
}

void Application::begin() {
  // A batch has no end at which all rows could be looked at.
  if (!postgres() && script_.options.batch) {
    session().execute("PRAGMA foreign_keys=ON");
    return session().execute("BEGIN IMMEDIATE");
  }
  // The way in which SQLite changes a table takes the old one away under those that refer to it.
  if (!postgres()) session().execute("PRAGMA foreign_keys=OFF");
  if (!postgres()) return session().execute("BEGIN IMMEDIATE");
  const auto& statements = script_.statements;
  // What streams its rows goes with no other.
  if (!statements.empty() && command_tag(statements[0]) == "COPY") return session().execute("BEGIN");
  session().later("BEGIN");
}

void Application::limit() {
  if (!postgres()) return;
  if (script_.options.lock_timeout)
    session().later(fmt::format("SET LOCAL lock_timeout = {}", script_.options.lock_timeout->count()));
  if (script_.options.statement_timeout)
    session().later(
        fmt::format("SET LOCAL statement_timeout = {}", script_.options.statement_timeout->count()));
}

void Application::run_statement(std::size_t number) {
  const SqlStatement& statement = script_.statements[number];
  bench_.at_statement = number + 1;
  if (script_.statements.size() > 1 || number == 0)
    bench_.lock->show(fmt::format("{}, statement {}/{}", job_.name, number + 1, script_.statements.size()));
  has_run_ = true;
  session().run(std::string(statement.text));
}

/// Everything but the row and the commit: the statements, and all that must hold then.
Outcome<Applied> Application::within() {
  begun_ = steady_clock::now();
  fingerprint_before_ = bench_.watch->now().fingerprint();
  for (number_ = 0; number_ < script_.statements.size(); ++number_) {
    if (auto going = go_on(); !going) return std::unexpected(going.error());
    run_statement(number_);
  }
  if (auto sound = check_foreign_keys(); !sound) return std::unexpected(sound.error());
  undo_settings();
  const SchemaSnapshot before = bench_.watch->now();
  const SchemaSnapshot& after = bench_.watch->update(SchemaWatch::Changed::here);
  watched_ = true;
  done_ = row("applied", static_cast<std::int64_t>(script_.statements.size()));
  if (auto same = describe(before, after, done_); !same) return std::unexpected(same.error());
  return Applied{job_.name, done_.statements_total, since(begun_), done_.fingerprint_after};
}

// --- what must hold in the end

/// Before the limits of the script are set, which are not to be kept.
void Application::remember_settings() {
  if (postgres() && std::ranges::any_of(script_.statements, may_set_something)) settings_.emplace(session());
}

/// The session is as it was before the script, whatever that set.
void Application::undo_settings() {
  if (settings_) settings_->restore();
  settings_.reset();
}

Outcome<void> Application::check_foreign_keys() {
  if (postgres()) return {};
  const auto broken = session().query("PRAGMA foreign_key_check");
  if (broken.empty()) return {};
  return stop(Exit::failed, "MG-FOREIGNKEY",
              fmt::format("{} rows of {} refer to rows of {} that are not there", broken.size(), broken[0][0],
                          broken[0][2]),
              "Mend the rows within the migration.");
}

/// What became of the schema, for the journal; and whether it is what it has to be.
Outcome<void> Application::describe(const SchemaSnapshot& before, const SchemaSnapshot& after,
                                    JournalRow& done) const {
  done.fingerprint_after = after.fingerprint();
  done.schema_changes = changes_so_far(differences(before, after));
  if (job_.direction == "up") {
    if (done.down_source.empty()) derive(before, after, done);
    return {};
  }
  const std::string wrong = not_undone(job_.expected_changes, lines_of(done.schema_changes));
  const bool right =
      job_.expected.empty() ? !job_.undoes_changes || wrong.empty() : done.fingerprint_after == job_.expected;
  if (right) return {};
  return stop(Exit::drift, "MG-FINGERPRINT",
              fmt::format("the way back of {} does not lead back: {}", job_.name,
                          wrong.empty() ? "the same objects, otherwise defined" : wrong),
              "Nothing was kept. Mend the down script, or restore a backup.");
}

/// With those of the runs that stopped before.
std::string Application::changes_so_far(const std::vector<SchemaDifference>& changes) const {
  auto lines = job_.open ? lines_of(job_.open->schema_changes) : std::vector<std::string>{};
  for (std::string& line : change_lines(changes)) lines.push_back(std::move(line));
  return fmt::format("{}", fmt::join(lines, "\n"));
}

/// The way back that nobody wrote, where there is one.
void Application::derive(const SchemaSnapshot& before, const SchemaSnapshot& after, JournalRow& done) const {
  DerivedDown down;
  // Nobody has the schema of before any more.
  if (job_.open) {
    down.none = "it was applied by more than one run";
  } else {
    down = derive_way_back(script_.statements, before, after, dialect());
  }
  done.down_source = down.exists() ? "derived" : "none";
  if (down.exists()) {
    done.down_script = down.script();
    done.down_checksum = checksum_of_bytes(done.down_script);
  } else {
    done.note += (done.note.empty() ? "no way back: " : "; no way back: ") + down.none;
  }
}

}  // namespace guildhall::migrate
