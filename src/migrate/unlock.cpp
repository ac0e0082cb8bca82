#include "migrate/unlock.h"

#include <fmt/format.h>

#include <thread>

#include "migrate/lock_keys.h"
#include "migrate/pooled_session.h"

namespace guildhall::migrate {
namespace {

using namespace std::chrono_literals;

/// PostgreSQL ends a session a moment after it was told to.
constexpr int kTries = 40;
constexpr auto kPause = 50ms;

std::string name_of_sessions(std::int64_t token) { return fmt::format("guildhall-migrate:{}", token); }

std::string what_it_does(store::SchemaSession& session, const LockHolder& holder) {
  const auto rows = session.query(
      "SELECT pid, state, date_trunc('second', clock_timestamp() - query_start), left(query, 200) FROM "
      "pg_stat_activity WHERE application_name = $1 ORDER BY (state = 'active') DESC, query_start DESC LIMIT "
      "1",
      {name_of_sessions(holder.token)});
  if (rows.empty()) return "";
  return fmt::format("backend {} is {} for {}: {}", rows[0][0], rows[0][1], rows[0][2], rows[0][3]);
}

void release_row(store::SchemaSession& session, Dialect dialect, std::int64_t token) {
  session.execute(fmt::format("DELETE FROM {} WHERE lock_id = 1 AND token = {}",
                              own_table(dialect, "migration_lock"), token));
}

/// Both keys in our hands: nobody holds the lock, and nothing works under it.
bool is_provably_gone(const Target& target, store::SchemaSession& session, store::SchemaSession& other,
                      int tries) {
  for (int i = 0; i < tries; ++i) {
    const auto keys = keys_of(target.dialect, session, other);
    if (keys->try_take() == Taken::yes) return true;
    if (i + 1 < tries) std::this_thread::sleep_for(kPause);
  }
  return false;
}

}  // namespace

Outcome<Unlocked> unlock(const Target& target, const UnlockOptions& options) {
  try {
    auto session = target.open("");
    if (!session) return std::unexpected(problem_of(session.error()));
    auto other = target.open("");
    if (!other) return std::unexpected(problem_of(other.error()));
    Unlocked result;
    result.holder = look_at_lock(**session, target.dialect);
    if (!result.holder.held) return result;
    const bool postgres = target.dialect == Dialect::postgres;
    if (postgres) result.doing = what_it_does(**session, result.holder);
    if (options.force && *options.force != result.holder.token) {
      return stop(Exit::refused, "MG-TOKEN",
                  fmt::format("the lock's token is {}, not {}", result.holder.token, *options.force),
                  "Look again who holds it.");
    }
    if (options.terminate && postgres) {
      (*session)->query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = $1",
                        {name_of_sessions(result.holder.token)});
    }
    // Through a pooler nothing of the session can be asked for, and nothing may be taken.
    const bool pooled = postgres && is_pooled(**session);
    const bool gone = pooled ? is_dead(result.holder, LockTimings{})
                             : is_provably_gone(target, **session, **other, options.terminate ? kTries : 1);
    if (!gone && !options.force) {
      return std::unexpected(
          held_by(result.holder,
                  pooled ? "As far as can be seen through a pooler it is alive: name the server itself with "
                           "--direct-url, or fence it off with --force TOKEN."
                  : postgres ? "It is alive. --terminate ends its sessions; --force TOKEN fences it off."
                             : "It is alive: end that process."));
    }
    release_row(**session, target.dialect, result.holder.token);
    result.released = true;
    return result;
  } catch (const store::DatabaseError& error) {
    return std::unexpected(problem_of(error));
  } catch (const ErrorException& error) {
    return std::unexpected(problem_of(error.error()));
  }
}

}  // namespace guildhall::migrate
