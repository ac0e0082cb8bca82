// The lock: one runner at a time for each database, whatever becomes of the others.
//
// It is three things, and a runner has all of them or none: an advisory lock of PostgreSQL on a session that
// does nothing else (SQLite: a lock of the system on a file beside the database), asked for and never waited
// for, since a waiting session would deadlock with CREATE INDEX CONCURRENTLY; a second one on the session
// that does the work, so that a statement that outlives its client keeps others out; and the row of
// migration_lock, whose heartbeat shows who is alive and whose token fences off a runner that wakes too late:
// a commit needs the row to hold its token.
//
// Through a pooler that gives each transaction another session there is the row alone: then only who has been
// silent for ten minutes, or whose process on this machine is gone, is taken over.
//
// Table, lock_id = 1 and the ten minutes are those of the tool of StreamBot, so that what its handbook says
// still works: SELECT * FROM migration_lock shows who holds it, and DELETE ... WHERE lock_id = 1 stops the
// holder.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "migrate/interrupt.h"
#include "migrate/lock_keys.h"
#include "migrate/outcome.h"
#include "migrate/target.h"

namespace guildhall::migrate {

struct LockTimings {
  std::chrono::milliseconds heartbeat{15'000};
  std::chrono::milliseconds gone{
      35'000};  // this long without a heartbeat after its session ended: taken over
  std::chrono::milliseconds stale{600'000};      // nobody is there
  std::chrono::milliseconds self_stop{300'000};  // so long without a heartbeat of ours: we stop
  std::chrono::milliseconds poll{500};
  /// Twice the time in which a server notices that a client is gone: so long is waited for a runner whose
  /// process on this machine has ended, whoever else is not waited for.
  std::chrono::milliseconds dies{10'000};
};

/// The row of migration_lock, and what the database says beside it.
struct LockHolder {
  bool held = false;  // there is a row
  std::int64_t token = 0;
  std::string locked_by;
  std::string host;
  std::int64_t os_pid = 0;
  std::int64_t backend_pid = 0;
  std::string locked_at;  // UTC, to the second
  std::int64_t heartbeat_age_ms = 0;
  std::string command;
  std::string current_migration;
};

/// What is there now; takes nothing. Nothing is held where there is no journal.
LockHolder look_at_lock(store::SchemaSession& session, Dialect dialect);

/// How the lock is to be taken.
struct LockWish {
  std::string command;                // "up", for others to read
  std::chrono::milliseconds wait{0};  // for another runner
  LockTimings timings;
  const Interrupt* interrupt = nullptr;                                     // ends the waiting
  std::function<void(const std::string&)> say = [](const std::string&) {};  // gets a line for people
};

class Lock {
 public:
  /// Takes it; makes the journal where there is none. `work` is the session that will do the work, and
  /// outlives the lock. Problem `locked` names the holder.
  static Outcome<std::unique_ptr<Lock>> take(const Target& target, store::SchemaSession& work,
                                             const LockWish& wish);
  /// Releases it: the row only where it still holds our token.
  ~Lock();
  Lock(const Lock&) = delete;
  Lock& operator=(const Lock&) = delete;

  std::int64_t token() const { return token_; }
  /// What is done at the moment, for others to read.
  void show(std::string doing);
  /// Last thing before each COMMIT, within its transaction on that session: the row still holds our token, or
  /// the problem `locked`. From then until the commit nobody can take the lock.
  Outcome<void> check(store::SchemaSession& work);
  /// PostgreSQL: the same in one round trip with the COMMIT that is the session's next statement. Where the
  /// row does not hold our token that fails, with an error that `refused_commit` knows, and nothing is
  /// committed.
  void check_later(store::SchemaSession& work);
  static bool refused_commit(const store::DatabaseError& error);
  /// The session of the work was lost, and this is another, which is held as long as the lock. Problem
  /// `locked`: what the lost one did still runs in the database.
  Outcome<store::SchemaSession*> adopt(std::unique_ptr<store::SchemaSession> work);
  /// The row was found to be somebody else's, or gone.
  bool is_lost() const;
  /// Why nothing more is done then.
  Problem fenced() const;
  /// Called from another thread once it is noticed that the lock is lost: to end what runs.
  void on_lost(std::function<void()> act);

 private:
  class Heart;
  Lock(const Target& target, store::SchemaSession& work, LockTimings timings);
  void name(store::SchemaSession& session) const;
  Outcome<bool> try_once(const LockWish& wish, bool last);
  Outcome<bool> try_to_take(const LockWish& wish, bool last);
  Outcome<bool> take_row(const LockWish& wish);
  Outcome<bool> take_row_alone(const LockWish& wish, bool last);
  Outcome<void> prepare_journal();
  bool claim(const LockHolder& seen, const std::string& command);
  std::string check_sql() const;

  const Target& target_;
  store::SchemaSession* work_;
  LockTimings timings_;
  std::int64_t token_ = 0;
  std::chrono::steady_clock::time_point begun_ = std::chrono::steady_clock::now();
  std::unique_ptr<store::SchemaSession> session_;  // of the lock alone
  std::unique_ptr<store::SchemaSession> adopted_;
  std::unique_ptr<LockKeys> keys_;
  std::unique_ptr<Heart> heart_;
};

/// As far as its row and this machine tell: its process is gone, or it has been silent for too long.
bool is_dead(const LockHolder& holder, const LockTimings& timings);

/// Problem `locked`, in words: who holds it, since when, and at what.
Problem held_by(const LockHolder& holder, std::string hint);

}  // namespace guildhall::migrate
