#include "convert/step_runner.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <thread>
#include <utility>

#include "base/pause.h"
#include "convert/postgres_preflight.h"
#include "convert/sql_names.h"

namespace guildhall::convert {
namespace {

using migrate::Outcome;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

/// A transaction that lasts so long already may last much longer.
constexpr milliseconds kWorthSaying{10'000};
/// While standbys are waited for.
constexpr milliseconds kBetweenLooks{200};
constexpr milliseconds kBetweenWords{30'000};

/// While it lives, Ctrl-C and the loss of the lock end what runs.
class Cancellable {
 public:
  explicit Cancellable(StepRunner::Surroundings& around) : around_(around) {
    if (around_.interrupt != nullptr) around_.interrupt->set_cancel(around_.session.canceller());
    around_.lock.on_lost(around_.session.canceller());
  }
  ~Cancellable() {
    around_.lock.on_lost(nullptr);
    if (around_.interrupt != nullptr) around_.interrupt->set_cancel(nullptr);
  }
  Cancellable(const Cancellable&) = delete;
  Cancellable& operator=(const Cancellable&) = delete;

 private:
  StepRunner::Surroundings& around_;
};

}  // namespace

bool is_worth_a_try(const store::DatabaseError& error) {
  return error.sqlstate() == "55P03" || error.sqlstate() == "40P01" || error.sqlstate() == "40001";
}

StepRunner::StepRunner(Surroundings surroundings, std::int64_t conversion)
    : around_(std::move(surroundings)),
      records_(around_.session, migrate::Dialect::postgres),
      conversion_(conversion) {}

Outcome<void> StepRunner::run(const Steps& steps) {
  const Cancellable cancellable(around_);
  // What a crash of the server takes is found missing, and done again: only the last one waits for the disk,
  // with all that come before it in the log.
  around_.session.execute("SET synchronous_commit = off");
  for (std::size_t at = 0; at < steps.size(); ++at) {
    const Step& step = steps[at];
    if (at + 1 == steps.size()) around_.session.execute("SET synchronous_commit = DEFAULT");
    around_.lock.show(step.name());
    const auto begun = steady_clock::now();
    if (auto done = run_one(step); !done) return done;
    const double seconds = std::chrono::duration<double>(steady_clock::now() - begun).count();
    around_.say(fmt::format("[{}/{}] {} ({:.2f} s)", at + 1, steps.size(), step.name(), seconds));
  }
  return {};
}

Outcome<void> StepRunner::run_one(const Step& step) {
  if (auto going_on = check_interrupt(step); !going_on) return going_on;
  try {
    if (step.grows_with_size) {
      if (auto near = wait_for_standbys(step); !near) return near;
    }
    records_.note(conversion_, step.name(), "begun");
    Outcome<void> done;
    switch (step.kind) {
      case StepKind::transaction: done = try_until_done(step, [&] { run_transaction(step); }); break;
      case StepKind::concurrently: done = run_concurrently(step); break;
      case StepKind::backfill: done = run_backfill(step); break;
      case StepKind::merge: done = run_merge(step); break;
    }
    records_.note(conversion_, step.name(), done ? "done" : "failed", done ? "" : done.error().finding.text);
    return done;
  } catch (const store::DatabaseError& error) {
    if (auto going_on = check_interrupt(step); !going_on) return going_on;
    migrate::Problem problem = around_.lock.is_lost() ? around_.lock.fenced() : migrate::problem_of(error);
    problem.finding.text = fmt::format("{}: {}", step.name(), problem.finding.text);
    return std::unexpected(std::move(problem));
  }
}

Outcome<void> StepRunner::try_until_done(const Step& step, const std::function<void()>& attempt) {
  const auto until = steady_clock::now() + around_.limits.patience;
  milliseconds pause(50);
  for (;;) {
    try {
      attempt();
      return {};
    } catch (const store::DatabaseError& error) {
      if (around_.session.in_transaction()) around_.session.execute("ROLLBACK");
      if (!is_worth_a_try(error)) throw;
    }
    ++tries_lost_;
    if (auto going_on = check_interrupt(step); !going_on) return going_on;
    if (steady_clock::now() >= until) return std::unexpected(in_the_way(step));
    sleep(random_pause(pause / 2, pause * 3 / 2));
    pause = std::min(pause * 2, around_.limits.longest_pause);
  }
}

void StepRunner::commit() {
  around_.lock.check_later(around_.session);
  around_.session.execute("COMMIT");
}

void StepRunner::run_transaction(const Step& step) {
  around_.session.execute(
      fmt::format("BEGIN; SET LOCAL lock_timeout = {}", around_.limits.lock_timeout.count()));
  records_.remember(conversion_, step.makes);
  for (const std::string& statement : step.statements) around_.session.run(statement);
  commit();
}

/// It waits for older transactions of the whole database, and nobody waits for it. Not tried again here: what
/// it leaves half done has to go first, and the steps that are found next begin with that.
Outcome<void> StepRunner::run_concurrently(const Step& step) {
  say_who_is_waited_for(step);
  const auto set_timeout = [this](milliseconds timeout) {
    around_.session.execute(fmt::format("SET lock_timeout = {}", timeout.count()));
  };
  // Before: a run that is killed on the way leaves what it made half.
  records_.remember(conversion_, step.makes);
  set_timeout(around_.limits.patience);
  try {
    for (const std::string& statement : step.statements) around_.session.run(statement);
  } catch (const store::DatabaseError& error) {
    set_timeout(around_.limits.lock_timeout);
    if (!is_worth_a_try(error)) throw;
    ++tries_lost_;
    if (auto going_on = check_interrupt(step); !going_on) return going_on;
    return std::unexpected(still_waiting(step));
  }
  set_timeout(around_.limits.lock_timeout);
  return {};
}

void StepRunner::say_who_is_waited_for(const Step& step) {
  for (const std::string& one : old_transactions(around_.session, kWorthSaying))
    around_.say(fmt::format("{}: waits for {}", step.name(), one));
}

/// Asking for a size takes a lock as well. A table that is gone has no pages.
std::int64_t StepRunner::pages_of(const std::string& table) {
  const auto size = around_.session.query(
      "SELECT pg_relation_size(to_regclass($1)) / "
      "current_setting('block_size')::bigint",
      {store::quoted_name(table)});
  return std::stoll(size.at(0).at(0).empty() ? "0" : size[0][0]);
}

/// Rows that come behind the last page of now have their server already.
Outcome<void> StepRunner::run_backfill(const Step& step) {
  std::int64_t pages = 0;
  if (auto known = try_until_done(step, [&] { pages = pages_of(step.table) + 1; }); !known) return known;
  auto shown = steady_clock::now();
  for (std::int64_t page = 0; page < pages; page += around_.limits.pages_at_once) {
    const std::string from = fmt::format("({},0)", page);
    const std::string to = fmt::format("({},0)", std::min(pages, page + around_.limits.pages_at_once));
    const auto attempt = [&] {
      around_.session.execute(
          fmt::format("BEGIN; SET LOCAL lock_timeout = {}", around_.limits.lock_timeout.count()));
      around_.session.query(step.statements.front(), {from, to});
      commit();
    };
    if (auto done = try_until_done(step, attempt); !done) return done;
    if (auto going_on = check_interrupt(step); !going_on) return going_on;
    if (auto near = wait_for_standbys(step); !near) return near;
    if (steady_clock::now() - shown < std::chrono::seconds(2)) continue;
    shown = steady_clock::now();
    around_.say(fmt::format("{}: {} of {} pages", step.name(), page, pages));
  }
  return {};
}

/// Two statements: the second one sees what others wrote until their rows were locked. The places of these.
std::vector<std::string> StepRunner::merge_some(const Step& step) {
  around_.session.execute(
      fmt::format("BEGIN; SET LOCAL lock_timeout = {}", around_.limits.lock_timeout.count()));
  std::vector<std::string> places;
  for (const auto& row : around_.session.query(step.statements.at(0)))
    places.push_back(fmt::format("\"{}\"", row.at(0)));
  if (!places.empty())
    around_.session.query(step.statements.at(1), {fmt::format("{{{}}}", fmt::join(places, ","))});
  commit();
  return places;
}

Outcome<void> StepRunner::run_merge(const Step& step) {
  std::vector<std::string> places, before;
  do {
    before = std::exchange(places, {});
    try {
      if (auto done = try_until_done(step, [&] { places = merge_some(step); }); !done) return done;
    } catch (const store::DatabaseError& error) {
      if (error.sqlstate() != "22003") throw;
      return migrate::stop(migrate::Exit::refused, "CV-TOOMUCH",
                           fmt::format("{}: what some rows have together is more than their column holds: {}",
                                       step.name(), error.what()),
                           fmt::format("Give the summed columns of {} a greater type, bigint or numeric, and "
                                       "run the same command again.",
                                       step.table));
    }
    if (!places.empty() && places == before)
      return migrate::stop(
          migrate::Exit::refused, "CV-KEPT",
          fmt::format("{}: {} rows are there still, as if nobody had deleted any of them", step.name(),
                      places.size()),
          fmt::format("A trigger of {} may keep them: switch it off, and run the same command "
                      "again.",
                      step.table));
    if (auto going_on = check_interrupt(step); !going_on) return going_on;
    if (auto near = wait_for_standbys(step); !near) return near;
  } while (!places.empty());
  return {};
}

Outcome<void> StepRunner::check_interrupt(const Step& step) const {
  const int signal = around_.interrupt == nullptr ? 0 : around_.interrupt->signal();
  if (signal == 0) return {};
  return std::unexpected(migrate::interruption(
      signal, fmt::format("interrupted before '{}'; what was done stays, and the same command goes on",
                          step.name())));
}

migrate::Problem StepRunner::in_the_way(const Step& step) {
  std::vector<std::string> tables{store::quoted_text(step.table)};
  for (const std::string& table : step.locks) tables.push_back(store::quoted_text(table));
  const auto rows = around_.session.query(
      fmt::format("SELECT DISTINCT a.pid, coalesce(nullif(a.application_name, ''), a.backend_type), "
                  "extract(epoch FROM clock_timestamp() - a.xact_start)::bigint FROM pg_locks l "
                  "JOIN pg_stat_activity a ON a.pid = l.pid JOIN pg_class c ON c.oid = l.relation "
                  "WHERE l.granted AND a.pid <> pg_backend_pid() AND c.relname IN ({}) ORDER BY 3 DESC NULLS "
                  "LAST LIMIT 5",
                  fmt::join(tables, ", ")));
  std::vector<std::string> who;
  for (const auto& row : rows)
    who.push_back(fmt::format("process {} ({}), in a transaction for {} s", row[0], row[1], row[2]));
  // A prepared transaction holds its locks without a process.
  if (who.empty()) who = old_transactions(around_.session, milliseconds(0));
  return {migrate::Exit::timed_out,
          {"CV-BLOCKED", migrate::Level::error, "", 0,
           fmt::format("{}: in {} s the lock was never free for {} ms{}{}", step.name(),
                       std::chrono::duration_cast<std::chrono::seconds>(around_.limits.patience).count(),
                       around_.limits.lock_timeout.count(),
                       who.empty() ? "" : "; in the way: ", fmt::join(who, "; ")),
           "End what is in the way, or wait for it, and run the same command again."}};
}

migrate::Problem StepRunner::still_waiting(const Step& step) {
  const auto who = old_transactions(around_.session, std::chrono::seconds(1));
  return {migrate::Exit::timed_out,
          {"CV-BLOCKED", migrate::Level::error, "", 0,
           fmt::format("{}: older transactions did not end in {} s{}{}", step.name(),
                       std::chrono::duration_cast<std::chrono::seconds>(around_.limits.patience).count(),
                       who.empty() ? "" : "; in the way: ", fmt::join(who, "; ")),
           "End what is in the way, or wait for it, and run the same command again."}};
}

migrate::Problem StepRunner::left_behind(const Step& step, const Standby& farthest) const {
  return {
      migrate::Exit::timed_out,
      {"CV-LAG", migrate::Level::error, "", 0,
       fmt::format("{}: in {} s the standby {} did not come within {} ms of this server; it is {} ms behind",
                   step.name(),
                   std::chrono::duration_cast<std::chrono::seconds>(around_.limits.patience).count(),
                   farthest.name, around_.limits.most_lag.count(), farthest.behind.count()),
       "Is its replay paused, or a query in its way? Let it catch up, or be further behind (--max-lag), and "
       "run the same command again: it goes on from here."}};
}

/// What was done stays, so that the same command goes on from there.
Outcome<void> StepRunner::wait_for_standbys(const Step& step) {
  const auto begun = steady_clock::now();
  auto say_next = begun;
  for (;;) {
    const Standby farthest = lag_.ask(around_.session);
    if (farthest.behind <= around_.limits.most_lag) return {};
    if (auto going_on = check_interrupt(step); !going_on) return going_on;
    const auto now = steady_clock::now();
    if (now - begun >= around_.limits.patience) return std::unexpected(left_behind(step, farthest));
    if (now >= say_next) {
      around_.say(
          fmt::format("{}: waits for the standby {}, which is {} ms behind, until it is {} ms at most",
                      step.name(), farthest.name, farthest.behind.count(), around_.limits.most_lag.count()));
      say_next = now + kBetweenWords;
    }
    sleep(kBetweenLooks);
  }
}

void StepRunner::sleep(milliseconds pause) const {
  const auto until = steady_clock::now() + pause;
  while (steady_clock::now() < until && (around_.interrupt == nullptr || around_.interrupt->signal() == 0))
    std::this_thread::sleep_for(std::min(milliseconds(20), pause));
}

}  // namespace guildhall::convert
