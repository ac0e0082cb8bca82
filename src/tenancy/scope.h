// The only ways to the rows. A scope travels as an argument; there is no current server anywhere.
#pragma once

#include <string>
#include <utility>

#include "base/clock.h"
#include "store/database.h"

namespace guildhall::tenancy {

/// Holds the key to the store for the three classes below and nobody else.
class KeyHolder {
  friend class ServerScope;
  friend class GlobalScope;
  friend class CrossServerDoor;
  static store::Passkey key() { return {}; }
};

/// The right to touch one server's rows for one unit of work. Made by Scopes (scopes.h).
class ServerScope {
 public:
  ServerId server() const { return server_; }

  /// Runs `body(Tx&) -> TxTask<T>` as one transaction; returns its T after the commit. Works are run
  /// in the order in which they are awaited. Throws DatabaseError and what the body throws; then
  /// nothing of it remains. The body may run more than once: it changes nothing but its own locals.
  template <class F>
  auto transact(F body) const {
    return run(*this, store::Mode::write, std::move(body));
  }
  /// The same on one consistent reading of the database, beside the writer.
  template <class F>
  auto read(F body) const {
    return run(*this, store::Mode::read, std::move(body));
  }

 private:
  friend class Scopes;
  ServerScope(store::Database& database, ServerId server) : database_(&database), server_(server) {}

  template <class F>
  static Task<typename store::BodyWork<store::Tx, F>::Value> run(ServerScope self, store::Mode mode, F body) {
    store::BodyWork<store::Tx, F> work(std::move(body));
    const store::WorkScope scope{store::Access::server, self.server_};
    co_await self.database_->perform(KeyHolder::key(), scope, mode, work);
    co_return work.take();
  }

  store::Database* database_;
  ServerId server_;
};

/// The way to tables that belong to no server (class G) and to the registry. Made once, by Tenancy,
/// and handed to the rooms that own such tables; no feature has one.
class GlobalScope {
 public:
  template <class F>
  auto transact(F body) const {
    return run(*this, store::Mode::write, std::move(body));
  }
  template <class F>
  auto read(F body) const {
    return run(*this, store::Mode::read, std::move(body));
  }
  /// Did another process commit since the last call?
  Task<bool> changed_elsewhere() const { return database_->changed_elsewhere(KeyHolder::key()); }

 private:
  friend class Tenancy;
  explicit GlobalScope(store::Database& database) : database_(&database) {}

  template <class F>
  static Task<typename store::BodyWork<store::GlobalTx, F>::Value> run(GlobalScope self, store::Mode mode,
                                                                       F body) {
    store::BodyWork<store::GlobalTx, F> work(std::move(body));
    const store::WorkScope scope{store::Access::global, ServerId{}};
    co_await self.database_->perform(KeyHolder::key(), scope, mode, work);
    co_return work.take();
  }

  store::Database* database_;
};

struct CrossServerLogParams {
  std::string day;
  std::string purpose;
  TimePoint now;
};
BOOST_DESCRIBE_STRUCT(CrossServerLogParams, (), (day, purpose, now))

inline constexpr store::CrossServerStatement<CrossServerLogParams, store::NoRow> kLogCrossServerWork{
    "tenancy.log_cross_server_work", "leaves a trace of cross-server work itself",
    "INSERT INTO cross_server_log (day, purpose, runs, last_at) VALUES (:day, :purpose, 1, :now) "
    "ON CONFLICT (day, purpose) DO UPDATE SET runs = cross_server_log.runs + 1, last_at = excluded.last_at"};

/// The one door to several servers' rows at once: set-based ticks, counts for the operator. Each
/// opening is counted in cross_server_log under its purpose, in the same transaction.
class CrossServerDoor {
 public:
  /// Runs `body(CrossTx&) -> TxTask<T>`.
  template <class F>
  auto transact(std::string purpose, TimePoint now, F body) const {
    auto logged = [purpose = std::move(purpose), now, body = std::move(body)](store::CrossTx& tx) mutable {
      return with_log(tx, CrossServerLogParams{format_rfc3339(now).substr(0, 10), purpose, now}, body);
    };
    return run(*this, std::move(logged));
  }

 private:
  friend class Tenancy;
  explicit CrossServerDoor(store::Database& database) : database_(&database) {}

  template <class F>
  static std::invoke_result_t<F&, store::CrossTx&> with_log(store::CrossTx& tx, CrossServerLogParams log,
                                                            F& body) {
    co_await tx.change(kLogCrossServerWork, log);
    using Value = decltype(body(tx).take());
    if constexpr (std::is_void_v<Value>) {
      co_await body(tx);
    } else {
      co_return co_await body(tx);
    }
  }

  template <class F>
  static Task<typename store::BodyWork<store::CrossTx, F>::Value> run(CrossServerDoor self, F body) {
    store::BodyWork<store::CrossTx, F> work(std::move(body));
    const store::WorkScope scope{store::Access::cross_server, ServerId{}};
    co_await self.database_->perform(KeyHolder::key(), scope, store::Mode::write, work);
    co_return work.take();
  }

  store::Database* database_;
};

}  // namespace guildhall::tenancy
