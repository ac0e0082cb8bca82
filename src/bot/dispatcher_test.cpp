// The road of an event, on real loops and the real database, without platforms.
#include "bot/dispatcher.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>

#include "bot/ledger.h"
#include "store/sqlite/connection.h"
#include "tests/support/full_disk.h"
#include "tests/support/test_world.h"

namespace guildhall::bot {
namespace {

constexpr auto kAdmin = Permission::administrator;

using namespace std::chrono_literals;
using testing::HasSubstr;

const tenancy::ChannelKey kChannel{"kick", "900001"};

struct Told {
  Outcome outcome;
  std::optional<Answer> answer;
};

class Road : public testing::Test {
 protected:
  Road() {
    world_.server(1);
    world_.server(2);
    loops_.start();
  }
  ~Road() override { world_.close(loops_); }

  ChatMessage message(std::string text, std::string id = "m1", std::string viewer = "7") {
    ChatMessage chat;
    chat.channel = kChannel;
    chat.message_id = std::move(id);
    chat.sender = {std::move(viewer), "Nightowl_7"};
    chat.text = std::move(text);
    chat.at = world_.clock.now();
    return chat;
  }

  Told chat(std::int64_t server, ChatMessage event) {
    std::promise<Told> told;
    dispatcher_.submit(
        world_.server(server), std::move(event),
        [&](Outcome outcome, std::optional<Answer> answer) { told.set_value({outcome, std::move(answer)}); });
    return told.get_future().get();
  }

  CommandRequest slash(std::string name, std::map<std::string, std::string, std::less<>> options = {},
                       Permission permission = Permission::everyone) {
    CommandRequest request;
    request.door = Door::slash;
    request.caller = {{kDiscord, "555", "Member"}, permission};
    request.place = "discord:1";
    request.operation_id = "discord:" + std::to_string(++operations_);
    request.slash_name = std::move(name);
    request.options = std::move(options);
    return request;
  }
  CommandRequest prefix(std::string line, Permission permission = Permission::everyone) {
    CommandRequest request = slash("", {}, permission);
    request.door = Door::prefix;
    request.line = std::move(line);
    return request;
  }

  Told call(CommandRequest request, std::int64_t server = 1) {
    std::promise<Told> told;
    dispatcher_.submit(
        world_.server(server), std::move(request),
        [&](Outcome outcome, std::optional<Answer> answer) { told.set_value({outcome, std::move(answer)}); });
    return told.get_future().get();
  }
  std::string said(CommandRequest request) {
    const Told told = call(std::move(request));
    return told.answer ? told.answer->text : "(nothing)";
  }

  net::Loops loops_{2};  // outlive the database, whose answers they carry
  test::TestWorld world_;
  TopicHub topics_;
  Dispatcher dispatcher_{loops_, world_.declarations, world_.clock, topics_, world_.metrics};
  int operations_ = 0;
};

TEST_F(Road, AMessageLeavesPresenceAndIsAnsweredAfterItsCommit) {
  const Told told = chat(1, message("!points"));
  EXPECT_EQ(told.outcome, Outcome::committed);
  EXPECT_THAT(told.answer->text, HasSubstr("no points yet"));
  EXPECT_EQ(world_.dump("SELECT discord_server_id, person_id FROM presence"), "1|1\n");
}

TEST_F(Road, WhoHasNothingYetIsToldWhatToDoForIt) {
  for (const char* command : {"watchtime", "points"})
    EXPECT_THAT(said(slash(command)), HasSubstr("/link")) << command;
  const LinkRequest request{DiscordUserId(555), kKick, "Nightowl_7"};
  ASSERT_TRUE(world_.in(1, [&](store::Tx& tx) {
    return link_member(tx, world_.declarations.on_move, request, {"tester", "system"}, world_.clock.now());
  }));
  world_.clock.advance(1min);
  EXPECT_THAT(said(slash("watchtime")), HasSubstr("write in chat"));
  EXPECT_THAT(said(slash("points")), HasSubstr("keep watching"));
}

TEST_F(Road, TheSameMessageTwiceIsAnsweredOnce) {
  EXPECT_TRUE(chat(1, message("!points")).answer);
  const Told again = chat(1, message("!points"));
  EXPECT_EQ(again.outcome, Outcome::committed);
  EXPECT_FALSE(again.answer);
  EXPECT_EQ(world_.dump("SELECT count(*) FROM presence"), "1\n");
}

TEST_F(Road, WhatFailedInSqliteIsACallAgainWhenItComesAgain) {
  chat(1, message("warm up", "m0"));
  {
    const test::FullDisk full;
    const Told told = chat(1, message("!points", "m1", "8"));
    EXPECT_EQ(told.outcome, Outcome::postponed);
    EXPECT_FALSE(told.answer);
    EXPECT_THAT(said(prefix("!points add <@777> 5 x", kAdmin)), HasSubstr("Something went wrong"));
  }
  EXPECT_TRUE(chat(1, message("!points", "m1", "8")).answer) << "neither known already nor cooling down";
  EXPECT_EQ(world_.dump("SELECT count(*) FROM ledger"), "0\n");
}

TEST_F(Road, ManyEventsOfOneServerKeepTheirOrder) {
  constexpr int kEvents = 300;
  std::promise<void> all;
  std::atomic<int> open = kEvents;
  for (int i = 0; i < kEvents; ++i) {
    dispatcher_.submit(world_.server(1), message("hi", "m" + std::to_string(i), std::to_string(i)),
                       [&](Outcome, std::optional<Answer>) {
                         if (--open == 0) all.set_value();
                       });
  }
  all.get_future().get();
  // Persons are numbered as they first appear: their numbers tell the order of the commits.
  EXPECT_EQ(
      world_.dump("SELECT count(*) FROM identities WHERE CAST(platform_user_id AS INTEGER) + 1 <> person_id"),
      "0\n");
}

TEST_F(Road, TooMuchAtOnceIsRefusedAndNotQueuedForEver) {
  chat(1, message("warm up"));
  const auto other = world_.database->hold_writer(1);  // nothing can commit
  std::promise<void> all;
  std::atomic<int> open = 2'500;
  std::atomic<int> overloaded = 0;
  for (int i = 0; i < 2'500; ++i) {
    dispatcher_.submit(world_.server(1), message("hi", "m" + std::to_string(i)),
                       [&](Outcome outcome, std::optional<Answer>) {
                         if (outcome == Outcome::overloaded) ++overloaded;
                         if (--open == 0) all.set_value();
                       });
  }
  while (overloaded == 0) std::this_thread::sleep_for(1ms);
  EXPECT_THAT(world_.metrics.text(), HasSubstr("guildhall_events_longest_line 2000\n"));
  EXPECT_THAT(world_.metrics.text(), HasSubstr("guildhall_events_line_limit 2000\n"));
  other->execute("COMMIT");
  all.get_future().get();
  EXPECT_EQ(overloaded, 500);
}

TEST_F(Road, CommandsAreTheSameThroughEveryDoor) {
  EXPECT_THAT(said(slash("points-add", {{"user", "777"}, {"amount", "250"}, {"reason", "raid"}}, kAdmin)),
              HasSubstr("got 250 points"));
  EXPECT_THAT(said(prefix("!points add <@777> 50 late bonus", kAdmin)), HasSubstr("now has 300"));
  EXPECT_THAT(said(prefix("!points remove 777 100 oops", kAdmin)), HasSubstr("now has 200"));
  EXPECT_THAT(said(slash("points", {{"user", "777"}})), HasSubstr("200 points"));
  EXPECT_EQ(world_.dump("SELECT amount, reason, actor FROM ledger ORDER BY entry_no"),
            "250|raid|discord:555\n50|late bonus|discord:555\n-100|oops|discord:555\n");
  EXPECT_EQ(world_.dump("SELECT action, before, after FROM audit_log ORDER BY entry_id"),
            "points.add|0|250 (raid)\npoints.add|250|300 (late bonus)\npoints.remove|300|200 (oops)\n");
}

TEST_F(Road, WhoIsMentionedKeepsTheName) {
  CommandRequest named = slash("points-add", {{"user", "777"}, {"amount", "5"}, {"reason", "raid"}}, kAdmin);
  named.person_names["777"] = "Owl";
  EXPECT_THAT(said(named), HasSubstr("Owl got 5 points"));
  EXPECT_THAT(said(prefix("!points add <@777> 5 late bonus", kAdmin)), HasSubstr("Owl got 5 points"));
  EXPECT_THAT(said(prefix("!points add <@778> 5 late bonus", kAdmin)), HasSubstr("778 got 5 points"))
      << "nobody has told that name yet";
}

TEST_F(Road, AReasonIsKeptAsLongAsItIsDeclared) {
  for (const std::string& reason : {std::string(200, 'a'), std::string(300, 'b')})
    call(slash("points-add", {{"user", "777"}, {"amount", "5"}, {"reason", reason}}, kAdmin));
  call(prefix("!points add 777 5 " + std::string(300, 'c'), kAdmin));
  EXPECT_EQ(world_.dump("SELECT length(reason), substr(reason, 1, 1) FROM ledger ORDER BY entry_no"),
            "200|a\n200|b\n200|c\n");
}

TEST_F(Road, OnlyAdministratorsCorrect) {
  const Told told = call(slash("points-add", {{"user", "777"}, {"amount", "250"}, {"reason", "x"}}));
  EXPECT_THAT(told.answer->text, HasSubstr("Only administrators"));
  EXPECT_TRUE(told.answer->private_answer);
  EXPECT_EQ(said(prefix("!points add 777 5 x")),
            said(slash("points-remove", {{"user", "7"}, {"amount", "1"}, {"reason", "x"}})));
  EXPECT_FALSE(chat(1, message("!points add 777 5 x", "m9")).answer) << "not in a stream's chat at all";
  EXPECT_EQ(world_.dump("SELECT count(*) FROM ledger"), "0\n");
}

TEST_F(Road, ManagersMayWhatIsTheirsAndNotWhatIsTheAdministrators) {
  const auto remove = [&](Permission permission) {
    return said(slash("link-remove", {{"user", "777"}}, permission));
  };
  EXPECT_THAT(remove(Permission::everyone), HasSubstr("Only those who may manage this server"));
  for (const Permission permission : {Permission::manager, kAdmin})
    EXPECT_THAT(remove(permission), testing::Not(HasSubstr("Only")));
  EXPECT_THAT(
      said(slash("points-add", {{"user", "777"}, {"amount", "5"}, {"reason", "x"}}, Permission::manager)),
      HasSubstr("Only administrators"));
  EXPECT_THAT(said(slash("help", {}, Permission::manager)), HasSubstr("link-panel"));
  EXPECT_THAT(said(slash("help", {}, Permission::everyone)), testing::Not(HasSubstr("link-panel")));
}

TEST_F(Road, AmountsThatCannotBeMeantAreRefusedAtEveryDoor) {
  for (const char* amount :
       {"0", "-1", "9000000000000000000", "1e3", "１２", "1.5", "", "9000000000000001"}) {
    EXPECT_THAT(said(slash("points-add", {{"user", "777"}, {"amount", amount}, {"reason", "x"}}, kAdmin)),
                HasSubstr("amount"))
        << amount;
    EXPECT_THAT(
        said(prefix(std::string("!points add 777 ") + (*amount == '\0' ? "x" : amount) + " x", kAdmin)),
        HasSubstr("amount"))
        << amount;
  }
  EXPECT_THAT(said(prefix("!points add 777", kAdmin)), HasSubstr("missing: amount"));
  EXPECT_THAT(said(prefix("!points add", kAdmin)), HasSubstr("missing: user"));
  EXPECT_THAT(said(prefix("!points remove 777 5 more than there is", kAdmin)),
              HasSubstr("has only 0 points"));
  EXPECT_EQ(world_.dump("SELECT count(*) FROM ledger"), "0\n");
}

TEST_F(Road, TheSameInteractionTwicePaysOnce) {
  const CommandRequest request =
      slash("points-add", {{"user", "777"}, {"amount", "250"}, {"reason", "x"}}, kAdmin);
  EXPECT_TRUE(call(request).answer);
  EXPECT_FALSE(call(request).answer);
  EXPECT_EQ(world_.dump("SELECT balance FROM balances"), "250\n");
}

TEST_F(Road, APausedFeatureAnswersNothingElse) {
  world_.in(1, [&](store::Tx& tx) {
    return change_server_setting(tx, world_.declarations, ServerId(1), {"points_enabled", "false"},
                                 {"t", "system"}, world_.clock.now());
  });
  dispatcher_.refresh(world_.server(1));
  EXPECT_THAT(said(slash("points")), HasSubstr("switched off"));
  EXPECT_FALSE(chat(1, message("!points")).answer);
}

TEST_F(Road, AChangeWhileSettingsAreBeingReadIsNotMissed) {
  bool changed = false;
  world_.declarations.on_settings.push_back([&](store::Tx& tx, ServerContext&) -> store::TxTask<void> {
    if (std::exchange(changed, true)) co_return;  // right behind the reading
    co_await change_server_setting(tx, world_.declarations, ServerId(1), {"command_prefix", "?"},
                                   {"t", "system"}, world_.clock.now());
    dispatcher_.refresh(world_.server(1));
  });
  EXPECT_TRUE(call(prefix("?points")).answer);
}

TEST_F(Road, SettingsWorkFromTheNextEventOn) {
  EXPECT_TRUE(chat(1, message("!points", "m1")).answer);
  world_.in(1, [&](store::Tx& tx) -> store::TxTask<void> {
    co_await change_server_setting(tx, world_.declarations, ServerId(1), {"command_prefix", "?"},
                                   {"t", "system"}, world_.clock.now());
    co_await change_server_setting(tx, world_.declarations, ServerId(1), {"language", "de"}, {"t", "system"},
                                   world_.clock.now());
  });
  dispatcher_.refresh(world_.server(1));
  world_.clock.advance(1min);
  EXPECT_FALSE(chat(1, message("!points", "m2")).answer);
  EXPECT_THAT(chat(1, message("?points", "m3")).answer->text, HasSubstr("noch keine Punkte"));
  EXPECT_THAT(chat(2, message("!points", "m4")).answer->text, HasSubstr("no points yet"))
      << "another server follows its own settings";
}

TEST_F(Road, WhoAsksTooOftenWaits) {
  EXPECT_THAT(said(slash("watchtime")), HasSubstr("no watch time"));
  EXPECT_THAT(said(slash("watchtime")), HasSubstr("again in 15 s"));
  world_.clock.advance(-1h);  // a clock that jumps back locks nobody out
  EXPECT_THAT(said(slash("watchtime")), HasSubstr("no watch time"));
  EXPECT_THAT(said(slash("watchtime", {}, kAdmin)), HasSubstr("no watch time"))
      << "administrators do not wait";
}

TEST_F(Road, HostileTextStaysText) {
  const std::string nul("!watchtime a\0b", 14);
  EXPECT_EQ(chat(1, message(nul, "m1")).outcome, Outcome::committed);
  EXPECT_EQ(chat(1, message("!watchtime \xff\xfe", "m2")).outcome, Outcome::committed);
  EXPECT_EQ(chat(1, message("!watchtime " + std::string(2'000, 'x'), "m3", "8")).outcome, Outcome::committed);
  world_.clock.advance(1min);
  EXPECT_THAT(said(prefix("!watchtime *@everyone*")), HasSubstr("\\*\\@everyone\\*"));
}

TEST_F(Road, APageHearsWhatChanged) {
  std::mutex mutex;
  std::set<std::string> heard;
  const auto listening = topics_.listen([&](const std::string& topic, std::uint64_t) {
    const std::scoped_lock lock(mutex);
    heard.insert(topic);
  });
  call(slash("points-add", {{"user", "777"}, {"amount", "5"}, {"reason", "x"}}, kAdmin));
  const std::scoped_lock lock(mutex);
  EXPECT_TRUE(heard.contains("server/1/points"));
  EXPECT_TRUE(heard.contains("server/1/activity"));
}

TEST_F(Road, ACorrectionIsAnnouncedThroughTheOutbox) {
  world_.in(1, [&](store::Tx& tx) {
    return change_server_setting(tx, world_.declarations, ServerId(1), {"log_channel_id", "4242"},
                                 {"t", "system"}, world_.clock.now());
  });
  call(slash("points-add", {{"user", "777"}, {"amount", "5"}, {"reason", "*x*"}}, kAdmin));
  EXPECT_EQ(world_.dump("SELECT destination, sequence, body FROM outbox"),
            "discord:4242|1|Points of 777 changed by 5 to 5, by Member: \\*x\\*\n");
}

}  // namespace
}  // namespace guildhall::bot
