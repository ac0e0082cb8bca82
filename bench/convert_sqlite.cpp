// `guildhall convert` on a SQLite file, each way on a fresh copy of it: beside what is done without it (a
// column, filled; the table made anew for its key; an index), and with a program that writes meanwhile.
#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <stdexcept>
#include <thread>

#include "bench/bench.h"
#include "convert/sqlite_file_way.h"
#include "convert/sqlite_online.h"
#include "convert/sqlite_rebuild.h"
#include "tests/support/temporary_folder.h"

namespace guildhall::bench {
namespace {

using Clock = std::chrono::steady_clock;
using namespace std::chrono_literals;
using migrate::Outcome;

constexpr std::int64_t kHome = 900'000'000'000'000'001;

constexpr const char* kDescription = R"(
tenant_column = "discord_server_id"
[registry]
table = "servers"
column = "discord_server_id"
[table.user_points]
class = "tenant"
sums = ["points", "total_earned"]
)";

constexpr const char* kNaiveWay = R"(
BEGIN IMMEDIATE;
ALTER TABLE user_points ADD COLUMN discord_server_id INTEGER;
UPDATE user_points SET discord_server_id = 900000000000000001;
CREATE TABLE user_points_new (id INTEGER PRIMARY KEY AUTOINCREMENT, kick_username TEXT NOT NULL,
  points INTEGER DEFAULT 0, total_earned INTEGER DEFAULT 0, discord_server_id INTEGER,
  UNIQUE (kick_username, discord_server_id));
INSERT INTO user_points_new (id, kick_username, points, total_earned, discord_server_id)
  SELECT id, kick_username, points, total_earned, discord_server_id FROM user_points;
DROP TABLE user_points;
ALTER TABLE user_points_new RENAME TO user_points;
CREATE INDEX user_points_server ON user_points (discord_server_id);
COMMIT;
)";

double seconds_since(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

std::unique_ptr<store::SchemaSession> open(const std::filesystem::path& file, bool may_make = false) {
  auto session = store::open_any_session({.url = "sqlite:" + file.string(), .may_make_file = may_make});
  if (!session) throw std::runtime_error("convert-sqlite: " + session.error().message);
  (*session)->execute("PRAGMA synchronous=NORMAL; PRAGMA cache_size=-65536");
  return *std::move(session);
}

/// A program that writes 50 times a second, and how long it had to wait for it at most.
class Writer {
 public:
  Writer(const std::filesystem::path& file, std::int64_t rows)
      : session_(open(file)), thread_([this, rows](const std::stop_token& stop) { work(stop, rows); }) {
    while (sent_ < 10) std::this_thread::sleep_for(10ms);
  }
  double longest_ms() {
    thread_.request_stop();
    thread_.join();
    return longest_ms_;
  }

 private:
  void work(const std::stop_token& stop, std::int64_t rows) {
    session_->execute("PRAGMA busy_timeout=600000");
    for (std::int64_t i = 0; !stop.stop_requested(); ++i) {
      const auto begin = Clock::now();
      session_->query("UPDATE user_points SET points = points + 1 WHERE kick_username = $1",
                      {fmt::format("user{:08}", i * 7'919 % rows)});
      longest_ms_ = std::max(longest_ms_, seconds_since(begin) * 1e3);
      ++sent_;
      std::this_thread::sleep_for(20ms);
    }
  }

  std::unique_ptr<store::SchemaSession> session_;
  std::atomic<int> sent_{0};
  double longest_ms_ = 0;
  std::jthread thread_;
};

/// What proves that nothing was lost, and is no part of what would be done without it.
bool is_proof(std::string_view step) {
  return step.starts_with("sums of before") || step.ends_with(": comparison") ||
         step == "references and views" || step == "the file itself";
}

/// How long the steps of a way took; those of one name together.
class Steps {
 public:
  convert::SqliteOptions options() {
    convert::SqliteOptions options;
    options.at = [this](const std::string& step) {
      end();
      last_ = step;
      begun_ = Clock::now();
    };
    return options;
  }
  void end() {
    if (last_.empty()) return;
    const double seconds = seconds_since(begun_);
    seconds_[last_] += seconds;
    if (is_proof(last_)) proof_ += seconds;
    last_.clear();
  }
  double proof() const { return proof_; }
  /// Those that took longer than a moment.
  std::string said() const {
    std::string text;
    for (const auto& [step, seconds] : seconds_) {
      if (seconds > 0.02) text += fmt::format("; {} {:.2f} s", step, seconds);
    }
    return text;
  }

 private:
  std::map<std::string, double> seconds_;
  double proof_ = 0;
  std::string last_;
  Clock::time_point begun_;
};

class Converting {
 public:
  Converting(std::int64_t rows, int rounds) : rows_(rows), rounds_(rounds) { make(); }

  Figures measure() {
    for (int round = 0; round < rounds_; ++round) {
      run_naive_way();
      rebuild();
      give();
    }
    const double waited = beside_a_writer();
    const std::string note = fmt::format("{} rows in one table, WAL", rows_);
    const std::string naive = "column, UPDATE, table anew, index";
    // The bounds hold at any size; a small file shows less of it.
    return {figure("convert-sqlite-rebuild", *rebuilt_, "s", naive, *naive_, 1.5, "0.6 at most",
                   note + "; the steps alone, as the other has nothing else"),
            figure("convert-sqlite", *proved_, "s", naive, *naive_, 3, "1 at most",
                   note + "; with the sums of before and all that is compared"),
            figure("convert-sqlite-file", *given_ * 1e3, "ms", "what is promised", 50, 10, "1 at most", note),
            figure("convert-sqlite-wait", waited, "ms", "what is promised: 1 s for 1M rows",
                   std::max(100.0, static_cast<double>(rows_) / 1e3), 10, "1 at most",
                   note + "; the online way, beside a program that writes 50 times a second")};
  }

 private:
  /// With the schema that it points to.
  struct Scheme {
    convert::OldSchema schema;
    convert::Scheme scheme;
    explicit Scheme(store::SchemaSession& session) : schema(convert::read_sqlite_schema(session)) {
      auto description = convert::parse_description(kDescription, "bench");
      if (!description) throw std::runtime_error("convert-sqlite: " + description.error().finding.text);
      scheme = convert::make_scheme(schema, *description);
      scheme.home = kHome;
    }
  };
  /// Seconds, of the quickest round.
  class Least {
   public:
    void add(double seconds) { least_ = least_ ? std::min(*least_, seconds) : seconds; }
    double operator*() const { return least_.value(); }

   private:
    std::optional<double> least_;
  };

  static void check(const Outcome<convert::SqliteReport>& done) {
    if (!done) throw std::runtime_error("convert-sqlite: " + done.error().finding.text);
  }

  void make() {
    progress(fmt::format("convert-sqlite: a file of {} rows", rows_));
    const auto session = open(folder_.path() / "old.db", true);
    session->execute(
        fmt::format("PRAGMA journal_mode=WAL; CREATE TABLE user_points(id INTEGER PRIMARY KEY AUTOINCREMENT, "
                    "kick_username "
                    "TEXT NOT NULL UNIQUE, points INTEGER DEFAULT 0, total_earned INTEGER DEFAULT 0);"
                    "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < {0} - 1) "
                    "INSERT INTO user_points "
                    "(kick_username, points) SELECT printf('user%08d', i * 7919 % {0}), i % 1000 FROM n;"
                    "PRAGMA wal_checkpoint(TRUNCATE)",
                    rows_));
  }

  std::filesystem::path copy() {
    const auto file = folder_.path() / "copy.db";
    for (const char* behind : {"", "-wal", "-shm"}) std::filesystem::remove(file.string() + behind);
    std::filesystem::copy_file(folder_.path() / "old.db", file);
    return file;
  }

  void run_naive_way() {
    const auto session = open(copy());
    const auto begin = Clock::now();
    session->execute(kNaiveWay);
    const double seconds = seconds_since(begin);
    naive_.add(seconds);
    progress(fmt::format("convert-sqlite: without it: {:.2f} s", seconds));
  }

  void rebuild() {
    const auto session = open(copy());
    Steps steps;
    const auto begin = Clock::now();
    const Scheme scheme(*session);
    check(convert::rebuild_sqlite(*session, scheme.scheme, {}, steps.options()));
    const double seconds = seconds_since(begin);
    steps.end();
    proved_.add(seconds);
    rebuilt_.add(seconds - steps.proof());
    progress(fmt::format("convert-sqlite: rebuild: {:.2f} s, of which the proof {:.2f} s{}", seconds,
                         steps.proof(), steps.said()));
  }

  void give() {
    const auto session = open(copy());
    const Scheme scheme(*session);
    const auto begin = Clock::now();
    check(convert::give_file_to_server(*session, scheme.scheme, {}));
    given_.add(seconds_since(begin));
  }

  double beside_a_writer() {
    double least = 0;
    for (int round = 0; round < rounds_; ++round) {
      const auto file = copy();
      const auto session = open(file);
      const Scheme scheme(*session);
      Steps steps;
      Writer writer(file, rows_);
      const auto begin = Clock::now();
      check(convert::convert_sqlite_online(*session, scheme.scheme, {}, steps.options()));
      const double seconds = seconds_since(begin);
      const double longest = writer.longest_ms();
      steps.end();
      progress(fmt::format("convert-sqlite: online: {:.2f} s, the longest wait of a writer {:.0f} ms{}",
                           seconds, longest, steps.said()));
      least = round == 0 ? longest : std::min(least, longest);
    }
    return least;
  }

  std::int64_t rows_;
  int rounds_;
  test::TemporaryFolder folder_;
  Least naive_;
  Least rebuilt_;  // without its proof
  Least proved_;
  Least given_;
};

}  // namespace

Figures measure_convert_sqlite(const Request& request) {
  const bool is_full = request.size == Size::full;
  const std::int64_t rows = request.rows > 0 ? request.rows : is_full ? 1'000'000 : 20'000;
  return Converting(rows, 2).measure();
}

}  // namespace guildhall::bench
