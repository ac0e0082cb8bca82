// PostgreSQL 15: a thread of its own drives every connection and runs the bodies.
//
// A transaction gets a connection for itself. Its first statement travels with BEGIN, the scope and the
// server's lock, so that a body of n statements takes n + 1 trips, one that only reads takes n. A single
// bounded statement shares a connection with others: scope, statement and sync in one trip, many of them
// under way at once.
//
// Writing works of one server follow each other, here by its line and between processes by a lock in the
// database that ends with the transaction (pg_advisory_xact_lock on the server's id), so that a body that
// reads and then writes needs no more care than on SQLite. A work on a range of servers takes the locks of
// all of them. Reading works see one consistent state of the database (repeatable read, read only).
//
// A lost connection: what was certainly not committed is run again; a work whose COMMIT was sent and not
// answered ends with `connection_lost`, and its operation id decides when it is asked for again.
#pragma once

#include <atomic>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>
#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "store/database.h"
#include "store/lines.h"
#include "store/postgres/libpq.h"

namespace guildhall::store {

namespace postgres {
class Connection;
class Hints;
struct PreparedTexts;
}  // namespace postgres

/// What it may use of the server. Connections are made when they are needed.
struct PostgresLimits {
  std::size_t exclusive = 8;     // connections for transactions
  std::size_t shared = 2;        // for single statements
  std::size_t cross_server = 2;  // with the login of the cross-server door
  std::size_t works_per_shared = 64;
  /// How long a work waits while the server cannot be reached.
  std::chrono::milliseconds patience{10'000};
};

class PostgresDatabase final : public Database {
 public:
  static Result<std::unique_ptr<Database>> open(const DatabaseOptions& options, PostgresLimits limits = {});
  /// Ends what is under way, then closes.
  ~PostgresDatabase() override;

  Task<bool> changed_elsewhere(Passkey key) override;
  std::size_t waiting() const override { return waiting_; }

 protected:
  void submit(WorkScope scope, Mode mode, Work& work, Completion done) override;

 private:
  struct Job;
  struct Pool;
  class Transaction;
  class Single;
  using JobPtr = std::shared_ptr<Job>;

  PostgresDatabase(const DatabaseOptions& options, PostgresLimits limits,
                   std::vector<postgres::PreparedTexts> texts);

  // All of these run on the loop's thread.
  void watch(Metrics& metrics);
  Pool& pool_for(const Job& job);
  void enqueue(JobPtr job);
  void pump(Pool& pool);
  void begin(Pool& pool, std::shared_ptr<postgres::Connection> connection, JobPtr job);
  void give_back(Pool& pool, const std::shared_ptr<postgres::Connection>& connection);
  void run_again(JobPtr job);
  void finish(const JobPtr& job, const std::exception_ptr& error);
  void open_connection(Pool& pool);
  void connected(Pool& pool, postgres::ConnectionPtr made);
  void not_connected(Pool& pool, const std::string& why);
  void refuse_waiting(Pool& pool, const std::string& why);
  void look_after_pools();
  void look_after(Pool& pool);
  void lost(Pool& pool, const postgres::Connection* connection);
  void retire_if_unscoped(Pool& pool, postgres::Connection& connection, const std::exception_ptr& error);
  void close();
  void close_connections();

  const StatementRegistry& statements_;
  std::vector<postgres::PreparedTexts> texts_;
  std::chrono::milliseconds patience_;
  std::atomic<std::size_t> waiting_ = 0;
  std::atomic<std::size_t> longest_ = 0;  // line, since none waited last
  Histogram* commit_seconds_ = nullptr;
  Counter* committed_ = nullptr;
  Counter* unscoped_ = nullptr;

  boost::asio::io_context loop_{1};
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> keep_running_;
  boost::asio::steady_timer retry_{loop_};
  boost::asio::steady_timer sweep_{loop_};
  std::chrono::milliseconds pause_{0};
  bool pausing_ = false;
  bool closing_ = false;
  std::size_t under_way_ = 0;
  boost::asio::thread_pool connector_{1};  // connecting blocks
  std::unique_ptr<Pool> servers_;
  std::unique_ptr<Pool> shared_;
  std::unique_ptr<Pool> cross_;
  std::shared_ptr<postgres::Hints> hints_;
  std::jthread thread_;
};

}  // namespace guildhall::store
