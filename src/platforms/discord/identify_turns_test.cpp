#include "platforms/discord/identify_turns.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "platforms/discord/scripted.h"

namespace guildhall::discord {
namespace {

using namespace std::chrono_literals;  // NOLINT
using testing::ElementsAre;
using testing::IsEmpty;

/// What several processes would share.
class SharedRecord final : public IdentifyRecord {
 public:
  Task<Claim> claim(int key) override {
    if (broken) throw std::runtime_error("no database");
    if (elsewhere.contains(key)) co_return Claim::taken;
    held.insert(key);
    co_return inherited ? Claim::inherited : Claim::ours;
  }
  Task<void> release(int key) override {
    if (broken) throw std::runtime_error("no database");
    held.erase(key);
    co_return;
  }
  Task<std::optional<IdentifyBudget>> budget() override { co_return kept; }
  Task<void> write(IdentifyBudget budget) override {
    kept = budget;
    co_return;
  }

  std::optional<IdentifyBudget> kept;
  std::set<int> elsewhere;  // keys of which it is another process's turn
  std::set<int> held;
  bool inherited = false;
  bool broken = false;
};

struct IdentifyTurnsTest : testing::Test, TestLoop {
  std::shared_ptr<SharedRecord> record = std::make_shared<SharedRecord>();
  std::shared_ptr<IdentifyTurns> turns = std::make_shared<IdentifyTurns>(loop, timing, record);
  const SteadyTime began = timing->now();
  std::vector<int> order;
  std::map<int, std::chrono::nanoseconds> at;  // by shard: when it identified

  /// A shard that identifies as soon as it may, and is done a moment later.
  Task<bool> identify(int shard, int key, std::chrono::nanoseconds takes = 0s) {
    auto turn = co_await IdentifyTurns::take(turns, key);
    if (!turn) co_return false;
    boost::asio::steady_timer timer(loop);
    co_await timing->wait(timer, timing->now() + takes);
    order.push_back(shard);
    at[shard] = timing->now() - began;
    co_await turn->use(std::nullopt);
    co_return true;
  }
  /// One that takes its turn and then finds that it cannot use it.
  Task<bool> give_up(int key) {
    const auto turn = co_await IdentifyTurns::take(turns, key);
    co_return turn.has_value();
  }
};

TEST_F(IdentifyTurnsTest, ShardsOfOneKeyAreFiveSecondsApartInTheOrderOfTheirAsking) {
  for (int shard = 0; shard < 4; ++shard) start(identify(shard, 0, shard == 0 ? 2s : 0s));
  advance(30s);
  EXPECT_THAT(order, ElementsAre(0, 1, 2, 3));
  EXPECT_EQ(at[0], 2s);
  EXPECT_EQ(at[1], 7500ms);
  EXPECT_EQ(at[2], 13s);
  EXPECT_EQ(at[3], 18500ms);
  EXPECT_THAT(record->held, IsEmpty());
}

TEST_F(IdentifyTurnsTest, KeysDoNotWaitForEachOther) {
  for (int shard = 0; shard < 4; ++shard) start(identify(shard, shard % 2));
  advance(0s);
  EXPECT_THAT(order, ElementsAre(0, 1));
  advance(6s);
  EXPECT_THAT(order, ElementsAre(0, 1, 2, 3));
}

TEST_F(IdentifyTurnsTest, ATurnThatWasNotUsedHoldsNobodyUp) {
  start(give_up(0));
  start(identify(1, 0));
  advance(0s);
  EXPECT_THAT(order, ElementsAre(1));
}

TEST_F(IdentifyTurnsTest, AnotherProcessIsWaitedFor) {
  record->elsewhere = {0};
  start(identify(1, 0));
  advance(12s);
  EXPECT_THAT(order, IsEmpty());
  record->elsewhere.clear();
  advance(1s);
  EXPECT_THAT(order, ElementsAre(1));
  EXPECT_THAT(record->held, ElementsAre(0));
  advance(6s);
  EXPECT_THAT(record->held, IsEmpty());
}

/// It may have identified just before it died.
TEST_F(IdentifyTurnsTest, BehindADeadProcessTheSpacingIsKept) {
  record->inherited = true;
  start(identify(1, 0));
  advance(5s);
  EXPECT_THAT(order, IsEmpty());
  advance(1s);
  EXPECT_THAT(order, ElementsAre(1));
}

TEST_F(IdentifyTurnsTest, ATurnThatCannotBeGivenBackIsGivenBackLater) {
  start(identify(0, 0));
  record->broken = true;
  advance(10s);
  EXPECT_THAT(record->held, ElementsAre(0));
  record->broken = false;
  advance(1s);
  EXPECT_THAT(record->held, IsEmpty());
  start(identify(1, 0));
  advance(0s);
  EXPECT_THAT(order, ElementsAre(0, 1));
}

TEST_F(IdentifyTurnsTest, WithoutItsRecordNobodyIdentifiesAndTheLineGoesOn) {
  record->broken = true;
  const auto first = start(identify(0, 0));
  const auto second = start(identify(1, 0));
  advance(1s);
  EXPECT_EQ(*first, false);
  EXPECT_EQ(*second, false);
  record->broken = false;
  start(identify(2, 0));
  advance(0s);
  EXPECT_THAT(order, ElementsAre(2));
}

TEST_F(IdentifyTurnsTest, WhatIsLeftOfTheBudgetIsKnownToTheNextOne) {
  for (const auto& kept : {std::shared_ptr<IdentifyRecord>(record), std::shared_ptr<IdentifyRecord>()}) {
    turns = std::make_shared<IdentifyTurns>(loop, timing, kept);
    const IdentifyBudget left{1000, 77, timing->wall() + 1h};
    start([](std::shared_ptr<IdentifyTurns> in, IdentifyBudget budget) -> Task<bool> {
      auto turn = co_await IdentifyTurns::take(in, 0);
      co_await turn->use(budget);
      co_return true;
    }(turns, left));
    advance(6s);
    const auto next = start([](std::shared_ptr<IdentifyTurns> in) -> Task<std::optional<IdentifyBudget>> {
      const auto turn = co_await IdentifyTurns::take(in, 0);
      co_return turn->budget();
    }(turns));
    EXPECT_EQ(next->value(), left);
    advance(5s);
  }
}

TEST(IdentifyBudgetTest, WhatOthersSpentMeanwhileIsNotForgotten) {
  const TimePoint reset = from_micros(60'000'000'000);
  const IdentifyBudget left{1000, 99, reset};
  EXPECT_EQ(spent(std::nullopt, left).left, 99);
  EXPECT_EQ(spent(IdentifyBudget{1000, 100, reset}, left).left, 99);
  EXPECT_EQ(spent(IdentifyBudget{1000, 99, reset + 30s}, left).left, 98);
  EXPECT_EQ(spent(IdentifyBudget{1000, 200, reset}, left).left, 99) << "Discord knows best";
  EXPECT_EQ(spent(IdentifyBudget{1000, 3, reset - 24h}, left).left, 99) << "that was another day's";
}

TEST(IdentifyBudgetTest, IsAsItWasWrittenDown) {
  const IdentifyBudget budget{1000, 7, from_micros(5)};
  EXPECT_EQ(read_budget(write_budget(budget)), budget);
  EXPECT_EQ(read_budget("{}"), std::nullopt);
  EXPECT_EQ(read_budget("nonsense"), std::nullopt);
}

TEST(IdentifyBudgetTest, BeginsAnewAfterItsReset) {
  IdentifyBudget budget{1000, 51, from_micros(1'000)};
  EXPECT_FALSE(budget.exhausted(from_micros(0)));
  budget.spend(from_micros(0));
  EXPECT_TRUE(budget.exhausted(from_micros(0)));
  EXPECT_FALSE(budget.exhausted(from_micros(1'000)));
  budget.spend(from_micros(1'000));
  EXPECT_EQ(budget.left, 999);
}

}  // namespace
}  // namespace guildhall::discord
