#include "features/linking/linking.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "bot/due_work.h"
#include "bot/ledger.h"
#include "bot/links.h"
#include "bot/persons.h"
#include "bot/posts.h"
#include "tests/support/test_world.h"

namespace guildhall::features::linking {
namespace {

using namespace std::chrono_literals;
using bot::kKick;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

class LinkingByMembers : public testing::Test {
 protected:
  LinkingByMembers() {
    world_.config.kick_client_id = "app";
    set("link_log_channel_id", "88");
  }

  void set(std::string key, std::string value, std::int64_t server = 1) {
    const bot::SettingWish wish{.key = std::move(key), .value = std::move(value)};
    world_.in(server, [&](store::Tx& tx) {
      return bot::change_server_setting(tx, world_.declarations, ServerId(server), wish, {"tester", "system"},
                                        world_.clock.now());
    });
  }
  template <class Body>
  auto in(std::int64_t server, Body body) {
    return world_.in(server, [&](store::Tx& tx) -> decltype(body(tx, std::declval<bot::ServerContext&>())) {
      bot::ServerContext context{ServerId(server), world_.clock.now(),
                                 co_await bot::load_settings(tx, world_.declarations.settings, world_.config),
                                 &world_.declarations.texts};
      co_return co_await body(tx, context);
    });
  }

  /// What the command answers.
  bot::Reply call(std::string path, std::int64_t member, std::int64_t server = 1, std::string user = "",
                  std::string account = "") {
    const bot::CommandSpec* command = nullptr;
    for (const auto& one : world_.declarations.commands.all()) {
      if (one.path == path) command = &one;
    }
    bot::CommandCall call;
    call.caller.user = {bot::kDiscord, std::to_string(member), "Member" + std::to_string(member)};
    call.caller.handle = "handle" + std::to_string(member);
    call.place = "discord:77";
    if (!user.empty()) call.arguments["user"] = bot::PersonArgument{bot::kDiscord, user, ""};
    if (!account.empty()) call.arguments["account"] = account;
    return in(server, [&](store::Tx& tx, bot::ServerContext& context) {
      return command->handler(tx, context, call);
    });
  }
  /// Of the address that he is given.
  Visit visit(std::int64_t member, std::int64_t server = 1) {
    const auto reply = call("link", member, server);
    EXPECT_EQ(reply.offers.at(0).page->member, std::to_string(member));
    return {DiscordUserId(member), reply.offers.at(0).page->key, "browser" + std::to_string(member),
            "127.0.0.1"};
  }
  Standing look(Visit visit, std::int64_t server = 1) {
    return in(server,
              [&](store::Tx& tx, bot::ServerContext& context) { return linking_.look(tx, context, visit); });
  }
  Standing prove(Visit visit, std::string id, std::string name, std::int64_t server = 1) {
    in(server, [&](store::Tx& tx, bot::ServerContext& context) { return linking_.open(tx, context, visit); });
    return in(server, [&](store::Tx& tx, bot::ServerContext& context) {
      return linking_.prove(tx, context, visit, {kKick, id, name});
    });
  }
  Standing link(std::int64_t member, std::string id, std::string name, std::int64_t server = 1) {
    return prove(visit(member, server), std::move(id), std::move(name), server);
  }
  Standing ask(Visit visit) {
    return in(1, [&](store::Tx& tx, bot::ServerContext& context) {
      return linking_.ask_to_move(tx, context, visit);
    });
  }
  Standing replace(Visit visit) {
    return in(
        1, [&](store::Tx& tx, bot::ServerContext& context) { return linking_.replace(tx, context, visit); });
  }
  int object(std::int64_t holder, std::optional<std::int64_t> move = std::nullopt) {
    return in(1, [&](store::Tx& tx, bot::ServerContext& context) {
      return linking_.object(tx, context, DiscordUserId(holder), move);
    });
  }
  void move_due() {
    world_.in(1, [&](store::Tx& tx) -> store::TxTask<void> {
      bot::ServerContext context{ServerId(1), world_.clock.now(),
                                 co_await bot::load_settings(tx, world_.declarations.settings, world_.config),
                                 &world_.declarations.texts};
      co_await linking_.move_due(tx, context);
    });
  }
  void work_due() {
    bot::DueWorker worker(*world_.tenancy, world_.declarations, world_.clock,
                          [](tenancy::ServerScope, const bot::ServerContext&) {});
    net::run_to_end(worker.run_due());
  }
  void earn(std::string id, std::string name, std::int64_t points) {
    world_.in(1, [&](store::Tx& tx) -> store::TxTask<void> {
      const PersonId person = co_await bot::person_of(tx, {kKick, id, name}, world_.clock.now());
      bot::LedgerOperation operation{"earn:" + id, "test", "", "t", {{person, points}}};
      co_await bot::apply(tx, bot::kPoints, std::move(operation), world_.clock.now());
    });
  }
  /// As an old bot knew him, and what it kept of him.
  void carry(std::int64_t member, std::string name, std::int64_t points) {
    world_.in(1, [&](store::Tx& tx) -> store::TxTask<void> {
      const TimePoint now = world_.clock.now();
      co_await bot::link_known(tx, world_.declarations.on_move, kKick, {{DiscordUserId(member), name}},
                               {"operator", "system"}, now);
      const auto viewer = co_await bot::find_identity_by_name(tx, kKick, name);
      bot::LedgerOperation operation{"import:" + name, "import", "", "t", {{viewer->person_id, points}}};
      co_await bot::apply(tx, bot::kPoints, std::move(operation), now);
      co_await bot::note_brought(tx, {{viewer->home_person_id, points, Duration(0)}});
    });
  }
  std::int64_t points_of_viewer(std::string id) {
    return world_.in(1, [&](store::Tx& tx) -> store::TxTask<std::int64_t> {
      const auto known = co_await bot::find_identity(tx, kKick, id);
      if (!known) co_return -1;
      co_return (co_await bot::balance_of(tx, bot::kPoints, known->person_id)).balance;
    });
  }
  std::int64_t points_of(std::int64_t member) {
    return world_.in(1, [&](store::Tx& tx) -> store::TxTask<std::int64_t> {
      const auto known = co_await bot::find_identity(tx, bot::kDiscord, std::to_string(member));
      if (!known) co_return -1;
      co_return (co_await bot::balance_of(tx, bot::kPoints, known->person_id)).balance;
    });
  }
  /// What waits to be sent there: "discord:88", "member:5".
  std::string sent_to(const std::string& destination) {
    return world_.dump("SELECT body FROM outbox WHERE destination = '" + destination + "' ORDER BY sequence");
  }
  std::string audited() { return world_.dump("SELECT action FROM audit_log ORDER BY entry_id"); }
  std::string holders() {
    return world_.dump(
        "SELECT d.platform_user_id, k.platform_user_id FROM identities k JOIN identities d ON "
        "d.discord_server_id = k.discord_server_id AND d.person_id = k.person_id AND d.platform = 'discord' "
        "WHERE k.platform = 'kick' AND k.person_id <> k.home_person_id AND k.discord_server_id = 1 ORDER BY "
        "1");
  }
  std::int64_t mismatches() {
    return world_.in(1, [](store::Tx& tx) { return bot::count_ledger_mismatches(tx); });
  }

  test::TestWorld world_;
  Linking linking_{world_.declarations};
};

TEST_F(LinkingByMembers, WhoProvesAnAccountIsLinkedAndToldSo) {
  earn("9", "Nightowl_7", 40);
  EXPECT_EQ(link(5, "9", "Nightowl_7").step, Step::linked);
  EXPECT_EQ(points_of(5), 40);
  EXPECT_THAT(sent_to("member:5"), AllOf(HasSubstr("Nightowl\\_7"), HasSubstr("40 points")));
  EXPECT_EQ(world_.dump("SELECT fallback FROM outbox WHERE destination = 'member:5'"), "77\n")
      << "where he asked";
  EXPECT_THAT(sent_to("discord:88"), AllOf(HasSubstr("<@5>"), HasSubstr("Member5"), HasSubstr("linked")));
  EXPECT_THAT(audited(), HasSubstr("member.link"));
  EXPECT_EQ(mismatches(), 0);
}

TEST_F(LinkingByMembers, AnAddressIsForOneBrowserAndTheNewestAlone) {
  const Visit first = visit(5);
  world_.clock.advance(1min);
  const Visit second = visit(5);
  EXPECT_EQ(look(first).step, Step::gone) << "he asked for another since";
  EXPECT_EQ(look(second).step, Step::open);
  in(1, [&](store::Tx& tx, bot::ServerContext& context) { return linking_.open(tx, context, second); });
  Visit elsewhere = second;
  elsewhere.browser_hash = "of an attacker";
  EXPECT_EQ(look(elsewhere).step, Step::elsewhere);
  EXPECT_EQ(prove(elsewhere, "9", "Owl").step, Step::elsewhere);
  EXPECT_EQ(holders(), "");
  Visit forged = second;
  forged.member = DiscordUserId(6);
  EXPECT_EQ(prove(forged, "9", "Owl").step, Step::gone) << "the key is another's";
  EXPECT_EQ(prove(second, "9", "Owl").step, Step::linked);
}

TEST_F(LinkingByMembers, WhoPressesTwiceGoesOnWithTheFirst) {
  const Visit first = visit(5);
  const auto again = call("link", 5);
  EXPECT_TRUE(again.refused);
  EXPECT_EQ(again.lines.at(0).key, "link.wait");
  EXPECT_FALSE(call("link", 6).refused) << "another member";
  EXPECT_EQ(prove(first, "9", "Owl").step, Step::linked);
  EXPECT_FALSE(call("link", 5).refused) << "he has gone on with the first";
}

TEST_F(LinkingByMembers, TheWaitForAnotherAddressGrowsToAMinute) {
  const auto waits = [&](Duration time) {
    world_.clock.advance(time - 1s);
    const bool early = call("link", 5).refused;
    world_.clock.advance(1s);
    return early && !call("link", 5).refused;
  };
  call("link", 5);
  for (const auto time : {10s, 20s, 30s, 40s, 50s, 60s, 60s}) EXPECT_TRUE(waits(time)) << time.count();
  world_.clock.advance(2min);
  call("link", 5);
  EXPECT_TRUE(waits(10s)) << "it is forgotten after a while";
}

TEST_F(LinkingByMembers, AnotherMembersAccountIsNotTakenAndNobodyIsNamed) {
  ASSERT_EQ(link(5, "9", "Owl").step, Step::linked);
  const auto refused = link(6, "9", "Owl");
  EXPECT_EQ(refused.step, Step::taken);
  EXPECT_EQ(refused.account, "Owl");
  EXPECT_EQ(holders(), "5|9\n");
  EXPECT_THAT(sent_to("member:6"), Not(HasSubstr("5")));
  EXPECT_THAT(audited(), HasSubstr("member.link_taken"));
  EXPECT_THAT(world_.dump("SELECT subject, after FROM audit_log WHERE action = 'member.link_taken'"),
              AllOf(Not(HasSubstr("|9")), HasSubstr("from 127.0.0.1")));
}

TEST_F(LinkingByMembers, TheThirdAttemptInADayIsAnAlarm) {
  ASSERT_EQ(link(5, "9", "Owl").step, Step::linked);
  const auto attempt = [&] {
    world_.clock.advance(1h);
    link(6, "9", "Owl");
    return sent_to("discord:88").find("attempts in a day") != std::string::npos;
  };
  EXPECT_FALSE(attempt());
  world_.clock.advance(24h);
  EXPECT_FALSE(attempt());
  EXPECT_FALSE(attempt()) << "the first is over a day ago";
  EXPECT_TRUE(attempt());
}

TEST_F(LinkingByMembers, ProvingItAgainChangesNothing) {
  ASSERT_EQ(link(5, "9", "Owl").step, Step::linked);
  EXPECT_EQ(link(5, "9", "Owl").step, Step::linked);
  EXPECT_EQ(world_.dump("SELECT count(*) FROM links"), "1\n");
}

TEST_F(LinkingByMembers, AnotherAccountTakesThePlaceOnlyWhenHeSaysSo) {
  earn("9", "Owl", 40);
  ASSERT_EQ(link(5, "9", "Owl").step, Step::linked);
  const Visit again = visit(5);
  const auto asked = prove(again, "10", "Dayowl");
  EXPECT_EQ(asked.step, Step::held);
  EXPECT_EQ(asked.held, "Owl");
  EXPECT_EQ(holders(), "5|9\n");
  EXPECT_EQ(replace(again).step, Step::linked);
  EXPECT_EQ(holders(), "5|10\n");
  EXPECT_EQ(points_of(5), 0) << "what the first had brought went back";
  EXPECT_EQ(mismatches(), 0);
  EXPECT_EQ(replace(again).step, Step::linked) << "pressed twice";
}

TEST_F(LinkingByMembers, WhatWasProvedLongAgoIsNotBuiltUpon) {
  ASSERT_EQ(link(5, "9", "Owl").step, Step::linked);
  const Visit again = visit(5);
  ASSERT_EQ(prove(again, "10", "Dayowl").step, Step::held);
  world_.clock.advance(kAddressLives);
  replace(again);
  EXPECT_EQ(holders(), "5|9\n");
}

TEST_F(LinkingByMembers, AnotherAccountNeedsAPauseTheSameNone) {
  ASSERT_EQ(link(5, "9", "Owl").step, Step::linked);
  EXPECT_FALSE(call("unlink", 5).refused);
  const auto paused = link(5, "10", "Dayowl");
  EXPECT_EQ(paused.step, Step::paused);
  EXPECT_EQ(paused.until, world_.clock.now() + std::chrono::days(7));
  EXPECT_EQ(link(5, "9", "Owl").step, Step::linked);
  call("unlink", 5);
  world_.clock.advance(std::chrono::days(7));
  EXPECT_EQ(link(5, "10", "Dayowl").step, Step::linked);
}

TEST_F(LinkingByMembers, WhatModeratorsUndoBeginsNoPause) {
  ASSERT_EQ(link(5, "9", "Owl").step, Step::linked);
  EXPECT_FALSE(call("link remove", 1, 1, "5").refused);
  EXPECT_TRUE(call("link remove", 1, 1, "5").refused);
  EXPECT_EQ(holders(), "");
  EXPECT_EQ(link(5, "10", "Dayowl").step, Step::linked);
}

TEST_F(LinkingByMembers, WhoIsKnownByNameAloneIsRecognised) {
  const auto imported = world_.in(
      1, [&](store::Tx& tx) { return bot::provisional_identity(tx, kKick, "Owl", world_.clock.now()); });
  EXPECT_EQ(link(5, "9", "Owl").step, Step::linked);
  EXPECT_EQ(world_.dump("SELECT home_person_id FROM identities WHERE platform = 'kick'"),
            imported.home_person_id.str() + "\n");
}

TEST_F(LinkingByMembers, WhoHasANewNameSinceAnOldBotLinkedHimKeepsWhatItKnew) {
  carry(5, "Owl", 40);
  earn("9", "Dayowl", 7);
  const Visit visitor = visit(5);
  const auto asked = prove(visitor, "9", "Dayowl");
  EXPECT_EQ(asked.step, Step::held);
  EXPECT_TRUE(asked.keeps);
  EXPECT_EQ(replace(visitor).step, Step::linked);
  EXPECT_EQ(holders(), "5|9\n");
  EXPECT_EQ(points_of(5), 47);
  earn("77", "Owl", 1);
  EXPECT_EQ(points_of_viewer("77"), 1) << "who is called so now is another";
  EXPECT_FALSE(call("link remove", 1, 1, "5").refused);
  EXPECT_EQ(points_of(5), 40) << "with the account goes what came with it";
  EXPECT_EQ(points_of_viewer("9"), 7);
  EXPECT_EQ(mismatches(), 0);
}

TEST_F(LinkingByMembers, AnAdministratorSaysTheNewNameOfWhoIsKnownByNameAlone) {
  carry(5, "Owl", 40);
  earn("9", "Somebody", 7);
  const auto wrong = call("link set", 1, 1, "5", "Somebody");
  ASSERT_EQ(wrong.lines.size(), 2U);
  EXPECT_EQ(wrong.lines[1].key, "link.set_renamed");
  EXPECT_EQ(points_of(5), 47);
  EXPECT_EQ(call("link set", 1, 1, "5", "Dayowl").lines.size(), 1U) << "Kick knows the one of before";
  EXPECT_EQ(points_of(5), 40);
  EXPECT_EQ(points_of_viewer("9"), 7) << "a slip gives nothing away";
  EXPECT_EQ(link(5, "10", "Dayowl").step, Step::linked);
  EXPECT_EQ(holders(), "5|10\n");
  EXPECT_EQ(points_of(5), 40);
  EXPECT_THAT(sent_to("discord:88"), HasSubstr("was known as Owl"));
  EXPECT_EQ(mismatches(), 0);
}

TEST_F(LinkingByMembers, AnAccountMovesWhenNobodyObjects) {
  earn("9", "Owl", 40);
  ASSERT_EQ(link(5, "9", "Owl").step, Step::linked);
  const Visit wanting = visit(6);
  ASSERT_EQ(prove(wanting, "9", "Owl").step, Step::taken);
  const auto asked = ask(wanting);
  EXPECT_EQ(asked.step, Step::asked);
  EXPECT_EQ(asked.until, world_.clock.now() + 72h);
  EXPECT_THAT(sent_to("member:5"), HasSubstr("Somebody has proved"));
  EXPECT_THAT(world_.dump("SELECT buttons FROM outbox WHERE destination = 'member:5' AND buttons <> ''"),
              HasSubstr("link-objection"));
  world_.clock.advance(72h - 1s);
  move_due();
  EXPECT_EQ(holders(), "5|9\n");
  world_.clock.advance(1s);
  move_due();
  move_due();
  EXPECT_EQ(holders(), "6|9\n");
  EXPECT_EQ(points_of(6), 40);
  EXPECT_EQ(points_of(5), 0);
  EXPECT_EQ(mismatches(), 0);
  EXPECT_THAT(sent_to("member:5"), HasSubstr("not linked to you any more"));
}

/// By an administrator, who sees that it was no good.
TEST_F(LinkingByMembers, AMoveIsTakenBackWithThirtyDaysBehindIt) {
  earn("9", "Owl", 40);
  ASSERT_EQ(link(5, "9", "Owl").step, Step::linked);
  const Visit wanting = visit(6);
  prove(wanting, "9", "Owl");
  ASSERT_EQ(ask(wanting).step, Step::asked);
  world_.clock.advance(72h);
  move_due();
  ASSERT_EQ(points_of(6), 40);
  world_.clock.advance(30 * 24h);
  EXPECT_TRUE(call("link set", 1, 1, "5", "Owl").refused) << "it has a holder";
  EXPECT_FALSE(call("link remove", 1, 1, "6").refused);
  EXPECT_EQ(holders(), "");
  EXPECT_EQ(points_of(6), 0);
  EXPECT_EQ(points_of_viewer("9"), 40);
  EXPECT_FALSE(call("link set", 1, 1, "5", "Owl").refused);
  EXPECT_EQ(holders(), "5|9\n");
  EXPECT_EQ(points_of(5), 40);
  EXPECT_EQ(mismatches(), 0);
}

TEST_F(LinkingByMembers, ALinkIsUndoneAfterThirtyDaysWithWhatItHadBrought) {
  earn("9", "Owl", 40);
  ASSERT_EQ(link(5, "9", "Owl").step, Step::linked);
  world_.clock.advance(30 * 24h);
  EXPECT_FALSE(call("unlink", 5).refused);
  EXPECT_EQ(holders(), "");
  EXPECT_EQ(points_of(5), 0);
  EXPECT_EQ(points_of_viewer("9"), 40);
  EXPECT_EQ(mismatches(), 0);
}

TEST_F(LinkingByMembers, AnObjectionEndsItForAWeek) {
  ASSERT_EQ(link(5, "9", "Owl").step, Step::linked);
  const Visit wanting = visit(6);
  ASSERT_EQ(prove(wanting, "9", "Owl").step, Step::taken);
  ASSERT_EQ(ask(wanting).step, Step::asked);
  EXPECT_EQ(object(6, 1), 0) << "it is not his";
  EXPECT_EQ(object(5, 1), 1);
  EXPECT_EQ(object(5, 1), 0);
  EXPECT_THAT(sent_to("member:6"), HasSubstr("has objected"));
  world_.clock.advance(72h);
  move_due();
  EXPECT_EQ(holders(), "5|9\n");
  const Visit again = visit(6);
  ASSERT_EQ(prove(again, "9", "Owl").step, Step::taken);
  EXPECT_EQ(ask(again).step, Step::refused);
  world_.clock.advance(std::chrono::days(5));
  const Visit later = visit(6);
  ASSERT_EQ(prove(later, "9", "Owl").step, Step::taken);
  EXPECT_EQ(ask(later).step, Step::asked);
  EXPECT_FALSE(call("link keep", 5).refused) << "without the message, too";
  EXPECT_TRUE(call("link keep", 5).refused);
}

TEST_F(LinkingByMembers, OneAsksAtATime) {
  ASSERT_EQ(link(5, "9", "Owl").step, Step::linked);
  const Visit first = visit(6);
  prove(first, "9", "Owl");
  ASSERT_EQ(ask(first).step, Step::asked);
  const Visit second = visit(7);
  prove(second, "9", "Owl");
  EXPECT_EQ(ask(second).step, Step::refused);
  const Visit again = visit(6);
  prove(again, "9", "Owl");
  EXPECT_EQ(ask(again).step, Step::asked);
  EXPECT_EQ(world_.dump("SELECT count(*) FROM link_moves"), "1\n");
}

TEST_F(LinkingByMembers, NothingMovesToWhoHasLinkedAnotherMeanwhile) {
  ASSERT_EQ(link(5, "9", "Owl").step, Step::linked);
  const Visit wanting = visit(6);
  prove(wanting, "9", "Owl");
  ASSERT_EQ(ask(wanting).step, Step::asked);
  ASSERT_EQ(link(6, "10", "Dayowl").step, Step::linked);
  world_.clock.advance(72h);
  move_due();
  EXPECT_EQ(holders(), "5|9\n6|10\n");
  EXPECT_EQ(world_.dump("SELECT state FROM link_moves"), "ended\n");
  EXPECT_THAT(sent_to("member:6"), HasSubstr("does not move"));
  EXPECT_THAT(audited(), HasSubstr("member.link_move_ended"));
}

TEST_F(LinkingByMembers, WhatTheHolderHasLetGoMovesAllTheSame) {
  ASSERT_EQ(link(5, "9", "Owl").step, Step::linked);
  const Visit wanting = visit(6);
  prove(wanting, "9", "Owl");
  ASSERT_EQ(ask(wanting).step, Step::asked);
  call("unlink", 5);
  world_.clock.advance(72h);
  move_due();
  EXPECT_EQ(holders(), "6|9\n");
}

TEST_F(LinkingByMembers, TheSameAccountIsLinkedInEachServerByItself) {
  world_.server(2);
  ASSERT_EQ(link(5, "9", "Owl").step, Step::linked);
  EXPECT_EQ(link(6, "9", "Owl", 2).step, Step::linked) << "of the other server nothing is known here";
  const Visit one = visit(5, 1);
  EXPECT_EQ(look(one, 2).step, Step::gone);
}

TEST_F(LinkingByMembers, ASwitchEndsItAtOnce) {
  const Visit before = visit(5);
  set("linking_enabled", "false");
  EXPECT_EQ(look(before).step, Step::off);
  EXPECT_EQ(prove(before, "9", "Owl").step, Step::off);
  EXPECT_EQ(holders(), "");
}

TEST_F(LinkingByMembers, WithoutAnAppAtKickNobodyIsSentThere) {
  world_.config.kick_client_id = "";
  EXPECT_TRUE(call("link", 5).refused);
}

TEST_F(LinkingByMembers, ThePanelStandsWhereTheSettingSays) {
  set("link_panel_channel_id", "55");
  EXPECT_EQ(world_.dump("SELECT channel_id FROM posts WHERE name = 'link_panel'"), "55\n");
  EXPECT_THAT(world_.dump("SELECT buttons FROM posts"), HasSubstr(R"("command":"link")"));
  set("language", "de");
  EXPECT_THAT(world_.dump("SELECT text FROM posts"), HasSubstr("Verknüpfe"));
  EXPECT_EQ(world_.dump("SELECT version FROM posts"), "2\n");
  set("points_per_5min", "7");
  EXPECT_EQ(world_.dump("SELECT version FROM posts"), "2\n") << "it says what it said";
  EXPECT_FALSE(call("link panel", 1).refused);
  EXPECT_EQ(world_.dump("SELECT channel_id FROM posts WHERE name = 'link_panel'"), "77\n");
  world_.execute("UPDATE posts SET message_id = '123'", 1);
  set("link_panel_channel_id", "56");
  EXPECT_EQ(world_.dump("SELECT count(*) FROM outbox WHERE destination = 'take_away:77/123'"), "1\n");
  set("link_panel_channel_id", "");
  EXPECT_EQ(world_.dump("SELECT count(*) FROM posts"), "0\n");
}

/// Discord refused it for an hour, and the settings are read again.
TEST_F(LinkingByMembers, APanelThatWasForgottenIsPutUpAgain) {
  set("link_panel_channel_id", "55");
  world_.execute("DELETE FROM posts", 1);
  set("points_per_5min", "7");
  EXPECT_EQ(world_.dump("SELECT channel_id FROM posts"), "55\n");
}

TEST_F(LinkingByMembers, ThePageNamesTheMemberAsNobodyElseCanBeCalled) {
  EXPECT_EQ(look(visit(5)).member_name, "Member5 (@handle5)");
}

TEST_F(LinkingByMembers, TheHolderIsToldInPrivateAloneAndForAsLongAsHeMayObject) {
  ASSERT_EQ(link(5, "9", "Owl").step, Step::linked);
  const Visit wanting = visit(6);
  prove(wanting, "9", "Owl");
  ASSERT_EQ(ask(wanting).step, Step::asked);
  EXPECT_EQ(world_.dump("SELECT fallback, (expires_at - created_at) / 3600000000 FROM outbox WHERE "
                        "destination = 'member:5' AND buttons <> ''"),
            "|72\n");
  EXPECT_THAT(sent_to("discord:88"), HasSubstr("asked for"));
}

TEST_F(LinkingByMembers, WhoProvesHisAccountOnceMoreKeepsIt) {
  ASSERT_EQ(link(5, "9", "Owl").step, Step::linked);
  const Visit wanting = visit(6);
  prove(wanting, "9", "Owl");
  ASSERT_EQ(ask(wanting).step, Step::asked);
  EXPECT_EQ(link(5, "9", "Owl").step, Step::linked);
  world_.clock.advance(72h);
  move_due();
  EXPECT_EQ(holders(), "5|9\n");
  EXPECT_THAT(sent_to("member:6"), HasSubstr("has objected"));
}

TEST_F(LinkingByMembers, WhoLinksAnotherInItsPlaceHasNotObjected) {
  ASSERT_EQ(link(5, "9", "Owl").step, Step::linked);
  const Visit wanting = visit(6);
  prove(wanting, "9", "Owl");
  ASSERT_EQ(ask(wanting).step, Step::asked);
  const Visit again = visit(5);
  ASSERT_EQ(prove(again, "10", "Dayowl").step, Step::held);
  ASSERT_EQ(replace(again).step, Step::linked);
  ASSERT_EQ(link(5, "10", "Dayowl").step, Step::linked) << "he proves it once more";
  EXPECT_THAT(sent_to("member:6"), Not(HasSubstr("has objected")));
  world_.clock.advance(72h);
  move_due();
  EXPECT_EQ(holders(), "5|10\n6|9\n");
}

TEST_F(LinkingByMembers, WhoWantedWhichAccountIsNotKeptForEver) {
  ASSERT_EQ(link(5, "9", "Owl").step, Step::linked);
  const Visit wanting = visit(6);
  prove(wanting, "9", "Owl");
  ASSERT_EQ(ask(wanting).step, Step::asked);
  object(5);
  const auto counts = [&] {
    work_due();
    return world_.dump(
        "SELECT (SELECT count(*) FROM link_requests), (SELECT count(*) FROM link_attempts), "
        "(SELECT count(*) FROM link_moves)");
  };
  world_.clock.advance(24h);
  EXPECT_EQ(counts(), "2|1|1\n");
  world_.clock.advance(1s);
  EXPECT_EQ(counts(), "2|0|1\n");
  world_.clock.advance(10min);
  EXPECT_EQ(counts(), "0|0|1\n");
  world_.clock.advance(29 * 24h);
  const Visit again = visit(6);
  prove(again, "9", "Owl");
  ASSERT_EQ(ask(again).step, Step::asked);
  EXPECT_EQ(counts(), "1|1|1\n");
  EXPECT_EQ(world_.dump("SELECT state FROM link_moves"), "open\n");
  EXPECT_EQ(holders(), "5|9\n");
}

TEST_F(LinkingByMembers, NothingMovesWhileItIsSwitchedOff) {
  ASSERT_EQ(link(5, "9", "Owl").step, Step::linked);
  const Visit wanting = visit(6);
  prove(wanting, "9", "Owl");
  ASSERT_EQ(ask(wanting).step, Step::asked);
  set("linking_enabled", "false");
  world_.clock.advance(72h);
  move_due();
  EXPECT_EQ(holders(), "5|9\n");
  set("linking_enabled", "true");
  move_due();
  EXPECT_EQ(holders(), "6|9\n");
}

}  // namespace
}  // namespace guildhall::features::linking
