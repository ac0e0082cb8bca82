#include "store/postgres/postgres_database.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/post.hpp>
#include <deque>
#include <functional>

#include "base/log.h"
#include "base/pause.h"
#include "store/postgres/connection.h"
#include "store/postgres/hints.h"
#include "store/postgres/logins.h"
#include "store/postgres/session.h"

namespace guildhall::store {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;
using postgres::Connection;
using postgres::PreparedText;
using postgres::PreparedTexts;
using std::chrono::steady_clock;
using namespace std::chrono_literals;

/// Tries of one unit of work that lost a race, and of one whose connection was lost before its commit.
constexpr int kAttempts = 5;
/// Between two tries to connect: doubling from the first to the second.
constexpr std::chrono::milliseconds kFirstPause{50};
constexpr std::chrono::milliseconds kLongestPause{2'000};

/// Every session: where the tables are, and how long a statement, a wait for a lock and an idle
/// transaction may last.
constexpr const char* kSettings =
    "-csearch_path=guildhall -cstatement_timeout=30s -clock_timeout=20s "
    "-cidle_in_transaction_session_timeout=60s -cdefault_transaction_isolation=read\\ committed "
    "-cplan_cache_mode=auto";

/// A connection whose oldest work has not been answered for so long is given up: the database ends what is
/// longer than the statement's time itself, so it is gone, or stopped.
constexpr std::chrono::seconds kLongestSilence{45};

constexpr const char* kRangeLockTimeout = "SET LOCAL lock_timeout = '1s'";

std::optional<DbCode> code_of(const std::exception_ptr& error) {
  try {
    std::rethrow_exception(error);
  } catch (const DatabaseError& e) {
    return e.code();
  } catch (...) {
    return std::nullopt;
  }
}

bool is_lost_race(const std::exception_ptr& error) {
  const auto code = code_of(error);
  return code == DbCode::serialisation || code == DbCode::deadlock || code == DbCode::busy;
}

/// Looks at every statement with the rights that it will run with.
class Inspection {
 public:
  explicit Inspection(const DatabaseOptions& options)
      : options_(options),
        servers_(options.place.url, options.place.name()),
        cross_(options.place.tick_url, options.place.name()) {
    for (postgres::Session* session : {&servers_, &cross_}) {
      session->execute("BEGIN");
      // Ways that are forbidden cost so much on paper that PostgreSQL would compile what is only explained.
      session->execute(
          "SET LOCAL jit = off; SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off; "
          "SET LOCAL plan_cache_mode = force_generic_plan; SET LOCAL guildhall.server_id = '0'");
    }
  }

  Result<std::vector<PreparedTexts>> run() {
    if (auto known = postgres::check_server_version(servers_); !known) return std::unexpected(known.error());
    std::vector<PreparedTexts> all;
    for (const StatementInfo& info : options_.statements->all())
      all.push_back(postgres::prepared_texts(info, all.size()));
    const auto crosses = [](const StatementInfo& info) { return info.access == Access::cross_server; };
    if (auto passed = pass(servers_, all, std::not_fn(crosses)); !passed)
      return std::unexpected(passed.error());
    if (auto passed = pass(cross_, all, crosses); !passed) return std::unexpected(passed.error());
    return all;
  }

 private:
  struct Look {
    std::size_t statement;
    std::string_view what;
  };

  /// Those of the statements that are `included`, and notes in `all` which of them announce what they write.
  Result<void> pass(postgres::Session& session, std::vector<PreparedTexts>& all,
                    const std::function<bool(const StatementInfo&)>& included) const {
    std::vector<Look> looks;
    std::vector<const PreparedText*> texts;
    for (std::size_t i = 0; i < all.size(); ++i) {
      if (!included(options_.statements->all()[i])) continue;
      looks.push_back({i, "statement"});
      texts.push_back(&all[i].one);
      if (!all[i].many) continue;
      looks.push_back({i, "the batch of statement"});
      texts.push_back(&*all[i].many);
    }
    const auto [facts, refused] = session.inspect(texts);
    for (std::size_t i = 0; i < facts.size(); ++i) {
      const StatementInfo& info = options_.statements->all()[looks[i].statement];
      if (const auto refusal = options_.gate(info, facts[i])) return refuse(looks[i], *refusal);
      all[looks[i].statement].announces |= announces(facts[i]);
    }
    if (!refused) return {};
    if (refused->code() == DbCode::connection_lost) throw *refused;  // nothing is said of the statement
    return refuse(looks[facts.size()], refused->what());
  }

  std::unexpected<Error> refuse(const Look& look, std::string_view why) const {
    const StatementInfo& info = options_.statements->all()[look.statement];
    return fail(ErrorCode::refused_by_guard,
                fmt::format("{} '{}' of {} is refused: {}", look.what, info.name, info.owner, why));
  }

  /// Whether it writes what is announced.
  bool announces(const StatementFacts& facts) const {
    return std::ranges::any_of(facts.accesses, [this](const auto& access) {
      return access.touch != StatementFacts::Touch::read && options_.announced.contains(access.table);
    });
  }

  const DatabaseOptions& options_;
  postgres::Session servers_;
  postgres::Session cross_;
};

}  // namespace

/// A unit of work on its way.
struct PostgresDatabase::Job {
  WorkScope scope;
  Mode mode = Mode::read;
  Work* work = nullptr;
  Completion done;
  Pool* pool = nullptr;
  steady_clock::time_point since = steady_clock::now();
  int attempts = 0;
  Lines<JobPtr>* line = nullptr;  // that it holds until it is over
  bool bars_range = false;
  bool announces = false;  // wrote what other processes hold in memory
};

/// The connections of one login and one way of use, and what waits for them.
struct PostgresDatabase::Pool {
  std::string url;
  std::size_t limit = 0;
  std::size_t works_per_connection = 1;
  Lines<JobPtr> writes{};
  /// Slow ones of one server leave half of the connections to the others.
  Lines<JobPtr> reads{static_cast<int>(std::max<std::size_t>(limit * works_per_connection / 2, 1))};
  std::deque<JobPtr> again{};  // were begun before and keep their place in the order
  bool reads_turn = false;
  std::vector<std::shared_ptr<Connection>> all{};
  std::vector<const Connection*> busy{};  // of those with one work per connection
  std::size_t connecting = 0;
  steady_clock::time_point answered = steady_clock::now();  // last

  std::size_t waiting() const { return writes.size() + reads.size() + again.size(); }

  /// The least busy connection that can take one more work.
  std::shared_ptr<Connection> free_connection() const {
    std::shared_ptr<Connection> best;
    for (const auto& connection : all) {
      const auto works = static_cast<std::size_t>(std::count(busy.begin(), busy.end(), connection.get()));
      const auto under_way = works_per_connection == 1 ? works : connection->groups_under_way();
      if (under_way >= works_per_connection) continue;
      if (under_way == 0) return connection;
      if (best == nullptr || under_way < best->groups_under_way()) best = connection;
    }
    return best;
  }

  /// Reading and writing in turns, so that neither waits for the end of the other.
  JobPtr next() {
    if (!again.empty()) {
      JobPtr job = std::move(again.front());
      again.pop_front();
      return job;
    }
    for (int tries = 0; tries < 2; ++tries) {
      reads_turn = !reads_turn;
      auto& lines = reads_turn ? reads : writes;
      if (auto next = lines.next(true)) {
        // Of no server: only what writes keeps an order.
        const bool free = reads_turn && next->line == ServerId{};
        if (free) lines.release(next->line);
        next->job->line = free ? nullptr : &lines;
        return std::move(next->job);
      }
    }
    return nullptr;
  }
};

/// One attempt of a unit of work on a connection of its own.
class PostgresDatabase::Transaction final : public TxDriver,
                                            public std::enable_shared_from_this<Transaction> {
 public:
  Transaction(PostgresDatabase& database, std::shared_ptr<Connection> connection, JobPtr job)
      : database_(database), connection_(std::move(connection)), job_(std::move(job)) {}

  void begin() {
    const auto self = shared_from_this();  // a body without a statement ends at once
    body_.emplace(job_->work->start(*this));
    body_->resume();
    go_on();
  }

  bool start(Execution& execution) override {
    const StatementInfo& info = database_.statements_.all()[execution.statement];
    if (info.access != job_->scope.access) {
      execution.error = std::make_exception_ptr(
          std::logic_error(fmt::format("statement '{}' was run in a scope of another kind", info.name)));
      return true;
    }
    const PreparedTexts& texts = database_.texts_[execution.statement];
    if (!std::exchange(open_, true)) send_begin();
    connection_->run(info, texts, job_->scope.server, execution);
    connection_->end_group([self = shared_from_this(), &execution, &texts](const std::exception_ptr& error) {
      if (error) {
        self->statement_failed_ = true;
        execution.error = error;
      } else if (execution.changes > 0 && texts.announces) {
        self->job_->announces = true;
      }
      execution.continuation.resume();
      self->go_on();
    });
    return false;
  }
  std::size_t index_of(const void* key) const override { return database_.statements_.index_of(key); }

 private:
  void send_begin() {
    const WorkScope& scope = job_->scope;
    const bool writes = job_->mode == Mode::write;
    connection_->command(writes ? "BEGIN" : "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY");
    if (scope.access == Access::server) {
      writes ? connection_->set_scope_and_lock(scope.server) : connection_->set_scope(scope.server);
    } else if (writes && scope.access == Access::global) {
      connection_->lock(ServerId{});
    } else if (writes && scope.range) {
      // Every server of the range waits behind it, so it must not wait long for one of them.
      connection_->command(kRangeLockTimeout);
      connection_->lock_range(*scope.range);
    }
  }

  /// After each step of the body: is it over, and how?
  void go_on() {
    if (!body_->done()) return;
    std::exception_ptr error;
    try {
      body_->take();
    } catch (...) {
      error = std::current_exception();
    }
    body_.reset();
    if (!error && statement_failed_)
      error = std::make_exception_ptr(std::logic_error("a body went on after a statement that failed"));
    if (!open_ || connection_->is_lost()) return end(error ? error : lost_error(), false);
    error ? roll_back(error) : commit();
  }

  /// Nothing was begun: there is nothing to lose.
  std::exception_ptr lost_error() const {
    if (!open_) return nullptr;
    return std::make_exception_ptr(DatabaseError(DbCode::connection_lost, "", "the connection is lost"));
  }

  void commit() {
    const bool reads = job_->mode == Mode::read;
    connection_->command("COMMIT");
    connection_->end_group([self = shared_from_this(), reads](const std::exception_ptr& error) {
      if (reads) return self->give_back();
      if (!error) self->measure();
      self->end(error, true);
    });
    // What was read is known; nobody waits for the end of the reading.
    if (reads) database_.finish(std::exchange(job_, nullptr), nullptr);
  }

  void measure() const {
    if (database_.commit_seconds_ == nullptr) return;
    database_.committed_->add();
    database_.commit_seconds_->observe(std::chrono::duration<double>(steady_clock::now() - begun_).count());
  }

  void roll_back(std::exception_ptr error) {
    connection_->command("ROLLBACK");
    connection_->end_group(
        [self = shared_from_this(), error](const std::exception_ptr&) { self->end(error, false); });
  }

  /// `commit_sent`: a lost connection leaves open whether it was committed.
  void end(const std::exception_ptr& error, bool commit_sent) {
    database_.retire_if_unscoped(*pool_, *connection_, error);
    const bool lost = error && code_of(error) == DbCode::connection_lost;
    // A range with a busy server in it: whoever asked can leave that server out.
    const bool busy_range = job_->scope.range && error && code_of(error) == DbCode::busy;
    const bool again = lost ? !commit_sent : error && is_lost_race(error) && !busy_range;
    give_back();
    if (again && job_->attempts < kAttempts) return database_.run_again(std::exchange(job_, nullptr));
    database_.finish(std::exchange(job_, nullptr), error);
  }

  void give_back() {
    if (connection_ != nullptr) database_.give_back(*pool_, std::exchange(connection_, nullptr));
  }

  PostgresDatabase& database_;
  std::shared_ptr<Connection> connection_;
  JobPtr job_;
  Pool* pool_ = job_->pool;
  std::optional<TxTask<void>> body_;
  steady_clock::time_point begun_ = steady_clock::now();
  bool open_ = false;  // BEGIN was sent
  bool statement_failed_ = false;
};

/// One attempt of a work that is a single statement: scope, statement and sync in one trip.
class PostgresDatabase::Single final : public TxDriver, public std::enable_shared_from_this<Single> {
 public:
  Single(PostgresDatabase& database, std::shared_ptr<Connection> connection, JobPtr job)
      : database_(database), connection_(std::move(connection)), job_(std::move(job)) {}

  void begin() {
    const auto self = shared_from_this();
    body_.emplace(job_->work->start(*this));
    body_->resume();
    if (body_->done()) end(nullptr);
  }

  bool start(Execution& execution) override {
    const StatementInfo& info = database_.statements_.all()[execution.statement];
    const PreparedTexts& texts = database_.texts_[execution.statement];
    if (job_->scope.access == Access::server) connection_->set_scope(job_->scope.server);
    connection_->run(info, texts, job_->scope.server, execution);
    connection_->end_group([self = shared_from_this(), &execution, &texts](const std::exception_ptr& error) {
      if (error) execution.error = error;
      if (!error && execution.changes > 0 && texts.announces) self->job_->announces = true;
      execution.continuation.resume();
      self->end(error);
    });
    return false;
  }
  std::size_t index_of(const void* key) const override { return database_.statements_.index_of(key); }

 private:
  void end(std::exception_ptr error) {
    if (!error) {
      try {
        body_->take();
      } catch (...) {
        error = std::current_exception();
      }
    }
    body_.reset();
    database_.retire_if_unscoped(*job_->pool, *connection_, error);
    const bool lost = error && code_of(error) == DbCode::connection_lost;
    const bool again = lost ? job_->mode == Mode::read : error && is_lost_race(error);
    Pool& pool = *job_->pool;
    pool.answered = steady_clock::now();
    if (again && job_->attempts < kAttempts) {
      database_.run_again(std::exchange(job_, nullptr));
    } else {
      database_.finish(std::exchange(job_, nullptr), error);
    }
    database_.pump(pool);
  }

  PostgresDatabase& database_;
  std::shared_ptr<Connection> connection_;
  JobPtr job_;
  std::optional<TxTask<void>> body_;
};

Result<std::unique_ptr<Database>> PostgresDatabase::open(const DatabaseOptions& options,
                                                         PostgresLimits limits) {
  if (auto complete = check_addresses(options.place); !complete) return std::unexpected(complete.error());
  try {
    auto texts = Inspection(options).run();
    if (!texts) return std::unexpected(texts.error());
    return std::unique_ptr<Database>(new PostgresDatabase(options, limits, *std::move(texts)));
  } catch (const DatabaseError& error) {
    return std::unexpected(postgres::refusal(options.place.name(), "database.url", error));
  }
}

PostgresDatabase::PostgresDatabase(const DatabaseOptions& options, PostgresLimits limits,
                                   std::vector<PreparedTexts> texts)
    : statements_(*options.statements),
      texts_(std::move(texts)),
      patience_(limits.patience),
      keep_running_(asio::make_work_guard(loop_)),
      pause_(kFirstPause) {
  const auto pool = [](const std::string& url, std::size_t connections, std::size_t works) {
    return std::make_unique<Pool>(Pool{url, connections, works});
  };
  servers_ = pool(options.place.url, limits.exclusive, 1);
  shared_ = pool(options.place.url, limits.shared, limits.works_per_shared);
  cross_ = pool(options.place.tick_url, limits.cross_server, 1);
  hints_ = std::make_shared<postgres::Hints>(loop_, connector_, options.place.url,
                                             [this](const std::string& name) {
                                               const auto connection = shared_->free_connection();
                                               if (connection == nullptr) {
                                                 open_connection(*shared_);
                                                 return hints_->announce();  // once more, later
                                               }
                                               connection->notify(name);
                                               connection->end_group([](const std::exception_ptr&) {});
                                             });
  if (options.metrics != nullptr) watch(*options.metrics);
  open_connection(*shared_);  // also for the hints
  look_after_pools();
  hints_->start();
  thread_ = std::jthread([this] { loop_.run(); });
}

void PostgresDatabase::watch(Metrics& metrics) {
  commit_seconds_ = &metrics.histogram("guildhall_db_commit_seconds", "Time of one transaction that writes.");
  committed_ = &metrics.counter("guildhall_db_units_total", "Units of work committed.");
  unscoped_ = &metrics.counter("guildhall_db_unscoped_total",
                               "Statements that ran without a server and were refused by the database.");
  metrics.gauge("guildhall_db_waiting", "Units of work that wait for a connection.",
                [this] { return static_cast<double>(waiting_.load()); });
  metrics.gauge("guildhall_db_longest_line", "Units of work that wait for one server, at most.",
                [this] { return static_cast<double>(longest_.load()); });
  metrics.gauge("guildhall_db_line_limit", "Units of work that may wait for one server.",
                [] { return static_cast<double>(Lines<JobPtr>::kLongestLine); });
}

PostgresDatabase::~PostgresDatabase() {
  asio::post(loop_, [this] {
    closing_ = true;
    if (under_way_ == 0) close();
  });
  thread_.join();
  // Before the pools go, whose addresses a job that has not begun would read.
  connector_.stop();
  connector_.join();
}

/// Nothing is under way any more. A hint that waited for others goes out now: the process may end at once.
void PostgresDatabase::close() {
  if (const auto unsent = hints_->stop()) {
    for (const Pool* pool : {shared_.get(), servers_.get()}) {
      const auto connection = pool->free_connection();
      if (connection == nullptr) continue;
      connection->notify(*unsent);
      connection->end_group(
          [this](const std::exception_ptr&) { asio::post(loop_, [this] { close_connections(); }); });
      return;
    }
  }
  close_connections();
}

void PostgresDatabase::close_connections() {
  for (Pool* pool : {servers_.get(), shared_.get(), cross_.get()}) {
    pool->limit = 0;
    for (const auto& connection : std::exchange(pool->all, {})) connection->close();
  }
  retry_.cancel();
  sweep_.cancel();
  keep_running_.reset();
}

void PostgresDatabase::submit(WorkScope scope, Mode mode, Work& work, Completion done) {
  auto job = std::make_shared<Job>();
  job->scope = scope;
  job->mode = mode;
  job->work = &work;
  job->done = std::move(done);
  ++waiting_;
  asio::post(loop_, [this, job = std::move(job)]() mutable { enqueue(std::move(job)); });
}

PostgresDatabase::Pool& PostgresDatabase::pool_for(const Job& job) {
  if (job.scope.access == Access::cross_server) return *cross_;
  const void* single = job.work->single_statement();
  const bool shares =
      single != nullptr && statements_.all()[statements_.index_of(single)].cost == Cost::bounded;
  return shares ? *shared_ : *servers_;
}

void PostgresDatabase::enqueue(JobPtr job) {
  ++under_way_;
  job->pool = &pool_for(*job);
  const bool in_order = job->mode == Mode::write && job->pool == servers_.get();
  auto& lines = in_order ? job->pool->writes : job->pool->reads;
  const ServerId server = job->scope.server;
  Pool& pool = *job->pool;
  if (!lines.push(server, job)) {
    --waiting_;
    return finish(job, std::make_exception_ptr(
                           DatabaseError(DbCode::overloaded, "", "too much is waiting for this server")));
  }
  longest_ = std::max(longest_.load(), lines.size(server));
  pump(pool);
}

/// Begins what can be begun.
void PostgresDatabase::pump(Pool& pool) {
  while (pool.waiting() > 0) {
    auto connection = pool.free_connection();
    if (connection == nullptr) {
      if (pool.connecting < pool.waiting()) open_connection(pool);
      return;
    }
    JobPtr job = pool.next();
    if (job == nullptr) return;
    --waiting_;
    begin(pool, std::move(connection), std::move(job));
  }
  if (waiting_ == 0) longest_ = 0;  // also in the other pools
}

void PostgresDatabase::begin(Pool& pool, std::shared_ptr<Connection> connection, JobPtr job) {
  ++job->attempts;
  job->announces = false;
  if (pool.works_per_connection > 1)
    return std::make_shared<Single>(*this, std::move(connection), std::move(job))->begin();
  if (job->mode == Mode::write && job->scope.range && !std::exchange(job->bars_range, true))
    servers_->writes.bar(job->scope.range->first, job->scope.range->last);
  pool.busy.push_back(connection.get());
  std::make_shared<Transaction>(*this, std::move(connection), std::move(job))->begin();
}

void PostgresDatabase::give_back(Pool& pool, const std::shared_ptr<Connection>& connection) {
  pool.answered = steady_clock::now();
  std::erase(pool.busy, connection.get());
  asio::post(loop_, [this, &pool] { pump(pool); });
}

void PostgresDatabase::open_connection(Pool& pool) {
  if (pool.all.size() + pool.connecting >= pool.limit || pausing_) return;
  ++pool.connecting;
  asio::post(connector_, [this, &pool] {
    postgres::ConnectionPtr made;
    std::string trouble;
    try {
      made = postgres::connect(pool.url, kSettings);
    } catch (const DatabaseError& error) {
      trouble = error.what();
    }
    asio::post(loop_, [this, &pool, made = std::move(made), trouble]() mutable {
      --pool.connecting;
      made ? connected(pool, std::move(made)) : not_connected(pool, trouble);
    });
  });
}

void PostgresDatabase::connected(Pool& pool, postgres::ConnectionPtr made) {
  if (closing_ && under_way_ == 0) return;
  try {
    auto place = std::make_shared<const Connection*>(nullptr);
    auto connection = Connection::adopt(loop_, std::move(made), [this, &pool, place] { lost(pool, *place); });
    *place = connection.get();
    pool.all.push_back(std::move(connection));
    pause_ = kFirstPause;
  } catch (const DatabaseError& error) {
    return not_connected(pool, error.what());
  }
  pump(pool);
}

void PostgresDatabase::refuse_waiting(Pool& pool, const std::string& why) {
  const auto waited_long = [oldest = steady_clock::now() - patience_](const JobPtr& job) {
    return job->since < oldest;
  };
  std::vector<JobPtr> refused = pool.writes.take_if(waited_long);
  for (JobPtr& job : pool.reads.take_if(waited_long)) refused.push_back(std::move(job));
  while (!pool.again.empty() && waited_long(pool.again.front())) {
    refused.push_back(std::move(pool.again.front()));
    pool.again.pop_front();
  }
  for (const JobPtr& job : refused) {
    --waiting_;
    finish(job, std::make_exception_ptr(DatabaseError(DbCode::unreachable, "", why)));
  }
}

/// Every wait has an end, also when the server is there and does not answer: stopped, or its disk hangs.
void PostgresDatabase::look_after_pools() {
  sweep_.expires_after(1s);
  sweep_.async_wait([this](error_code error) {
    // Whoever closes cannot take back a turn that is due already, and the next one would keep the loop for
    // ever.
    if (error || !keep_running_.owns_work()) return;
    for (Pool* pool : {servers_.get(), shared_.get(), cross_.get()}) look_after(*pool);
    look_after_pools();
  });
}

void PostgresDatabase::look_after(Pool& pool) {
  const auto now = steady_clock::now();
  const auto all = pool.all;  // losing one takes it out
  for (const auto& connection : all) {
    if (connection->waiting_since() > now - kLongestSilence) continue;
    log::warning("the database does not answer, a connection is given up");
    connection->close();
  }
  if (pool.answered < now - patience_) refuse_waiting(pool, "the database does not answer");
}

/// The server cannot be reached, or has no room: later again. Who waited too long is told.
void PostgresDatabase::not_connected(Pool& pool, const std::string& why) {
  log::warning("cannot connect to the database", {log::field("error", why)});
  if (pool.all.empty()) refuse_waiting(pool, why);
  if (std::exchange(pausing_, true)) return;
  retry_.expires_after(pause_);
  pause_ = std::min(pause_ * 2, kLongestPause);
  retry_.async_wait([this](error_code error) {
    pausing_ = false;
    if (error) return;
    for (Pool* one : {servers_.get(), shared_.get(), cross_.get()}) pump(*one);
  });
}

void PostgresDatabase::lost(Pool& pool, const Connection* connection) {
  std::erase_if(pool.all, [&](const auto& one) { return one.get() == connection; });
  std::erase(pool.busy, connection);
  pump(pool);
}

/// A fault of ours: whoever comes next gets another connection, whatever is wrong with this one.
void PostgresDatabase::retire_if_unscoped(Pool& pool, Connection& connection,
                                          const std::exception_ptr& error) {
  if (!error || code_of(error) != DbCode::no_scope) return;
  if (unscoped_ != nullptr) unscoped_->add();
  log::error("a statement ran without a server, and the database refused it");
  std::erase_if(pool.all, [&](const auto& one) { return one.get() == &connection; });
  connection.close_when_done();
}

void PostgresDatabase::run_again(JobPtr job) {
  ++waiting_;
  const auto timer = std::make_shared<asio::steady_timer>(loop_, pause_after(job->attempts));
  timer->async_wait([this, timer, job = std::move(job)](error_code) mutable {
    Pool& pool = *job->pool;
    pool.again.push_back(std::move(job));
    pump(pool);
  });
}

void PostgresDatabase::finish(const JobPtr& job, const std::exception_ptr& error) {
  if (!error) job->work->keep();
  if (!error && job->announces) hints_->announce();
  if (job->line != nullptr) job->line->release(job->scope.server);
  if (job->bars_range) {
    servers_->writes.unbar(job->scope.range->first, job->scope.range->last);
    asio::post(loop_, [this] { pump(*servers_); });
  }
  // A completion holds its loop open as long as it exists.
  auto done = std::move(job->done);
  done(error);
  --under_way_;
  if (closing_ && under_way_ == 0) close();
}

Task<bool> PostgresDatabase::changed_elsewhere(Passkey) { co_return hints_->take(); }

}  // namespace guildhall::store
