// The only ways to the rows. A scope travels as an argument; there is no current server anywhere.
#pragma once

#include <limits>
#include <optional>
#include <string>
#include <utility>
#include <vector>

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

  /// One statement that reads, by itself: one trip to the database.
  template <class P, class R>
  Task<std::vector<R>> all(const store::Statement<P, R>& statement,
                           std::type_identity_t<P> params = {}) const {
    return run_single(
        *this, store::Mode::read,
        [&statement, params = std::move(params)](store::Tx& tx) -> store::TxTask<std::vector<R>> {
          co_return co_await tx.all(statement, params);
        },
        &statement);
  }
  template <class P, class R>
  Task<std::optional<R>> one(const store::Statement<P, R>& statement,
                             std::type_identity_t<P> params = {}) const {
    return run_single(
        *this, store::Mode::read,
        [&statement, params = std::move(params)](store::Tx& tx) -> store::TxTask<std::optional<R>> {
          co_return co_await tx.one(statement, params);
        },
        &statement);
  }
  /// One statement that writes, by itself; how many rows changed. It keeps no order with other works.
  template <class P>
  Task<std::int64_t> change(const store::Statement<P, store::NoRow>& statement,
                            std::type_identity_t<P> params = {}) const {
    return run_single(
        *this, store::Mode::write,
        [&statement, params = std::move(params)](store::Tx& tx) -> store::TxTask<std::int64_t> {
          co_return co_await tx.change(statement, params);
        },
        &statement);
  }

 private:
  friend class Scopes;
  ServerScope(store::Database& database, ServerId server) : database_(&database), server_(server) {}

  template <class F>
  static Task<typename store::BodyWork<store::Tx, F>::Value> run(ServerScope self, store::Mode mode, F body) {
    return perform(self, mode, store::BodyWork<store::Tx, F>(std::move(body)));
  }
  template <class F>
  static Task<typename store::BodyWork<store::Tx, F>::Value> run_single(ServerScope self, store::Mode mode,
                                                                        F body, const void* statement) {
    return perform(self, mode, store::SingleWork<store::Tx, F>(std::move(body), statement));
  }
  template <class Work>
  static Task<typename Work::Value> perform(ServerScope self, store::Mode mode, Work work) {
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
  /// One statement that reads, by itself: one trip to the database.
  template <class P, class R>
  Task<std::optional<R>> one(const store::GlobalStatement<P, R>& statement,
                             std::type_identity_t<P> params = {}) const {
    return run_single(
        *this, store::Mode::read,
        [&statement, params = std::move(params)](store::GlobalTx& tx) -> store::TxTask<std::optional<R>> {
          co_return co_await tx.one(statement, params);
        },
        &statement);
  }
  /// After the last row of an erased server is gone: what the layout keeps for it goes, too.
  Task<void> forget(ServerId server) const { return database_->forget(KeyHolder::key(), server); }
  /// Did another process commit since the last call?
  Task<bool> changed_elsewhere() const { return database_->changed_elsewhere(KeyHolder::key()); }

 private:
  friend class Tenancy;
  explicit GlobalScope(store::Database& database) : database_(&database) {}

  template <class F>
  static Task<typename store::BodyWork<store::GlobalTx, F>::Value> run(GlobalScope self, store::Mode mode,
                                                                       F body) {
    return perform(self, mode, store::BodyWork<store::GlobalTx, F>(std::move(body)));
  }
  template <class F>
  static Task<typename store::BodyWork<store::GlobalTx, F>::Value> run_single(GlobalScope self,
                                                                              store::Mode mode, F body,
                                                                              const void* statement) {
    return perform(self, mode, store::SingleWork<store::GlobalTx, F>(std::move(body), statement));
  }
  template <class Work>
  static Task<typename Work::Value> perform(GlobalScope self, store::Mode mode, Work work) {
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

inline constexpr store::GlobalStatement<CrossServerLogParams, store::NoRow> kLogCrossServerWork{
    "tenancy.log_cross_server_work",
    "INSERT INTO cross_server_log (day, purpose, runs, last_at) VALUES (:day, :purpose, 1, :now) "
    "ON CONFLICT (day, purpose) DO UPDATE SET runs = cross_server_log.runs + 1, "
    "last_at = CASE WHEN excluded.last_at > cross_server_log.last_at THEN excluded.last_at "
    "ELSE cross_server_log.last_at END"};

/// The one door to several servers' rows at once: set-based ticks, counts for the operator. Each
/// opening is counted in cross_server_log under its purpose before anything else happens, in a commit of
/// its own: with a file per server the work behind it has many.
class CrossServerDoor {
 public:
  /// Runs `body(CrossTx&) -> TxTask<T>` on the registry of servers and what is in it (class R): one
  /// transaction in every layout.
  template <class F>
  auto transact(std::string purpose, TimePoint now, F body) const {
    return run<store::BodyWork<store::CrossTx, F>>(*this, {std::move(purpose), now}, std::nullopt,
                                                   store::Mode::write, std::move(body));
  }
  /// Runs `body` on the rows of the servers of `range`: in one transaction, or with a file per server in
  /// one for each of them, in the order of their ids. T is void or a vector, whose parts are put together.
  /// When it throws, what is behind the failing server remains undone and what is before it is
  /// committed: a body must come to the same when it is run again.
  template <class F>
  auto transact(std::string purpose, TimePoint now, store::ServerRange range, F body) const {
    return run<store::RangeWork<F>>(*this, {std::move(purpose), now}, range, store::Mode::write,
                                    std::move(body));
  }
  /// The same, only reading.
  template <class F>
  auto read(std::string purpose, TimePoint now, store::ServerRange range, F body) const {
    return run<store::RangeWork<F>>(*this, {std::move(purpose), now}, range, store::Mode::read,
                                    std::move(body));
  }

 private:
  friend class Tenancy;
  struct Opening {
    std::string purpose;
    TimePoint now;
  };

  CrossServerDoor(store::Database& database, GlobalScope global) : database_(&database), global_(global) {}

  template <class Work, class F>
  static Task<typename Work::Value> run(CrossServerDoor self, Opening opening,
                                        std::optional<store::ServerRange> range, store::Mode mode, F body) {
    const CrossServerLogParams log{format_rfc3339(opening.now).substr(0, 10), opening.purpose, opening.now};
    co_await self.global_.transact(
        [log](store::GlobalTx& tx) -> store::TxTask<void> { co_await tx.change(kLogCrossServerWork, log); });
    Work work(std::move(body));
    const store::WorkScope scope{store::Access::cross_server, ServerId{}, range};
    co_await self.database_->perform(KeyHolder::key(), scope, mode, work);
    co_return work.take();
  }

  store::Database* database_;
  GlobalScope global_;
};

/// Numbers that are nobody's server: the isolation proof's two live here while it runs. A Tenancy that
/// is opened for the proof knows these alone, every other knows none of them.
inline constexpr store::ServerRange kReservedServers{ServerId(std::numeric_limits<std::int64_t>::min()),
                                                     ServerId(-9'000'000'000'000'000'000)};

/// Every server there is.
inline constexpr store::ServerRange kAllServers{ServerId(kReservedServers.last.value() + 1),
                                                ServerId(std::numeric_limits<std::int64_t>::max())};

}  // namespace guildhall::tenancy
