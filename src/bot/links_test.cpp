#include "bot/links.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "bot/feature.h"
#include "bot/ledger.h"
#include "tests/support/test_world.h"

namespace guildhall::bot {
namespace {

using testing::HasSubstr;

class Links : public testing::Test {
 protected:
  PersonId viewer(std::string id, std::string name, std::int64_t server = 1) {
    return world_.in(server,
                     [&](store::Tx& tx) { return person_of(tx, {kKick, id, name}, world_.clock.now()); });
  }
  void earn(PersonId person, std::int64_t points, std::int64_t minutes) {
    world_.in(1, [&](store::Tx& tx) -> store::TxTask<void> {
      LedgerOperation operation{
          "earn:" + person.str() + ":" + std::to_string(++operations_), "test", "", "t", {{person, points}}};
      co_await apply(tx, kPoints, std::move(operation), world_.clock.now());
    });
    world_.execute("INSERT INTO watchtime VALUES (1, " + person.str() + ", " +
                       std::to_string(minutes * 60'000'000) + ", 0, 0, 0)",
                   1);
  }
  Result<LinkOutcome> link(std::int64_t member, std::string name, std::int64_t server = 1) {
    const LinkRequest request{DiscordUserId(member), kKick, std::move(name)};
    return world_.in(server, [&](store::Tx& tx) {
      return link_member(tx, world_.declarations.on_move, request, {"operator", "command_line"},
                         world_.clock.now());
    });
  }
  Result<LinkOutcome> unlink(std::int64_t member) {
    return world_.in(1, [&](store::Tx& tx) {
      return unlink_member(tx, world_.declarations.on_move, DiscordUserId(member), kKick,
                           {"operator", "command_line"}, world_.clock.now());
    });
  }
  std::int64_t balance(PersonId person) {
    return world_.in(1, [&](store::Tx& tx) { return balance_of(tx, kPoints, person); }).balance;
  }
  std::string minutes(PersonId person) {
    return world_.dump(
        "SELECT watched_us / 60000000 FROM watchtime WHERE discord_server_id = 1 AND person_id = " +
        person.str());
  }
  std::int64_t mismatches() {
    return world_.in(1, [](store::Tx& tx) { return count_ledger_mismatches(tx); });
  }

  test::TestWorld world_;
  int operations_ = 0;
};

TEST_F(Links, MoveWhatTheViewerHadAndBringItBack) {
  const PersonId own = viewer("7", "Nightowl_7");
  earn(own, 100, 30);
  const auto linked = link(555, "nightowl_7");
  ASSERT_TRUE(linked);
  EXPECT_EQ(linked->points, 100);
  EXPECT_EQ(balance(own), 0);
  EXPECT_EQ(balance(linked->person), 100);
  EXPECT_EQ(minutes(linked->person), "30\n");
  EXPECT_EQ(viewer("7", "Nightowl_7"), linked->person) << "the viewer now is the member's person";

  const auto undone = unlink(555);
  ASSERT_TRUE(undone);
  EXPECT_EQ(balance(own), 100);
  EXPECT_EQ(balance(linked->person), 0);
  EXPECT_EQ(minutes(own), "30\n");
  EXPECT_EQ(viewer("7", "Nightowl_7"), own);
  EXPECT_EQ(mismatches(), 0);
  EXPECT_EQ(world_.dump("SELECT action, subject, before, after FROM audit_log ORDER BY entry_id"),
            "member.link|555||kick Nightowl_7\nmember.unlink|555|kick Nightowl_7|\n");
}

TEST_F(Links, WhatWasSpentDoesNotComeBack) {
  const PersonId own = viewer("7", "Nightowl_7");
  earn(own, 100, 0);
  const auto linked = link(555, "Nightowl_7");
  world_.in(1, [&](store::Tx& tx) {
    return apply(tx, kPoints, {"spend", "test", "", "t", {{linked->person, -70}}}, world_.clock.now());
  });
  EXPECT_EQ(unlink(555)->points, 30);
  EXPECT_EQ(balance(own), 30);
  EXPECT_EQ(balance(linked->person), 0);
  EXPECT_EQ(mismatches(), 0);
}

TEST_F(Links, AViewerHasOneMemberAndAMemberOneViewer) {
  viewer("7", "Nightowl_7");
  viewer("8", "Owl");
  ASSERT_TRUE(link(555, "Nightowl_7"));
  EXPECT_EQ(link(556, "Nightowl_7").error().code, ErrorCode::conflict);
  EXPECT_EQ(link(555, "Owl").error().code, ErrorCode::conflict);
  EXPECT_EQ(link(555, "  ").error().code, ErrorCode::invalid);
  EXPECT_EQ(unlink(999).error().code, ErrorCode::not_found);
  EXPECT_EQ(world_.dump("SELECT count(*) FROM identities WHERE platform_user_id = '556'"), "0\n")
      << "a refused link makes nobody";
  ASSERT_TRUE(unlink(555));
  EXPECT_TRUE(link(556, "Nightowl_7"));
}

/// Whatever a program may do: the database itself has the last word.
TEST_F(Links, TheDatabaseTakesNoSecondAccountOfAMember) {
  viewer("7", "Nightowl_7");
  const auto other = viewer("8", "Owl");
  const auto linked = link(555, "Nightowl_7");
  ASSERT_TRUE(linked);
  const std::string second = "INSERT INTO links SELECT discord_server_id, 9, platform, " + other.str() +
                             ", to_person_id, 0, 0, 0, 0, 't', NULL, NULL FROM links WHERE link_id = 1";
  EXPECT_THROW(world_.execute(second, 1), store::DatabaseError);
  ASSERT_TRUE(unlink(555));
  EXPECT_NO_THROW(world_.execute(second, 1));
}

TEST_F(Links, AViewerWhoWasOnlyHeardOfIsRecognisedWhenHeComes) {
  const auto linked = link(555, "Later_One");
  ASSERT_TRUE(linked);
  EXPECT_TRUE(linked->provisional);
  EXPECT_EQ(viewer("42", "later_one"), linked->person);
  EXPECT_EQ(world_.dump("SELECT platform_user_id FROM identities WHERE platform = 'kick'"), "42\n");
}

TEST_F(Links, TheSamePeopleInTwoServersNeverMeet) {
  world_.server(2);
  const PersonId one = viewer("7", "Nightowl_7", 1);
  const PersonId two = viewer("7", "Nightowl_7", 2);
  EXPECT_EQ(one, two) << "numbered alike, and still two";
  earn(one, 100, 30);
  ASSERT_TRUE(link(555, "Nightowl_7", 2));
  EXPECT_EQ(balance(one), 100);
  EXPECT_EQ(viewer("7", "Nightowl_7", 1), one);
  EXPECT_EQ(world_.dump("SELECT count(*) FROM links WHERE discord_server_id = 1"), "0\n");
}

TEST_F(Links, ARenamedViewerKeepsWhatHeHas) {
  const PersonId own = viewer("7", "Nightowl_7");
  EXPECT_EQ(viewer("7", "Dayowl"), own);
  EXPECT_EQ(world_.dump("SELECT display_name FROM persons WHERE person_id = " + own.str()), "Dayowl\n");
}

}  // namespace
}  // namespace guildhall::bot
