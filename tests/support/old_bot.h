// The old bot at work on its database: each kind of statement at a fixed rate, in a thread and a session of
// its own, whatever the database does meanwhile. A statement is due when its turn comes, and its delay is
// counted from there: who waits for a lock makes all wait that come after it, as in the bot.
//
// Every answered write goes into a ledger as well. In the end `differences` adds it up against the database:
// what is missing there was lost, what is too much was done twice. A statement whose answer was lost with its
// connection may have been done or not.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "store/schema_session.h"
#include "tests/support/old_kick.h"
#include "tests/support/old_reading.h"

namespace guildhall::test {

struct OldBotWork {
  /// One call: what it is sent with, and how much it adds to the total of `key`.
  struct Call {
    std::vector<std::string> values = {};
    std::string key = {};
    std::int64_t amount = 0;
  };

  std::string name;
  std::string sql;
  std::function<Call(std::uint64_t number)> call;  // of the first, second, ... statement, from 0
  /// SQL of all totals that the calls add to: key, total. "" of what only reads.
  std::string totals = {};
  double per_second = 50;
};

/// Points, watch time, a conversion, a sale and a reading, of the first `viewers` viewers; the same names
/// come again and again. Every old shape takes them.
std::vector<OldBotWork> old_kick_work(std::int64_t viewers, double per_second = 50);
/// Chapters read, statistics and a reading, of the first `members` members; from L1 on.
std::vector<OldBotWork> old_reading_work(std::int64_t members, double per_second = 50);

class OldBot {
 public:
  using Clock = std::chrono::steady_clock;
  using Open = std::function<std::unique_ptr<store::SchemaSession>()>;

  /// Of one kind of work. Delays in milliseconds, from when a statement was due to its answer.
  struct Report {
    std::string name;
    std::size_t answered = 0;
    std::size_t unknown = 0;  // the answer was lost
    double median = 0;
    double p99 = 0;
    double longest = 0;
    std::size_t over_100_ms = 0;
    std::map<std::string, std::size_t> errors = {};  // by SQLSTATE, or SQLite's name of the code
    std::string first_error = {};                    // in the database's own words
  };

  /// `open` is called from every thread, again when a connection was lost; what it throws counts as that.
  OldBot(Open open, std::vector<OldBotWork> work);
  /// Stops.
  ~OldBot();
  OldBot(const OldBot&) = delete;
  OldBot& operator=(const OldBot&) = delete;

  /// Reads the totals, then begins. Throws DatabaseError.
  void start();
  /// Returns when the last statement that was sent is answered.
  void stop();
  /// Until every kind of work has had so many answers or errors more.
  void wait_for(std::size_t more) const;

  /// Of what was due since then; in the order of the work.
  std::vector<Report> report(Clock::time_point since = {}) const;
  /// One sentence for each total that is not what it was before, and what was answered, and at most what may
  /// have been done. After stop().
  std::vector<std::string> differences(store::SchemaSession& session) const;

 private:
  struct Sent {
    Clock::time_point due;
    Clock::time_point answered;
  };
  /// What a total has gained: surely, and perhaps.
  struct Gain {
    std::int64_t sure = 0;
    std::int64_t perhaps = 0;
  };
  struct Worker {
    OldBotWork work;
    std::map<std::string, std::int64_t> before = {};
    // Under mutex_:
    std::vector<Sent> sent = {};
    std::map<std::string, Gain> gains = {};
    std::vector<Clock::time_point> unknown = {};
    std::vector<std::pair<Clock::time_point, std::string>> errors = {};
    std::string first_error = {};
    std::size_t turns = 0;
    std::jthread thread = {};
  };

  void run(Worker& worker, std::stop_token stop, Clock::duration phase);
  /// Whether the session can go on.
  bool send(Worker& worker, store::SchemaSession& session, Clock::time_point due);
  std::unique_ptr<store::SchemaSession> connect(Worker& worker, std::stop_token stop);
  bool wait_until(Clock::time_point when, std::stop_token stop);

  Open open_;
  std::vector<std::unique_ptr<Worker>> workers_;
  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;  // an answer more
  std::condition_variable_any due_;          // or told to stop
};

}  // namespace guildhall::test
