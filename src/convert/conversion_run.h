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
  /// Whether it may begin: what the scheme found, what the rows say, and the server.
  migrate::Outcome<void> examine();
  /// PostgreSQL: whether the server is fit for it; what should be known is said.
  migrate::Outcome<void> look_at_server();
  migrate::Outcome<void> take_lock();
  migrate::Outcome<void> look_again();
  /// Proved, or nothing is changed.
  migrate::Outcome<void> back_up();
  /// What is written down of it; number and state are not given yet.
  Conversion conversion() const;
  /// What everything adds up to, in one state; then a row for this conversion, and beside it that and how
  /// everything was, in one transaction. PostgreSQL.
  migrate::Outcome<void> begin();
  /// Nothing is lost, and everything is what it has to be by now, while others write.
  migrate::Outcome<void> verify(Proof proof);
  /// Asks for the steps, runs them and asks again, until none is left.
  /// Once.
  migrate::Outcome<void> run(const Steps& steps);
  migrate::Outcome<void> run_until_done(const std::function<Steps()>& steps_of);
  /// In one transaction: all of it, or nothing.
  migrate::Outcome<void> archive(const std::set<std::string>& lost, const OldSchema& before);
  migrate::Outcome<void> restore();
  /// PostgreSQL: tables that were made since the conversion began are written down as they are now, before
  /// anything is done to them.
  void remember_new_tables();
  /// PostgreSQL: what contract is about to take or to make again: keys and references, others' among them,
  /// and views.
  void remember_replaced();
  /// PostgreSQL: says which materialised views could not be filled again.
  void say_unfilled();
  /// Those that the conversion put into a registry that was there before; one stays that something else
  /// refers to by now.
  void remove_added_servers();
  void set_state(State state);
  /// In one transaction with that state: rows that gave way to others come back.
  void end_way_back();
  Records& records() { return *records_; }

  /// `state`: the conversion is in one of these; else the problem `refused` with that way out.
  migrate::Outcome<void> check_state(std::initializer_list<State> wanted, const std::string& hint) const;
  RunReport report();
  migrate::Reporting reporting() const;
  std::int64_t number() const { return found_.conversion->number; }
  const Look& found() const { return found_; }
  /// PostgreSQL: what the rows say; they are asked once after each look, and only if somebody wants to know.
  const RowFacts& facts();
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
  std::optional<RowFacts> facts_;  // of that look
  RunReport report_;
};

}  // namespace guildhall::convert
