#include "migrate/apply.h"

#include <fmt/format.h>

#include <algorithm>
#include <csignal>
#include <thread>

#include "base/pause.h"
#include "base/text.h"
#include "migrate/batch.h"
#include "migrate/checksums.h"
#include "migrate/derived_down.h"
#include "migrate/index_build.h"
#include "migrate/pooled_session.h"
#include "migrate/script_rules.h"

namespace guildhall::migrate {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

std::int64_t since(steady_clock::time_point begin) {
  return std::chrono::duration_cast<milliseconds>(steady_clock::now() - begin).count();
}

std::vector<std::string> change_lines(const std::vector<SchemaDifference>& changes) {
  std::vector<std::string> lines;
  for (const SchemaDifference& change : changes) {
    const char* what = change.kind == SchemaDifference::Kind::missing ? "dropped"
                       : change.kind == SchemaDifference::Kind::added ? "added"
                                                                      : "changed";
    lines.push_back(fmt::format("{} {}", what, change.object().title()));
  }
  return lines;
}

std::string joined(const std::vector<std::string>& lines) {
  return fmt::format("{}", fmt::join(lines, "\n"));
}

/// Whose rows a statement writes, as it is written; "" when it is none that names a table.
std::string written_table(const SqlStatement& statement) {
  const auto& tokens = statement.tokens;
  const bool update = is_keyword(tokens[0], "update");
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    const bool before_name = update ? i == 0 : is_keyword(tokens[i], "into") || is_keyword(tokens[i], "from");
    if (!before_name || i + 1 >= tokens.size()) continue;
    std::string name(tokens[i + 1].text);
    for (std::size_t next = i + 2; next + 1 < tokens.size() && is_symbol(tokens[next], "."); next += 2)
      name += "." + std::string(tokens[next + 1].text);
    return name;
  }
  return "";
}

std::string without_quotes(std::string name) {
  std::erase(name, '"');
  return name;
}

/// Rows that were there before: not those of a table that the migration made. What a block of code does
/// nobody knows.
bool changes_rows(const SqlStatement& statement, const std::vector<SchemaDifference>& changes) {
  const std::string tag = command_tag(statement);
  if (tag == "DO" || tag == "CALL" || tag == "TRUNCATE" || tag == "EXECUTE") return true;
  if (tag != "INSERT" && tag != "UPDATE" && tag != "DELETE" && tag != "MERGE") return false;
  const std::string table = without_quotes(written_table(statement));
  return std::ranges::none_of(changes, [&](const SchemaDifference& change) {
    return change.kind == SchemaDifference::Kind::added && change.to.kind == "table" &&
           (without_quotes(change.to.name) == table || without_quotes(change.to.name).ends_with("." + table));
  });
}

std::size_t line_of(const SqlStatement& statement, std::optional<std::size_t> position) {
  if (!position) return statement.line;
  const auto text = statement.text.substr(0, *position);
  return statement.line + static_cast<std::size_t>(std::ranges::count(text, '\n'));
}

class Application {
 public:
  Application(Workbench& bench, const Job& job)
      : bench_(bench), job_(job), script_(*job.script), session_(bench.session) {}

  Outcome<Applied> run() { return runs_in_transaction(script_, dialect()) ? with_tries() : in_steps(); }

  /// As one of several in the transaction that is open. What it throws is explained by `explain_last`.
  Outcome<Applied> run_within() {
    limit();
    auto applied = within();
    // At once: what fails of it is this one's fault, not the next one's.
    if (applied) journal().add(done_);
    return applied;
  }
  Problem explain_last(const store::DatabaseError& error) const { return explain(error, number_); }

 private:
  Dialect dialect() const { return bench_.target.dialect; }
  bool postgres() const { return dialect() == Dialect::postgres; }
  Journal journal() { return Journal(*session_, dialect()); }

  JournalRow row(std::string state, std::int64_t done) const {
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
  Problem explain(const store::DatabaseError& error, std::size_t number) const {
    if (const int signal = bench_.interrupt == nullptr ? 0 : bench_.interrupt->signal(); signal != 0)
      return interrupted(signal);
    if (bench_.lock->is_lost()) return bench_.lock->fenced();
    Problem problem = problem_of(error);
    problem.finding.name = job_.name;
    if (number >= script_.statements.size()) return problem;
    const SqlStatement& statement = script_.statements[number];
    const auto* told = dynamic_cast<const store::StatementError*>(&error);
    problem.finding.line = line_of(statement, told == nullptr ? std::nullopt : told->account().position);
    problem.where = fmt::format("at {} line {}, statement {} of {}", script_.file, problem.finding.line,
                                number + 1, script_.statements.size());
    return problem;
  }

  static Problem interrupted(int signal) {
    return {signal == SIGTERM ? Exit::terminated : Exit::interrupted,
            {"MG-INTERRUPTED", Level::error, "", 0, "interrupted; the migration that ran was rolled back",
             "`guildhall migrate up` goes on."}};
  }

  Outcome<void> go_on() const {
    const int signal = bench_.interrupt == nullptr ? 0 : bench_.interrupt->signal();
    if (signal != 0) return std::unexpected(interrupted(signal));
    return {};
  }

  void roll_back() {
    if (watched_) bench_.watch->undo();
    watched_ = false;
    try {
      if (session_->in_transaction()) session_->execute("ROLLBACK");
    } catch (const store::DatabaseError&) {
      // With the connection the transaction is gone too.
    }
  }

  // --- one transaction

  Outcome<Applied> with_tries() {
    milliseconds pause = bench_.limits.first_pause;
    for (int attempt = 1;; ++attempt) {
      auto applied = once();
      if (applied || applied.error().sqlstate != kLockNotAvailable || attempt >= bench_.limits.tries)
        return finish(std::move(applied));
      bench_.say(fmt::format("{} {}: waited for a lock in vain, try {} of {} in {}", job_.direction,
                             job_.name, attempt + 1, bench_.limits.tries, show_duration(pause)));
      sleep(pause);
      if (auto going = go_on(); !going) return std::unexpected(going.error());
      pause *= 2;
    }
  }

  void sleep(milliseconds pause) const {
    const auto until = steady_clock::now() + random_pause(pause, pause * 6 / 5);
    while (steady_clock::now() < until && go_on()) std::this_thread::sleep_for(milliseconds(20));
  }

  /// What failed is journaled too, where there still is a connection for it.
  Outcome<Applied> finish(Outcome<Applied> applied) {
    if (applied) return applied;
    const Problem& problem = applied.error();
    if (problem.exit == Exit::no_database || problem.exit == Exit::locked) return applied;
    try {
      JournalRow failed = row("failed", 0);
      failed.error = fmt::format("{}: {}", problem.finding.code, problem.finding.text);
      journal().add(failed);
    } catch (const store::DatabaseError&) {
      // The problem itself is what counts.
    }
    return applied;
  }

  Outcome<Applied> once() {
    try {
      begin();
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
  Outcome<void> commit() {
    bench_.target.seal(*session_);
    journal().add_later(done_);
    if (postgres()) {
      bench_.lock->check_later(*session_);
      session_->run("COMMIT");
    } else {
      if (auto ours = bench_.lock->check(*session_); !ours) return ours;
      session_->execute("COMMIT");
    }
    watched_ = false;
    return {};
  }

  void begin() {
    // A batch has no end at which all rows could be looked at.
    if (!postgres() && script_.options.batch) {
      session_->execute("PRAGMA foreign_keys=ON");
      return session_->execute("BEGIN IMMEDIATE");
    }
    // The way in which SQLite changes a table takes the old one away under those that refer to it.
    if (!postgres()) session_->execute("PRAGMA foreign_keys=OFF");
    if (!postgres()) return session_->execute("BEGIN IMMEDIATE");
    const auto& statements = script_.statements;
    // What streams its rows goes with no other.
    if (!statements.empty() && command_tag(statements[0]) == "COPY") return session_->execute("BEGIN");
    session_->later("BEGIN");
  }

  void limit() {
    if (!postgres()) return;
    if (script_.options.lock_timeout)
      session_->later(fmt::format("SET LOCAL lock_timeout = {}", script_.options.lock_timeout->count()));
    if (script_.options.statement_timeout)
      session_->later(
          fmt::format("SET LOCAL statement_timeout = {}", script_.options.statement_timeout->count()));
  }

  void run_statement(std::size_t number) {
    const SqlStatement& statement = script_.statements[number];
    if (script_.statements.size() > 1 || number == 0)
      bench_.lock->show(fmt::format("{}, statement {}/{}", job_.name, number + 1, script_.statements.size()));
    session_->run(std::string(statement.text));
  }

  /// Everything but the row and the commit: the statements, and all that must hold then.
  Outcome<Applied> within() {
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

  /// The session is as it was before the script, whatever that set.
  void undo_settings() {
    const bool sets = std::ranges::any_of(script_.statements, [](const SqlStatement& statement) {
      return command_tag(statement) == "SET" ||
             to_lower_ascii(statement.text).find("set_config") != std::string::npos;
    });
    if (!postgres() || !sets) return;
    session_->execute("RESET ALL");
    session_->execute(fmt::format("SET application_name = 'guildhall-migrate:{}'", bench_.lock->token()));
  }

  Outcome<void> check_foreign_keys() {
    if (postgres()) return {};
    const auto broken = session_->query("PRAGMA foreign_key_check");
    if (broken.empty()) return {};
    return stop(Exit::failed, "MG-FOREIGNKEY",
                fmt::format("{} rows of {} refer to rows of {} that are not there", broken.size(),
                            broken[0][0], broken[0][2]),
                "Mend the rows within the migration.");
  }

  /// What became of the schema, for the journal; and whether it is what it has to be.
  Outcome<void> describe(const SchemaSnapshot& before, const SchemaSnapshot& after, JournalRow& done) const {
    const auto changes = differences(before, after);
    done.fingerprint_after = after.fingerprint();
    done.schema_changes = joined(change_lines(changes));
    if (job_.direction == "up") {
      if (done.down_source.empty()) derive(before, after, changes, done);
      return {};
    }
    const std::string wrong = difference_to_expected(done);
    const bool right = job_.expected.empty() ? !job_.undoes_changes || wrong.empty()
                                             : done.fingerprint_after == job_.expected;
    if (right) return {};
    return stop(Exit::drift, "MG-FINGERPRINT",
                fmt::format("the way back of {} does not lead back: {}", job_.name,
                            wrong.empty() ? "the same objects, otherwise defined" : wrong),
                "Nothing was kept. Mend the down script, or restore a backup.");
  }

  /// The way back that nobody wrote, where there is one.
  void derive(const SchemaSnapshot& before, const SchemaSnapshot& after,
              const std::vector<SchemaDifference>& changes, JournalRow& done) const {
    const bool changes_data = std::ranges::any_of(
        script_.statements, [&](const SqlStatement& statement) { return changes_rows(statement, changes); });
    const DerivedDown down = derive_down(before, after, dialect(), changes_data);
    done.down_source = down.exists() ? "derived" : "none";
    done.down_script = down.script();
    if (down.exists()) {
      done.down_checksum = checksum_of_bytes(done.down_script);
    } else {
      done.note += (done.note.empty() ? "no way back: " : "; no way back: ") + down.none;
    }
  }

  std::string difference_to_expected(const JournalRow& done) const {
    std::vector<std::string> wrong;
    const auto lines = lines_of(done.schema_changes);
    for (const std::string& made : job_.expected_changes) {
      if (std::ranges::find(lines, opposite_of(made)) == lines.end()) wrong.push_back("still there: " + made);
    }
    for (const std::string& line : lines) {
      if (std::ranges::find(job_.expected_changes, opposite_of(line)) == job_.expected_changes.end())
        wrong.push_back("too much: " + line);
    }
    return fmt::format("{}", fmt::join(wrong, "; "));
  }

  static std::string opposite_of(const std::string& line) {
    if (line.starts_with("added ")) return "dropped " + line.substr(6);
    if (line.starts_with("dropped ")) return "added " + line.substr(8);
    return line;
  }

  /// The answer to COMMIT was lost: the journal knows.
  Outcome<Applied> look_whether_committed(const store::DatabaseError& error) {
    auto again = open_work_session(bench_.target, bench_.limits);
    if (!again) return std::unexpected(explain(error, script_.statements.size()));
    bench_.again = *std::move(again);
    session_ = bench_.session = bench_.again.get();
    bench_.watch = std::make_unique<SchemaWatch>(*session_, dialect(), bench_.target.snapshot);
    bench_.watch->update();
    watched_ = false;
    const auto rows = journal().read();
    if (!rows) return std::unexpected(rows.error());
    for (const JournalRow& one : *rows) {
      if (one.lock_token != bench_.lock->token() || one.name != job_.name || one.state != "applied") continue;
      return Applied{job_.name, one.statements_total, one.duration_ms, one.fingerprint_after};
    }
    return std::unexpected(explain(error, script_.statements.size()));
  }

  // --- statement by statement

  Outcome<Applied> in_steps();
  Outcome<std::size_t> first_undone() const;
  Outcome<void> step(std::size_t number, std::int64_t seq);
  std::string statement_checksums() const;

  // --- in slices

  /// A batch that is on its way.
  struct Batch {
    BatchStatement statement;
    std::string key;
    std::string last;       // key that is done; "" before the first
    std::int64_t rows = 0;  // that were changed
    std::int64_t slices = 0;
  };
  Outcome<void> prepare_batch();
  Outcome<void> run_batch(std::int64_t seq);
  Outcome<bool> run_slice(std::int64_t size, std::int64_t seq);
  Outcome<bool> slice_with_tries(BatchPace& pace, std::int64_t seq);
  bool may_try_again(const store::DatabaseError& error) const;

  static constexpr std::string_view kLockNotAvailable = "55P03";

  Workbench& bench_;
  const Job& job_;
  const Script& script_;
  store::SchemaSession* session_;
  steady_clock::time_point begun_ = steady_clock::now();
  std::string fingerprint_before_;
  JournalRow done_;  // of what is about to be committed
  std::optional<Batch> batch_;
  std::size_t number_ = 0;  // of the statement that runs
  bool watched_ = false;    // the watch saw what is not committed yet
};

std::string checksum_of(const SqlStatement& statement, Dialect dialect) {
  return checksum_of_tokens(statement.text, dialect).value_or("");
}

std::string Application::statement_checksums() const {
  std::vector<std::string> sums;
  for (const SqlStatement& statement : script_.statements) sums.push_back(checksum_of(statement, dialect()));
  if (batch_) sums.push_back("by " + batch_->key);
  return joined(sums);
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
  std::int64_t seq = job_.open ? job_.open->seq : 0;
  try {
    if (seq == 0) {
      seq = journal().add(done);
    } else {
      done.state = "partial";
      journal().finish(seq, done);
    }
    std::optional<Problem> problem;
    for (; number < script_.statements.size() && !problem; ++number) {
      auto stepped = go_on();
      if (stepped) stepped = batch_ ? run_batch(seq) : step(number, seq);
      if (!stepped) problem = stepped.error();
      if (problem) break;
    }
    const SchemaSnapshot before = bench_.watch->now();
    const SchemaSnapshot& after = bench_.watch->update();
    done.statements_done = static_cast<std::int64_t>(number);
    done.duration_ms = since(begun_);
    if (!problem) {
      if (auto same = describe(before, after, done); !same) problem = same.error();
    }
    done.state = problem ? "partial" : "applied";
    if (problem) done.error = fmt::format("{}: {}", problem->finding.code, problem->finding.text);
    if (!problem || problem->exit != Exit::locked) journal().finish(seq, done);
    if (!problem) return Applied{job_.name, done.statements_total, done.duration_ms, done.fingerprint_after};
    if (problem->exit == Exit::failed || problem->exit == Exit::timed_out) problem->exit = Exit::midway;
    if (problem->finding.hint.empty()) problem->finding.hint = "Mend it, then: guildhall migrate resume";
    return std::unexpected(*std::move(problem));
  } catch (const store::DatabaseError& error) {
    roll_back();
    return std::unexpected(explain(error, number));
  }
}

/// One statement and the row that says so: together where the database allows it; else it is looked at before
/// and after.
Outcome<void> Application::step(std::size_t number, std::int64_t seq) {
  const SqlStatement& statement = script_.statements[number];
  bench_.lock->show(fmt::format("{}, statement {}/{}", job_.name, number + 1, script_.statements.size()));
  try {
    if (!needs_no_transaction(statement, dialect())) {
      begin();
      limit();
      session_->run(std::string(statement.text));
      journal().set_progress(seq, static_cast<std::int64_t>(number) + 1);
      bench_.target.seal(*session_);
      auto ours = bench_.lock->check(*session_);
      session_->execute(ours ? "COMMIT" : "ROLLBACK");
      return ours;
    }
    if (auto ours = bench_.lock->check(*session_); !ours) return ours;
    if (auto built = run_outside(*session_, statement, dialect(), bench_.limits.index_timeout); !built)
      return std::unexpected(built.error());
    journal().set_progress(seq, static_cast<std::int64_t>(number) + 1);
    return {};
  } catch (const store::DatabaseError& error) {
    roll_back();
    return std::unexpected(explain(error, number));
  }
}

/// Where it stands, when the script is one.
Outcome<void> Application::prepare_batch() {
  if (!script_.options.batch) return {};
  auto statement = read_batch(script_, dialect());
  if (!statement) return stop(Exit::refused, "E-BATCH", statement.error().message);
  const auto key = batch_key(*session_, *statement, dialect());
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
    if (batch_->rows > before) sleep(pace.pause(postgres() ? replica_lag(*session_) : milliseconds(0)));
  }
  bench_.say(fmt::format("{}: {} rows in all, {} slices in this run", what, batch_->rows, batch_->slices));
  journal().set_progress(seq, 1);
  return {};
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
      sleep(wait);
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
  begin();
  limit();
  const auto next =
      session_->query(next_key_sql(batch_->statement, batch_->key, batch_->last, size, dialect()));
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
  const std::int64_t changed = session_->run(slice_sql(batch_->statement, batch_->key, slice));
  journal().set_batch_progress_later(seq, slice.to, batch_->rows + changed);
  auto ours = bench_.lock->check(*session_);
  session_->execute(ours ? "COMMIT" : "ROLLBACK");
  if (!ours) return std::unexpected(ours.error());
  batch_->last = slice.to;
  batch_->rows += changed;
  ++batch_->slices;
  return true;
}

}  // namespace

namespace {

/// Behind one, a lock of the session and the settings that keep others from waiting may be another session's.
Problem pooler_in_between(const Target& target) {
  return {Exit::refused,
          {"MG-POOLER", Level::error, "", 0,
           fmt::format("between us and the server of '{}' stands a connection pooler", target.name),
           "Name the server itself with --direct-url."}};
}

}  // namespace

Outcome<std::unique_ptr<store::SchemaSession>> open_work_session(const Target& target,
                                                                 const ApplyLimits& limits) {
  auto session = target.open(
      fmt::format("-clock_timeout={} -cstatement_timeout={} -cidle_in_transaction_session_timeout=60s "
                  "-ctimezone=UTC -cclient_connection_check_interval=5s",
                  limits.lock_timeout.count(), limits.statement_timeout.count()));
  if (!session) {
    return std::unexpected(speaks_of_pooler(session.error()) ? pooler_in_between(target)
                                                             : problem_of(session.error()));
  }
  if (target.dialect == Dialect::sqlite) return std::move(*session);
  const auto state = (*session)->query(
      "SELECT pg_is_in_recovery(), current_setting('transaction_read_only'), pg_backend_pid()");
  if ((*session)->stays_the_same() && std::stoll(state.at(0).at(2)) != (*session)->backend())
    return std::unexpected(pooler_in_between(target));
  if (state.at(0).at(0) == "t" || state.at(0).at(1) == "on") {
    return stop(
        Exit::no_database, "MG-READONLY",
        fmt::format("'{}' only reads: {}", target.name,
                    state.at(0).at(0) == "t" ? "it is a standby" : "default_transaction_read_only is on"),
        "Name the primary with --url.");
  }
  return std::move(*session);
}

namespace {

/// While it lives, Ctrl-C and the loss of the lock end what runs.
class Cancellable {
 public:
  explicit Cancellable(Workbench& bench) : bench_(bench) {
    if (bench.interrupt != nullptr) bench.interrupt->set_cancel(bench.session->canceller());
    bench.lock->on_lost(bench.session->canceller());
  }
  ~Cancellable() {
    bench_.lock->on_lost(nullptr);
    if (bench_.interrupt != nullptr) bench_.interrupt->set_cancel(nullptr);
  }
  Cancellable(const Cancellable&) = delete;
  Cancellable& operator=(const Cancellable&) = delete;

 private:
  Workbench& bench_;
};

/// The transaction of several: begun, and rolled back unless it was committed.
class Together {
 public:
  explicit Together(Workbench& bench) : bench_(bench) {
    if (!is_postgres()) bench.session->execute("PRAGMA foreign_keys=OFF");
    bench.session->execute(is_postgres() ? "BEGIN" : "BEGIN IMMEDIATE");
  }
  ~Together() {
    if (committed_) return;
    try {
      if (bench_.session->in_transaction()) bench_.session->execute("ROLLBACK");
      bench_.watch =
          std::make_unique<SchemaWatch>(*bench_.session, bench_.target.dialect, bench_.target.snapshot);
      bench_.watch->update();
    } catch (const store::DatabaseError&) {
      // With the connection the transaction is gone too.
    }
  }
  Together(const Together&) = delete;
  Together& operator=(const Together&) = delete;

  void commit() {
    bench_.session->execute("COMMIT");
    committed_ = true;
  }

 private:
  bool is_postgres() const { return bench_.target.dialect == Dialect::postgres; }

  Workbench& bench_;
  bool committed_ = false;
};

}  // namespace

Outcome<Applied> apply(Workbench& bench, const Job& job) {
  const Cancellable cancellable(bench);
  return Application(bench, job).run();
}

Outcome<std::vector<Applied>> apply_together(Workbench& bench, std::span<const Job* const> jobs) {
  const Cancellable cancellable(bench);
  std::vector<Applied> applied;
  try {
    Together transaction(bench);
    for (const Job* job : jobs) {
      Application application(bench, *job);
      try {
        auto one = application.run_within();
        if (!one) {
          one.error().finding.name = job->name;
          return std::unexpected(one.error());
        }
        applied.push_back(*std::move(one));
      } catch (const store::DatabaseError& error) {
        return std::unexpected(application.explain_last(error));
      }
    }
    bench.target.seal(*bench.session);
    if (auto ours = bench.lock->check(*bench.session); !ours) return std::unexpected(ours.error());
    transaction.commit();
    return applied;
  } catch (const store::DatabaseError& error) {
    return std::unexpected(problem_of(error));
  }
}

}  // namespace guildhall::migrate
