// One migration on its way into a database; what apply.h does for each. In one transaction
// (application.cpp), or statement by statement and in slices (application_steps.cpp).
#pragma once

#include <functional>
#include <optional>

#include "migrate/apply.h"
#include "migrate/batch.h"
#include "migrate/kept_settings.h"

namespace guildhall::migrate {

/// Somebody else held what it needs, or both held what the other needs.
bool is_worth_a_try(const Problem& problem);
/// So long, and a little more, that not all try again at once; less when it is interrupted.
void sleep(const Workbench& bench, std::chrono::milliseconds pause);
/// The connection is gone: another, and what the schema is by now. Problems as `open_work_session`.
Outcome<void> reconnect(Workbench& bench);
/// What this run's row says of a migration that it committed; nothing: it did not. Throws DatabaseError.
std::optional<Applied> find_committed(const Workbench& bench, const std::string& name);

class Application {
 public:
  Application(Workbench& bench, const Job& job);

  /// By itself, with as many tries as the limits allow, and with a row in the journal whatever comes of it.
  Outcome<Applied> run();

  /// As one of several in the transaction that is open. What it throws is explained by `explain_last`.
  Outcome<Applied> run_within();
  Problem explain_last(const store::DatabaseError& error) const;
  /// What failed is journaled too, where there still is a connection for it; in no transaction.
  void note_failure(const Problem& problem);

 private:
  Dialect dialect() const { return bench_.target.dialect; }
  bool postgres() const { return dialect() == Dialect::postgres; }
  store::SchemaSession& session() const { return *bench_.session; }
  Journal journal() { return Journal(session(), dialect()); }
  JournalRow row(std::string state, std::int64_t done) const;

  Problem explain(const store::DatabaseError& error, std::size_t number) const;
  Problem here(Problem problem) const;
  Problem at(Problem problem, std::size_t number, std::size_t line) const;
  Outcome<void> go_on() const;
  void roll_back();

  // --- one transaction

  Outcome<Applied> with_tries();
  Outcome<Applied> once();
  Outcome<Applied> within();
  Outcome<void> commit();
  Outcome<Applied> look_whether_committed(const store::DatabaseError& error);
  void begin();
  void limit();
  void run_statement(std::size_t number);

  // --- what must hold in the end

  void remember_settings();
  void undo_settings();
  Outcome<void> check_foreign_keys();
  Outcome<void> describe(const SchemaSnapshot& before, const SchemaSnapshot& after, JournalRow& done) const;
  void derive(const SchemaSnapshot& before, const SchemaSnapshot& after, JournalRow& done) const;
  std::string changes_so_far(const std::vector<SchemaDifference>& changes) const;

  // --- statement by statement

  Outcome<Applied> in_steps();
  Outcome<std::size_t> first_undone() const;
  Outcome<std::int64_t> open_row(const JournalRow& done);
  Outcome<void> write_fenced(const std::function<void()>& write);
  Outcome<void> commit_fenced();
  Problem stopped_midway(Problem problem) const;
  std::string note_of_going_on() const;
  std::optional<Problem> run_steps(std::size_t& number, std::int64_t seq);
  Outcome<void> step_with_tries(std::size_t number, std::int64_t seq);
  Outcome<void> step(std::size_t number, std::int64_t seq);
  Outcome<void> step_outside(std::size_t number, std::int64_t seq);
  std::optional<Problem> finish_steps(JournalRow& done, std::optional<Problem> problem);
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

  Workbench& bench_;
  const Job& job_;
  const Script& script_;
  std::chrono::steady_clock::time_point begun_ = std::chrono::steady_clock::now();
  std::string fingerprint_before_;
  JournalRow done_;                       // of what is about to be committed
  std::optional<KeptSettings> settings_;  // that it may change
  std::optional<Batch> batch_;
  std::size_t number_ = 0;  // of the statement that runs
  bool has_run_ = false;    // any statement of it
  bool watched_ = false;    // the watch saw what is not committed yet
};

}  // namespace guildhall::migrate
