#include "bot/jobs.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>
#include <mutex>
#include <set>

#include "bot/ledger.h"
#include "tests/support/test_world.h"

namespace guildhall::bot {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::SizeIs;

/// Ticks with a last stage of the test's own, which fails for the servers that it is told to fail for.
class Ticks : public testing::Test {
 protected:
  Ticks() {
    world_.declarations.minute_stages.push_back(
        [this](store::CrossTx&, const TickChunk& chunk) -> store::TxTask<void> {
          const std::scoped_lock lock(mutex_);
          chunks_.push_back({chunk.first, chunk.last});
          const auto servers = world_.place().layout == store::Layout::sqlite_per_server
                                   ? 1
                                   : chunk.last.value() - chunk.first.value() + 1;
          world_.clock.advance(takes_ * servers);
          for (const ServerId server : failing_) {
            if (chunk.first <= server && server <= chunk.last) throw std::runtime_error("told to fail");
          }
          co_return;
        });
    ticks_.on_ticked([this](const std::vector<ServerId>& servers) {
      for (const ServerId server : servers) ticked_.insert(server);
      sizes_.push_back(servers.size());
    });
  }

  void add_servers(int count) {
    execute(
        fmt::format("WITH RECURSIVE s(s) AS (SELECT 1 UNION ALL SELECT s + 1 FROM s WHERE s < {}) "
                    "INSERT INTO servers SELECT s, 'S', 'active', 0, NULL, 1 FROM s",
                    count));
    net::run_to_end(world_.tenancy->load());
  }
  /// The same, and there is something of each to settle.
  void add_busy_servers(int count) {
    add_servers(count);
    for (int server = 1; server <= count; ++server) world_.touch(server);
  }
  void execute(const std::string& sql) { world_.execute(sql); }
  std::size_t run() {
    chunks_.clear();
    ticked_.clear();
    sizes_.clear();
    return net::run_to_end(ticks_.run_due());
  }
  std::size_t run_at(TimePoint at) {
    world_.clock.set(at);
    return run();
  }
  std::string job(std::string columns, std::int64_t server) {
    return world_.dump(fmt::format("SELECT {} FROM jobs WHERE discord_server_id = {}", columns, server));
  }

  test::TestWorld world_;
  std::set<ServerId> failing_;
  std::mutex mutex_;                                   // chunks that run at once are on several threads
  Duration takes_{0};                                  // of each server in a chunk
  std::vector<std::pair<ServerId, ServerId>> chunks_;  // that were begun
  std::multiset<ServerId> ticked_;                     // that were committed
  std::vector<std::size_t> sizes_;
  TickRunner ticks_{*world_.tenancy, world_.declarations, world_.clock, world_.metrics};
  TimePoint start_ = world_.clock.now();
};

TEST_F(Ticks, AreDueOnceAMinute) {
  add_servers(3);
  EXPECT_EQ(run(), 3U);
  EXPECT_EQ(run(), 0U);
  EXPECT_EQ(run_at(start_ + 59s), 0U);
  EXPECT_EQ(run_at(start_ + 60s), 3U);
  EXPECT_THAT(ticked_, ElementsAre(ServerId(1), ServerId(2), ServerId(3)));
}

TEST_F(Ticks, PassOverServersThatWereLeft) {
  add_servers(3);
  net::run_to_end(world_.tenancy->servers().left(ServerId(2), world_.clock.now()));
  EXPECT_EQ(run(), 2U);
  EXPECT_THAT(ticked_, ElementsAre(ServerId(1), ServerId(3)));
  for (const auto& [first, last] : chunks_) EXPECT_EQ(first, last) << "a chunk reached over a left server";
}

TEST_F(Ticks, ManyServersAreCutIntoChunks) {
  add_servers(450);
  EXPECT_EQ(run(), 450U);
  EXPECT_EQ(ticked_.size(), 450U);
  EXPECT_THAT(sizes_, ElementsAre(25U, 100U, 200U, 125U)) << "carefully at first";
  run_at(start_ + 60s);
  EXPECT_THAT(sizes_, ElementsAre(200U, 200U, 50U));
}

TEST_F(Ticks, ServersWithMuchToDoAreCutIntoSmallChunks) {
  add_busy_servers(60);
  takes_ = 20ms;
  run();
  EXPECT_THAT(sizes_, ElementsAre(25U, 12U, 12U, 11U)) << "a quarter of a second, once it is known";
  run_at(start_ + 120s);
  EXPECT_THAT(sizes_, ElementsAre(12U, 12U, 12U, 12U, 12U));
  takes_ = 1s;
  run_at(start_ + 240s);
  EXPECT_EQ(sizes_.front(), 12U);
  EXPECT_THAT(sizes_, SizeIs(49)) << "then one by one";
  takes_ = 0ms;
  run_at(start_ + 600s);
  EXPECT_THAT(sizes_, ElementsAre(1U, 4U, 16U, 39U)) << "and more again";
}

TEST_F(Ticks, AServerThatFailsIsSetAsideAndTheOthersGoOn) {
  add_busy_servers(16);
  failing_ = {ServerId(11)};
  run();
  EXPECT_EQ(ticked_.size(), 15U);
  EXPECT_EQ(std::set<ServerId>(ticked_.begin(), ticked_.end()).size(), 15U) << "a server was ticked twice";
  EXPECT_FALSE(ticked_.contains(ServerId(11)));
  const std::set<std::pair<ServerId, ServerId>> tries(chunks_.begin(), chunks_.end());
  EXPECT_LE(tries.size(), 9U) << "more tries than halving takes";
  EXPECT_EQ(job("attempts, last_error, last_success_at", 11), "1|told to fail|\n");
  EXPECT_EQ(job("attempts, last_error", 10), "0|\n");
}

TEST_F(Ticks, SeveralChunksAtOnceTickEachServerOnce) {
  add_busy_servers(60);
  failing_ = {ServerId(11), ServerId(40)};
  TickRunner several(*world_.tenancy, world_.declarations, world_.clock, world_.metrics, 3);
  std::multiset<ServerId> ticked;
  several.on_ticked(
      [&](const std::vector<ServerId>& servers) { ticked.insert(servers.begin(), servers.end()); });
  EXPECT_EQ(net::run_to_end(several.run_due()), 60U);
  EXPECT_EQ(ticked.size(), 58U);
  EXPECT_EQ(std::set<ServerId>(ticked.begin(), ticked.end()).size(), 58U) << "a server was ticked twice";
  EXPECT_EQ(job("attempts, last_error", 11), "1|told to fail\n");
  EXPECT_EQ(job("attempts, last_error", 40), "1|told to fail\n");
  EXPECT_EQ(net::run_to_end(several.run_due()), 0U);
}

/// A tick locks all servers of its range, and they wait behind it: it may not wait long for a busy one.
TEST_F(Ticks, AServerThatIsHeldInPostgresIsSetAsideAndHoldsUpNobody) {
  add_busy_servers(4);
  const auto held = world_.database->hold_writer(3);
  auto ticking = std::async(std::launch::async, [&] { run(); });
  while (
      world_.dump("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted AND database = "
                  "(SELECT oid FROM pg_database WHERE datname = current_database())") == "0\n") {
    if (ticking.wait_for(1ms) == std::future_status::ready) break;
  }
  auto writing = std::async(std::launch::async, [&] {
    world_.in(4, [&](store::Tx& tx) { return person_of(tx, {"kick", "1", "Owl"}, world_.clock.now()); });
  });
  EXPECT_EQ(writing.wait_for(15s), std::future_status::ready) << "waits for a server that is not its own";
  ticking.get();
  EXPECT_THAT(ticked_, testing::UnorderedElementsAre(ServerId(1), ServerId(2), ServerId(4)));
  EXPECT_THAT(job("last_error", 3), testing::HasSubstr("lock timeout"));
}

TEST_F(Ticks, OfAServerThatFailsNothingRemains) {
  add_busy_servers(2);
  failing_ = {ServerId(2)};
  run();
  // watchtime's stage, which comes before, marks how far a server is settled.
  EXPECT_EQ(world_.dump("SELECT discord_server_id FROM watch_settlements"), "1\n");
}

TEST_F(Ticks, AServerThatWasSetAsideIsTriedAgainLaterAndLater) {
  add_busy_servers(2);
  failing_ = {ServerId(2)};
  std::vector<Duration> pauses;
  TimePoint last = start_;
  for (TimePoint at = start_; at < start_ + 90min && pauses.size() < 4; at += 60s) {
    run_at(at);
    const bool tried = std::any_of(chunks_.begin(), chunks_.end(),
                                   [](const auto& chunk) { return chunk.second == ServerId(2); });
    EXPECT_TRUE(ticked_.contains(ServerId(1))) << "the healthy one is held up";
    if (tried && at != start_) pauses.push_back(at - std::exchange(last, at));
  }
  ASSERT_THAT(pauses, SizeIs(4));
  EXPECT_TRUE(std::is_sorted(pauses.begin(), pauses.end()));
  EXPECT_LT(pauses.front(), pauses.back());

  failing_.clear();
  run_at(last + 31min);
  EXPECT_TRUE(ticked_.contains(ServerId(2)));
  EXPECT_EQ(job("attempts, last_error", 2), "0|\n");
}

TEST_F(Ticks, WhatADeadProcessHadClaimedIsClaimedWhenItsLeaseEnds) {
  add_servers(1);
  execute(fmt::format("INSERT INTO jobs VALUES (1, 'minute', {}, {}, 0, NULL, NULL)", to_micros(start_),
                      to_micros(start_ + 5min)));
  EXPECT_EQ(run(), 0U);
  EXPECT_EQ(run_at(start_ + 5min), 1U);
}

/// Everything is paid from watch time, so the sums of both show whether anything came twice.
TEST_F(Ticks, AClockThatJumpsBackAnHourTakesNothingAndPaysNothingTwice) {
  add_servers(1);
  const std::int64_t at = to_micros(start_);
  world_.execute(fmt::format("INSERT INTO persons VALUES (1, 1, 'Owl', 0);"
                             "INSERT INTO watch_spans VALUES (1, {}, {});"
                             "INSERT INTO watch_conditions VALUES (1, 'live', {}, NULL);"
                             "INSERT INTO watchtime VALUES (1, 1, 299000000, 0, 0, 0);"
                             "INSERT INTO presence VALUES (1, 1, {}, 0)",
                             at - 3'600'000'000, at + 36'000'000'000, at - 3'600'000'000, at - 240'000'000),
                 1);
  const auto sums = [&] {
    return world_.dump("SELECT watched_us / 1000000, balance FROM watchtime JOIN balances ON holder_id = 1");
  };
  EXPECT_EQ(run(), 1U);
  const std::string before = sums();
  EXPECT_EQ(before, "419|1\n");
  EXPECT_EQ(run_at(start_ - 1h), 1U) << "what was due in the lost hour is due now";
  EXPECT_EQ(sums(), before);
  for (TimePoint later = start_ - 59min; later <= start_ + 5min; later += 1min) run_at(later);
  EXPECT_EQ(sums(), before);
  EXPECT_EQ(world_.in(1, [](store::Tx& tx) { return count_ledger_mismatches(tx); }), 0);
}

}  // namespace
}  // namespace guildhall::bot
