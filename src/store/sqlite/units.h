// Units of work on their way through a SQLite database: how they wait, run and are committed as a group.
// Both layouts stand on it: one file for all servers, and a file for each.
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <vector>

#include "store/database.h"
#include "store/lines.h"

namespace guildhall::store::sqlite {

class Connection;

/// How often work is tried that meets a busy file.
inline constexpr int kAttempts = 5;
/// Units of work in one commit, at most.
inline constexpr std::size_t kLargestGroup = 256;

struct Unit {
  WorkScope scope;
  Work* work = nullptr;
  Database::Completion done;
  ServerId line = scope.server;  // in which it waits
  /// Instead of `work`: something of the layout's own.
  std::function<void(Connection&)> chore = {};
  /// Of a server that was erased: instead of work in its file, the file goes.
  bool forgets_file = false;
  std::exception_ptr error = nullptr;
  bool raised_revision = false;  // its last run wrote servers.revision
};

/// Answers the unit, once its work is committed, or read.
void finish(Unit& unit);

/// Units that wait for one or several threads.
class UnitQueue {
 public:
  /// `at_once`: of one server, by `take_held`.
  explicit UnitQueue(int at_once = 1) : lines_(at_once) {}

  /// Throws DatabaseError(overloaded) when its line is full or the database is closing.
  void push(Unit unit);
  /// Waits for work; at most `most` units, the servers in turns; empty = closed and drained.
  std::vector<Unit> take(std::size_t most);
  /// One unit, whose line is held until it is released, unless it is of no server; nothing = closed and
  /// drained.
  std::optional<Unit> take_held();
  void release(ServerId line);
  /// Several of one server.
  std::vector<Unit> take_of_one_line(std::size_t most);
  void close();
  std::size_t size() const;
  std::size_t longest() const;

 private:
  void wait_for_work(std::unique_lock<std::mutex>& lock);

  mutable std::mutex mutex_;
  std::condition_variable ready_;
  Lines<Unit> lines_;
  bool closed_ = false;
};

/// What the gate's look at a statement tells of where it may run.
struct StatementHome {
  bool servers = false;          // touches rows that lie in their server's file
  bool directory = false;        // touches rows that lie beside the servers only
  bool writes_copied = false;    // writes what the servers' files have copies of
  bool writes_revision = false;  // writes servers.revision and nothing else that is copied
};

/// Passes every registered statement through the gate, on a file with the whole schema. Errors:
/// `refused_by_guard` names statement, table and reason; `storage` the file.
Result<std::vector<StatementHome>> check_statements(const std::string& file, const DatabaseOptions& options);

/// Runs units, on whatever connection and thread.
class UnitRunner {
 public:
  /// `copied_changed` runs in the transaction of work beside the servers that wrote what is copied.
  UnitRunner(const DatabaseOptions& options, std::vector<StatementHome> homes,
             std::function<void(Connection&)> copied_changed = {});

  /// Commits what can be committed, in as few transactions as possible, each unit in a savepoint of its own;
  /// the others carry their error. Nothing is answered yet.
  void commit(Connection& connection, std::vector<Unit>& group);
  /// Runs one unit on one consistent reading.
  void read(Connection& connection, Unit& unit);

 private:
  bool try_group(Connection& connection, std::vector<Unit*>& group);
  void run_body(Connection& connection, Unit& unit);

  const StatementRegistry& statements_;
  std::vector<StatementHome> homes_;
  std::function<void(Connection&)> copied_changed_;
  Histogram* commit_seconds_ = nullptr;
  Counter* committed_ = nullptr;
};

/// Waits a little, longer with every attempt, before a busy file is tried again.
void pause_with_jitter(int attempt);
bool is_busy(const std::exception_ptr& error);

/// Did other processes commit? SQLite's data_version, as the writer saw it after its last group (its own
/// commits do not count), and as it was told last.
class VersionWatch {
 public:
  void begin(std::int64_t version) { told_ = seen_ = version; }
  /// On the writer's thread, after a group.
  void look(Connection& connection);
  bool tell() {
    const std::int64_t seen = seen_;
    return told_.exchange(seen) != seen;
  }

 private:
  std::atomic<std::int64_t> seen_ = 0;
  std::atomic<std::int64_t> told_ = 0;
};

/// Work that only passes through the writer, which looks at its file on the way.
struct Passage final : Work {
  TxTask<void> start(TxDriver&) override { co_return; }
};

/// Beside the servers.
inline constexpr WorkScope kDirectoryScope{Access::global, ServerId{}};

/// What waits, as figures.
void show_waiting(Metrics& metrics, std::function<std::size_t()> waiting,
                  std::function<std::size_t()> longest);

}  // namespace guildhall::store::sqlite
