#include "bot/leases.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "tests/support/test_world.h"

namespace guildhall::bot {
namespace {

using namespace std::chrono_literals;  // NOLINT
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;
using State = Leases::State;

class LeasesTest : public testing::Test {
 protected:
  Leases process(const std::string& holder, const std::string& predecessors = "") {
    return {world_.tenancy->global(), holder, predecessors, [this] { return now_; }};
  }
  static Lease look(Leases& leases) { return net::run_to_end(leases.look("work")).at(0); }
  static bool take(Leases& leases) { return net::run_to_end(leases.take(look(leases))).has_value(); }
  static auto beat(Leases& leases) { return net::run_to_end(leases.beat()); }

  test::TestWorld world_;
  std::chrono::steady_clock::time_point now_;
};

TEST_F(LeasesTest, WhatIsNobodysIsTakenByOneAndGoneOnFromWhatIsKept) {
  Leases one = process("one");
  Leases two = process("two");
  net::run_to_end(one.make("work", {"a", "b"}));
  net::run_to_end(two.make("work", {"b"}));
  const Lease seen = look(two);
  EXPECT_EQ(two.state_of(seen), State::free);
  EXPECT_EQ(net::run_to_end(one.take(look(one))), "");
  EXPECT_EQ(net::run_to_end(two.take(seen)), std::nullopt) << "somebody else was faster";
  EXPECT_EQ(one.state_of(look(one)), State::ours);
  EXPECT_EQ(two.state_of(look(two)), State::others);

  net::run_to_end(one.keep("work", "a", "half done"));
  net::run_to_end(two.keep("work", "a", "of one who has it not"));
  net::run_to_end(two.give_back("work", "a"));
  EXPECT_EQ(one.state_of(look(one)), State::ours);
  net::run_to_end(one.give_back("work", "a"));
  EXPECT_EQ(net::run_to_end(two.take(look(two))), "half done");
}

TEST_F(LeasesTest, WhoBeatsLivesAndWhoIsSilentIsTakenOver) {
  Leases one = process("one");
  Leases two = process("two");
  net::run_to_end(one.make("work", {"a"}));
  ASSERT_TRUE(take(one));
  for (int i = 0; i < 10; ++i) {
    now_ += Leases::kBeat;
    EXPECT_THAT(beat(one), ElementsAre(Pair("work", "a")));
    EXPECT_EQ(two.state_of(look(two)), State::others);
  }
  now_ += Leases::kSilence - 1s;
  EXPECT_EQ(two.state_of(look(two)), State::others);
  now_ += 1s;
  const Lease seen = look(two);
  EXPECT_EQ(two.state_of(seen), State::dead);
  // It was only slow.
  beat(one);
  EXPECT_EQ(net::run_to_end(two.take(seen)), std::nullopt);
  look(two);
  now_ += Leases::kSilence;
  EXPECT_TRUE(take(two));
  EXPECT_THAT(beat(one), IsEmpty());
  EXPECT_EQ(one.state_of(look(one)), State::others);
}

/// Silence counts from when it was first seen, not from when the process looks for the first time.
TEST_F(LeasesTest, WhoWasNeverLookedAtIsNotDead) {
  Leases one = process("one");
  net::run_to_end(one.make("work", {"a"}));
  ASSERT_TRUE(take(one));
  now_ += 1h;
  Leases two = process("two");
  EXPECT_EQ(two.state_of(look(two)), State::others);
}

TEST_F(LeasesTest, WhatAPredecessorHeldIsTakenAtOnce) {
  Leases one = process("everything 1", "everything ");
  net::run_to_end(one.make("work", {"a"}));
  ASSERT_TRUE(take(one));
  Leases beside = process("discord 1");
  EXPECT_EQ(beside.state_of(look(beside)), State::others);
  Leases next = process("everything 2", "everything ");
  EXPECT_EQ(next.state_of(look(next)), State::dead);
  EXPECT_TRUE(take(next));
  EXPECT_EQ(next.state_of(look(next)), State::ours);
}

TEST_F(LeasesTest, OnlyWhatIsAsItWasSeenIsRemoved) {
  Leases one = process("one");
  net::run_to_end(one.make("work", {"a"}));
  const Lease before = look(one);
  ASSERT_TRUE(take(one));
  net::run_to_end(one.remove(before));
  EXPECT_EQ(one.state_of(look(one)), State::ours);
  net::run_to_end(one.remove(look(one)));
  EXPECT_THAT(net::run_to_end(one.look("work")), IsEmpty());
}

TEST_F(LeasesTest, OfManyWhoWantItOneGetsIt) {
  net::run_to_end(process("maker").make("work", {"a"}));
  for (int round = 0; round < 5; ++round) {
    std::atomic<int> taken = 0;
    {
      std::vector<std::jthread> threads;
      for (int i = 0; i < 8; ++i) {
        threads.emplace_back([&, i] {
          Leases leases = process(fmt::format("{} {}", round, i));
          const Lease seen = look(leases);
          if (leases.state_of(seen) != State::free || !net::run_to_end(leases.take(seen))) return;
          ++taken;
        });
      }
    }
    EXPECT_EQ(taken, 1);
    Leases last = process(net::run_to_end(process("looks").look("work")).at(0).holder);
    net::run_to_end(last.give_back("work", "a"));
  }
}

}  // namespace
}  // namespace guildhall::bot
