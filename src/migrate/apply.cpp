#include "migrate/apply.h"

#include <fmt/format.h>

#include "migrate/application.h"
#include "migrate/pooled_session.h"
#include "migrate/session_settings.h"

namespace guildhall::migrate {
namespace {

using std::chrono::milliseconds;

/// Behind one, a lock of the session and the settings that keep others from waiting may be another session's.
Problem pooler_in_between(const Target& target) {
  return {Exit::refused,
          {"MG-POOLER", Level::error, "", 0,
           fmt::format("between us and the server of '{}' stands a connection pooler", target.name),
           target.is_own ? "Name the server itself in database.migrate_url."
                         : "Name the server itself with --direct-url."}};
}

}  // namespace

Outcome<std::unique_ptr<store::SchemaSession>> open_work_session(const Target& target,
                                                                 const ApplyLimits& limits) {
  auto session = open_with_settings(
      target.open,
      fmt::format("-clock_timeout={} -cstatement_timeout={} -cidle_in_transaction_session_timeout=60s "
                  "-crow_security={}",
                  limits.lock_timeout.count(), limits.statement_timeout.count(),
                  target.reader.sees_all_by_policy ? "on" : "off"));
  if (!session) {
    return std::unexpected(speaks_of_pooler(session.error()) ? pooler_in_between(target)
                                                             : problem_of(session.error()));
  }
  if (target.dialect == Dialect::sqlite) {
    (*session)->execute(fmt::format("PRAGMA busy_timeout={}", limits.lock_timeout.count()));
    return std::move(*session);
  }
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
  fix_search_path(**session);
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

  Outcome<void> commit() {
    bench_.target.seal(*bench_.session);
    if (auto ours = bench_.lock->check(*bench_.session); !ours) return ours;
    is_committing_ = true;
    bench_.session->execute("COMMIT");
    committed_ = true;
    return {};
  }
  /// Its end was asked for, and no answer came.
  bool is_in_doubt() const { return is_committing_ && !committed_; }

 private:
  bool is_postgres() const { return bench_.target.dialect == Dialect::postgres; }

  Workbench& bench_;
  bool is_committing_ = false;
  bool committed_ = false;
};

Outcome<Applied> apply_one(Workbench& bench, const Job& job) {
  Application application(bench, job);
  try {
    auto applied = application.run_within();
    if (!applied) applied.error().finding.name = job.name;
    return applied;
  } catch (const store::DatabaseError& error) {
    return std::unexpected(application.explain_last(error));
  }
}

/// `in_doubt`: whether the database took them is not known.
Outcome<std::vector<Applied>> together_once(Workbench& bench, std::span<const Job* const> jobs,
                                            bool& in_doubt) {
  std::vector<Applied> applied;
  std::optional<Together> transaction;
  try {
    transaction.emplace(bench);
    for (const Job* job : jobs) {
      auto one = apply_one(bench, *job);
      if (!one) return std::unexpected(one.error());
      applied.push_back(*std::move(one));
    }
    if (auto committed = transaction->commit(); !committed) return std::unexpected(committed.error());
    return applied;
  } catch (const store::DatabaseError& error) {
    in_doubt = transaction && transaction->is_in_doubt() && error.code() == store::DbCode::connection_lost;
    return std::unexpected(problem_of(error));
  }
}

/// The answer to COMMIT was lost: the journal knows, of one as of all.
Outcome<std::vector<Applied>> look_whether_committed(Workbench& bench, std::span<const Job* const> jobs,
                                                     Problem problem) {
  if (!reconnect(bench)) return std::unexpected(std::move(problem));
  std::vector<Applied> applied;
  for (const Job* job : jobs) {
    auto committed = find_committed(bench, job->name);
    if (!committed) return std::unexpected(std::move(problem));
    applied.push_back(*std::move(committed));
  }
  return applied;
}

void note_failure(Workbench& bench, std::span<const Job* const> jobs, const Problem& problem) {
  for (const Job* job : jobs) {
    if (job->name == problem.finding.name) Application(bench, *job).note_failure(problem);
  }
}

}  // namespace

Outcome<Applied> apply(Workbench& bench, const Job& job) {
  const Cancellable cancellable(bench);
  return Application(bench, job).run();
}

Outcome<std::vector<Applied>> apply_together(Workbench& bench, std::span<const Job* const> jobs) {
  const Cancellable cancellable(bench);
  milliseconds pause = bench.limits.first_pause;
  for (int attempt = 1;; ++attempt) {
    bool in_doubt = false;
    auto applied = together_once(bench, jobs, in_doubt);
    if (applied) return applied;
    if (in_doubt) return look_whether_committed(bench, jobs, applied.error());
    const bool again = is_worth_a_try(applied.error()) && attempt < bench.limits.tries;
    if (again) {
      bench.say(fmt::format("waited for a lock in vain, try {} of {} in {}", attempt + 1, bench.limits.tries,
                            show_duration(pause)));
      sleep(bench, pause);
    }
    if (!again || (bench.interrupt != nullptr && bench.interrupt->signal() != 0)) {
      note_failure(bench, jobs, applied.error());
      return applied;
    }
    pause *= 2;
  }
}

}  // namespace guildhall::migrate
