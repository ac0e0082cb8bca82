// SQLite in one shared file: one writer thread that commits waiting units of work as a group (each in
// a savepoint of its own), and reader threads beside it on the write-ahead log.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "store/database.h"
#include "store/lines.h"

namespace guildhall::store {

namespace sqlite {
class Connection;
}

class SqliteDatabase final : public Database {
 public:
  static Result<std::unique_ptr<Database>> open(const std::string& file, const StatementRegistry& statements,
                                                const StatementGate& gate, Metrics* metrics);
  /// Runs what is queued, then stops the threads.
  ~SqliteDatabase() override;

  Task<bool> changed_elsewhere(Passkey key) override;
  std::size_t waiting() const override;

 protected:
  void submit(WorkScope scope, Mode mode, Work& work, Completion done) override;

 private:
  struct Job {
    WorkScope scope;
    Work* work = nullptr;
    Completion done;
    std::exception_ptr error = nullptr;
  };

  /// Jobs that wait for one or several threads.
  class Queue {
   public:
    void push(Job job);  // throws DatabaseError(overloaded) when its server's line is full
    /// Waits for work; takes at most `most`, the servers in turns; empty = closed and drained.
    std::vector<Job> take(std::size_t most);
    void close();
    std::size_t size() const;
    std::size_t longest() const;

   private:
    mutable std::mutex mutex_;
    std::condition_variable ready_;
    Lines<Job> lines_;
    bool closed_ = false;
  };

  SqliteDatabase(const std::string& file, const StatementRegistry& statements, Metrics* metrics);

  void write_loop(sqlite::Connection& connection);
  void read_loop(sqlite::Connection& connection);
  void commit_group(sqlite::Connection& connection, std::vector<Job>& group);
  bool try_group(sqlite::Connection& connection, std::vector<Job*>& group);
  void run_body(sqlite::Connection& connection, Job& job);
  static void finish(Job& job);

  const StatementRegistry& statements_;
  Queue writes_;
  Queue reads_;
  // SQLite's data_version: as the writer saw it after its last group, and as changed_elsewhere last told.
  std::atomic<std::int64_t> seen_version_ = 0;
  std::atomic<std::int64_t> told_version_ = 0;
  std::unique_ptr<sqlite::Connection> writer_;
  std::vector<std::unique_ptr<sqlite::Connection>> readers_;
  std::vector<std::jthread> threads_;
  Histogram* commit_seconds_ = nullptr;
  Counter* committed_ = nullptr;
};

}  // namespace guildhall::store
