// The minute's tick, set-based through the cross-server door, beside the loop over viewers that it is
// instead of; with a file per server beside what the files themselves cost.
#include <fmt/format.h>

#include <stdexcept>

#include "bench/bench.h"
#include "bench/postgres_server.h"
#include "bench/raw_postgres.h"
#include "bench/raw_sqlite.h"
#include "bot/jobs.h"
#include "bot/ledger.h"
#include "tests/support/test_world.h"

namespace guildhall::bench {
namespace {

using store::NoRow;
using store::Statement;
using store::Tx;
using store::TxTask;

constexpr std::int64_t kServers = 1'000;
constexpr std::int64_t kViewers = 100;  // of each server
constexpr std::int64_t kFewViewers = 10;
/// The loop shows its pace on fewer.
constexpr std::int64_t kLoopServers = 50;
constexpr int kRowsPerViewer = 4;                // watch time, what is paid of it, balance, ledger
constexpr std::int64_t kPresent = 60'000'000;    // what each viewer's last message leaves to settle
constexpr std::int64_t kInterval = 300'000'000;  // what is paid for
/// What PostgreSQL does by itself after a while.
constexpr const char* kAnalyze =
    "ANALYZE servers, persons, presence, watchtime, watch_spans, watch_conditions, watch_settlements, "
    "point_conversions, balances, ledger";

struct PersonParams {
  PersonId person;
};
BOOST_DESCRIBE_STRUCT(PersonParams, (), (person))
struct PersonRow {
  PersonId person_id;
};
BOOST_DESCRIBE_STRUCT(PersonRow, (), (person_id))
struct MomentRow {
  TimePoint at;
};
BOOST_DESCRIBE_STRUCT(MomentRow, (), (at))
struct WatchedRow {
  std::int64_t watched_us = 0;
  std::int64_t paid_us = 0;
};
BOOST_DESCRIBE_STRUCT(WatchedRow, (), (watched_us, paid_us))
struct AmountParams {
  PersonId person;
  std::int64_t amount;
};
BOOST_DESCRIBE_STRUCT(AmountParams, (), (person, amount))

constexpr Statement<store::NoParams, PersonRow> kPresentPeople{
    "bench.present_people",
    "SELECT DISTINCT person_id FROM presence WHERE discord_server_id = :server ORDER BY person_id"};
constexpr Statement<PersonParams, MomentRow> kMoments{
    "bench.moments",
    "SELECT at FROM presence WHERE discord_server_id = :server AND person_id = :person ORDER BY at"};
constexpr Statement<PersonParams, WatchedRow> kWatched{
    "bench.watched",
    "SELECT w.watched_us, COALESCE(c.plain_us, 0) AS paid_us FROM watchtime w LEFT JOIN point_conversions c "
    "ON c.discord_server_id = :server AND c.person_id = w.person_id "
    "WHERE w.discord_server_id = :server AND w.person_id = :person"};
constexpr Statement<AmountParams, NoRow> kSetWatched{
    "bench.set_watched",
    "UPDATE watchtime SET watched_us = :amount WHERE discord_server_id = :server AND person_id = :person"};
constexpr Statement<AmountParams, NoRow> kSetPaid{
    "bench.set_paid",
    "INSERT INTO point_conversions (discord_server_id, person_id, plain_us, subscribed_us) "
    "VALUES (:server, :person, :amount, 0) ON CONFLICT (discord_server_id, person_id) DO UPDATE SET "
    "plain_us = excluded.plain_us"};

/// What a bot does that thinks of one viewer at a time; it knows nothing of spans and subscribers, so it
/// does less than the tick.
TxTask<void> settle_one(Tx& tx, PersonId person, TimePoint now) {
  const auto moments = co_await tx.all(kMoments, {person});
  const auto watched = co_await tx.one(kWatched, {person});
  const std::int64_t total = watched->watched_us + kPresent * static_cast<std::int64_t>(moments.size());
  co_await tx.change(kSetWatched, {person, total});
  const std::int64_t intervals = (total - watched->paid_us) / kInterval;
  if (intervals == 0) co_return;
  co_await tx.change(kSetPaid, {person, watched->paid_us + intervals * kInterval});
  bot::LedgerOperation operation{"watchtime:" + person.str(), "watchtime", "", "", {{person, intervals}}};
  const auto booked = co_await bot::apply(tx, bot::kPoints, std::move(operation), now);
  if (!booked) throw ErrorException(booked.error());
}

TxTask<void> settle_everybody(Tx& tx, TimePoint now) {
  const auto people = co_await tx.all(kPresentPeople);
  for (const PersonRow& person : people) co_await settle_one(tx, person.person_id, now);
}

/// Servers in the middle of a stream. Each viewer was paid before, wrote three minutes ago and is a few
/// seconds short of the next payment, so that this tick settles and pays for all of them.
std::string crowd(std::int64_t first, std::int64_t last, std::int64_t viewers, TimePoint now) {
  const std::int64_t at = to_micros(now);
  const std::string people = fmt::format(
      "WITH RECURSIVE s(s) AS (SELECT {} UNION ALL SELECT s + 1 FROM s WHERE s < {}), "
      "p(p) AS (SELECT 1 UNION ALL SELECT p + 1 FROM p WHERE p < {}) ",
      first, last, viewers);
  const auto per_server = [&](std::string_view into, const std::string& values) {
    return fmt::format("{}INSERT INTO {} SELECT s, {} FROM s;", people, into, values);
  };
  const auto per_viewer = [&](std::string_view into, const std::string& values) {
    return fmt::format("{}INSERT INTO {} SELECT s, p, {} FROM s, p;", people, into, values);
  };
  return "BEGIN;" + per_server("watch_spans", fmt::format("{}, {}", at - 3'600'000'000, at + 3'600'000'000)) +
         per_server("watch_conditions", fmt::format("'live', {}, NULL", at - 3'600'000'000)) +
         per_server("watch_settlements", fmt::format("{}", at - 1'800'000'000)) +
         per_viewer("persons", fmt::format("'Viewer ' || p, {}", at)) +
         per_viewer("watchtime", fmt::format("{}, 0, 0, 0", 2 * kInterval - 1'000'000)) +
         per_viewer("point_conversions", fmt::format("{}, 0", kInterval)) +
         per_viewer(
             "balances (discord_server_id, holder_id, unit, balance, total_credited, total_debited, "
             "entries, updated_at)",
             "'points', 1, 1, 0, 1, 0") +
         per_viewer(
             "ledger (discord_server_id, holder_id, unit, entry_no, amount, balance_after, kind, "
             "operation_id, line, reason, actor, created_at)",
             "'points', 1, 1, 1, 'watchtime', 'watchtime:' || p || ':0', 0, '', 'system', 0") +
         per_viewer("presence", fmt::format("{} + p, 0", at - 180'000'000)) + "COMMIT";
}

/// A world with the loop's statements and a crowd in it.
class Crowd {
 public:
  Crowd(std::int64_t servers, std::int64_t viewers, store::Layout layout)
      : world(layout), servers_(servers), viewers_(viewers) {
    world.declarations.statements.add("bench", kPresentPeople, kMoments, kWatched, kSetWatched, kSetPaid);
    const TimePoint now = world.clock.now();
    world.execute(
        fmt::format("WITH RECURSIVE s(s) AS (SELECT 1 UNION ALL SELECT s + 1 FROM s WHERE s < {}) "
                    "INSERT INTO servers SELECT s, 'Server ' || s, 'active', {}, NULL, 1 FROM s",
                    servers, to_micros(now)));
    const bool in_files = layout == store::Layout::sqlite_per_server;
    if (!in_files) world.execute(crowd(1, servers, viewers, now));
    if (layout == store::Layout::postgres) world.execute(kAnalyze);
    world.reopen();
    for (std::int64_t server = 1; in_files && server <= servers; ++server)
      world.execute(crowd(server, server, viewers, now), server);
  }

  /// Throws unless every viewer was paid once more.
  void expect_paid() const {
    const std::string paid = world.dump("SELECT count(*), sum(balance) FROM balances");
    const std::string wanted = fmt::format("{}|{}\n", servers_ * viewers_, 2 * servers_ * viewers_);
    if (paid != wanted) throw std::runtime_error("tick: not everybody was paid once: " + paid);
  }

  test::TestWorld world;

 private:
  std::int64_t servers_;
  std::int64_t viewers_;
};

double seconds_of(const std::function<void()>& work) {
  const auto begin = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

/// On a clock that goes on: a tick learns from the time that its first chunks take.
void run_due(test::TestWorld& world) {
  const ScaledClock clock(SystemClock().now(), world.clock.now(), 1);
  bot::TickRunner ticks(*world.tenancy, world.declarations, clock, world.metrics,
                        bot::chunks_at_once(world.place().layout));
  net::run_to_end(ticks.run_due());
}

/// Of a tick that is due and pays everybody, behind one that found nobody to pay: that opened and prepared.
double tick_seconds(Crowd& crowd) {
  crowd.world.clock.advance(-std::chrono::minutes(10));
  run_due(crowd.world);
  crowd.world.clock.advance(std::chrono::minutes(10));
  const double seconds = seconds_of([&] { run_due(crowd.world); });
  crowd.expect_paid();
  return seconds;
}

double tick_seconds(std::int64_t viewers, store::Layout layout) {
  Crowd crowd(kServers, viewers, layout);
  return tick_seconds(crowd);
}

/// Viewers per second through the product's own storage.
double loop_pace() {
  Crowd crowd(kLoopServers, kViewers, store::Layout::sqlite);
  const TimePoint now = crowd.world.clock.now();
  const double seconds = seconds_of([&] {
    for (std::int64_t server = 1; server <= kLoopServers; ++server)
      crowd.world.in(server, [now](Tx& tx) { return settle_everybody(tx, now); });
  });
  crowd.expect_paid();
  return static_cast<double>(kLoopServers * kViewers) / seconds;
}

/// The four rows of one viewer, as text each; it reads nothing, so it does less than the tick.
void pay_as_text(RawPostgres& database, std::int64_t server, std::int64_t person, std::int64_t now) {
  database.execute(
      fmt::format("UPDATE watchtime SET watched_us = watched_us + {}, updated_at = {} "
                  "WHERE discord_server_id = {} AND person_id = {}",
                  kPresent, now, server, person));
  database.execute(fmt::format(
      "INSERT INTO point_conversions (discord_server_id, person_id, plain_us, subscribed_us) "
      "VALUES ({}, {}, {}, 0) ON CONFLICT (discord_server_id, person_id) DO UPDATE SET plain_us = "
      "point_conversions.plain_us + excluded.plain_us",
      server, person, kInterval));
  database.execute(fmt::format(
      "INSERT INTO balances (discord_server_id, unit, holder_id, balance, total_credited, "
      "total_debited, entries, updated_at) VALUES ({}, 'points', {}, 1, 1, 0, 1, {}) "
      "ON CONFLICT (discord_server_id, unit, holder_id) DO UPDATE SET balance = balances.balance + "
      "1, total_credited = balances.total_credited + 1, entries = balances.entries + 1",
      server, person, now));
  database.execute(
      fmt::format("INSERT INTO ledger (discord_server_id, unit, holder_id, entry_no, amount, balance_after, "
                  "kind, operation_id, line, reason, actor, created_at) VALUES ({}, 'points', {}, 2, 1, 2, "
                  "'watchtime', 'watchtime:{}', 0, '', 'system', {})",
                  server, person, person, now));
}

/// Viewers per second, in one transaction, with the rights of the cross-server door.
double text_loop_pace() {
  Crowd crowd(kLoopServers, kViewers, store::Layout::postgres);
  const std::int64_t now = to_micros(crowd.world.clock.now());
  RawPostgres database(crowd.world.place().tick_url, "guildhall");
  const double seconds = seconds_of([&] {
    database.execute("BEGIN");
    for (std::int64_t server = 1; server <= kLoopServers; ++server) {
      for (std::int64_t person = 1; person <= kViewers; ++person) pay_as_text(database, server, person, now);
    }
    database.execute("COMMIT");
  });
  crowd.expect_paid();
  return static_cast<double>(kLoopServers * kViewers) / seconds;
}

/// Ticks of more and more viewers of a server, beside one loop whose pace does not depend on their number.
Figures ticks(const std::string& name, store::Layout layout, Size size, const std::string& loop,
              double pace) {
  struct Crowded {
    std::int64_t viewers;
    std::string name;
    double bound;
    std::string target;
  };
  const bool postgres = layout == store::Layout::postgres;
  std::vector<Crowded> sizes{{1, name + "-1k", 0.1, ""},
                             {kViewers, name, postgres ? 1.5 : 0.4, postgres ? ">= 4" : ">= 200k rows/s"}};
  if (size == Size::full)
    sizes.push_back(
        {1'000, name + "-1M", postgres ? 1.5 : 0.4, postgres ? ">= 100k rows/s" : ">= 200k rows/s"});
  Figures figures;
  for (const Crowded& crowded : sizes) {
    progress(fmt::format("{}: {} viewers in {} servers", crowded.name, kServers * crowded.viewers, kServers));
    const double tick = tick_seconds(crowded.viewers, layout);
    Figure figure;
    figure.name = crowded.name;
    figure.value = static_cast<double>(kServers * crowded.viewers) / tick;
    figure.unit = "viewers/s";
    figure.reference = loop;
    figure.reference_value = pace;
    figure.bound = crowded.bound;
    figure.target = crowded.target;
    figure.note = fmt::format("{:.0f} ms in all; everybody is paid, {:.0f} rows/s", tick * 1'000,
                              figure.value * kRowsPerViewer);
    figures.push_back(std::move(figure));
  }
  return figures;
}

Figure per_file(std::string name, double milliseconds, std::string reference, double reference_milliseconds,
                double bound, std::string target, std::string note) {
  Figure figure;
  figure.name = std::move(name);
  figure.value = milliseconds;
  figure.unit = "ms/server";
  figure.reference = std::move(reference);
  figure.reference_value = reference_milliseconds;
  figure.direction = Figure::Bound::at_most;
  figure.bound = bound;
  figure.target = std::move(target);
  figure.note = std::move(note);
  return figure;
}

}  // namespace

Figures measure_tick(Size size) {
  progress("tick: the loop over viewers");
  return ticks("tick", store::Layout::sqlite, size, "a loop over viewers", loop_pace());
}

Figures measure_tick_postgres(Size size) {
  need_postgres();
  progress("tick-postgres: the loop over viewers");
  return ticks("tick-postgres", store::Layout::postgres, size, "a loop over viewers, as text",
               text_loop_pace());
}

Figures measure_tick_files(Size) {
  constexpr double kPerSecond = 1'000 / static_cast<double>(kServers);
  progress("tick-files: 10,000 viewers in 1,000 servers, each with a file that is open");
  Crowd crowd(kServers, kFewViewers, store::Layout::sqlite_per_server);
  const double many = tick_seconds(crowd) * kPerSecond;
  progress("tick-files: the same rows into 1,000 files by SQLite alone");
  const double raw = raw_seconds_of_files({crowd.world.file_of(1),
                                           {"watchtime", "point_conversions", "balances", "ledger"},
                                           static_cast<std::size_t>(kServers)}) *
                     kPerSecond;
  progress("tick-files: the same in one file");
  const double one = tick_seconds(kFewViewers, store::Layout::sqlite) * kPerSecond;
  const std::string note = fmt::format("{} viewers of each, one commit for each server", kFewViewers);
  return {per_file("tick-files", many, "the same rows by SQLite alone, one commit a file", raw, 20,
                   "<= 1 ms/server", note),
          per_file("tick-files-one", many, "one file for all", one, 100, "", note)};
}

}  // namespace guildhall::bench
