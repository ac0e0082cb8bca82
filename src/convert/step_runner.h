// Runs steps on PostgreSQL, so that nobody else waits for long: each with a lock timeout, and again after a
// pause, with a look at who is in the way. Whoever is killed in between leaves a state that the steps of the
// next run begin from.
#pragma once

#include <chrono>
#include <functional>
#include <string>

#include "convert/conversion.h"
#include "convert/standby_lag.h"
#include "convert/step.h"
#include "migrate/interrupt.h"
#include "migrate/lock.h"
#include "migrate/outcome.h"

namespace guildhall::convert {

struct StepLimits {
  std::chrono::milliseconds lock_timeout{200};     // so long others may have to queue behind us
  std::chrono::milliseconds patience{1'800'000};   // for one step's lock over all tries, or for standbys
  std::chrono::milliseconds longest_pause{1'000};  // between two tries
  std::chrono::milliseconds most_lag{10'000};      // of a standby, before rows are written on
  std::int64_t pages_at_once = 100;                // of a backfill: some 10,000 rows
};

/// The lock was not there in time, or two that waited for each other: nothing was done, and later it may go.
bool is_worth_a_try(const store::DatabaseError& error);

class StepRunner {
 public:
  struct Surroundings {
    store::SchemaSession& session;
    migrate::Lock& lock;
    StepLimits limits;
    migrate::Interrupt* interrupt = nullptr;
    std::function<void(const std::string&)> say = [](const std::string&) {};  // a line for people
  };
  StepRunner(Surroundings surroundings, std::int64_t conversion);

  /// Problems: `timed_out` (CV-BLOCKED) names who is in the way, (CV-LAG) the standby that stays
  /// behind; of rows that are to become one `refused`, with CV-TOOMUCH (what they have together is more than
  /// their column holds) or CV-KEPT (somebody's trigger keeps them); `failed`, `no_space`, `no_permission`,
  /// ... as the database has it; `interrupted`. What was done stays done.
  migrate::Outcome<void> run(const Steps& steps);

  /// How often a lock was not there in time.
  int tries_lost() const { return tries_lost_; }

 private:
  migrate::Outcome<void> run_one(const Step& step);
  void run_transaction(const Step& step);
  migrate::Outcome<void> run_concurrently(const Step& step);
  migrate::Outcome<void> run_backfill(const Step& step);
  std::int64_t pages_of(const std::string& table);
  migrate::Outcome<void> run_merge(const Step& step);
  std::vector<std::string> merge_some(const Step& step);
  migrate::Outcome<void> try_until_done(const Step& step, const std::function<void()>& attempt);
  migrate::Outcome<void> check_interrupt(const Step& step) const;
  migrate::Problem in_the_way(const Step& step);
  migrate::Problem still_waiting(const Step& step);
  migrate::Problem left_behind(const Step& step, const Standby& farthest) const;
  void say_who_is_waited_for(const Step& step);
  void commit();
  /// Problems: `timed_out` (CV-LAG), `interrupted`.
  migrate::Outcome<void> wait_for_standbys(const Step& step);
  void sleep(std::chrono::milliseconds pause) const;

  Surroundings around_;
  Records records_;
  std::int64_t conversion_;
  StandbyLag lag_;
  int tries_lost_ = 0;
};

}  // namespace guildhall::convert
