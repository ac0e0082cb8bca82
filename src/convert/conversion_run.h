// One run of a command on a database: its session, what was found there, the lock, the records, and the
// report. What the ways of each database share; for them alone.
#pragma once

#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "convert/run.h"

namespace guildhall::convert {

class ConversionRun {
 public:
  ConversionRun(const migrate::Target& target, const Options& options, std::string command)
      : target_(target), options_(options), command_(std::move(command)) {}

  /// The session, what is there, and the home.
  migrate::Outcome<void> open();
  /// The session alone.
  migrate::Outcome<void> connect();
  /// Of the session: the newest conversion, whatever became of it.
  std::optional<Conversion> newest() const;
  /// Whose the rows are that name no server, where that is to be found; or whether the wish is the same
  /// still.
  migrate::Outcome<void> attribute();
  /// Whether it may begin: what the scheme found, and what the rows say.
  migrate::Outcome<void> examine();
  migrate::Outcome<void> take_lock();
  migrate::Outcome<void> look_again();
  /// Proved, or nothing is changed.
  migrate::Outcome<void> back_up();
  /// What is written down of it; number and state are not given yet.
  Conversion conversion() const;
  /// What everything adds up to, in one state; then a row for this conversion, and beside it that and how
  /// everything was, in one transaction. PostgreSQL.
  migrate::Outcome<void> begin();
  /// Nothing is lost, and everything is what it has to be by now.
  migrate::Outcome<void> verify(Writers writers);
  /// Asks for the steps, runs them and asks again, until none is left.
  migrate::Outcome<void> run_until_done(const std::function<Steps(const Look&)>& steps_of);
  /// In one transaction: all of it, or nothing.
  migrate::Outcome<void> archive(const std::set<std::string>& lost, const OldSchema& before);
  migrate::Outcome<void> restore();
  /// Those that the conversion put into a registry that was there before.
  void remove_added_servers();
  void set_state(State state);

  /// `state`: the conversion is in one of these; else the problem `refused` with that way out.
  migrate::Outcome<void> check_state(std::initializer_list<State> wanted, const std::string& hint) const;
  RunReport report();
  migrate::Reporting reporting() const;
  std::int64_t number() const { return found_.conversion->number; }
  const Look& found() const { return found_; }
  store::SchemaSession& session() { return *session_; }
  const Options& options() const { return options_; }
  RunReport& draft() { return report_; }

 private:
  void see_sealed_rows();
  migrate::Outcome<void> attribute_again();
  migrate::Outcome<void> in_transaction(const std::function<migrate::Outcome<Archived>()>& function);

  const migrate::Target& target_;
  const Options& options_;
  std::string command_;
  std::unique_ptr<store::SchemaSession> session_;
  std::unique_ptr<migrate::Lock> lock_;
  std::optional<Records> records_;
  Look found_;
  RunReport report_;
};

}  // namespace guildhall::convert
