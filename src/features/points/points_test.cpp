// What is paid for watch time when two identities become one person and when they part again.
#include "features/points/points.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "bot/jobs.h"
#include "bot/ledger.h"
#include "tests/support/test_world.h"

namespace guildhall::features::points {
namespace {

using namespace std::chrono_literals;

constexpr std::int64_t kMember = 555;

/// A viewer whose watch time the test gives; each tick pays whole intervals of five minutes with 1 point.
class Pay : public testing::Test {
 protected:
  Pay() {
    viewer_ = world_.in(1, [&](store::Tx& tx) {
      return bot::person_of(tx, {bot::kKick, "7", "Nightowl_7"}, world_.clock.now());
    });
  }

  /// So many more seconds, settled and paid for by a tick of that moment.
  void watch(PersonId person, int seconds, int subscribed = 0) {
    world_.clock.advance(1min);
    const std::string text = fmt::format(
        "INSERT INTO watchtime VALUES (1, {0}, {1}000000, {2}000000, 0, {3}) ON CONFLICT (discord_server_id, "
        "person_id) "
        "DO UPDATE SET watched_us = watchtime.watched_us + {1}000000, "
        "subscribed_us = watchtime.subscribed_us + {2}000000, updated_at = {3}",
        person.str(), seconds, subscribed, to_micros(world_.clock.now()));
    world_.execute(text, 1);
    tick();
  }
  void tick() { net::run_to_end(ticks_.run_due()); }

  PersonId link() {
    const bot::LinkRequest request{DiscordUserId(kMember), bot::kKick, "Nightowl_7"};
    return world_
        .in(1,
            [&](store::Tx& tx) {
              return bot::link_member(tx, world_.declarations.on_move, request, {"operator", "command_line"},
                                      world_.clock.now());
            })
        ->person;
  }
  void unlink() {
    const auto undone = world_.in(1, [&](store::Tx& tx) {
      return bot::unlink_member(tx, world_.declarations.on_move, DiscordUserId(kMember), bot::kKick,
                                {"operator", "command_line"}, world_.clock.now());
    });
    ASSERT_TRUE(undone);
  }
  std::int64_t points(PersonId person) {
    return world_.in(1, [&](store::Tx& tx) { return bot::balance_of(tx, bot::kPoints, person); }).balance;
  }

  test::TestWorld world_;
  bot::TickRunner ticks_{*world_.tenancy, world_.declarations, world_.clock, world_.metrics};
  PersonId viewer_;
};

TEST_F(Pay, WhatWasPaidBeforeALinkIsNotPaidAgainAfterIt) {
  watch(viewer_, 700);
  ASSERT_EQ(points(viewer_), 2);
  const PersonId member = link();
  world_.clock.advance(1min);
  tick();
  EXPECT_EQ(points(member), 2);
  watch(member, 200);  // 900 in all
  EXPECT_EQ(points(member), 3) << "the begun interval came along";
}

TEST_F(Pay, WhatWasPaidWhileLinkedIsNotPaidAgainAfterTheParting) {
  watch(viewer_, 700);
  const PersonId member = link();
  watch(member, 600);  // 1,300 in all: 4 points
  ASSERT_EQ(points(member), 4);
  unlink();
  world_.clock.advance(1min);
  tick();
  EXPECT_EQ(points(viewer_), 2);
  EXPECT_EQ(points(member), 2);
  watch(viewer_, 1);
  watch(member, 1);
  EXPECT_EQ(points(viewer_) + points(member), 4) << "the same minutes were paid twice";
  EXPECT_EQ(world_.in(1, [](store::Tx& tx) { return bot::count_ledger_mismatches(tx); }), 0);
}

TEST_F(Pay, ALinkMadeAndUndoneAgainAndAgainEarnsNothing) {
  watch(viewer_, 3'100, 1'300);  // 6 plain intervals, 4 as a subscriber at 2
  const std::int64_t before = points(viewer_);
  ASSERT_EQ(before, 6 + 4 * 2);
  for (int i = 0; i < 5; ++i) {
    const PersonId member = link();
    watch(member, 0);
    unlink();
    watch(viewer_, 0);
    EXPECT_EQ(points(viewer_), before) << i;
    EXPECT_EQ(points(member), 0) << i;
  }
}

TEST_F(Pay, TwoPeoplesMinutesAddUpInALink) {
  watch(viewer_, 200);
  const PersonId member = link();
  unlink();
  watch(member, 200);
  ASSERT_EQ(points(viewer_) + points(member), 0);
  link();
  watch(member, 0);
  EXPECT_EQ(points(member), 1) << "200 and 200 seconds are one interval";
}

}  // namespace
}  // namespace guildhall::features::points
