#include "migrate/lock.h"

#include <fmt/format.h>
#include <unistd.h>

#include <condition_variable>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

#include "base/pause.h"
#include "base/process.h"
#include "migrate/journal.h"
#include "migrate/session_settings.h"

namespace guildhall::migrate {

namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

/// The session of the lock waits for nobody.
constexpr const char* kLockSettings =
    "-clock_timeout=2s -cstatement_timeout=10s -cidle_in_transaction_session_timeout=10s";

constexpr milliseconds kFirstPause{10};

/// Of this machine, and no longer there.
bool is_gone(const LockHolder& holder) { return has_ended(holder.host, holder.os_pid); }

Outcome<void> go_on(const LockWish& wish) {
  const int signal = wish.interrupt == nullptr ? 0 : wish.interrupt->signal();
  if (signal == 0) return {};
  return std::unexpected(interruption(signal, "interrupted while it waited for the lock; nothing was run"));
}

/// A tool of before, whose table of that name lies in the database, holds its lock.
std::optional<Problem> held_by_old_tool(store::SchemaSession& session) {
  const auto table = session.query(
      "SELECT c.oid::regclass FROM pg_class c WHERE c.oid = to_regclass('migration_lock') AND c.relkind = "
      "'r' AND c.relnamespace <> coalesce(to_regnamespace('guildhall')::oid, 0)");
  if (table.empty()) return std::nullopt;
  const auto rows = session.query(fmt::format(
      "SELECT locked_by, locked_at FROM {} WHERE lock_id = 1 AND locked_at > (now() AT TIME ZONE 'UTC') - "
      "interval '10 minutes'",
      table[0][0]));
  if (rows.empty()) return std::nullopt;
  return Problem{Exit::locked,
                 {"MG-LOCK", Level::error, "", 0,
                  fmt::format("held by '{}' since {}, in {}: another migration tool is at work", rows[0][0],
                              rows[0][1], table[0][0]),
                  fmt::format("Wait for it. If it has died: DELETE FROM {} WHERE lock_id = 1", table[0][0])}};
}

}  // namespace

LockHolder look_at_lock(store::SchemaSession& session, Dialect dialect) {
  LockHolder holder;
  if (Journal(session, dialect).version().value_or(0) == 0) return holder;
  const bool postgres = dialect == Dialect::postgres;
  const auto rows = session.query(fmt::format(
      "SELECT token, locked_by, host, os_pid, backend_pid, {}, {}, command, current_migration FROM {} WHERE "
      "lock_id = 1",
      postgres ? R"(to_char(locked_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'))"
               : "strftime('%Y-%m-%dT%H:%M:%SZ', locked_at / 1000000, 'unixepoch')",
      postgres ? "greatest(0, (extract(epoch FROM clock_timestamp() - heartbeat_at) * 1000)::bigint)"
               : fmt::format("max(0, ({} - heartbeat_at) / 1000)", now_of(dialect)),
      own_table(dialect, "migration_lock")));
  if (rows.empty()) return holder;
  const auto& row = rows[0];
  return {
      true,   std::stoll(row[0]), row[1], row[2], std::stoll(row[3]), row[4].empty() ? 0 : std::stoll(row[4]),
      row[5], std::stoll(row[6]), row[7], row[8]};
}

bool is_dead(const LockHolder& holder, const LockTimings& timings) {
  return is_gone(holder) || holder.heartbeat_age_ms > timings.stale.count();
}

Problem held_by(const LockHolder& holder, std::string hint) {
  const std::string at = holder.current_migration.empty() ? "" : ", " + holder.current_migration;
  return {Exit::locked,
          {"MG-LOCK", Level::error, "", 0,
           holder.held ? fmt::format("held by {}@{} pid {} since {} ({}, heartbeat {} s ago{})",
                                     holder.locked_by, holder.host, holder.os_pid, holder.locked_at,
                                     holder.command, holder.heartbeat_age_ms / 1000, at)
                       : "another runner is just taking it",
           std::move(hint)}};
}

// --- the heart

/// Shows every `heartbeat` that we are alive, on the session of the lock; notices when the row is not ours
/// any more.
class Lock::Heart {
 public:
  Heart(const Target& target, store::SchemaSession& session, std::int64_t token, LockTimings timings)
      : target_(target),
        session_(&session),
        token_(token),
        timings_(timings),
        last_beat_(steady_clock::now()) {
    thread_ = std::thread([this] { run(); });
  }
  ~Heart() {
    {
      const std::scoped_lock lock(mutex_);
      ending_ = true;
    }
    wake_.notify_all();
    thread_.join();
  }

  void show(std::string doing) {
    const std::scoped_lock lock(mutex_);
    doing_ = std::move(doing);
    changed_ = true;
  }
  bool is_lost() const { return lost_; }
  void on_lost(std::function<void()> act) {
    const std::scoped_lock lock(mutex_);
    on_lost_ = std::move(act);
  }

 private:
  void run() {
    std::unique_lock lock(mutex_);
    while (!ending_) {
      wake_.wait_for(lock, std::min(timings_.heartbeat, kShow));
      const bool due = steady_clock::now() - last_beat_ >= timings_.heartbeat;
      // In a SQLite file one writes at a time, and that is the work.
      const bool shows = changed_ && target_.dialect == Dialect::postgres;
      if (ending_ || !(due || shows)) continue;
      const std::string doing = doing_;
      changed_ = false;
      lock.unlock();
      const bool ours = beat(doing);
      lock.lock();
      if (ours) continue;
      lost_ = true;
      if (on_lost_) on_lost_();
      return;
    }
  }

  /// False: the row is somebody else's, or we have not been able to say that we are alive for too long.
  bool beat(const std::string& doing) {
    try {
      const auto row = session_->query(
          fmt::format(
              "UPDATE {} SET heartbeat_at = {}, current_migration = nullif($1, '') WHERE lock_id = 1 AND "
              "token = {} RETURNING token",
              own_table(target_.dialect, "migration_lock"), now_of(target_.dialect), token_),
          {doing});
      if (row.empty()) return false;
      last_beat_ = steady_clock::now();
      return true;
    } catch (const store::DatabaseError& error) {
      if (error.code() == store::DbCode::connection_lost) reconnect();
      // The work writes, and so nobody else has changed the row.
      if (error.code() == store::DbCode::busy) last_beat_ = steady_clock::now();
      return steady_clock::now() - last_beat_ < timings_.self_stop;
    }
  }

  /// What is fenced off by the row goes on without the first advisory lock: the second is at the work.
  void reconnect() {
    auto session = open_with_settings(target_.open, kLockSettings);
    if (!session) return;
    again_ = *std::move(session);
    session_ = again_.get();
  }

  static constexpr milliseconds kShow{1'000};

  const Target& target_;
  store::SchemaSession* session_;
  std::unique_ptr<store::SchemaSession> again_;  // after the first was lost
  std::int64_t token_;
  LockTimings timings_;
  std::mutex mutex_;
  std::condition_variable wake_;
  bool ending_ = false;
  bool changed_ = false;
  std::atomic<bool> lost_{false};
  std::string doing_;
  std::function<void()> on_lost_;
  steady_clock::time_point last_beat_;
  std::thread thread_;
};

// --- taking it

Lock::Lock(const Target& target, store::SchemaSession& work, LockTimings timings)
    : target_(target), work_(&work), timings_(timings) {}

Outcome<std::unique_ptr<Lock>> Lock::take(const Target& target, store::SchemaSession& work,
                                          const LockWish& wish) {
  std::unique_ptr<Lock> lock(new Lock(target, work, wish.timings));
  auto session = open_with_settings(target.open, kLockSettings);
  if (!session) return std::unexpected(problem_of(session.error()));
  lock->session_ = *std::move(session);
  const auto latest = lock->begun_ + wish.wait;
  // Soon again at first, then seldom; and not all at once.
  milliseconds pause = kFirstPause;
  while (true) {
    const bool last = steady_clock::now() >= latest;
    const auto taken = lock->try_once(wish, last);
    if (!taken) return std::unexpected(taken.error());
    if (*taken) break;
    std::this_thread::sleep_for(random_pause(pause / 2, pause * 3 / 2));
    if (auto going = go_on(wish); !going) return std::unexpected(going.error());
    pause = std::min(pause * 2, wish.timings.poll);
  }
  if (target.dialect == Dialect::postgres) {
    for (store::SchemaSession* one : {lock->session_.get(), &work}) lock->name(*one);
  }
  lock->heart_ = std::make_unique<Heart>(target, *lock->session_, lock->token_, wish.timings);
  return lock;
}

/// As what it shows itself to others.
void Lock::name(store::SchemaSession& session) const {
  session.execute(fmt::format("SET application_name = 'guildhall-migrate:{}'", token_));
}

/// The same, where others may be writing just now, or the file beside a SQLite database cannot be made.
Outcome<bool> Lock::try_once(const LockWish& wish, bool last) {
  try {
    return try_to_take(wish, last);
  } catch (const store::DatabaseError& error) {
    if (session_->in_transaction()) session_->execute("ROLLBACK");
    keys_.reset();
    if (error.code() != store::DbCode::busy || last) return std::unexpected(problem_of(error));
    return false;
  } catch (const ErrorException& error) {
    return std::unexpected(problem_of(error.error()));
  }
}

/// True: taken. False: not now. `last`: then the problem says who holds it. Throws DatabaseError.
Outcome<bool> Lock::try_to_take(const LockWish& wish, bool last) {
  if (target_.dialect == Dialect::postgres) {
    if (auto held = held_by_old_tool(*session_)) {
      if (last) return std::unexpected(*std::move(held));
      return false;
    }
  }
  auto keys = keys_of(target_.dialect, *session_, *work_);
  const Taken taken = keys->try_take();
  if (taken == Taken::yes) {
    keys_ = std::move(keys);
    auto row = session_->stays_the_same() ? take_row(wish) : take_row_alone(wish, last);
    if (!row || !*row) keys_.reset();
    return row;
  }
  if (!last) return false;
  const LockHolder holder = look_at_lock(*session_, target_.dialect);
  if (holder.held && is_gone(holder) && steady_clock::now() < begun_ + wish.timings.dies) return false;
  if (taken == Taken::work_goes_on) {
    return std::unexpected(
        held_by(holder, fmt::format("Its process has ended, and its statement still runs in the "
                                    "database (backend {}): wait, or `guildhall migrate unlock "
                                    "--terminate`.",
                                    holder.backend_pid)));
  }
  const bool silent = holder.held && holder.heartbeat_age_ms > wish.timings.stale.count();
  return std::unexpected(held_by(
      holder,
      silent ? "It is silent and still connected: `guildhall migrate unlock` shows what it does, and with "
               "--terminate ends it."
             : "Wait for it, or use --lock-wait 5min."));
}

/// With the keys in hand: the row.
Outcome<bool> Lock::take_row(const LockWish& wish) {
  if (auto prepared = prepare_journal(); !prepared) return std::unexpected(prepared.error());
  LockHolder seen = look_at_lock(*session_, target_.dialect);
  while (seen.held && !is_gone(seen) && seen.heartbeat_age_ms < wish.timings.gone.count()) {
    const milliseconds left(wish.timings.gone.count() - seen.heartbeat_age_ms + 1);
    std::this_thread::sleep_for(std::min(wish.timings.poll, left));
    if (auto going = go_on(wish); !going) return std::unexpected(going.error());
    const LockHolder now = look_at_lock(*session_, target_.dialect);
    // Alive after all: it reaches the database by a way on which it cannot hold the keys.
    if (now.held && now.token == seen.token && now.heartbeat_age_ms < seen.heartbeat_age_ms)
      return std::unexpected(held_by(now, "Wait for it, or use --lock-wait 5min."));
    seen = now;
  }
  if (!claim(seen, wish.command)) return false;
  if (seen.held) {
    wish.say(fmt::format("lock: taken over from {} pid {} ({})", seen.host, seen.os_pid,
                         is_gone(seen) ? "process gone" : "session gone"));
  }
  wish.say(fmt::format("lock: acquired (token {})", token_));
  return true;
}

/// Without keys: the row of somebody who is silent for less than ten minutes is that of somebody at work.
Outcome<bool> Lock::take_row_alone(const LockWish& wish, bool last) {
  if (auto prepared = prepare_journal(); !prepared) return std::unexpected(prepared.error());
  const LockHolder seen = look_at_lock(*session_, target_.dialect);
  if (seen.held && !is_dead(seen, wish.timings)) {
    if (!last) return false;
    return std::unexpected(
        held_by(seen,
                "Wait for it, or use --lock-wait 5min. Behind a pooler only ten minutes of silence show "
                "that it is gone."));
  }
  if (!claim(seen, wish.command)) return false;
  if (seen.held) wish.say(fmt::format("lock: taken over from {} pid {} (silent)", seen.host, seen.os_pid));
  wish.say(fmt::format("lock: acquired (token {}), by its row alone", token_));
  return true;
}

Outcome<void> Lock::prepare_journal() {
  // With what keeps out whoever still knows nothing of this lock: Guildhall itself, before it had the tool.
  session_->begin();
  try {
    auto changed = Journal(*session_, target_.dialect).prepare(!target_.is_own);
    if (changed && *changed) target_.seal(*session_);
    session_->execute(changed ? "COMMIT" : "ROLLBACK");
    if (!changed) return std::unexpected(changed.error());
    return {};
  } catch (const store::DatabaseError&) {
    if (session_->in_transaction()) session_->execute("ROLLBACK");
    throw;
  }
}

/// Puts our row where nobody's or the seen one is. False: somebody was faster.
bool Lock::claim(const LockHolder& seen, const std::string& command) {
  const bool postgres = target_.dialect == Dialect::postgres;
  const std::string version = own_table(target_.dialect, "migration_journal_version");
  session_->execute(postgres ? "BEGIN" : "BEGIN IMMEDIATE");
  // A database that was restored may hold a row with a higher token than it remembers.
  const auto token = session_->query(
      fmt::format("UPDATE {0} SET last_token = 1 + CASE WHEN last_token > {1} THEN last_token ELSE {1} END "
                  "RETURNING last_token",
                  version, seen.token));
  const auto row = session_->query(
      fmt::format(
          "INSERT INTO {0} AS l (lock_id, token, locked_by, host, os_pid, backend_pid, locked_at, "
          "heartbeat_at, "
          "command) VALUES (1, {1}, $1, $2, {2}, {3}, {4}, {4}, $3) ON CONFLICT (lock_id) DO UPDATE SET "
          "token = excluded.token, locked_by = excluded.locked_by, host = excluded.host, os_pid = "
          "excluded.os_pid, backend_pid = excluded.backend_pid, locked_at = excluded.locked_at, heartbeat_at "
          "= excluded.heartbeat_at, command = excluded.command, current_migration = NULL WHERE l.token = {5} "
          "RETURNING token",
          own_table(target_.dialect, "migration_lock"), token.at(0).at(0), getpid(),
          postgres && work_->stays_the_same() ? work_->query("SELECT pg_backend_pid()").at(0).at(0) : "NULL",
          now_of(target_.dialect), seen.token),
      {user_name(), host_name(), command});
  session_->execute(row.empty() ? "ROLLBACK" : "COMMIT");
  if (row.empty()) return false;
  token_ = std::stoll(row[0][0]);
  return true;
}

Lock::~Lock() {
  heart_.reset();
  if (token_ == 0) return;
  for (store::SchemaSession* session : {session_.get(), work_}) {
    try {
      if (session->in_transaction()) session->execute("ROLLBACK");
      session->query(fmt::format("DELETE FROM {} WHERE lock_id = 1 AND token = {}",
                                 own_table(target_.dialect, "migration_lock"), token_));
      return;
    } catch (const store::DatabaseError&) {
      // Perhaps the other connection still works; else the next runner sees that we are gone.
    }
  }
}

void Lock::show(std::string doing) {
  if (heart_) heart_->show(std::move(doing));
}

std::string Lock::check_sql() const {
  return fmt::format("UPDATE {} SET heartbeat_at = {} WHERE lock_id = 1 AND token = {} RETURNING token",
                     own_table(target_.dialect, "migration_lock"), now_of(target_.dialect), token_);
}

Outcome<void> Lock::check(store::SchemaSession& work) {
  if (!work.query(check_sql()).empty()) return {};
  return std::unexpected(fenced());
}

/// A name that nobody has set: to read it is the only error that SQL can raise by itself with a text of ours.
constexpr std::string_view kNotOurs = "guildhall.migration_lock_is_not_ours";

void Lock::check_later(store::SchemaSession& work) {
  work.later(fmt::format(
      "WITH ours AS ({}) SELECT CASE WHEN count(*) = 1 THEN '' ELSE current_setting('{}') END FROM ours",
      check_sql(), kNotOurs));
}

bool Lock::refused_commit(const store::DatabaseError& error) {
  return std::string_view(error.what()).find(kNotOurs) != std::string_view::npos;
}

Outcome<store::SchemaSession*> Lock::adopt(std::unique_ptr<store::SchemaSession> work) {
  const auto latest = steady_clock::now() + timings_.dies;
  while (!keys_->give_to(*work)) {
    if (steady_clock::now() > latest)
      return std::unexpected(held_by(look_at_lock(*work, target_.dialect),
                                     "What the lost connection did still runs in the database: wait, then "
                                     "look at `guildhall migrate status`."));
    std::this_thread::sleep_for(random_pause(timings_.poll / 2, timings_.poll));
  }
  if (target_.dialect == Dialect::postgres) name(*work);
  adopted_ = std::move(work);
  return work_ = adopted_.get();
}

bool Lock::is_lost() const { return heart_ && heart_->is_lost(); }

Problem Lock::fenced() const {
  return stop(Exit::locked, "MG-FENCED",
              fmt::format(
                  "the lock is not ours any more (token {}): another runner took it, or its row was deleted",
                  token_),
              "Nothing of this step was kept. Look at `guildhall migrate status` before going on.")
      .error();
}

void Lock::on_lost(std::function<void()> act) {
  if (heart_) heart_->on_lost(std::move(act));
}

}  // namespace guildhall::migrate
