// `guildhall convert` on the old Kick bot's database, each way on a fresh copy of it: beside the plain build
// of the same indexes, which is the physical limit, and beside a script that does the same in one
// transaction, where a file with one is named. With the old bot at work, a reader in the way, and columns
// that an earlier try left empty.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <iterator>
#include <optional>
#include <stdexcept>
#include <thread>

#include "bench/bench.h"
#include "bench/postgres_server.h"
#include "convert/run.h"
#include "tests/support/old_bot.h"
#include "tests/support/old_kick.h"
#include "tests/support/test_database.h"

namespace guildhall::bench {
namespace {

using Clock = std::chrono::steady_clock;
using namespace std::chrono_literals;

constexpr std::int64_t kHome = 900'000'000'000'000'001;
constexpr double kPerSecond = 50;  // of each kind of statement
/// What convert promises of a statement of others: the lock timeout and a little.
constexpr double kPromisedStall = 300;
/// The tables that hold most of a community's rows.
constexpr const char* kBigTables[] = {"user_points", "watchtime", "points_watchtime_converted",
                                      "point_sales"};

double seconds_since(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

template <class T>
T taken(Result<T> result) {
  if (!result) throw std::runtime_error("convert: " + result.error().message);
  return *std::move(result);
}
template <class T>
T taken(migrate::Outcome<T> outcome) {
  if (!outcome) throw std::runtime_error("convert: " + outcome.error().finding.text);
  return *std::move(outcome);
}

class Database : public PassingDatabase {
 public:
  explicit Database(const std::string& of = "template1")
      : PassingDatabase(of), target_(taken(migrate::any_target(url(), migrate::Missing::is_an_error))) {}

  const migrate::Target& target() const { return target_; }
  void execute(const std::string& sql) const { open()->execute(sql); }
  double number(const std::string& sql) const { return std::stod(open()->query(sql).at(0).at(0)); }

 private:
  migrate::Target target_;
};

/// What the new program sends: it names the server, and the keys of both are there while it takes over.
std::vector<test::OldBotWork> new_kick_work(std::int64_t viewers) {
  const std::string server = std::to_string(kHome);
  auto work = test::old_kick_work(viewers, kPerSecond);
  work[0].sql =
      "INSERT INTO user_points (discord_server_id, kick_username, points, total_earned) VALUES (" + server +
      ", $1, 5, 5) ON CONFLICT (discord_server_id, kick_username) DO UPDATE SET points = user_points.points "
      "+ 5, total_earned = user_points.total_earned + 5";
  work[1].sql = "INSERT INTO watchtime (discord_server_id, username, minutes) VALUES (" + server +
                ", $1, 1) ON CONFLICT (discord_server_id, username) DO UPDATE SET minutes = "
                "watchtime.minutes + 1";
  work[2].sql =
      "INSERT INTO points_watchtime_converted (discord_server_id, kick_username, minutes_converted, "
      "points_awarded) VALUES (" +
      server + ", $1, 5, 1)";
  work[3].sql =
      "INSERT INTO point_sales (discord_server_id, item_id, kick_username, item_name, price_paid) VALUES (" +
      server + ", 1, $1, 'Item 1', 100)";
  work[4].sql = "SELECT points, total_earned FROM user_points WHERE discord_server_id = " + server +
                " AND kick_username = $1";
  return work;
}

/// Of one way, from its beginning to its end.
struct Measured {
  double seconds = 0;
  double steps = 0;   // of those: without the looking before and the proof by sums
  double log_mb = 0;  // of the write-ahead log
  double heap_before = 0, heap_after = 0;
  double indexes_before = 0, indexes_after = 0;
  double longest = 0;  // ms, of a statement of the bot
  std::size_t sent = 0;
  std::size_t late = 0;  // by more than 100 ms
  std::size_t failed = 0;
  std::vector<std::string> lost = {};
  std::vector<std::string> indexes = {};  // that were made: CREATE INDEX ...

  void add(const std::vector<test::OldBot::Report>& reports) {
    for (const auto& report : reports) {
      longest = std::max(longest, report.longest);
      late += report.over_100_ms;
      sent += report.answered;
      for (const auto& [state, count] : report.errors) failed += count;
    }
  }
};

/// A bot at work, and what it met since then.
class Bot {
 public:
  Bot(const Database& database, std::vector<test::OldBotWork> work)
      : database_(database), bot_([&] { return database.open(); }, std::move(work)) {
    bot_.start();
    bot_.wait_for(static_cast<std::size_t>(kPerSecond));
    begun_ = Clock::now();
  }
  void end(Measured& into) {
    bot_.wait_for(static_cast<std::size_t>(kPerSecond));
    bot_.stop();
    into.add(bot_.report(begun_));
    const auto lost = bot_.differences(*database_.open());
    into.lost.insert(into.lost.end(), lost.begin(), lost.end());
  }

 private:
  const Database& database_;
  test::OldBot bot_;
  Clock::time_point begun_;
};

constexpr const char* kLog = "SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')";
constexpr const char* kHeap =
    "SELECT sum(pg_table_size(oid)) / 1e6 FROM pg_class WHERE relkind = 'r' AND relnamespace = "
    "'public'::regnamespace";
constexpr const char* kIndexes =
    "SELECT sum(pg_indexes_size(oid)) / 1e6 FROM pg_class WHERE relkind = 'r' AND relnamespace = "
    "'public'::regnamespace";
/// By their names: nobody else calls them so.
constexpr const char* kMade =
    "SELECT indexdef FROM pg_indexes WHERE schemaname = 'public' AND indexname LIKE '%\\_by\\_server%' ORDER "
    "BY indexname";

/// Calls it, and measures what the database did meanwhile.
Measured measured(const Database& database, const std::function<void(Measured&)>& way) {
  Measured one;
  one.heap_before = database.number(kHeap);
  one.indexes_before = database.number(kIndexes);
  const double log = database.number(kLog);
  way(one);
  one.log_mb = (database.number(kLog) - log) / 1e6;
  one.heap_after = database.number(kHeap);
  one.indexes_after = database.number(kIndexes);
  for (const auto& row : database.open()->query(kMade)) one.indexes.push_back(row[0]);
  return one;
}

convert::ContractOptions options_of(const convert::Description& description) {
  convert::ContractOptions options;
  options.description = description;
  options.server = kHome;
  options.register_found = true;
  options.backup_done = "a copy";
  return options;
}

Measured run_convert(const Database& database, const convert::Description& description) {
  const auto options = options_of(description);
  return measured(database, [&](Measured& one) {
    const auto begin = Clock::now();
    const auto expanded = taken(convert::apply(database.target(), options));
    const auto contracted = taken(convert::contract(database.target(), options));
    one.seconds = seconds_since(begin);
    one.steps = (expanded.stepping + contracted.stepping).count();
  });
}

/// The old program works until it is stopped for the new one, which works until the end.
Measured run_beside_bots(const Database& database, const convert::Description& description,
                         std::int64_t viewers) {
  const auto options = options_of(description);
  return measured(database, [&](Measured& one) {
    Bot old_bot(database, test::old_kick_work(viewers, kPerSecond));
    auto begin = Clock::now();
    taken(convert::apply(database.target(), options));
    one.seconds = seconds_since(begin);
    old_bot.end(one);
    Bot new_bot(database, new_kick_work(viewers));
    begin = Clock::now();
    taken(convert::contract(database.target(), options));
    one.seconds += seconds_since(begin);
    new_bot.end(one);
  });
}

/// The same indexes, one after the other, with nobody beside.
Measured run_plain(const Database& database, const std::vector<std::string>& indexes) {
  const auto session = database.open();
  // As it was given to them in a moment.
  for (const auto& row : session->query("SELECT c.relname FROM pg_class c WHERE relkind = 'r' AND "
                                        "relnamespace = 'public'::regnamespace"))
    session->execute(
        fmt::format("ALTER TABLE {} ADD COLUMN IF NOT EXISTS discord_server_id bigint NOT NULL "
                    "DEFAULT {}",
                    row[0], kHome));
  return measured(database, [&](Measured& one) {
    const auto begin = Clock::now();
    for (const std::string& index : indexes) session->execute(index);
    one.seconds = seconds_since(begin);
  });
}

Measured run_script(const Database& database, const std::string& script,
                    std::optional<std::int64_t> viewers) {
  return measured(database, [&](Measured& one) {
    std::optional<Bot> bot;
    if (viewers) bot.emplace(database, test::old_kick_work(*viewers, kPerSecond));
    const auto begin = Clock::now();
    database.execute(script);
    one.seconds = seconds_since(begin);
    if (bot) bot->end(one);
  });
}

/// The text between the first ```sql behind that heading and the next ```; all of a file that has neither.
std::string script_in(const std::string& file) {
  std::ifstream input(file);
  if (!input) throw std::runtime_error("convert: cannot read " + file);
  std::string text(std::istreambuf_iterator<char>(input), {});
  const std::size_t heading = text.find("## Complete Migration Script");
  const std::size_t begin = heading == std::string::npos ? heading : text.find("```sql\n", heading);
  if (begin == std::string::npos) return text;
  return text.substr(begin + 7, text.find("```", begin + 7) - begin - 7);
}

/// Reads the big tables and holds them, as a report that somebody makes.
class Reader {
 public:
  Reader(const Database& database, std::chrono::milliseconds held) : session_(database.open()) {
    session_->execute("BEGIN");
    for (const char* table : kBigTables) session_->query(fmt::format("SELECT 1 FROM {} LIMIT 1", table));
    thread_ = std::jthread([this, held] {
      std::this_thread::sleep_for(held);
      session_->execute("COMMIT");
    });
  }

 private:
  std::unique_ptr<store::SchemaSession> session_;
  std::jthread thread_;
};

/// Those of the big tables and of four small ones; everything else is none of its business.
convert::Description few_tables(const Database& database) {
  convert::Description description = taken(convert::read_description("kick"));
  const auto is_wanted = [](const std::string& name) {
    constexpr std::string_view kSmall[] = {"gtb_sessions", "clips", "watchtime_roles", "pending_links",
                                           "oauth_notifications"};
    return std::ranges::find(kBigTables, name) != std::end(kBigTables) ||
           std::ranges::find(kSmall, name) != std::end(kSmall) || name == "servers";
  };
  std::erase_if(description.tables, [&](const auto& entry) { return !is_wanted(entry.first); });
  for (const auto& row : database.open()->query(
           "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace")) {
    convert::TableRule& rule = description.tables[row[0]];
    if (is_wanted(row[0])) continue;
    rule.table = row[0];
    rule.column = description.tenant_column;
    rule.table_class = convert::TableClass::global;
  }
  description.evidence.clear();
  description.reports.clear();
  // What the script does not make either.
  for (auto& [name, rule] : description.tables) rule.indexes.clear();
  description.tables.at("point_sales").table_class = convert::TableClass::tenant;
  description.tables.at("point_sales").parents.clear();
  return description;
}

class Converting {
 public:
  explicit Converting(const Request& request)
      : rows_(request.rows > 0             ? request.rows
              : request.size == Size::full ? 1'000'000
                                           : 20'000),
        is_large_(rows_ >= 1'000'000),
        script_(request.reference.empty() ? "" : script_in(std::string(request.reference))) {}

  Figures measure() {
    make();
    const Measured alone = alone_beside_plain();
    beside_bots();
    half_done(alone);
    if (!script_.empty()) beside_script(alone);
    whole_bot();
    return std::move(figures_);
  }

 private:
  void tell(const std::string& way, const Measured& one) const {
    progress(fmt::format(
        "convert: {}: {:.2f} s{}, log {:.0f} MB, tables {:.0f} -> {:.0f} MB, indexes {:.0f} -> {:.0f} MB"
        "{}",
        way, one.seconds, one.steps > 0 ? fmt::format(" ({:.2f} of steps)", one.steps) : "", one.log_mb,
        one.heap_before, one.heap_after, one.indexes_before, one.indexes_after,
        one.sent == 0
            ? ""
            : fmt::format("; of {} statements {} failed, {} were over 100 ms late, the longest {:.0f} ms",
                          one.sent + one.failed, one.failed, one.late, one.longest)));
  }

  void make() {
    progress(fmt::format("convert: a database of {} rows a table", rows_));
    all_.execute(
        test::script({.shape = test::OldKick::Shape::with_dashboard, .viewers = rows_, .nasty = false}));
    all_.open()->run("VACUUM (FREEZE, ANALYZE)");
    four_.emplace(all_.name());
    four_->execute(
        "DROP TABLE raffle_tickets, raffle_ticket_log, raffle_watchtime_converted, raffle_gifted_subs, "
        "raffle_shuffle_wagers, raffle_shuffle_links, gtb_guesses, gtb_winners, slot_requests, links "
        "CASCADE");
    description_ = few_tables(*four_);
  }

  Measured alone_beside_plain() {
    const Database converted(four_->name());
    const Measured ours = run_convert(converted, description_);
    tell("alone", ours);
    const Database plain(four_->name());
    const Measured limit = run_plain(plain, ours.indexes);
    tell("the plain build of its indexes", limit);
    const std::string note = fmt::format("apply and contract, nine tables, {} rows in each of four", rows_);
    figures_.push_back(figure("convert-steps", ours.steps, "s", "the plain build of the same indexes",
                              limit.seconds, is_large_ ? 2.5 : 15, "2 times at most of 1M", note));
    figures_.push_back(figure("convert-time", ours.seconds, "s", "the plain build of the same indexes",
                              limit.seconds, is_large_ ? 5 : 30, "",
                              "with the proof: every row read and hashed before and after"));
    figures_.push_back(figure("convert-log", ours.log_mb, "MB", "the plain build of the same indexes",
                              limit.log_mb, is_large_ ? 1.6 : 3, "1.6 times at most of 1M"));
    figures_.push_back(figure("convert-tables", ours.heap_after, "MB", "before", ours.heap_before, 1.02,
                              "no growth", "what the rows take"));
    return ours;
  }

  void beside_bots() {
    const Database busy(four_->name());
    const Measured ours = run_beside_bots(busy, description_, rows_);
    tell("beside the bots", ours);
    add_stall("convert-stall", ours,
              "the old bot, then the new one, each kind of statement 50 times a second");
    const Database blocked(four_->name());
    const Reader reader(blocked, 5s);
    const Measured late = run_beside_bots(blocked, description_, rows_);
    tell("with a reader of 5 s in the way", late);
    add_stall("convert-stall-reader", late, "a transaction that read the tables stays open for 5 s");
  }

  void add_stall(const std::string& name, const Measured& one, const std::string& note) {
    // Twice the timeout: that of two steps may follow each other.
    figures_.push_back(figure(name, one.longest, "ms", "what is promised: lock timeout + 100 ms",
                              kPromisedStall, 10, "1", note));
    figures_.push_back(figure(name + "-failed", static_cast<double>(one.failed + one.lost.size()),
                              "statements", "that were sent", static_cast<double>(one.sent), 0, "none",
                              one.lost.empty() ? "failed, lost or done twice" : one.lost.front()));
  }

  /// Columns of a first try: there, and empty.
  void half_done(const Measured& fresh) {
    const Database half(four_->name());
    for (const char* table : kBigTables)
      half.execute(fmt::format("ALTER TABLE {} ADD COLUMN discord_server_id bigint", table));
    const Measured ours = run_convert(half, description_);
    tell("columns that were there, and empty", ours);
    figures_.push_back(figure("convert-half-done", ours.seconds, "s", "a fresh one", fresh.seconds,
                              is_large_ ? 1.5 : 3, "1.3 times at most"));
  }

  void beside_script(const Measured& alone) {
    const Database quiet(four_->name());
    const Measured script = run_script(quiet, script_, std::nullopt);
    tell("the script", script);
    const Database busy(four_->name());
    const Measured stopped = run_script(busy, script_, rows_);
    tell("the script beside the old bot", stopped);
    const auto stall = std::ranges::find(figures_, "convert-stall", &Figure::name);
    figures_.push_back(figure("convert-script-steps", alone.steps, "s", "the script", script.seconds,
                              is_large_ ? 1.0 / 5 : 10, "1/6 at most of 1M"));
    figures_.push_back(figure("convert-script-time", alone.seconds, "s", "the script, which proves nothing",
                              script.seconds, is_large_ ? 1.0 / 2 : 10, ""));
    figures_.push_back(figure("convert-script-log", alone.log_mb, "MB", "the script", script.log_mb,
                              is_large_ ? 1.0 / 8 : 1, "1/8 at most of 1M"));
    figures_.push_back(figure("convert-script-stall", stall->value, "ms", "the script", stopped.longest,
                              is_large_ ? 1.0 / 300 : 2, "1/300 at most of 1M"));
  }

  /// The preset: every table, references between them, keys of their own and leaderboards.
  void whole_bot() {
    const auto kick = taken(convert::read_description("kick"));
    const Database converted(all_.name());
    const Measured ours = run_convert(converted, kick);
    tell("all tables, by the preset", ours);
    const Database plain(all_.name());
    const Measured limit = run_plain(plain, ours.indexes);
    tell("the plain build of its indexes", limit);
    figures_.push_back(figure("convert-kick-steps", ours.steps, "s", "the plain build of the same indexes",
                              limit.seconds, is_large_ ? 3 : 15, "2 times at most of 1M"));
    figures_.push_back(
        figure("convert-kick", ours.seconds, "s", "the plain build of the same indexes", limit.seconds,
               is_large_ ? 8 : 30, "",
               fmt::format("all tables with references and leaderboards, {} indexes", ours.indexes.size())));
  }

  std::int64_t rows_;
  bool is_large_;
  std::string script_;
  Database all_;
  std::optional<Database> four_;
  convert::Description description_;
  Figures figures_;
};

constexpr int kManyTables = 200;

/// Each with a key, two further indexes and a reference to the one before.
std::string many_tables() {
  std::string sql = "CREATE TABLE servers (discord_server_id bigint PRIMARY KEY);";
  for (int i = 0; i < kManyTables; ++i)
    sql += fmt::format(
        "CREATE TABLE t{0} (id serial PRIMARY KEY, name text NOT NULL UNIQUE, points integer DEFAULT 0, made "
        "timestamptz DEFAULT now(), note text, before integer{1}{2});"
        "CREATE INDEX t{0}_points ON t{0} (points);"
        "INSERT INTO t{0} (name) SELECT 'n' || n FROM generate_series(1, 100) n;",
        i, i == 0 ? "" : fmt::format(" REFERENCES t{}", i - 1),
        i % 2 == 0 ? ", discord_server_id bigint" : "");
  return sql;
}

Figures measure_looking() {
  progress(fmt::format("convert: inspect and plan with {} tables", kManyTables));
  const Database many;
  many.execute(many_tables());
  convert::Options options;
  options.server = kHome;
  options.description.emplace();
  options.description->tenant_column = "discord_server_id";
  options.description->zero = convert::Zero::home;
  options.description->registry = {.table = "servers", .column = "discord_server_id"};
  const auto session = many.open();
  auto begin = Clock::now();
  const auto look = taken(convert::look(*session, migrate::Dialect::postgres, options));
  const double looking = seconds_since(begin);
  begin = Clock::now();
  const auto plan = taken(convert::plan(*session, migrate::Dialect::postgres, options));
  const double planning = seconds_since(begin);
  if (look.scheme.tables.size() != kManyTables) throw std::runtime_error("convert: a table is not seen");
  const std::string reference = "what is promised";
  return {figure("convert-inspect-200", looking, "s", reference, 2, 1, "under 2 s", "200 tables"),
          figure("convert-plan-200", planning, "s", reference, 2, 1, "under 2 s",
                 fmt::format("200 tables, {} steps", plan.steps.size()))};
}

}  // namespace

Figures measure_convert(const Request& request) {
  need_postgres();
  Figures figures = Converting(request).measure();
  for (Figure& one : measure_looking()) figures.push_back(std::move(one));
  return figures;
}

}  // namespace guildhall::bench
