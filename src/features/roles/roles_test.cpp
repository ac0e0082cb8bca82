#include "features/roles/roles.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "bot/jobs.h"
#include "features/roles/roles_store.h"
#include "tests/support/test_world.h"

namespace guildhall::features::roles {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

constexpr std::int64_t kMember = 555;
const std::string kChanges =
    "SELECT member_id, role_id, wanted, reason FROM role_changes ORDER BY discord_server_id, member_id, "
    "role_id";
const std::string kGrants = "SELECT member_id, role_id, reason FROM role_grants ORDER BY 1, 2";

class Roles : public testing::Test {
 protected:
  Roles() { world_.server(1); }

  std::string call(std::string path, std::map<std::string, bot::ArgumentValue, std::less<>> arguments,
                   std::int64_t server = 1) {
    const bot::CommandSpec& command = world_.declarations.commands.at(bot::Door::slash, path);
    bot::CommandCall call;
    call.caller = {{bot::kDiscord, "9", "Admin"}, bot::Permission::administrator};
    call.arguments = std::move(arguments);
    const bot::Reply reply = world_.in(server, [&](store::Tx& tx) -> store::TxTask<bot::Reply> {
      bot::ServerContext context = co_await context_of(tx, server);
      co_return co_await command.handler(tx, context, call);
    });
    std::string keys;
    for (const Message& line : reply.lines) keys += line.key + " ";
    return keys;
  }
  std::string add(std::string role, std::int64_t minutes, std::string group = "", std::int64_t server = 1) {
    return call("roles add", {{"role", role}, {"minutes", minutes}, {"group", group}}, server);
  }

  store::TxTask<bot::ServerContext> context_of(store::Tx& tx, std::int64_t server) {
    co_return bot::ServerContext{ServerId(server), world_.clock.now(),
                                 co_await bot::load_settings(tx, world_.declarations.settings, world_.config),
                                 &world_.declarations.texts};
  }

  PersonId person(std::string platform, std::string id, std::int64_t server = 1) {
    const bot::PlatformUser user{std::move(platform), id, "Viewer" + id};
    return world_.in(server, [&](store::Tx& tx) { return bot::person_of(tx, user, world_.clock.now()); });
  }
  PersonId member(std::int64_t server = 1) { return person(bot::kDiscord, std::to_string(kMember), server); }

  /// So many more minutes, and the tick that settles them.
  void watch(PersonId person, int minutes, std::int64_t server = 1) {
    world_.clock.advance(1min);
    world_.execute(fmt::format("INSERT INTO watchtime VALUES ({0}, {1}, {2}, 0, 0, {3}) "
                               "ON CONFLICT (discord_server_id, person_id) DO UPDATE SET "
                               "watched_us = watchtime.watched_us + {2}, updated_at = {3}",
                               server, person.str(), minutes * 60'000'000LL, to_micros(world_.clock.now())),
                   server);
    run_tick();
  }
  void tick() {
    world_.clock.advance(1min);
    run_tick();
  }
  void run_tick() { net::run_to_end(ticks_.run_due()); }

  void link() {
    const bot::LinkRequest request{DiscordUserId(kMember), bot::kKick, "Viewer7"};
    ASSERT_TRUE(world_.in(1, [&](store::Tx& tx) {
      return bot::link_member(tx, world_.declarations.on_move, request, {"tester", "system"},
                              world_.clock.now());
    }));
  }
  void unlink() {
    ASSERT_TRUE(world_.in(1, [&](store::Tx& tx) {
      return bot::unlink_member(tx, world_.declarations.on_move, DiscordUserId(kMember), bot::kKick,
                                {"tester", "system"}, world_.clock.now());
    }));
  }
  void set(std::string key, std::string value) {
    const bot::SettingWish wish{std::move(key), std::move(value)};
    ASSERT_TRUE(world_.in(1, [&](store::Tx& tx) {
      return bot::change_server_setting(tx, world_.declarations, ServerId(1), wish, {"tester", "system"},
                                        world_.clock.now());
    }));
  }
  void join() {
    world_.in(1, [&](store::Tx& tx) -> store::TxTask<void> {
      bot::ServerContext context = co_await context_of(tx, 1);
      const bot::MemberJoined event{DiscordUserId(kMember), "Member", world_.clock.now()};
      for (const auto& handler : world_.declarations.on_join) co_await handler(tx, context, event);
    });
  }
  /// Discord did what was wanted, as far as it is wanted by now.
  void done(std::string role, std::string wanted, std::string reason = "watchtime", std::string group = "",
            std::int64_t rank = 0) {
    const bot::RoleChange change{std::to_string(kMember), role, wanted, reason, group, rank};
    world_.in(1, [&](store::Tx& tx) { return bot::note_role_changed(tx, change, world_.clock.now()); });
  }
  void set_default(std::string key, std::string value) {
    const auto done = net::run_to_end(world_.tenancy->global().transact([&](store::GlobalTx& tx) {
      return bot::change_default(tx, world_.declarations.settings, key, value, {"tester", "system"},
                                 world_.clock.now());
    }));
    ASSERT_TRUE(done);
  }
  /// As at every start, and whenever any setting may have changed.
  void read_settings() {
    world_.in(1, [&](store::Tx& tx) -> store::TxTask<void> {
      bot::ServerContext context = co_await context_of(tx, 1);
      for (const auto& handler : world_.declarations.on_settings) co_await handler(tx, context);
    });
  }
  std::string checks() { return world_.dump("SELECT count(*) FROM role_checks"); }
  std::string changes() { return world_.dump(kChanges); }
  /// What is to be done now.
  std::string due() {
    return world_.dump(
        fmt::format("SELECT member_id, role_id, wanted FROM role_changes WHERE lease_until <= {} "
                    "ORDER BY 1, 2",
                    to_micros(world_.clock.now())));
  }
  std::string grants() { return world_.dump(kGrants); }

  test::TestWorld world_;
  bot::TickRunner ticks_{*world_.tenancy, world_.declarations, world_.clock, world_.metrics};
};

TEST_F(Roles, WithoutMinutesARoleTakesTheNextOfTheUsualOnes) {
  const auto add = [&](const char* role) { return call("roles add", {{"role", role}}); };
  for (const char* role : {"100", "101", "102"}) EXPECT_EQ(add(role), "roles.added ");
  const auto minutes = [&] {
    return world_.dump("SELECT role_id, minutes FROM watchtime_roles ORDER BY minutes");
  };
  EXPECT_EQ(minutes(), "100|120\n101|600\n102|2000\n");
  EXPECT_EQ(add("103"), "roles.no_minutes ");
  call("roles remove", {{"role", "101"}});
  set("watchtime_roles_minutes", "120,700 , 2000");
  EXPECT_EQ(add("103"), "roles.added ");
  EXPECT_EQ(minutes(), "100|120\n103|700\n102|2000\n");
  EXPECT_EQ(call("roles add", {{"role", "104"}, {"group", "loyal"}}), "roles.added ")
      << "another group begins anew";
}

TEST(UsualMinutes, AreNumbersThatGrow) {
  EXPECT_EQ(normalise_minutes(" 5,70 ").value_or("-"), "5, 70");
  EXPECT_EQ(normalise_minutes("").value_or("-"), "");
  for (const char* wrong : {"0", "-5", "70, 5", "5, 5", "many", "5; 70", "10000001"})
    EXPECT_FALSE(normalise_minutes(wrong)) << wrong;
}

TEST_F(Roles, AThresholdIsReachedOnce) {
  add("100", 60);
  watch(member(), 59);
  EXPECT_EQ(changes(), "");
  watch(member(), 1);
  EXPECT_EQ(changes(), "555|100|add|watchtime\n");
  done("100", "add");
  EXPECT_EQ(grants(), "555|100|watchtime\n");
  watch(member(), 30);
  add("101", 1000);
  tick();
  EXPECT_EQ(changes(), "");
  EXPECT_EQ(checks(), "0\n");
}

TEST_F(Roles, OnesWithoutAGroupAddUp) {
  add("100", 10);
  add("101", 20);
  watch(member(), 25);
  EXPECT_EQ(changes(), "555|100|add|watchtime\n555|101|add|watchtime\n");
}

TEST_F(Roles, OfAGroupTheHighestIsHeldAlone) {
  add("100", 10, "rank");
  add("101", 20, "rank");
  add("102", 30, "rank");
  watch(member(), 12);
  EXPECT_EQ(changes(), "555|100|add|watchtime\n");
  done("100", "add", "watchtime", "rank", 10);
  watch(member(), 20);
  EXPECT_EQ(changes(), "555|102|add|watchtime\n");
  done("102", "add", "watchtime", "rank", 30);
  EXPECT_EQ(changes(), "555|100|remove|watchtime\n");
  done("100", "remove");
  EXPECT_EQ(grants(), "555|102|watchtime\n");
  watch(member(), 20);
  EXPECT_EQ(changes(), "");
}

/// Both were on their way; the lesser one was done in Discord when it was not wanted any more.
TEST_F(Roles, ALesserRoleThatIsGivenTooLateIsTakenAgain) {
  add("100", 10, "rank");
  watch(member(), 12);
  add("101", 20, "rank");
  watch(member(), 20);
  done("101", "add", "watchtime", "rank", 20);
  done("100", "add", "watchtime", "rank", 10);
  EXPECT_EQ(changes(), "555|100|remove|watchtime\n");
  done("100", "remove");
  EXPECT_EQ(grants(), "555|101|watchtime\n");
}

TEST_F(Roles, OneThatIsDisabledStaysTheHighestOfWhoHasIt) {
  add("100", 10, "rank");
  add("101", 20, "rank");
  watch(member(), 25);
  done("101", "add", "watchtime", "rank", 20);
  call("roles disable", {{"role", "101"}});
  tick();
  EXPECT_EQ(changes(), "");
  call("roles enable", {{"role", "101"}});
  tick();
  EXPECT_EQ(changes(), "");
  EXPECT_EQ(grants(), "555|101|watchtime\n");
}

TEST_F(Roles, OneThatIsLoweredIsTakenFromWhoGetsTheHigherOne) {
  add("100", 10, "rank");
  add("101", 20, "rank");
  watch(member(), 25);
  done("101", "add", "watchtime", "rank", 20);
  call("roles update", {{"role", "101"}, {"minutes", std::int64_t{5}}});
  tick();
  EXPECT_EQ(changes(), "555|100|add|watchtime\n");
  done("100", "add", "watchtime", "rank", 10);
  EXPECT_EQ(changes(), "555|101|remove|watchtime\n");
}

TEST_F(Roles, AViewerGetsThemWhenHeIsLinked) {
  add("100", 10);
  watch(person(bot::kKick, "7"), 15);
  EXPECT_EQ(changes(), "");
  link();
  tick();
  EXPECT_EQ(changes(), "555|100|add|watchtime\n");
}

TEST_F(Roles, WhoHasWatchedEnoughAlreadyGetsANewOne) {
  watch(member(), 100);
  add("100", 60);
  tick();
  EXPECT_EQ(changes(), "555|100|add|watchtime\n");
}

TEST_F(Roles, AreGivenToNobodyWhileTheyAreOff) {
  set("watchtime_roles_enabled", "false");
  add("100", 10);
  watch(member(), 20);
  EXPECT_EQ(changes(), "");
  set("watchtime_roles_enabled", "true");
  tick();
  EXPECT_EQ(changes(), "555|100|add|watchtime\n");
}

TEST_F(Roles, OneThatIsDisabledIsGivenToNobody) {
  add("100", 10);
  call("roles disable", {{"role", "100"}});
  watch(member(), 20);
  EXPECT_EQ(changes(), "");
  call("roles enable", {{"role", "100"}});
  tick();
  EXPECT_EQ(changes(), "555|100|add|watchtime\n");
}

TEST_F(Roles, WhoWaitsForOneThatIsDisabledOrTakesMoreGetsNone) {
  add("100", 10);
  watch(member(), 20);
  call("roles disable", {{"role", "100"}});
  EXPECT_EQ(changes(), "");
  call("roles enable", {{"role", "100"}});
  tick();
  EXPECT_EQ(changes(), "555|100|add|watchtime\n");
  call("roles update", {{"role", "100"}, {"minutes", std::int64_t{1000}}});
  tick();
  EXPECT_EQ(changes(), "");
  done("100", "add");
  EXPECT_EQ(grants(), "555|100|watchtime\n") << "Discord was at it";
}

TEST_F(Roles, WhoWaitsWhenTheyAreSwitchedOffGetsThemWhenTheyAreOnAgain) {
  add("100", 10);
  watch(member(), 20);
  set("watchtime_roles_enabled", "false");
  tick();
  EXPECT_EQ(changes(), "");
  set("watchtime_roles_enabled", "true");
  tick();
  EXPECT_EQ(changes(), "555|100|add|watchtime\n");
}

TEST_F(Roles, ALinkedRoleThatWasNamedWronglyIsGivenToNobodyElse) {
  person(bot::kKick, "7");
  set("kick_linked_role_id", "200");
  link();
  tick();
  EXPECT_EQ(changes(), "555|200|add|linked\n");
  set("kick_linked_role_id", "201");
  tick();
  EXPECT_EQ(changes(), "555|201|add|linked\n");
  set("kick_linked_role_id", "");
  tick();
  EXPECT_EQ(changes(), "");
}

TEST_F(Roles, NobodyIsLookedAtForSettingsThatStayedTheSame) {
  add("100", 10);
  set("kick_linked_role_id", "200");
  tick();
  read_settings();
  set("language", "de");
  EXPECT_EQ(checks(), "0\n");
  set("kick_linked_role_id", "");
  set("kick_linked_role_id", "200");
  EXPECT_EQ(checks(), "1\n");
}

/// A default is changed beside the bot, for all servers.
TEST_F(Roles, ADefaultThatChangedIsFollowedWhenTheSettingsAreRead) {
  set_default("watchtime_roles_enabled", "false");
  read_settings();
  add("100", 10);
  watch(member(), 20);
  EXPECT_EQ(changes(), "");
  set_default("watchtime_roles_enabled", "true");
  read_settings();
  tick();
  EXPECT_EQ(changes(), "555|100|add|watchtime\n");
}

TEST_F(Roles, WhoHasTheHighestOfAGroupIsNotLookedAtForTheOthers) {
  add("100", 10, "rank");
  add("101", 20, "rank");
  watch(member(), 25);
  done("101", "add", "watchtime", "rank", 20);
  world_.clock.advance(1min);
  world_.execute(fmt::format("UPDATE watchtime SET updated_at = {}", to_micros(world_.clock.now())), 1);
  const TimePoint now = world_.clock.now();
  const store::ServerRange one{ServerId(1), ServerId(1)};
  net::run_to_end(
      world_.tenancy->door().transact("test", now, one, [now](store::CrossTx& tx) -> store::TxTask<void> {
        co_await tx.change(kCheckCrossed, {ServerId(1), ServerId(1), now});
      }));
  EXPECT_EQ(checks(), "0\n");
}

TEST_F(Roles, WhoComesBackWhileTheyAreOffGetsThemBackWhenTheyAreOn) {
  add("100", 10);
  watch(member(), 20);
  done("100", "add");
  set("watchtime_roles_enabled", "false");
  join();
  EXPECT_EQ(due(), "");
  set("watchtime_roles_enabled", "true");
  EXPECT_EQ(due(), "555|100|add\n");
}

TEST_F(Roles, WhoCameBackBeforeTheyWereSwitchedOffHasToWait) {
  add("100", 10);
  watch(member(), 20);
  done("100", "add");
  join();
  set("watchtime_roles_enabled", "false");
  EXPECT_EQ(due(), "");
  set("watchtime_roles_enabled", "true");
  EXPECT_EQ(due(), "555|100|add\n");
}

TEST_F(Roles, OfLinkedRolesTheOneThatIsNamedNowComesBack) {
  person(bot::kKick, "7");
  set("kick_linked_role_id", "200");
  link();
  tick();
  done("200", "add", "linked");
  set("kick_linked_role_id", "");
  join();
  EXPECT_EQ(changes(), "");
  set("kick_linked_role_id", "200");
  join();
  EXPECT_EQ(changes(), "555|200|add|linked\n");
}

TEST_F(Roles, WhoComesBackGetsThemBack) {
  add("100", 10);
  watch(member(), 20);
  join();
  done("100", "add");
  EXPECT_EQ(changes(), "");
  join();
  EXPECT_EQ(changes(), "555|100|add|watchtime\n");
}

TEST_F(Roles, TheLinkedRoleComesAndGoesWithTheLink) {
  person(bot::kKick, "7");
  set("kick_linked_role_id", "<@&200>");
  member();
  tick();
  EXPECT_EQ(changes(), "");
  link();
  tick();
  EXPECT_EQ(changes(), "555|200|add|linked\n");
  done("200", "add", "linked");
  tick();
  EXPECT_EQ(changes(), "");
  unlink();
  tick();
  EXPECT_EQ(changes(), "555|200|remove|linked\n");
  link();
  tick();
  EXPECT_EQ(changes(), "555|200|add|linked\n") << "before it was taken";
}

TEST_F(Roles, WhoIsLinkedGetsALinkedRoleThatIsNamedLater) {
  person(bot::kKick, "7");
  link();
  tick();
  set("kick_linked_role_id", "200");
  tick();
  EXPECT_EQ(changes(), "555|200|add|linked\n");
}

TEST_F(Roles, AnotherLinkedRoleTakesThePlaceOfTheOne) {
  person(bot::kKick, "7");
  link();
  set("kick_linked_role_id", "200");
  tick();
  done("200", "add", "linked");
  set("kick_linked_role_id", "300");
  tick();
  EXPECT_EQ(changes(), "555|200|remove|linked\n555|300|add|linked\n");
  set("kick_linked_role_id", "200");
  tick();
  EXPECT_EQ(changes(), "555|200|add|linked\n") << "before Discord was told of the other";
  done("200", "add", "linked");
  EXPECT_EQ(grants(), "555|200|linked\n");
  set("kick_linked_role_id", "");
  tick();
  EXPECT_EQ(changes(), "") << "who has it keeps it";
}

TEST_F(Roles, OfOneServerAreNoneOfAnother) {
  world_.server(2);
  add("100", 10);
  add("300", 15, "", 2);
  watch(member(1), 20, 1);
  watch(member(2), 12, 2);
  EXPECT_EQ(changes(), "555|100|add|watchtime\n");
  watch(member(2), 12, 2);
  EXPECT_EQ(world_.dump("SELECT discord_server_id, role_id FROM role_changes ORDER BY 1"), "1|100\n2|300\n");
}

TEST_F(Roles, ThresholdsThatCannotBeMeantAreRefused) {
  EXPECT_EQ(add("a role", 10), "roles.bad_role ");
  EXPECT_EQ(add("1", 10), "roles.bad_role ") << "everyone's";
  EXPECT_EQ(add("<@&100>", 10, "rank"), "roles.added ");
  EXPECT_EQ(add("100", 20), "roles.exists ");
  EXPECT_EQ(add("101", 10, "rank"), "roles.same_minutes ");
  EXPECT_EQ(add("101", 10), "roles.added ");
  EXPECT_EQ(call("roles update", {{"role", "102"}, {"minutes", std::int64_t{5}}}), "roles.unknown ");
  EXPECT_EQ(call("roles update", {{"role", "101"}, {"minutes", std::int64_t{5}}}), "roles.updated ");
  EXPECT_EQ(world_.dump("SELECT role_id, minutes, role_group, enabled FROM watchtime_roles ORDER BY 1"),
            "100|10|rank|1\n101|5||1\n");
  EXPECT_EQ(call("roles list", {}), "roles.title roles.row roles.row_group ");
  for (int role = 102; role < 125; ++role) add(std::to_string(role), role);
  EXPECT_EQ(add("200", 20), "roles.too_many ");
}

TEST_F(Roles, OneThatIsRemovedLeavesNothingToDo) {
  add("100", 10);
  watch(member(), 20);
  EXPECT_EQ(call("roles remove", {{"role", "100"}}), "roles.removed ");
  tick();
  EXPECT_EQ(changes(), "");
}

TEST_F(Roles, MembersOfARoleAreShown) {
  add("100", 10);
  watch(member(), 20);
  EXPECT_EQ(call("roles members", {{"role", "100"}}), "roles.no_members ");
  done("100", "add");
  EXPECT_EQ(call("roles members", {{"role", "100"}}), "roles.members_title roles.member ");
}

/// A moderator took it by mistake, or he left and came back while the bot was down.
TEST_F(Roles, WhatSomebodyLostUnseenIsGivenAgainByWord) {
  add("100", 10);
  watch(member(), 20);
  done("100", "add");
  add("101", 15);
  EXPECT_EQ(call("roles restore", {{"member", bot::PersonArgument{bot::kDiscord, "555", ""}}}),
            "roles.restored ");
  EXPECT_EQ(due(), "555|100|add\n");
  tick();
  EXPECT_EQ(due(), "555|100|add\n555|101|add\n");
  done("100", "add");
  done("101", "add");
  EXPECT_EQ(call("roles restore", {}), "roles.restored ");
  EXPECT_EQ(due(), "555|100|add\n555|101|add\n");
  EXPECT_EQ(call("roles restore", {{"member", bot::PersonArgument{bot::kDiscord, "556", ""}}}),
            "common.unknown_person ");
}

TEST_F(Roles, WhatIsGivenAgainWhileTheyAreOffWaitsToo) {
  add("100", 10);
  watch(member(), 20);
  done("100", "add");
  set("watchtime_roles_enabled", "false");
  EXPECT_EQ(call("roles restore", {}), "roles.restored roles.off ");
  EXPECT_EQ(due(), "");
  set("watchtime_roles_enabled", "true");
  EXPECT_EQ(due(), "555|100|add\n");
}

TEST_F(Roles, AWordForEachArgumentAndTheRestForTheLast) {
  const auto parsed =
      world_.declarations.commands.parse(bot::Door::prefix, "roles add <@&100> 60 long time viewers");
  const auto read = bot::read_words(*parsed, bot::kDiscord);
  EXPECT_EQ(std::get<std::string>(read.arguments.at("role")), "<@&100>");
  EXPECT_EQ(std::get<std::int64_t>(read.arguments.at("minutes")), 60);
  EXPECT_EQ(std::get<std::string>(read.arguments.at("group")), "long time viewers");
}

}  // namespace
}  // namespace guildhall::features::roles
