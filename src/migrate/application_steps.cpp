#include <fmt/format.h>

#include <algorithm>

#include "migrate/application.h"
#include "migrate/checksums.h"
#include "migrate/run_outside.h"
#include "migrate/script_rules.h"

namespace guildhall::migrate {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

std::string checksum_of(const SqlStatement& statement, Dialect dialect) {
  return checksum_of_tokens(statement.text, dialect).value_or("");
}

}  // namespace

// --- statement by statement

std::string Application::statement_checksums() const {
  std::vector<std::string> sums;
  for (const SqlStatement& statement : script_.statements) sums.push_back(checksum_of(statement, dialect()));
  if (batch_) sums.push_back("by " + batch_->key);
  return fmt::format("{}", fmt::join(sums, "\n"));
}

/// Behind what an earlier run did; what it did must be what stands there now.
Outcome<std::size_t> Application::first_undone() const {
  if (!job_.open) return 0;
  if (batch_ && !batch_->last.empty() && job_.open->statement_checksums != statement_checksums()) {
    return stop(Exit::drift, "MG-RESUME",
                fmt::format("{} was changed after {} of its rows were done", job_.name, batch_->rows),
                "Bring back statement and key as they were.");
  }
  const auto sums = lines_of(job_.open->statement_checksums);
  const auto done = static_cast<std::size_t>(job_.open->statements_done);
  for (std::size_t i = 0; i < done; ++i) {
    if (i < script_.statements.size() && i < sums.size() &&
        sums[i] == checksum_of(script_.statements[i], dialect()))
      continue;
    return stop(Exit::drift, "MG-RESUME",
                fmt::format("statement {} of {} was changed after it had run", i + 1, job_.name),
                "Bring back the statements that are done; what comes after them may be changed.");
  }
  return done;
}

Outcome<Applied> Application::in_steps() {
  fingerprint_before_ = job_.open ? job_.open->fingerprint_before : bench_.watch->now().fingerprint();
  if (auto prepared = prepare_batch(); !prepared) return std::unexpected(prepared.error());
  const auto from = first_undone();
  if (!from) return std::unexpected(from.error());
  std::size_t number = *from;
  JournalRow done = row("started", static_cast<std::int64_t>(number));
  done.statement_checksums = statement_checksums();
  if (job_.open) done.note = note_of_going_on();
  try {
    remember_settings();
    const auto seq = open_row(done);
    if (!seq) return std::unexpected(seq.error());
    auto problem = run_steps(number, *seq);
    if (!problem || problem->exit != Exit::no_database) undo_settings();
    done.statements_done = static_cast<std::int64_t>(number);
    problem = finish_steps(done, std::move(problem));
    if (!problem || problem->exit != Exit::locked) {
      if (auto written = write_fenced([&] { journal().finish(*seq, done); }); !written)
        problem = written.error();
    }
    if (!problem) return Applied{job_.name, done.statements_total, done.duration_ms, done.fingerprint_after};
    return std::unexpected(stopped_midway(*std::move(problem)));
  } catch (const store::DatabaseError& error) {
    roll_back();
    return std::unexpected(stopped_midway(explain(error, number)));
  }
}

/// The row names the backup from before its first statement; this one's is put beside it.
std::string Application::note_of_going_on() const {
  std::string note = job_.open->note;
  if (bench_.backup_file.empty()) return note;
  return fmt::format("{}{}gone on with after backup {}", note, note.empty() ? "" : "; ", bench_.backup_file);
}

/// What of it is done stays done, whatever ended it.
Problem Application::stopped_midway(Problem problem) const {
  if (!has_run_ && !job_.open) return problem;
  if (problem.exit == Exit::failed || problem.exit == Exit::timed_out || problem.exit == Exit::no_database) {
    problem.exit = Exit::midway;
    if (problem.finding.hint.empty()) problem.finding.hint = "Mend it, then: guildhall migrate resume";
  }
  return problem;
}

/// Its row in the journal, of this run or of the one before: by number.
Outcome<std::int64_t> Application::open_row(const JournalRow& done) {
  std::int64_t seq = job_.open ? job_.open->seq : 0;
  const auto written = write_fenced([&] {
    if (!job_.open) {
      seq = journal().add(done);
      return;
    }
    JournalRow again = done;
    again.state = "partial";
    journal().finish(seq, again);
  });
  return written ? Outcome<std::int64_t>(seq) : std::unexpected(written.error());
}

/// What is written by itself: only while the lock is ours.
Outcome<void> Application::write_fenced(const std::function<void()>& write) {
  session().execute(postgres() ? "BEGIN" : "BEGIN IMMEDIATE");
  if (settings_) settings_->act_as_then();
  write();
  return commit_fenced();
}

/// Ends the transaction that is open.
Outcome<void> Application::commit_fenced() {
  auto ours = bench_.lock->check(session());
  session().execute(ours ? "COMMIT" : "ROLLBACK");
  return ours;
}

/// `number`: the first that is to run; then the one that did not.
std::optional<Problem> Application::run_steps(std::size_t& number, std::int64_t seq) {
  for (; number < script_.statements.size(); ++number) {
    bench_.at_statement = number + 1;
    auto stepped = go_on();
    if (stepped) stepped = batch_ ? run_batch(seq) : step_with_tries(number, seq);
    if (!stepped) return stepped.error();
  }
  // A batch has SQLite look at each row as it writes it.
  if (batch_) return std::nullopt;
  const auto sound = check_foreign_keys();
  return sound ? std::nullopt : std::optional(sound.error());
}

/// What the row says in the end.
std::optional<Problem> Application::finish_steps(JournalRow& done, std::optional<Problem> problem) {
  const SchemaSnapshot before = bench_.watch->now();
  const SchemaSnapshot& after = bench_.watch->update();
  done.duration_ms = std::chrono::duration_cast<milliseconds>(steady_clock::now() - begun_).count();
  if (problem) {
    done.schema_changes = changes_so_far(differences(before, after));
  } else if (auto same = describe(before, after, done); !same) {
    problem = same.error();
  }
  done.state = problem ? "partial" : "applied";
  if (problem) done.error = fmt::format("{}: {}", problem->finding.code, problem->finding.text);
  return problem;
}

Outcome<void> Application::step_with_tries(std::size_t number, std::int64_t seq) {
  milliseconds pause = bench_.limits.first_pause;
  for (int attempt = 1;; ++attempt) {
    auto done = step(number, seq);
    if (done || !is_worth_a_try(done.error()) || attempt >= bench_.limits.tries) return done;
    bench_.say(fmt::format("{} {}: statement {} waited for a lock in vain, try {} of {} in {}",
                           job_.direction, job_.name, number + 1, attempt + 1, bench_.limits.tries,
                           show_duration(pause)));
    sleep(bench_, pause);
    if (auto going = go_on(); !going) return going;
    pause *= 2;
  }
}

/// One statement and the row that says so: together where the database allows it; else it is looked at before
/// and after.
Outcome<void> Application::step(std::size_t number, std::int64_t seq) {
  const SqlStatement& statement = script_.statements[number];
  bench_.lock->show(fmt::format("{}, statement {}/{}", job_.name, number + 1, script_.statements.size()));
  has_run_ = true;
  try {
    if (needs_no_transaction(statement, dialect())) return step_outside(number, seq);
    begin();
    limit();
    session().run(std::string(statement.text));
    bench_.target.seal(session());
    // With our own role, whatever the script has set.
    if (settings_) settings_->act_as_then();
    journal().set_progress(seq, static_cast<std::int64_t>(number) + 1);
    return commit_fenced();
  } catch (const store::DatabaseError& error) {
    roll_back();
    return std::unexpected(explain(error, number));
  }
}

Outcome<void> Application::step_outside(std::size_t number, std::int64_t seq) {
  if (auto ours = write_fenced([] {}); !ours) return ours;
  OutsideOptions options;
  options.limit = bench_.limits.index_timeout;
  options.may_be_done = job_.open && job_.open->statements_done == static_cast<std::int64_t>(number);
  options.say = [&](const std::string& line) {
    bench_.say(fmt::format("{} {}: statement {}: {}", job_.direction, job_.name, number + 1, line));
  };
  if (auto built = run_outside(session(), script_.statements[number], dialect(), options); !built)
    return std::unexpected(at(built.error(), number, script_.statements[number].line));
  return write_fenced([&] { journal().set_progress(seq, static_cast<std::int64_t>(number) + 1); });
}

// --- in slices

/// Where it stands, when the script is one.
Outcome<void> Application::prepare_batch() {
  if (!script_.options.batch) return {};
  auto statement = read_batch(script_, dialect());
  if (!statement) return stop(Exit::refused, "E-BATCH", statement.error().message);
  const auto key = batch_key(session(), *statement, dialect());
  if (!key) return std::unexpected(key.error());
  batch_ = Batch{*std::move(statement), *key};
  if (!job_.open) return {};
  batch_->last = job_.open->batch_key;
  batch_->rows = job_.open->batch_rows;
  return {};
}

Outcome<void> Application::run_batch(std::int64_t seq) {
  constexpr auto kTold = std::chrono::seconds(5);
  BatchPace pace(script_.options.batch_size.value_or(kBatchSize),
                 script_.options.batch_pause.value_or(kBatchPause));
  auto told = steady_clock::now();
  const std::string what = fmt::format("{} {}", job_.direction, job_.name);
  while (true) {
    if (auto going = go_on(); !going) return going;
    const std::int64_t before = batch_->rows;
    const auto more = slice_with_tries(pace, seq);
    if (!more) return std::unexpected(more.error());
    if (!*more) break;
    if (steady_clock::now() - told >= kTold) {
      bench_.say(fmt::format("{}: {} rows, up to {} {}", what, batch_->rows, batch_->key, batch_->last));
      told = steady_clock::now();
    }
    // Nobody has to be left alone after a slice that changed nothing.
    if (batch_->rows > before)
      sleep(bench_, pace.pause(postgres() ? replica_lag(session()) : milliseconds(0)));
  }
  bench_.say(fmt::format("{}: {} rows in all, {} slices in this run", what, batch_->rows, batch_->slices));
  return write_fenced([&] { journal().set_progress(seq, 1); });
}

/// Smaller after each try in vain, so that it meets fewer of the others.
Outcome<bool> Application::slice_with_tries(BatchPace& pace, std::int64_t seq) {
  milliseconds wait = bench_.limits.first_pause;
  for (int attempt = 1;; ++attempt) {
    try {
      const auto begun = steady_clock::now();
      auto more = run_slice(pace.size(), seq);
      pace.took(std::chrono::duration_cast<milliseconds>(steady_clock::now() - begun));
      return more;
    } catch (const store::DatabaseError& error) {
      roll_back();
      if (!may_try_again(error) || attempt >= bench_.limits.tries) return std::unexpected(explain(error, 0));
      pace.waited_in_vain();
      bench_.say(fmt::format("{} {}: a slice waited in vain, try {} of {} with {} rows in {}", job_.direction,
                             job_.name, attempt + 1, bench_.limits.tries, pace.size(), show_duration(wait)));
      sleep(bench_, wait);
      wait *= 2;
    }
  }
}

/// Somebody else was in the way, or the slice was too long; not when we are to end.
bool Application::may_try_again(const store::DatabaseError& error) const {
  if (!go_on() || bench_.lock->is_lost()) return false;
  switch (error.code()) {
    case store::DbCode::busy:
    case store::DbCode::timed_out:
    case store::DbCode::deadlock:
    case store::DbCode::serialisation: return true;
    default: return false;
  }
}

/// The next rows, the key that they reach in the journal, and the commit. False: there are none.
Outcome<bool> Application::run_slice(std::int64_t size, std::int64_t seq) {
  bench_.lock->show(fmt::format("{}, {} rows", job_.name, batch_->rows));
  has_run_ = true;
  begin();
  limit();
  const auto next =
      session().query(next_key_sql(batch_->statement, batch_->key, batch_->last, size, dialect()));
  if (next.empty()) {
    roll_back();
    return false;
  }
  const Slice slice{batch_->last, next[0][0]};
  if (slice.to == slice.from || slice.to.empty()) {
    roll_back();
    return stop(Exit::refused, "E-BATCH",
                fmt::format("the database does not put its own key {} in order", slice.to));
  }
  const std::int64_t changed = session().run(slice_sql(batch_->statement, batch_->key, slice));
  journal().set_batch_progress_later(seq, slice.to, batch_->rows + changed);
  if (auto ours = commit_fenced(); !ours) return std::unexpected(ours.error());
  batch_->last = slice.to;
  batch_->rows += changed;
  ++batch_->slices;
  return true;
}

}  // namespace guildhall::migrate
