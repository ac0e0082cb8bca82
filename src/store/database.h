// Database: runs units of work. One implementation per kind of database; features never see which.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include "base/error.h"
#include "base/metrics.h"
#include "base/task.h"
#include "store/database_error.h"
#include "store/place.h"
#include "store/tx.h"

namespace guildhall::tenancy {
class KeyHolder;
}

namespace guildhall::store {

/// Proof of being `tenancy`: nobody else can make one, so nobody else can run a unit of work.
class Passkey {
  friend class ::guildhall::tenancy::KeyHolder;
  Passkey() = default;
};

/// The servers whose id lies in [first, last].
struct ServerRange {
  ServerId first;
  ServerId last;
  bool contains(ServerId server) const { return first <= server && server <= last; }
};

/// Whose rows a unit of work may touch.
struct WorkScope {
  Access access = Access::server;
  ServerId server{};  // for Access::server; never 0
  /// For Access::cross_server: of which servers' rows. Nothing: only tables of no server and the registry.
  std::optional<ServerRange> range = {};
};

enum class Mode { read, write };

/// Is told of every statement of every unit of work when its body goes on, also with an error and also in
/// work that is rolled back afterwards: for the isolation proof. Called on the database's threads.
class StatementObserver {
 public:
  virtual ~StatementObserver() = default;
  virtual void ran(const WorkScope& scope, const Execution& execution) = 0;
};

/// A driver that tells.
class ObservedDriver final : public TxDriver {
 public:
  ObservedDriver(TxDriver& driver, StatementObserver& observer, const WorkScope& scope)
      : driver_(driver), observer_(observer), scope_(scope) {}
  bool start(Execution& execution) override { return driver_.start(execution); }
  std::size_t index_of(const void* key) const override { return driver_.index_of(key); }
  void finished(const Execution& execution) override { observer_.ran(scope_, execution); }

 private:
  TxDriver& driver_;
  StatementObserver& observer_;
  WorkScope scope_;
};

/// A unit of work without its C++ types. `start` is called once per attempt, and for cross-server work
/// on files of their own once per file; `keep` after each of these was committed.
class Work {
 public:
  virtual ~Work() = default;
  virtual TxTask<void> start(TxDriver& driver) = 0;
  virtual void keep() {}
  /// The one statement that it runs, if it is one and nothing else: then one trip to the database is enough.
  virtual const void* single_statement() const { return nullptr; }

  /// Before `start`: whom it tells of its statements.
  void observe(StatementObserver& observer, const WorkScope& scope) {
    observer_ = &observer;
    scope_ = scope;
  }

 protected:
  /// The driver itself, or in its place one that tells.
  TxDriver& told(TxDriver& driver) {
    if (observer_ == nullptr) return driver;
    return observed_.emplace(driver, *observer_, scope_);
  }

 private:
  StatementObserver* observer_ = nullptr;
  WorkScope scope_;
  std::optional<ObservedDriver> observed_;
};

template <class TxType, class F>
class BodyWork : public Work {
 public:
  using Body = std::invoke_result_t<F&, TxType&>;
  using Value = decltype(std::declval<Body&>().take());

  explicit BodyWork(F body) : body_(std::move(body)) {}
  TxTask<void> start(TxDriver& driver) override {
    tx_.emplace(told(driver));
    result_.reset();
    return run();
  }
  Value take() {
    if constexpr (!std::is_void_v<Value>) return std::move(*result_);
  }

 private:
  struct Nothing {};
  TxTask<void> run() {
    if constexpr (std::is_void_v<Value>) {
      co_await body_(*tx_);
    } else {
      result_.emplace(co_await body_(*tx_));
    }
  }

  F body_;
  std::optional<TxType> tx_;
  std::optional<std::conditional_t<std::is_void_v<Value>, Nothing, Value>> result_;
};

/// A body that is one statement.
template <class TxType, class F>
class SingleWork final : public BodyWork<TxType, F> {
 public:
  SingleWork(F body, const void* statement) : BodyWork<TxType, F>(std::move(body)), statement_(statement) {}
  const void* single_statement() const override { return statement_; }

 private:
  const void* statement_;
};

/// Cross-server work, whose body may run for several files one after the other: rows are put together.
template <class F>
class RangeWork final : public BodyWork<CrossTx, F> {
 public:
  using Base = BodyWork<CrossTx, F>;
  using Value = typename Base::Value;
  using Base::Base;

  void keep() override {
    if constexpr (!std::is_void_v<Value>) {
      Value part = Base::take();
      kept_.insert(kept_.end(), std::make_move_iterator(part.begin()), std::make_move_iterator(part.end()));
    }
  }
  Value take() {
    if constexpr (!std::is_void_v<Value>) return std::move(kept_);
  }

 private:
  struct Nothing {};
  std::conditional_t<std::is_void_v<Value>, Nothing, Value> kept_;
};

class Database {
 public:
  using Completion = std::move_only_function<void(std::exception_ptr)>;

  virtual ~Database() = default;

  /// Runs `work` and returns after its commit (or after its reading). Submitted before the first
  /// suspension, so that works are run in the order in which they were awaited. Throws DatabaseError,
  /// or whatever the body threw; then nothing of it remains.
  Task<void> perform(Passkey key, WorkScope scope, Mode mode, Work& work);

  /// Did another process commit since the last call?
  virtual Task<bool> changed_elsewhere(Passkey key) = 0;

  /// The server is erased, its rows and its place in the registry: whatever else there is of it goes, too.
  virtual Task<void> forget(Passkey, ServerId) { co_return; }

  /// Units of work that wait for the writer.
  virtual std::size_t waiting() const = 0;

  /// Before the first unit of work.
  void observe(StatementObserver* observer) { observer_ = observer; }
  void count_in(Metrics& metrics);

 protected:
  virtual void submit(WorkScope scope, Mode mode, Work& work, Completion done) = 0;

 private:
  void tell_of_full_disk(const DatabaseError& error);

  StatementObserver* observer_ = nullptr;
  Counter* full_ = nullptr;
  std::atomic<std::chrono::steady_clock::time_point> told_{};
};

/// What the gate sees of a statement that is about to be registered: the database's own account of it.
struct StatementFacts {
  std::string sql;  // as this database gets it, with named parameters
  enum class Touch { read, insert, update, erase };
  struct Access {
    std::string table;
    std::string column;  // of read and update; "" for a whole row
    Touch touch;
  };
  std::vector<Access> accesses;
  std::vector<std::string> plan;        // one line per step, as EXPLAIN QUERY PLAN of SQLite says it
  std::vector<std::string> parameters;  // ":server", ":person", ...
  std::vector<std::string> columns;     // of the answer
  bool read_only = false;
};

/// Says why a statement may not run, or nothing when it may.
using StatementGate = std::function<std::optional<std::string>(const StatementInfo&, const StatementFacts&)>;

/// The tenant column, in every table of class T and C and in the registry (tenancy/table.h).
inline constexpr std::string_view kTenantColumn = "discord_server_id";

/// Where a table's rows lie when each server has a database of its own.
enum class TableHome {
  server,  // in their server's
  copied,  // beside the servers, and as a copy in each server's: what all may read; of `servers` the own row
  directory,  // beside the servers only
};
using TableHomes = std::map<std::string, TableHome, std::less<>>;

class SchemaSession;

/// What a layout with a file per server needs besides.
struct FileOptions {
  /// Brings the schema of one server's file up to date (migrate/migrate.h), on any thread. Its error refuses
  /// that server and no other.
  std::function<Result<void>(SchemaSession&)> prepare;
  /// Servers' files that are open at once, at most; 0: as many as the layout thinks right.
  std::size_t open_files = 0;
};

struct DatabaseOptions {
  DatabasePlace place;
  const StatementRegistry* statements = nullptr;
  StatementGate gate;
  TableHomes tables = {};
  /// Of these tables other processes hold something in memory: writing to them is announced.
  std::set<std::string, std::less<>> announced = {};
  FileOptions files = {};
  /// PostgreSQL: connections of each kind, at most; 0: as many as the layout thinks right.
  std::size_t connections = 0;
  Metrics* metrics = nullptr;
  StatementObserver* observer = nullptr;
};

/// Opens the database and passes every registered statement through the gate. Errors: `storage` (the
/// message names the file or host), `refused_by_guard` (names statement, table and reason),
/// `configuration` (a URL that is none of the known ones; a limit of the system that is too low).
Result<std::unique_ptr<Database>> open_database(DatabaseOptions options);

}  // namespace guildhall::store
