// `guildhall import kick` of the old Kick bot's database, as its operator calls it: alone, and with --follow
// beside the old bot at work. Beside it the floor of each storage: the old rows read by COPY, and the rows
// that came of them put into the same tables by nothing but the database.
#include <fcntl.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <boost/json/parse.hpp>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <optional>
#include <stdexcept>
#include <thread>
#include <unordered_map>

#include "bench/bench.h"
#include "bench/postgres_server.h"
#include "store/schema_session.h"
#include "tenancy/postgres_roles.h"
#include "tests/support/old_bot.h"
#include "tests/support/old_kick.h"
#include "tests/support/test_database.h"
#include "tests/support/test_world.h"

namespace guildhall::bench {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

constexpr std::int64_t kHome = 900'000'000'000'000'001;
constexpr double kPerSecond = 50;  // of each kind of statement of the old bot
/// How long the old bot's writes may wait for the fence, in ms.
constexpr double kPromisedPause = 2'000;
/// What a run may need beside what the program takes by itself: at each size.
constexpr double kPromisedMemory = 400;
constexpr const char* kPsql = "/usr/lib/postgresql/15/bin/psql -X -q -v ON_ERROR_STOP=1";
/// The old tables whose rows are taken over.
constexpr const char* kOldTables[] = {"watchtime", "user_points", "points_watchtime_converted", "links"};
/// Where they come to lie here.
constexpr const char* kNewTables[] = {"persons",           "identities", "links",  "watchtime",
                                      "point_conversions", "balances",   "ledger", "import_carried"};

double seconds_since(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

/// What a program that was run to its end says and took.
struct Ended {
  boost::json::object answer;
  double seconds = 0;
  double memory_mb = 0;  // at the most
};

/// What a process needed at the most so far, in MB; 0 when it has ended. Not what wait4 tells: a program that
/// was spawned begins there with the peak of the one that spawned it.
double peak_of(pid_t process) {
  std::ifstream status(fmt::format("/proc/{}/status", process));
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("VmHWM:")) return std::strtod(line.c_str() + 6, nullptr) / 1024;
  }
  return 0;
}

/// `guildhall import` beside this program: "kick" into that world's database, or "revert" out of it.
Ended run_import(const std::string& what, const test::TestWorld& world, const PassingDatabase& old,
                 const std::vector<std::string>& more) {
  const test::TemporaryFolder folder;
  const std::string program = (fs::read_symlink("/proc/self/exe").parent_path() / "guildhall").string();
  const std::string answer = (folder.path() / "answer").string();
  std::vector<std::string> words{program,      "import",
                                 what,         "--from",
                                 old.url(),    "--json",
                                 "--data-dir", world.config.data_dir,
                                 "--server",   std::to_string(kHome)};
  words.insert(words.end(), more.begin(), more.end());
  std::vector<std::string> environment;
  const auto set = [&](const char* name, const std::string& value) {
    if (!value.empty()) environment.push_back(fmt::format("GUILDHALL_{}={}", name, value));
  };
  set("DATABASE_URL", world.config.database_url);
  set("DATABASE_TICK_URL", world.config.database_tick_url);
  set("DATABASE_MIGRATE_URL", world.config.database_migrate_url);
  const auto pointers = [](std::vector<std::string>& texts) {
    std::vector<char*> all;
    for (std::string& text : texts) all.push_back(text.data());
    all.push_back(nullptr);
    return all;
  };
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, answer.c_str(), O_WRONLY | O_CREAT, 0600);
  const auto begin = Clock::now();
  pid_t child = 0;
  const int failed = posix_spawn(&child, program.c_str(), &actions, nullptr, pointers(words).data(),
                                 pointers(environment).data());
  posix_spawn_file_actions_destroy(&actions);
  if (failed != 0) throw std::runtime_error("import: cannot run " + program);
  int status = 0;
  Ended ended;
  while (waitpid(child, &status, WNOHANG) == 0) {
    ended.memory_mb = std::max(ended.memory_mb, peak_of(child));
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  ended.seconds = seconds_since(begin);
  std::ifstream input(answer);
  const std::string text(std::istreambuf_iterator<char>(input), {});
  if (status != 0) throw std::runtime_error("import: it failed: " + text);
  ended.answer = boost::json::parse(text).as_object();
  return ended;
}

double number_in(const boost::json::object& answer, std::string_view key) {
  return answer.at(key).to_number<double>();
}

/// Runs a line of the shell; throws where any part of it fails.
void shell(const std::string& line) {
  if (std::system(fmt::format("bash -c \"set -o pipefail; {}\"", line).c_str()) != 0)
    throw std::runtime_error("import: failed: " + line);
}

void read_old_rows(const PassingDatabase& old) {
  for (const char* table : kOldTables)
    shell(fmt::format("{} -c 'COPY {} TO STDOUT' '{}' >/dev/null", kPsql, table, old.url()));
}

/// The floor on PostgreSQL: the old rows out, and the new rows into tables of the same columns, keys and
/// indexes, without seals and references.
double copied_to_postgres(const test::TestWorld& world, const PassingDatabase& old) {
  const PassingDatabase plain;
  const std::string& url = world.config.database_url;
  const std::string reader = test::postgres_url(tenancy::kReadRole, url.substr(url.rfind('/') + 1));
  const auto source = open_database(reader);
  const auto target = open_database(plain.url());
  for (const char* table : kNewTables) {
    std::vector<std::string> columns;
    for (const auto& row : source->query(
             "SELECT quote_ident(attname) || ' ' || format_type(atttypid, atttypmod) FROM pg_attribute WHERE "
             "attrelid = ('guildhall.' || $1)::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum",
             {table}))
      columns.push_back(row[0]);
    target->execute(fmt::format("CREATE TABLE {} ({})", table, fmt::join(columns, ", ")));
    for (const auto& row : source->query("SELECT pg_get_indexdef(indexrelid) FROM pg_index WHERE indrelid = "
                                         "('guildhall.' || $1)::regclass",
                                         {table})) {
      std::string sql = row[0];
      const auto schema = sql.find(" ON ") + 4;
      const auto dot = sql.find('.', schema);
      target->execute(sql.erase(schema, dot + 1 - schema));
    }
  }
  const auto begin = Clock::now();
  read_old_rows(old);
  for (const char* table : kNewTables)
    shell(fmt::format("{0} -c 'COPY guildhall.{1} TO STDOUT' '{2}' | {0} -c 'COPY {1} FROM STDIN' '{3}'",
                      kPsql, table, reader, plain.url()));
  return seconds_since(begin);
}

/// The floor on SQLite: the same, into a new file by one statement for each table.
double copied_to_sqlite(const test::TestWorld& world, const PassingDatabase& old) {
  const test::TemporaryFolder folder;
  const auto target = open_database("sqlite:" + (folder.path() / "plain.db").string());
  target->execute("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=OFF");
  target->query("ATTACH $1 AS source", {world.database_file()});
  for (const auto& row :
       target->query("SELECT sql FROM source.sqlite_schema WHERE sql IS NOT NULL AND tbl_name IN ('" +
                     fmt::format("{}", fmt::join(kNewTables, "','")) +
                     "') AND type <> 'trigger' ORDER BY type = 'index'"))
    target->execute(row[0]);
  const auto begin = Clock::now();
  read_old_rows(old);
  for (const char* table : kNewTables) {
    // Without what the table works out by itself.
    std::vector<std::string> columns;
    for (const auto& row : target->query("SELECT name FROM pragma_table_info($1)", {table}))
      columns.push_back(row[0]);
    target->execute(
        fmt::format("INSERT INTO {0} ({1}) SELECT {1} FROM source.{0}", table, fmt::join(columns, ", ")));
  }
  return seconds_since(begin);
}

/// Lines "a|b" of a dump.
void each_line(const std::string& dump, const std::function<void(std::string, const std::string&)>& take) {
  for (std::size_t at = 0; at < dump.size();) {
    const std::size_t bar = dump.find('|', at);
    const std::size_t end = dump.find('\n', bar);
    take(dump.substr(at, bar - at), dump.substr(bar + 1, end - bar - 1));
    at = end + 1;
  }
}

/// How many people have other figures here than in the old database, by name. Joined here: a database that
/// knows nothing of its tables' sizes may do it by reading one of them for each row of the other.
class Comparison {
 public:
  Comparison(const PassingDatabase& old, const test::TestWorld& world)
      : old_(open_database(old.url())), world_(world) {
    each_line(world.dump("SELECT person_id, folded_name FROM identities WHERE platform = 'kick'"),
              [&](std::string person, const std::string& name) { names_.emplace(std::move(person), name); });
  }

  std::size_t different(const std::string& old_sql, const std::string& new_sql) const {
    std::map<std::string, std::int64_t> amounts;
    for (const auto& row : old_->query(old_sql)) amounts[row[0]] += std::stoll(row[1]);
    each_line(world_.dump(new_sql), [&](const std::string& person, const std::string& amount) {
      const auto name = names_.find(person);
      amounts[name == names_.end() ? "person " + person : name->second] -= std::stoll(amount);
    });
    return static_cast<std::size_t>(
        std::ranges::count_if(amounts, [](const auto& one) { return one.second != 0; }));
  }

 private:
  std::unique_ptr<store::SchemaSession> old_;
  const test::TestWorld& world_;
  std::unordered_map<std::string, std::string> names_;
};

std::size_t count_different(const PassingDatabase& old, const test::TestWorld& world) {
  const Comparison all(old, world);
  return all.different("SELECT lower(username), minutes FROM watchtime",
                       "SELECT person_id, watched_us / 60000000 FROM watchtime") +
         all.different("SELECT lower(kick_username), points FROM user_points",
                       "SELECT holder_id, balance FROM balances") +
         all.different("SELECT lower(kick_username), minutes_converted FROM points_watchtime_converted",
                       "SELECT person_id, plain_us / 60000000 FROM point_conversions");
}

class Importing {
 public:
  explicit Importing(const Request& request)
      : rows_(request.rows > 0             ? request.rows
              : request.size == Size::full ? 1'000'000
                                           : 20'000) {
    progress(fmt::format("import: a database of {} viewers", rows_));
    const auto session = open_database(made_.url());
    session->execute(test::script({.viewers = rows_, .nasty = false}));
    session->execute("ANALYZE watchtime, user_points, points_watchtime_converted, links");
    for (const char* table : kOldTables)
      old_rows_ += std::stod(session->query(fmt::format("SELECT count(*) FROM {}", table))[0][0]);
  }

  Figures measure() {
    const std::pair<store::Layout, const char*> targets[] = {{store::Layout::sqlite, "sqlite"},
                                                             {store::Layout::postgres, "postgres"}};
    for (const auto& [layout, name] : targets) beside_the_old_bot(layout, name);
    for (const auto& [layout, name] : targets) alone(layout, name);
    return std::move(figures_);
  }

 private:
  void alone(store::Layout layout, const std::string& name) {
    test::TestWorld world(layout);
    const Ended ended = run_import("kick", world, made_, {});
    const double copied =
        layout == store::Layout::postgres ? copied_to_postgres(world, made_) : copied_to_sqlite(world, made_);
    progress(fmt::format("import: into {}: {:.1f} s, {:.0f} rows/s, {:.0f} MB at the most; copied: {:.1f} s",
                         name, ended.seconds, old_rows_ / ended.seconds, ended.memory_mb, copied));
    Figure rate = figure("import-" + name, old_rows_ / ended.seconds, "rows/s", "COPY and plain inserts",
                         old_rows_ / copied, 0.02, "",
                         fmt::format("{:.0f} rows of four tables, compared at the end", old_rows_));
    rate.direction = Figure::Bound::at_least;
    figures_.push_back(std::move(rate));
    figures_.push_back(figure("import-memory-" + name, ended.memory_mb, "MB", "what is promised",
                              kPromisedMemory, 1, "under 400 MB"));
    const Ended again = run_import("kick", world, made_, {});
    figures_.push_back(figure("import-again-" + name, again.seconds, "s", "the first time", ended.seconds, 2,
                              "", "nothing is new: everything is read and compared"));
    back(world, name, ended.seconds);
  }

  /// Everybody has watched for one minute since.
  void back(test::TestWorld& world, const std::string& name, double there) {
    const test::TemporaryFolder folder;
    const fs::path file = folder.path() / "back.sql";
    world.execute("UPDATE watchtime SET watched_us = watched_us + 60000000", kHome);
    const Ended ended = run_import("revert", world, made_, {"--write", file.string()});
    progress(fmt::format("import: back out of {}: {:.1f} s, {:.0f} MB at the most; {:.0f} MB of SQL", name,
                         ended.seconds, ended.memory_mb, static_cast<double>(fs::file_size(file)) / 1e6));
    figures_.push_back(figure("import-revert-" + name, ended.seconds, "s", "the import", there, 1, "",
                              fmt::format("SQL for {:.0f} people", number_in(ended.answer, "people"))));
    figures_.push_back(figure("import-revert-memory-" + name, ended.memory_mb, "MB", "what is promised",
                              kPromisedMemory, 1, "under 400 MB"));
  }

  void beside_the_old_bot(store::Layout layout, const std::string& name) {
    const test::TestWorld world(layout);
    const PassingDatabase old(made_.name());
    test::OldBot bot([&] { return open_database(old.url()); }, test::old_kick_work(rows_, kPerSecond));
    bot.start();
    bot.wait_for(static_cast<std::size_t>(kPerSecond));
    const Ended ended = run_import("kick", world, old, {"--follow"});
    bot.wait_for(1);
    bot.stop();
    const auto reports = bot.report();
    const auto session = open_database(old.url());
    const auto lost = bot.differences(*session);
    double stall = 0;
    double sent = 0;
    double failed = number_in(ended.answer, "missed_keys") + static_cast<double>(lost.size());
    for (const auto& report : reports) {
      stall = std::max(stall, report.longest);
      sent += static_cast<double>(report.answered);
      for (const auto& [state, count] : report.errors)
        if (state != "P0001") failed += static_cast<double>(count);  // refused behind the fence
    }
    const double pause = number_in(ended.answer, "pause_ms");
    const auto different = static_cast<double>(count_different(old, world));
    progress(fmt::format(
        "import: --follow into {}: {:.1f} s, {} rounds, {} keys, pause {:.0f} ms, {:.0f} MB; "
        "of {:.0f} statements {:.0f} failed or were missed, the longest took {:.0f} ms; {:.0f} "
        "people differ",
        name, ended.seconds, number_in(ended.answer, "rounds"), number_in(ended.answer, "changed_keys"),
        pause, ended.memory_mb, sent, failed, stall, different));
    figures_.push_back(figure("import-pause-" + name, pause, "ms", "what is promised", kPromisedPause, 1,
                              "under 2,000 ms", "the old bot at 250 statements a second"));
    figures_.push_back(figure("import-stall-" + name, stall, "ms", "what is promised of the pause",
                              kPromisedPause, 1, "", "the longest answer to a statement of the old bot"));
    figures_.push_back(figure("import-lost-" + name, failed + different, "statements", "that were sent", sent,
                              0, "none",
                              lost.empty() ? "failed before the fence, lost or done twice" : lost.front()));
  }

  std::int64_t rows_;
  PassingDatabase made_;
  double old_rows_ = 0;
  Figures figures_;
};

}  // namespace

Figures measure_import(const Request& request) {
  need_postgres();
  return Importing(request).measure();
}

}  // namespace guildhall::bench
