// The minute's tick, set-based through the cross-server door, beside the loop over viewers that it is
// instead of.
#include <fmt/format.h>

#include <stdexcept>

#include "bench/bench.h"
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
constexpr std::int64_t kViewers = 100;
constexpr std::int64_t kFewViewers = 10;
/// The loop shows its pace on fewer.
constexpr std::int64_t kLoopServers = 50;
constexpr int kRowsPerViewer = 4;                // watch time, what is paid of it, balance, ledger
constexpr std::int64_t kPresent = 60'000'000;    // what each viewer's last message leaves to settle
constexpr std::int64_t kInterval = 300'000'000;  // what is paid for

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

/// Servers in the middle of a stream. Each viewer wrote three minutes ago and is a few seconds short of
/// the next payment, so that this tick settles and pays for all of them.
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
         per_server("watch_settlements", fmt::format("{}", at - 180'000'000)) +
         per_viewer("persons", fmt::format("'Viewer ' || p, {}", at)) +
         per_viewer("watchtime", fmt::format("{}, 0, 0, 0", kInterval - 1'000'000)) +
         per_viewer("presence", fmt::format("{} + p, 0", at - 180'000'000)) + "COMMIT";
}

/// A world with the loop's statements and a crowd in it.
class Crowd {
 public:
  Crowd(std::int64_t servers, std::int64_t viewers, store::Layout layout) : world(layout), viewers_(viewers) {
    world.declarations.statements.add("bench", kPresentPeople, kMoments, kWatched, kSetWatched, kSetPaid);
    const TimePoint now = world.clock.now();
    world.execute(
        fmt::format("WITH RECURSIVE s(s) AS (SELECT 1 UNION ALL SELECT s + 1 FROM s WHERE s < {}) "
                    "INSERT INTO servers SELECT s, 'Server ' || s, 'active', {}, NULL, 1 FROM s",
                    servers, to_micros(now)));
    if (world.place().layout == store::Layout::sqlite) world.execute(crowd(1, servers, viewers, now));
    world.reopen();
    if (world.place().layout == store::Layout::sqlite) return;
    for (std::int64_t server = 1; server <= servers; ++server)
      world.execute(crowd(server, server, viewers, now), server);
  }

  /// Throws unless every viewer was paid once.
  void expect_paid(std::int64_t servers) const {
    const std::string paid = world.dump("SELECT count(*), sum(balance) FROM balances");
    const std::string wanted = fmt::format("{}|{}\n", servers * viewers_, servers * viewers_);
    if (paid != wanted) throw std::runtime_error("tick: not everybody was paid once: " + paid);
  }

  test::TestWorld world;

 private:
  std::int64_t viewers_;
};

constexpr auto kOneFile = store::Layout::sqlite;
constexpr auto kManyFiles = store::Layout::sqlite_per_server;

double seconds_of(const std::function<void()>& work) {
  const auto begin = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

double tick_seconds(std::int64_t viewers, store::Layout layout, bool is_first) {
  Crowd crowd(kServers, viewers, layout);
  bot::TickRunner ticks(*crowd.world.tenancy, crowd.world.declarations, crowd.world.clock,
                        crowd.world.metrics);
  if (!is_first) {
    // A tick before anything is to be settled: it opens and prepares.
    crowd.world.clock.advance(-std::chrono::minutes(10));
    net::run_to_end(ticks.run_due());
    crowd.world.clock.advance(std::chrono::minutes(10));
  }
  const double seconds = seconds_of([&] { net::run_to_end(ticks.run_due()); });
  crowd.expect_paid(kServers);
  return seconds;
}

double loop_seconds() {
  Crowd crowd(kLoopServers, kViewers, kOneFile);
  const TimePoint now = crowd.world.clock.now();
  const double seconds = seconds_of([&] {
    for (std::int64_t server = 1; server <= kLoopServers; ++server)
      crowd.world.in(server, [now](Tx& tx) { return settle_everybody(tx, now); });
  });
  crowd.expect_paid(kLoopServers);
  return seconds;
}

}  // namespace

Figure measure_tick() {
  progress("tick: 100,000 viewers in 1,000 servers");
  const double tick = tick_seconds(kViewers, kOneFile, true);
  progress("tick: the loop over viewers");
  const double loop = loop_seconds();
  Figure figure;
  figure.name = "tick";
  figure.value = static_cast<double>(kServers * kViewers) / tick;
  figure.unit = "viewers/s";
  figure.reference = "a loop over viewers";
  figure.reference_value = static_cast<double>(kLoopServers * kViewers) / loop;
  figure.bound = 0.4;
  figure.note = fmt::format("{:.0f} ms in all; everybody is paid, {:.0f} rows/s", tick * 1'000,
                            figure.value * kRowsPerViewer);
  return figure;
}

Figure measure_tick_files() {
  progress("tick-files: 10,000 viewers in 1,000 servers, each with a file that is open");
  const double many = tick_seconds(kFewViewers, kManyFiles, false);
  progress("tick-files: the same in one file");
  const double one = tick_seconds(kFewViewers, kOneFile, false);
  Figure figure;
  figure.name = "tick-files";
  figure.value = many * 1'000 / static_cast<double>(kServers);
  figure.unit = "ms/server";
  figure.reference = "one file for all";
  figure.reference_value = one * 1'000 / static_cast<double>(kServers);
  figure.direction = Figure::Bound::at_most;
  figure.bound = 100;
  figure.note = "one commit for each server instead of five in all";
  return figure;
}

}  // namespace guildhall::bench
