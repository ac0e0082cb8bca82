#include "store/sqlite/sqlite_database.h"

#include <fmt/format.h>

#include <algorithm>
#include <random>

#include "base/log.h"
#include "store/sqlite/connection.h"

namespace guildhall::store {
namespace {

constexpr std::size_t kReaders = 2;
constexpr std::size_t kLargestGroup = 256;
constexpr int kAttempts = 5;

/// Answers a body's statements at once, on the thread that runs the body.
class Driver final : public TxDriver {
 public:
  Driver(const StatementRegistry& statements, sqlite::Connection& connection, WorkScope scope)
      : statements_(statements), connection_(connection), scope_(scope) {}

  bool start(Execution& execution) override {
    const StatementInfo& info = statements_.all()[execution.statement];
    try {
      if (info.access != scope_.access) {
        throw std::logic_error(fmt::format("statement '{}' was run in a scope of another kind", info.name));
      }
      connection_.run(info, scope_, execution);
    } catch (...) {
      execution.error = std::current_exception();
    }
    return true;
  }
  std::size_t index_of(const void* key) const override { return statements_.index_of(key); }

 private:
  const StatementRegistry& statements_;
  sqlite::Connection& connection_;
  WorkScope scope_;
};

bool is_busy(const std::exception_ptr& error) {
  try {
    std::rethrow_exception(error);
  } catch (const DatabaseError& e) {
    return e.code() == DbCode::busy;
  } catch (...) {
    return false;
  }
}

void pause_with_jitter(int attempt) {
  thread_local std::minstd_rand random{std::random_device{}()};
  const int most = 10 << attempt;
  std::this_thread::sleep_for(std::chrono::milliseconds(std::uniform_int_distribution<int>(1, most)(random)));
}

/// The poll for other processes' commits travels as a job without work.
constexpr WorkScope kNoScope{Access::global, ServerId{}};

}  // namespace

void SqliteDatabase::Queue::push(Job job) {
  {
    const std::scoped_lock lock(mutex_);
    if (closed_) throw DatabaseError(DbCode::overloaded, "", "the database is closing");
    if (!lines_.push(job.scope.server, std::move(job)))
      throw DatabaseError(DbCode::overloaded, "", "too much is waiting for this server");
  }
  ready_.notify_one();
}

std::vector<SqliteDatabase::Job> SqliteDatabase::Queue::take(std::size_t most) {
  std::unique_lock lock(mutex_);
  ready_.wait(lock, [&] { return closed_ || lines_.has_next(); });
  std::vector<Job> taken;
  while (taken.size() < most && lines_.has_next()) taken.push_back(std::move(lines_.next()->job));
  return taken;
}

void SqliteDatabase::Queue::close() {
  {
    const std::scoped_lock lock(mutex_);
    closed_ = true;
  }
  ready_.notify_all();
}

std::size_t SqliteDatabase::Queue::size() const {
  const std::scoped_lock lock(mutex_);
  return lines_.size();
}

std::size_t SqliteDatabase::Queue::longest() const {
  const std::scoped_lock lock(mutex_);
  return lines_.longest();
}

Result<std::unique_ptr<Database>> SqliteDatabase::open(const std::string& file,
                                                       const StatementRegistry& statements,
                                                       const StatementGate& gate, Metrics* metrics) {
  try {
    sqlite::Connection check(file, sqlite::Role::checker);
    for (const StatementInfo& info : statements.all()) {
      std::optional<std::string> refusal;
      try {
        refusal = gate(info, check.inspect(info.sqlite));
      } catch (const DatabaseError& error) {
        refusal = error.what();
      }
      if (refusal) {
        return fail(ErrorCode::refused_by_guard,
                    fmt::format("statement '{}' of {} is refused: {}", info.name, info.owner, *refusal));
      }
    }
    return std::unique_ptr<Database>(new SqliteDatabase(file, statements, metrics));
  } catch (const DatabaseError& error) {
    return fail(ErrorCode::storage, fmt::format("database '{}': {}", file, error.what()));
  }
}

SqliteDatabase::SqliteDatabase(const std::string& file, const StatementRegistry& statements, Metrics* metrics)
    : statements_(statements), writer_(std::make_unique<sqlite::Connection>(file, sqlite::Role::writer)) {
  if (metrics != nullptr) {
    commit_seconds_ = &metrics->histogram("guildhall_db_commit_seconds", "Time of one group commit.");
    committed_ = &metrics->counter("guildhall_db_units_total", "Units of work committed.");
    metrics->gauge("guildhall_db_waiting", "Units of work that wait for the writer.",
                   [this] { return static_cast<double>(waiting()); });
    metrics->gauge("guildhall_db_longest_line", "Units of work that wait for one server, at most.",
                   [this] { return static_cast<double>(std::max(writes_.longest(), reads_.longest())); });
    metrics->gauge("guildhall_db_line_limit", "Units of work that may wait for one server.",
                   [] { return static_cast<double>(Lines<Job>::kLongestLine); });
  }
  told_version_ = seen_version_ = writer_->data_version();
  for (std::size_t i = 0; i < kReaders; ++i) {
    readers_.push_back(std::make_unique<sqlite::Connection>(file, sqlite::Role::reader));
  }
  threads_.emplace_back([this] { write_loop(*writer_); });
  for (const auto& reader : readers_) threads_.emplace_back([this, &reader] { read_loop(*reader); });
}

SqliteDatabase::~SqliteDatabase() {
  writes_.close();
  reads_.close();
}

void SqliteDatabase::submit(WorkScope scope, Mode mode, Work& work, Completion done) {
  (mode == Mode::write ? writes_ : reads_).push(Job{scope, &work, std::move(done)});
}

std::size_t SqliteDatabase::waiting() const { return writes_.size(); }

Task<bool> SqliteDatabase::changed_elsewhere(Passkey key) {
  // The writer's own commits do not count, and the readers never write: what is left is other processes.
  struct Poll final : Work {
    TxTask<void> start(TxDriver&) override { co_return; }
  } poll;
  co_await perform(key, kNoScope, Mode::write, poll);
  const std::int64_t seen = seen_version_;
  co_return told_version_.exchange(seen) != seen;
}

void SqliteDatabase::write_loop(sqlite::Connection& connection) {
  for (auto group = writes_.take(kLargestGroup); !group.empty(); group = writes_.take(kLargestGroup)) {
    commit_group(connection, group);
    for (Job& job : group) finish(job);
  }
}

void SqliteDatabase::read_loop(sqlite::Connection& connection) {
  for (auto jobs = reads_.take(1); !jobs.empty(); jobs = reads_.take(1)) {
    Job& job = jobs.front();
    try {
      connection.execute("BEGIN");
      run_body(connection, job);
    } catch (...) {
      job.error = std::current_exception();
    }
    if (connection.in_transaction()) connection.execute("ROLLBACK");
    finish(job);
  }
}

void SqliteDatabase::run_body(sqlite::Connection& connection, Job& job) {
  Driver driver(statements_, connection, job.scope);
  auto body = job.work->start(driver);
  body.resume();
  if (!body.done())
    throw std::logic_error("a transaction body waited for something else than its statements");
  body.take();
}

/// What is to be done once a job's work is committed, or read.
void SqliteDatabase::finish(Job& job) {
  // A completion holds its loop open as long as it exists.
  auto done = std::move(job.done);
  if (!job.error) job.work->keep();
  done(job.error);
}

void SqliteDatabase::commit_group(sqlite::Connection& connection, std::vector<Job>& group) {
  const auto begin = std::chrono::steady_clock::now();
  std::vector<Job*> jobs;
  for (Job& job : group) jobs.push_back(&job);
  if (!try_group(connection, jobs)) {
    // The whole transaction was lost (disk full, I/O error): each alone, so that only the guilty fail.
    for (Job* job : jobs) {
      if (job->error) continue;
      std::vector<Job*> alone{job};
      try_group(connection, alone);
    }
  }
  seen_version_ = connection.data_version();
  if (commit_seconds_ == nullptr) return;
  commit_seconds_->observe(std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count());
  committed_->add(std::count_if(group.begin(), group.end(), [](const Job& job) { return !job.error; }));
}

/// True: each job of the group is committed or carries its error. False: the group's transaction is
/// gone although some of its jobs carry no error; nothing of them remains.
bool SqliteDatabase::try_group(sqlite::Connection& connection, std::vector<Job*>& group) {
  const auto give_up = [&](const std::exception_ptr& error) {
    if (connection.in_transaction()) connection.execute("ROLLBACK");
    for (Job* job : group) {
      if (!job->error) job->error = error;
    }
    return true;
  };
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    try {
      connection.execute("BEGIN IMMEDIATE");
      for (Job* job : group) {
        if (job->error) continue;
        connection.execute("SAVEPOINT unit");
        try {
          run_body(connection, *job);
        } catch (...) {
          job->error = std::current_exception();
          if (!connection.in_transaction()) return group.size() == 1;
          connection.execute("ROLLBACK TO unit");
        }
        connection.execute("RELEASE unit");
      }
      // Where nothing remains, nothing has to reach the disk.
      const bool nothing = std::all_of(group.begin(), group.end(), [](const Job* job) { return job->error; });
      connection.execute(nothing ? "ROLLBACK" : "COMMIT");
      return true;
    } catch (...) {
      const auto error = std::current_exception();
      if (connection.in_transaction()) connection.execute("ROLLBACK");
      if (!is_busy(error)) return group.size() > 1 ? false : give_up(error);
      if (attempt + 1 == kAttempts) return give_up(error);
    }
    pause_with_jitter(attempt);
  }
  return true;
}

}  // namespace guildhall::store
