// What people press and choose below messages in Discord.
#include "bot/discord_interactions.h"
#include "bot/ledger.h"
#include "tests/support/discord_world.h"

namespace guildhall::bot {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::Not;

TEST_F(InDiscord, AListIsReadPageByPageAlsoAfterARestart) {
  give_points(0, 7);
  const auto asker = member(0, 0);
  const json::Value first = ask(0, asker, {{"of", "points"}, {"count", 3}}).at("answer");
  EXPECT_EQ(content(first), "Most points:\n1. 5001: 999\n2. 5002: 998\n3. 5003: 997");
  EXPECT_EQ(json::boolean(button(first, 0), "disabled"), true) << "there is nothing before the first page";
  EXPECT_EQ(json::boolean(button(first, 1), "disabled"), false);

  press(0, asker, first, next(first));
  const json::Value second = look(0, first);
  EXPECT_EQ(content(second), "Most points:\n4. 5004: 996\n5. 5005: 995\n6. 5006: 994");

  restart();
  press(0, asker, second, next(second));
  const json::Value third = look(0, first);
  EXPECT_EQ(content(third), "Most points:\n7. 5007: 993");
  EXPECT_EQ(json::boolean(button(third, 1), "disabled"), true) << "it is the last page";
  press(0, asker, third, previous(third));
  EXPECT_EQ(content(look(0, first)), content(second));
  EXPECT_EQ(messages(0).size(), 1U) << "it was one message all the time";
}

TEST_F(InDiscord, AShortListHasNoButtons) {
  give_points(0, 3);
  const json::Value list = ask(0, member(0, 0), {{"of", "points"}, {"count", 3}}).at("answer");
  EXPECT_THAT(content(list), HasSubstr("3. 5003"));
  ASSERT_EQ(list.at("components").as_array().size(), 1U);
  EXPECT_EQ(json::integer(button(list, 0), "type"), 3) << "but what is ranked can be chosen";
}

TEST_F(InDiscord, AButtonWorksForWhomItWasMadeInItsServerAlone) {
  give_points(0, 7);
  give_points(1, 7);
  const auto asker = member(0, 0);
  const json::Value here = ask(0, asker, {{"of", "points"}, {"count", 3}}).at("answer");
  const json::Value there = ask(1, member(1, 0), {{"of", "points"}, {"count", 4}}).at("answer");
  const auto refused = [&](std::size_t server, sim::Snowflake user, const json::Value& message,
                           const std::string& custom_id, const std::string& says) {
    EXPECT_THAT(said_to_caller(server, press(server, user, message, custom_id, true)), HasSubstr(says))
        << custom_id;
    EXPECT_EQ(content(look(server, message)), content(message)) << "the message stays as it is";
  };
  refused(0, member(0, 1), here, next(here), "for whoever used the command");
  refused(0, asker, here, next(there), "does not work here");
  refused(1, asker == member(1, 0) ? member(1, 1) : member(1, 0), there, next(here), "does not work here");
  std::string forged = next(here);
  forged.replace(forged.find(",2:"), 3, ",3:");
  refused(0, asker, here, forged, "does not work here");
  refused(0, asker, here, "join:1", "does not work here");
}

TEST_F(InDiscord, AMessageInDiscordIsAnsweredWithButtonsToo) {
  give_points(0, 7);
  const auto asker = member(0, 0);
  control("POST", "/discord/message",
          {{"guild", id(servers_[0].id)}, {"user", id(asker)}, {"content", "!leaderboard points 3"}});
  json::Value said;
  wait_until([&] {
    for (const json::Value& one : messages(0)) {
      if (content(one).starts_with("Most points")) said = one;
    }
    return !said.is_null();
  });
  press(0, asker, said, next(said));
  EXPECT_THAT(content(look(0, said)), HasSubstr("4. 5004"));
  EXPECT_THAT(content(look(0, said)), Not(HasSubstr("3. 5003")));
}

TEST_F(AtTheDeadline, AButtonIsDeferredUnseenAndThenItsMessageChanges) {
  const auto other = world_.database->hold_writer(1);
  take(press("points"));
  advance(2s);
  ASSERT_EQ(http.requests.size(), 1U);
  EXPECT_EQ(json::write(body(0)), R"({"type":6})");
  other->execute("COMMIT");
  expect_requests(2);
  EXPECT_EQ(sent(1), "PATCH /webhooks/98/secret/messages/@original");
  EXPECT_EQ(json::text(body(1), "content"), "Nobody is on the board yet.");
}

TEST_F(AtTheDeadline, ALateRefusalOfAButtonIsSaidToTheCallerAlone) {
  switch_points_off();
  const auto other = world_.database->hold_writer(1);
  take(press("points"));
  advance(2s);
  ASSERT_EQ(http.requests.size(), 1U);
  other->execute("COMMIT");
  expect_requests(2);
  EXPECT_EQ(sent(1), "POST /webhooks/98/secret") << "the message with the button stays as it is";
  EXPECT_EQ(json::integer(body(1), "flags"), 64);
  EXPECT_THAT(json::text_or(body(1), "content", ""), HasSubstr("switched off"));
}

TEST_F(AtTheDeadline, AnAnswerThatMayHaveArrivedIsNotSaidAgain) {
  http.then_fail(ErrorCode::timeout);
  take(press("points"));
  expect_requests(2);
  EXPECT_EQ(json::integer(body(0), "type"), 7);
  EXPECT_EQ(sent(1), "PATCH /webhooks/98/secret/messages/@original");
  advance(10s);
  EXPECT_EQ(http.requests.size(), 2U);
}

TEST_F(AtTheDeadline, WhoPressesTooFastIsToldSoWithoutATransaction) {
  take(command("help"));
  expect_requests(1);
  const auto other = world_.database->hold_writer(1);
  for (int i = 0; i < 10; ++i) take(press("points"));
  advance(100ms);
  EXPECT_EQ(http.requests.size(), 1U) << "they wait for the database";
  take(press("points"));
  expect_requests(2);
  EXPECT_EQ(json::integer(body(1), "type"), 4);
  EXPECT_EQ(json::integer(body(1).at("data"), "flags"), 64);
  EXPECT_THAT(json::text_or(body(1).at("data"), "content", ""), HasSubstr("a little fast"));
  auto somebody = press("points");
  somebody.user.id = DiscordUserId(556);
  take(somebody);
  expect_requests(3);
  EXPECT_THAT(json::text_or(body(2).at("data"), "content", ""), HasSubstr("whoever used the command"))
      << "each has a budget of his own";
  advance(1s);
  take(press("points"));
  advance(100ms);
  EXPECT_EQ(http.requests.size(), 3U) << "after a second there is room for one more";
  other->execute("COMMIT");
  expect_requests(14);
}

TEST_F(AtTheDeadline, ButtonsForWhichThereIsNoRoomAreLeftOut) {
  Answer answer{"many"};
  for (int i = 1; i <= 26; ++i)
    answer.offers.push_back({"b", {"leaderboard", {{"of", "points"}, {"page", std::to_string(i)}}}});
  const auto body = interactions_.body_of(answer, ServerId(1), "555");
  ASSERT_EQ(body.rows.size(), discord::kMostRows);
  EXPECT_EQ(std::get<discord::ButtonRow>(body.rows.back()).size(), discord::kButtonsInARow);
  EXPECT_TRUE(discord::message_json(body)) << "the message goes out";
}

TEST_F(AtTheDeadline, ASelectHasARowOfItsOwn) {
  Answer answer{"mixed"};
  answer.language = "de";
  const auto add = [&](std::map<std::string, std::string, std::less<>> options, bool select) {
    answer.offers.push_back({"x", {"leaderboard", std::move(options), {}}});
    if (select) answer.offers.back().call.open = {"of"};
  };
  add({{"page", "1"}}, false);
  add({{"of", "watchtime"}}, true);
  answer.offers.back().enabled = false;
  add({{"page", "2"}}, false);
  add({{"page", "3"}}, false);
  for (const char* count : {"1", "2", "3"}) add({{"count", count}}, true);
  const auto body = interactions_.body_of(answer, ServerId(1), "555");
  ASSERT_EQ(body.rows.size(), discord::kMostRows) << "the last one has no room";
  EXPECT_EQ(std::get<discord::ButtonRow>(body.rows[0]).size(), 1U);
  const auto& select = std::get<discord::Select>(body.rows[1]);
  ASSERT_EQ(select.options.size(), 2U);
  EXPECT_EQ(select.options[0].label, "Punkte");
  EXPECT_FALSE(select.options[0].chosen);
  EXPECT_TRUE(select.options[1].chosen);
  EXPECT_TRUE(select.disabled);
  EXPECT_EQ(std::get<discord::ButtonRow>(body.rows[2]).size(), 2U);
  EXPECT_TRUE(discord::message_json(body));
}

TEST_F(AtTheDeadline, BehindTheLastPageOfAllThereIsNone) {
  world_.in(1, [&](store::Tx& tx) -> store::TxTask<void> {
    std::vector<std::string> names;
    for (int i = 0; i < 1'001; ++i) names.push_back("owl" + std::to_string(i));
    const auto people = co_await identities_of_names(tx, kKick, names, world_.clock.now());
    LedgerOperation all{"all", "admin_adjust", "x", "t", {}};
    for (const auto& one : people) all.entries.push_back({one.identity.person_id, 5});
    const auto booked = co_await apply(tx, kPoints, all, world_.clock.now());
    EXPECT_TRUE(booked);
  });
  const CustomIds ids(secrets_, world_.declarations.commands, Door::button);
  const auto next_after = [&](const char* page) {
    auto pressed = asked(discord::InteractionType::component);
    pressed.custom_id =
        *ids.make(ServerId(1), {"leaderboard", {{"of", "points"}, {"count", "1"}, {"page", page}}}, "555");
    const std::size_t before = http.requests.size();
    take(pressed);
    expect_requests(before + 1);
    return body(before).at("data").at("components").at(0).at("components").at(1).at("disabled").as_bool();
  };
  EXPECT_FALSE(next_after("999"));
  EXPECT_TRUE(next_after("1000")) << "page 1,001 is none that can be asked for";
}

TEST_F(AtTheDeadline, NothingHappensForAnybodyElsesButton) {
  world_.in(1, [&](store::Tx& tx) {
    return change_server_setting(tx, world_.declarations, ServerId(1), {"language", "de"}, {"t", "system"},
                                 world_.clock.now());
  });
  auto pressed = press("points");
  pressed.user.id = DiscordUserId(556);
  take(pressed);
  expect_requests(1);
  EXPECT_EQ(json::integer(body(0), "type"), 4);
  EXPECT_EQ(json::integer(body(0).at("data"), "flags"), 64);
  EXPECT_THAT(json::text_or(body(0).at("data"), "content", ""), HasSubstr("den Befehl benutzt hat"))
      << "in the language of the server";
  auto outside = press("points");
  outside.guild.reset();
  interactions_.take(std::nullopt, outside, false);
  expect_requests(2);
  EXPECT_THAT(json::text_or(body(1).at("data"), "content", ""), HasSubstr("in a server"));
}

TEST_F(AtTheDeadline, OfEditsThatWaitForOneMessageOnlyTheLatestIsMade) {
  const auto other = world_.database->hold_writer(1);
  for (const char* token : {"a", "b", "c", "d"}) {
    auto pressed = press("points");
    pressed.token = token;
    pressed.message = discord::MessageId(77);
    take(pressed);
  }
  auto elsewhere = press("points");
  elsewhere.message = discord::MessageId(78);
  take(elsewhere);
  advance(2s);
  ASSERT_EQ(http.requests.size(), 5U) << "each is put off";
  http.delay = 1s;
  other->execute("COMMIT");
  expect_requests(7);
  advance(10s);
  ASSERT_EQ(http.requests.size(), 8U);
  EXPECT_EQ(sent(5), "PATCH /webhooks/98/a/messages/@original");
  EXPECT_EQ(sent(6), "PATCH /webhooks/98/secret/messages/@original") << "another message waits for none";
  EXPECT_EQ(sent(7), "PATCH /webhooks/98/d/messages/@original");
}

/// Several presses of the buttons of one message, each with a token of its own.
class OnOneMessage : public AtTheDeadline {
 protected:
  /// Those who are deferred, as the database is slow; then the first's edit goes out.
  void begin_late(const std::vector<std::string>& tokens) {
    const auto other = world_.database->hold_writer(1);
    for (const std::string& token : tokens) press_on(token);
    advance(2s);
    ASSERT_EQ(http.requests.size(), tokens.size());
    http.delay = 1s;
    other->execute("COMMIT");
    expect_requests(tokens.size() + 1);
    EXPECT_EQ(sent(tokens.size()), edit_of(tokens.front()));
  }
  void press_on(const std::string& token) {
    auto pressed = press("points");
    pressed.token = token;
    pressed.message = discord::MessageId(77);
    take(pressed);
  }
  /// Its command is done: that of somebody else behind it in the server's line is answered.
  void press_to_the_end(const std::string& token) {
    const std::size_t before = http.requests.size();
    press_on(token);
    take(command("help"));
    expect_requests(before + 1);
    ASSERT_EQ(http.requests.size(), before + 1) << "the press waits for the edit under way";
    EXPECT_EQ(sent(before), fmt::format("POST /interactions/{}/secret/callback", last_id_));
  }
  static std::string edit_of(const std::string& token) {
    return "PATCH /webhooks/98/" + token + "/messages/@original";
  }
};

TEST_F(OnOneMessage, AnAnswerAtOnceOvertakesTheEditsThatWait) {
  begin_late({"a", "b"});
  press_to_the_end("c");
  advance(10s);
  ASSERT_EQ(http.requests.size(), 5U) << "the second would bring back what was before";
  EXPECT_THAT(sent(4), HasSubstr("/c/callback"));
  EXPECT_EQ(json::integer(body(4), "type"), 7);
}

TEST_F(OnOneMessage, AnAnswerWaitsForTheRetriesOfAnOlderOne) {
  http.then(204, "");
  for (int i = 0; i < 2; ++i) http.then(503, "");
  begin_late({"a"});
  http.answers.emplace_front(net::make_response(204, "", ""));  // of help
  press_to_the_end("b");
  advance(20s);
  std::vector<std::string> changes;
  for (std::size_t i = 3; i < http.requests.size(); ++i) {
    if (json::integer(body(i), "type") != 6) changes.push_back(sent(i));
  }
  ASSERT_EQ(changes.size(), 3U);
  EXPECT_EQ(changes[0], edit_of("a"));
  EXPECT_EQ(changes[1], edit_of("a"));
  EXPECT_THAT(changes[2], HasSubstr("/b/")) << "what came last is what stands";
}

TEST_F(OnOneMessage, AnEditThatWaitsIsMadeIfTheNewerAnswerComesToNothing) {
  begin_late({"a", "b"});
  http.then(204, "");  // of help
  http.then(404, R"({"code":10062,"message":"Unknown interaction"})");
  press_to_the_end("c");
  advance(10s);
  ASSERT_EQ(http.requests.size(), 6U);
  EXPECT_THAT(sent(4), HasSubstr("/c/callback"));
  EXPECT_EQ(sent(5), edit_of("b"));
}

TEST_F(InDiscord, WhatIsRankedIsChosenBelowTheBoardAlsoAfterARestart) {
  give_points(0, 3);
  const auto asker = member(0, 0);
  const json::Value board = ask(0, asker, {{"of", "points"}, {"count", 5}}).at("answer");
  const auto chosen = [](const json::Value& message) {
    std::string values;
    for (const json::Value& option : json::array(button(message, 0), "options"))
      if (json::boolean(option, "default") == true) values += json::text_or(option, "label", "");
    return values;
  };
  EXPECT_EQ(chosen(board), "Points");
  restart();
  choose(0, asker, board, button(board, 0), "watchtime");
  const json::Value other = look(0, board);
  EXPECT_EQ(content(other), "Nobody is on the board yet.");
  EXPECT_EQ(chosen(other), "Watch time");

  const auto refused = [&](sim::Snowflake user, const std::string& value, const std::string& says) {
    EXPECT_THAT(said_to_caller(0, choose(0, user, other, button(other, 0), value, true)), HasSubstr(says));
    EXPECT_EQ(content(look(0, board)), content(other)) << "the message stays as it is";
  };
  refused(asker, "raffle", "one of points, watchtime is needed");
  refused(member(0, 1), "points", "for whoever used the command");
  choose(0, asker, other, button(other, 0), "points");
  EXPECT_EQ(content(look(0, board)), content(board));
}

TEST_F(InDiscord, WhoLooksAtSomebodyElseGoesOnToTheNext) {
  const auto owner = servers_[0].owner;
  const auto known = member(0, 1);
  ask(0, owner, {{"user", id(known)}, {"amount", 7}, {"reason", "raid"}}, "points-add");
  const auto asker = member(0, 0);
  const json::Value own = ask(0, asker, {}, "watchtime").at("answer");
  EXPECT_THAT(content(own), HasSubstr("You have no watch time yet"));
  EXPECT_EQ(json::write(own.at("components")), "[]") << "who looks at himself is done";

  const json::Value theirs = ask(0, asker, {{"user", id(known)}}, "points").at("answer");
  EXPECT_THAT(content(theirs), HasSubstr("has 7 points"));
  EXPECT_EQ(json::integer(button(theirs, 0), "type"), 5);
  choose(0, asker, theirs, button(theirs, 0), id(asker));
  EXPECT_THAT(content(look(0, theirs)), HasSubstr("You have no points yet"));
  choose(0, asker, theirs, button(look(0, theirs), 0), id(known));
  EXPECT_EQ(content(look(0, theirs)), content(theirs)) << "and back";
  EXPECT_THAT(said_to_caller(0, choose(0, asker, theirs, button(theirs, 0), id(owner))),
              HasSubstr("is known here yet"));

  const json::Value time = ask(0, known, {{"user", id(asker)}}, "watchtime").at("answer");
  EXPECT_THAT(content(time), HasSubstr("has no watch time yet"));
  choose(0, known, time, button(time, 0), id(known));
  EXPECT_THAT(content(look(0, time)), HasSubstr("You have no watch time yet"));
}

}  // namespace
}  // namespace guildhall::bot
