// What people ask for in Discord by commands, menus and forms, and what they are offered while they type.
#include "bot/discord_interactions.h"

#include <boost/asio/post.hpp>

#include "base/text.h"
#include "bot/discord_commands.h"
#include "tests/support/discord_world.h"

namespace guildhall::bot {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

TEST_F(AtTheDeadline, ALateCommandIsDeferredAndThenEdited) {
  const auto other = world_.database->hold_writer(1);
  take(command("help"));
  advance(2s);
  ASSERT_EQ(http.requests.size(), 1U);
  EXPECT_EQ(sent(0), "POST /interactions/1/secret/callback");
  EXPECT_EQ(json::write(body(0)), R"({"type":5,"data":{"flags":64}})") << "help is for its caller";
  other->execute("COMMIT");
  expect_requests(2);
  EXPECT_EQ(sent(1), "PATCH /webhooks/98/secret/messages/@original");
  EXPECT_THAT(json::text_or(body(1), "content", ""), HasSubstr("leaderboard"));
}

TEST_F(AtTheDeadline, ALateRefusalOfAPublicCommandIsSaidToTheCallerAlone) {
  switch_points_off();
  const auto other = world_.database->hold_writer(1);
  take(command("points"));
  advance(2s);
  ASSERT_EQ(http.requests.size(), 1U);
  EXPECT_EQ(json::write(body(0)), R"({"type":5})") << "what was promised to everybody";
  other->execute("COMMIT");
  expect_requests(3);
  EXPECT_EQ(sent(1), "DELETE /webhooks/98/secret/messages/@original");
  EXPECT_EQ(sent(2), "POST /webhooks/98/secret");
  EXPECT_EQ(json::integer(body(2), "flags"), 64);
  EXPECT_THAT(json::text_or(body(2), "content", ""), HasSubstr("switched off"));
}

TEST_F(AtTheDeadline, ARefusalIsNotSaidWhereThePromiseCannotBeTakenBack) {
  switch_points_off();
  const auto other = world_.database->hold_writer(1);
  http.then(204, "");
  http.then(403, R"({"code":50013,"message":"Missing Permissions"})");
  take(command("points"));
  advance(2s);
  other->execute("COMMIT");
  expect_requests(2);
  advance(10s);
  EXPECT_EQ(http.requests.size(), 2U) << "it would stand in the place of the promise, before everybody";
}

TEST_F(AtTheDeadline, ThatItIsBusyIsSaidByOneCallEvenLate) {
  take(command("help"));
  expect_requests(1);
  const auto other = world_.database->hold_writer(1);
  std::promise<void> gate;
  boost::asio::post(loops_.of(ServerId(1)), [passed = gate.get_future().share()] { passed.wait(); });
  const auto scope = world_.server(1);
  const MemberLeft left{DiscordUserId(7), "x", "leave", world_.clock.now()};
  for (int i = 0; i < 2'000; ++i) dispatcher_.submit(scope, left, [](Outcome) {});
  take(command("points"));
  advance(2s);
  ASSERT_EQ(http.requests.size(), 2U);
  EXPECT_EQ(json::write(body(1)), R"({"type":5})");
  gate.set_value();
  expect_requests(3);
  ASSERT_EQ(sent(2), "PATCH /webhooks/98/secret/messages/@original");
  EXPECT_THAT(json::text_or(body(2), "content", ""), HasSubstr("busy"));
  other->execute("COMMIT");
}

TEST_F(AtTheDeadline, ARequestIsRememberedAsLongAsItIsBelieved) {
  const auto once = command("help");
  EXPECT_EQ(answer_to(post(once)).status, 200);
  const auto typing = asked(discord::InteractionType::autocomplete);
  for (int i = 0; i < 100'000; ++i) {
    auto stroke = typing;
    stroke.id = discord::InteractionId(1'000 + i);
    interactions_.take(std::nullopt, std::move(stroke), false);
  }
  advance(10min);
  EXPECT_EQ(answer_to(post(once)).status, 409);
  advance(2min);
  const auto again = post(once);
  advance(3s);
  EXPECT_EQ(answer_to(again).status, 202) << "it is forgotten at last";
}

TEST_F(AtTheDeadline, AfterTheTokensTimeAPublicAnswerGoesToTheChannel) {
  const auto late = [&](std::string name) {
    auto interaction = command(std::move(name));
    interaction.channel = DiscordChannelId(4);
    http.then(204, "");
    http.then(401, R"({"message":"Invalid Webhook Token","code":50027})");
    const auto other = world_.database->hold_writer(1);
    take(interaction);
    advance(16min);
    other->execute("COMMIT");
  };
  // Help needs nothing of the database but the settings, which nobody has read before it.
  late("help");
  expect_requests(2);
  advance(1min);
  EXPECT_EQ(http.requests.size(), 2U) << "what is for one alone is said to nobody else";
  late("points");
  expect_requests(5);
  EXPECT_EQ(sent(4), "POST /channels/4/messages");
  EXPECT_THAT(json::text_or(body(4), "content", ""), HasSubstr("no points yet"));
  EXPECT_EQ(json::write(body(4).at("allowed_mentions")), R"({"parse":[]})");
}

TEST_F(AtTheDeadline, WhatIsToldAgainIsDoneOnlyIfNobodyHasAnswered) {
  const std::map<std::string, std::string, std::less<>> gift{
      {"user", "777"}, {"amount", "5"}, {"reason", "x"}};
  http.then(404, R"({"code":10062,"message":"Unknown interaction"})");
  take(command("points-add", gift), true);
  advance(10s);
  EXPECT_EQ(json::integer(body(0), "type"), 5);
  EXPECT_EQ(world_.dump("SELECT count(*) FROM ledger"), "0\n");
  take(command("points-add", gift), true);
  expect_requests(3);
  EXPECT_EQ(sent(2), "PATCH /webhooks/98/secret/messages/@original");
  EXPECT_EQ(world_.dump("SELECT count(*) FROM ledger"), "1\n");
}

TEST_F(AtTheDeadline, WhatIsPostedIsAnsweredOnItsRequest) {
  world_.in(1, [&](store::Tx& tx) { return provisional_identity(tx, kKick, "Owl", world_.clock.now()); });
  const auto said = answer_to(post(command("help")));
  EXPECT_EQ(said.status, 200);
  EXPECT_EQ(said.header("content-type"), "application/json");
  const json::Value first = *json::parse(said.body);
  EXPECT_EQ(json::integer(first, "type"), 4);
  EXPECT_EQ(json::integer(first.at("data"), "flags"), 64);
  EXPECT_EQ(json::write(first.at("data").at("allowed_mentions")), R"({"parse":[]})");
  auto typing = asked(discord::InteractionType::autocomplete);
  typing.command = "points";
  typing.options["viewer"] = "o";
  typing.focused = "viewer";
  EXPECT_EQ(answer_to(post(typing)).body, R"({"type":8,"data":{"choices":[{"name":"Owl","value":"Owl"}]}})");
  advance(10s);
  EXPECT_EQ(json::integer(*json::parse(answer_to(post(menu("Give points"))).body), "type"), 9);
  EXPECT_TRUE(http.requests.empty()) << "no call is made";
  EXPECT_EQ(answer_to(post(asked(static_cast<discord::InteractionType>(77)))).status, 409);
}

TEST_F(AtTheDeadline, WhatIsPostedAndTakesLongIsPutOffByACall) {
  const auto other = world_.database->hold_writer(1);
  const auto response = post(command("points"));
  advance(1s);
  EXPECT_FALSE(response->has_value());
  advance(1s);
  EXPECT_EQ(answer_to(response).status, 202);
  EXPECT_EQ(answer_to(response).body, "");
  ASSERT_EQ(http.requests.size(), 1U);
  EXPECT_EQ(sent(0), "POST /interactions/1/secret/callback");
  EXPECT_EQ(json::integer(body(0), "type"), 5);
  other->execute("COMMIT");
  expect_requests(2);
  EXPECT_EQ(sent(1), "PATCH /webhooks/98/secret/messages/@original");
}

TEST_F(AtTheDeadline, WhatComesByBothRoadsIsTakenOnce) {
  const auto gift = command("points-add", {{"user", "777"}, {"amount", "5"}, {"reason", "x"}});
  EXPECT_EQ(answer_to(post(gift)).status, 200);
  take(gift);
  take(gift, true);
  EXPECT_EQ(answer_to(post(gift)).status, 409);
  const auto second = command("points-add", {{"user", "777"}, {"amount", "5"}, {"reason", "x"}});
  take(second);
  expect_requests(1);
  EXPECT_EQ(answer_to(post(second)).status, 409);
  advance(10s);
  EXPECT_EQ(http.requests.size(), 1U);
  EXPECT_EQ(world_.dump("SELECT count(*) FROM ledger"), "2\n");
}

TEST_F(InDiscord, WhatIsPostedIsAnsweredAsWhatTheGatewayTells) {
  const auto tried = [&] {
    control("POST", "/discord/interactions-url", {{"url", bot_->url()}});
    std::string state;
    wait_until([&] {
      state = json::text_or(control("GET", "/discord/interactions-url"), "state", "");
      return state != "trying";
    });
    return state;
  };
  give_points(0, 7);
  ASSERT_EQ(tried(), "accepted");
  const auto asker = member(0, 0);
  const json::Value first = ask(0, asker, {{"of", "points"}, {"count", 3}}).at("answer");
  EXPECT_THAT(content(first), HasSubstr("3. 5003"));
  press(0, asker, first, next(first));
  EXPECT_THAT(content(look(0, first)), HasSubstr("4. 5004"));
  const json::Value other = press(0, member(0, 1), first, previous(look(0, first)), true);
  EXPECT_EQ(json::boolean(other, "ephemeral"), true);
  EXPECT_THAT(content(other.at("answer")), HasSubstr("for whoever used the command"));
  const json::Value told = control("GET", "/witness").at("discord");
  EXPECT_EQ(json::find(told, "INTERACTION_CREATE"), nullptr) << "none came over the gateway";
  world_.config.discord_public_key.clear();
  restart();
  EXPECT_EQ(tried(), "refused") << "without the key nothing is believed";
}

TEST_F(AtTheDeadline, WhoTypesTooFastIsOfferedNothingForAMoment) {
  world_.in(1, [&](store::Tx& tx) { return provisional_identity(tx, kKick, "Owl", world_.clock.now()); });
  const auto offered = [&] {
    auto typing = asked(discord::InteractionType::autocomplete);
    typing.command = "points";
    typing.options["viewer"] = "o";
    typing.focused = "viewer";
    const std::size_t before = http.requests.size();
    take(typing);
    expect_requests(before + 1);
    return json::array(body(before).at("data"), "choices").size();
  };
  for (int i = 0; i < 30; ++i) EXPECT_EQ(offered(), 1U) << i;
  EXPECT_EQ(offered(), 0U);
  advance(500ms);
  EXPECT_EQ(offered(), 1U);
}

TEST_F(AtTheDeadline, NamesOfViewersAreOfferedWhileOneIsTyped) {
  for (const char* name : {"Nightowl_7", "NightOwl", "nightfox", "Day", "123456"}) {
    world_.in(1, [&](store::Tx& tx) { return provisional_identity(tx, kKick, name, world_.clock.now()); });
    world_.in(2, [&](store::Tx& tx) {
      return provisional_identity(tx, kKick, std::string("elsewhere") + name, world_.clock.now());
    });
  }
  const auto offered = [&](std::string typed, std::string focused = "viewer", std::string name = "points",
                           discord::Permissions permissions = 0) {
    auto typing = asked(discord::InteractionType::autocomplete);
    typing.command = std::move(name);
    typing.options["viewer"] = std::move(typed);
    typing.focused = std::move(focused);
    typing.permissions = permissions;
    const std::size_t before = http.requests.size();
    take(typing);
    expect_requests(before + 1);
    std::string names;
    EXPECT_EQ(json::integer(body(before), "type"), 8);
    for (const json::Value& choice : json::array(body(before).at("data"), "choices"))
      names += json::text_or(choice, "value", "") + ";";
    return names;
  };
  EXPECT_EQ(offered("NIGHT"), "nightfox;NightOwl;Nightowl_7;");
  EXPECT_EQ(offered("nightowl_"), "Nightowl_7;");
  EXPECT_EQ(offered("@Night"), "nightfox;NightOwl;Nightowl_7;") << "as people write names elsewhere";
  EXPECT_EQ(offered(""), "123456;Day;nightfox;NightOwl;Nightowl_7;");
  EXPECT_EQ(offered("else"), "") << "those of another server";
  EXPECT_EQ(offered("%"), "");
  EXPECT_EQ(offered("n", "user"), "");
  EXPECT_EQ(offered("n", "viewer", "points-add"), "") << "only administrators may call it";
  EXPECT_EQ(offered("nightf", "viewer", "points-add", discord::kAdministrator), "nightfox;");
  EXPECT_EQ(offered("n", "viewer", "gone"), "");
}

TEST_F(AtTheDeadline, AViewerIsNamedInPlaceOfAMember) {
  for (const char* name : {"Nightowl_7", "123456"})
    world_.in(1, [&](store::Tx& tx) { return provisional_identity(tx, kKick, name, world_.clock.now()); });
  take(command("points-add", {{"viewer", "nightowl_7"}, {"amount", "5"}, {"reason", "x"}}));
  expect_requests(1);
  EXPECT_THAT(json::text_or(body(0).at("data"), "content", ""), HasSubstr("Nightowl\\_7 got 5 points"));
  take(command("points-add", {{"viewer", "@123456"}, {"amount", "5"}, {"reason", "x"}}));
  expect_requests(2);
  EXPECT_THAT(json::text_or(body(1).at("data"), "content", ""), HasSubstr("123456 got 5 points"))
      << "digits are a name too, and nobody's number";
  EXPECT_EQ(world_.dump("SELECT count(*) FROM identities WHERE platform = 'discord'"), "0\n");
  take(command("points-add", {{"viewer", "x"}, {"user", "777"}, {"amount", "5"}, {"reason", "x"}}));
  expect_requests(3);
  EXPECT_THAT(json::text_or(body(2).at("data"), "content", ""), HasSubstr("either a member or a viewer"));
  take(command("points-add", {{"amount", "5"}, {"reason", "x"}}));
  expect_requests(4);
  EXPECT_THAT(json::text_or(body(3).at("data"), "content", ""), HasSubstr("missing: user"));
}

TEST_F(AtTheDeadline, TheMenuOfAUserAnswersItsCallerAlone) {
  take(command("points-add", {{"user", "777"}, {"amount", "5"}, {"reason", "x"}}));
  expect_requests(1);
  take(menu("Show points"));
  expect_requests(2);
  EXPECT_EQ(json::integer(body(1).at("data"), "flags"), 64);
  EXPECT_THAT(json::text_or(body(1).at("data"), "content", ""), HasSubstr("777 has 5 points"));
  take(menu("points"));
  expect_requests(3);
  EXPECT_THAT(json::text_or(body(2).at("data"), "content", ""), HasSubstr("not known any more"));
}

TEST_F(InDiscord, CommandsAreKnownInBothLanguagesAndInTheMenuOfAUser) {
  give_points(0, 1);
  bool menu = false;
  for (const json::Value& command : control("GET", "/discord/commands").as_array()) {
    const json::Value* names = json::find(command, "name_localizations");
    ASSERT_NE(names, nullptr) << json::write(command);
    if (json::text_or(command, "name", "") == "points") EXPECT_EQ(json::text(*names, "de"), "punkte");
    if (json::text_or(command, "name", "") == "Show points") menu = json::integer(command, "type") == 2;
  }
  EXPECT_TRUE(menu);
  const json::Value story = ask_about(member(0, 1), member(0, 0), "Show points");
  EXPECT_EQ(json::boolean(story, "ephemeral"), true);
  EXPECT_THAT(content(story.at("answer")), HasSubstr("known here yet")) << "nobody has seen that member";
}

/// Of commands that the menu of a user does not tell enough for.
class Forms : public InDiscord {
 protected:
  json::Object filled_in(const json::Value& opener, json::Object fields) {
    return {{"guild", id(servers_[0].id)},
            {"user", id(servers_[0].owner)},
            {"opened_by", opener.at("id")},
            {"fields", std::move(fields)}};
  }
  std::string said_to(const json::Object& submission) {
    return said_to_caller(0, told("/discord/submit", submission));
  }
  std::string booked() {
    return world_.dump("SELECT count(*), coalesce(sum(amount), 0), count(DISTINCT operation_id) FROM ledger");
  }
};

TEST_F(Forms, AskForWhatTheMenuDoesNotTellAlsoAfterARestart) {
  const auto about = member(0, 0);
  const json::Value opener = ask_about(about, servers_[0].owner, "Give points");
  EXPECT_EQ(json::integer(opener, "answer_type"), 9);
  EXPECT_THAT(json::text_or(opener.at("modal"), "title", ""), HasSubstr("Give points: "));
  EXPECT_THAT(said_to(filled_in(opener, {{"amount", "25"}, {"reason", "raid"}})),
              HasSubstr("got 25 points and now has 25"));
  EXPECT_THAT(said_to(filled_in(opener, {{"amount", " 5 "}, {"reason", "late"}})), HasSubstr("now has 30"))
      << "another time is another correction";
  EXPECT_EQ(booked(), "2|30|2\n");

  restart();
  EXPECT_THAT(said_to(filled_in(opener, {{"amount", "1"}, {"reason", "still there"}})),
              HasSubstr("now has 31"));
  EXPECT_THAT(said_to(filled_in(opener, {{"amount", "1e3"}, {"reason", "x"}})),
              HasSubstr("amount: a whole number from 1 to"));
  EXPECT_EQ(booked(), "3|31|3\n");
  const json::Value taking = ask_about(about, servers_[0].owner, "Take points");
  EXPECT_THAT(said_to(filled_in(taking, {{"amount", "32"}, {"reason", "x"}})),
              HasSubstr("has only 31 points"));
  EXPECT_THAT(said_to(filled_in(taking, {{"amount", "30"}, {"reason", "x"}})), HasSubstr("who now has 1"));
  EXPECT_EQ(world_.dump("SELECT count(*) FROM audit_log WHERE action IN ('points.add', 'points.remove')"),
            "4\n");
}

TEST_F(Forms, AreForWhomTheyWereShownInTheirServerAlone) {
  const json::Value opener = ask_about(member(0, 0), servers_[0].owner, "Give points");
  const std::string form = json::text_or(opener.at("modal"), "custom_id", "");
  const auto forged = [&](sim::Snowflake user, std::size_t server, std::string custom_id) {
    json::Object submission = filled_in(opener, {{"amount", "5"}, {"reason", "x"}});
    submission["user"] = id(user);
    submission["guild"] = id(servers_[server].id);
    submission["custom_id"] = std::move(custom_id);
    return said_to(submission);
  };
  EXPECT_THAT(forged(member(0, 1), 0, form), HasSubstr("for whoever used the command"));
  EXPECT_THAT(forged(servers_[1].owner, 1, form), HasSubstr("does not work here"));
  std::string other = form;
  const std::string about = id(member(0, 0));
  other.replace(other.find(about), about.size(), id(member(0, 1)));
  EXPECT_THAT(forged(servers_[0].owner, 0, other), HasSubstr("does not work here"))
      << "it is about another one";
  EXPECT_THAT(forged(servers_[0].owner, 0, "made up"), HasSubstr("does not work here"));
  give_points(0, 1);
  const json::Value board = ask(0, servers_[0].owner, {}).at("answer");
  const std::string select = json::text_or(button(board, 0), "custom_id", "");
  EXPECT_THAT(forged(servers_[0].owner, 0, select), HasSubstr("does not work here")) << "it is no form";
  EXPECT_THAT(said_to_caller(0, press(0, servers_[0].owner, board, form, true)),
              HasSubstr("does not work here"))
      << "nor is a form a button";
  EXPECT_EQ(booked(), "1|999|1\n");
}

TEST_F(Forms, AreNotShownToWhoMayNotCallThem) {
  const json::Value story = ask_about(member(0, 0), member(0, 1), "Give points");
  EXPECT_EQ(json::integer(story, "answer_type"), 4);
  EXPECT_THAT(said_to_caller(0, story), HasSubstr("Only administrators"));
}

TEST_F(AtTheDeadline, AFormIsTheFirstAnswerWhateverTheDatabaseDoes) {
  const auto other = world_.database->hold_writer(1);
  auto german = menu("Give points");
  german.locale = "de";
  for (const bool told_again : {false, true}) {
    german.id = discord::InteractionId(german.id.value() + 100);
    const std::size_t before = http.requests.size();
    take(german, told_again);
    ASSERT_EQ(http.requests.size(), before + 1) << "neither waited nor put off";
    EXPECT_EQ(json::integer(body(before), "type"), 9);
  }
  const json::Value form = body(0).at("data");
  EXPECT_EQ(json::text(form, "title"), "Punkte geben: Owl");
  std::string fields;
  for (const json::Value& label : json::array(form, "components")) {
    const json::Value& input = label.at("component");
    fields += fmt::format(
        "{} {} {} {};", json::text_or(label, "label", ""), json::text_or(input, "custom_id", ""),
        json::integer(input, "max_length").value_or(0), json::boolean(input, "required").value_or(false));
  }
  EXPECT_EQ(fields, "Wie viele Punkte amount 16 true;Warum; steht später im Protokoll reason 200 true;");
  advance(10s);
  EXPECT_EQ(http.requests.size(), 2U) << "nothing else follows";
  other->execute("COMMIT");
}

TEST_F(AtTheDeadline, AFormThatIsSentIsTheCommandItself) {
  take(menu("Give points"));
  const auto sent = submit(0, {{"amount", {"5"}}, {"reason", {"raid"}}});
  take(sent);
  expect_requests(2);
  EXPECT_EQ(json::integer(body(1), "type"), 4);
  EXPECT_EQ(json::integer(body(1).at("data"), "flags"), 64);
  EXPECT_EQ(json::text(body(1).at("data"), "content"), "Owl got 5 points and now has 5.");
  take(sent);
  EXPECT_EQ(answer_to(post(sent)).status, 409) << "by whichever road";
  EXPECT_EQ(world_.dump("SELECT operation_id, amount, reason FROM ledger"),
            fmt::format("discord:{}|5|raid\n", sent.id.str()));

  const auto content_of = [&](discord::Interaction interaction) {
    const std::size_t before = http.requests.size();
    take(std::move(interaction));
    expect_requests(before + 1);
    EXPECT_EQ(json::integer(body(before).at("data"), "flags"), 64);
    return json::text_or(body(before).at("data"), "content", "");
  };
  for (const char* amount : {"0", "1e3", "9999999999999999", "-5"}) {
    EXPECT_EQ(content_of(submit(0, {{"amount", {amount}}, {"reason", {"x"}}})),
              content_of(command("points-add", {{"user", "777"}, {"amount", amount}, {"reason", "x"}})));
  }
  EXPECT_THAT(content_of(submit(0, {{"amount", {"5"}}, {"reason", {" "}}})), HasSubstr("missing: reason"));
  auto nobody = submit(0, {{"amount", {"5"}}, {"reason", {"x"}}});
  nobody.permissions = 0;
  EXPECT_THAT(content_of(nobody), HasSubstr("Only administrators")) << "whatever he was when it was shown";
  switch_points_off();
  dispatcher_.refresh(world_.server(1));
  EXPECT_THAT(content_of(submit(0, {{"amount", {"5"}}, {"reason", {"x"}}})), HasSubstr("switched off"));
  EXPECT_EQ(world_.dump("SELECT count(*) FROM ledger"), "1\n");
}

TEST_F(AtTheDeadline, WhatAMemberIsCalledIsSaidInThatServerAlone) {
  take(menu("Give points"));
  auto there = menu("Give points");
  there.guild = ServerId(2);
  there.users.clear();
  interactions_.take(world_.server(2), there, false);
  expect_requests(2);
  EXPECT_EQ(json::text(body(1).at("data"), "title"), "Give points: 777");
  auto sent = submit(1, {{"amount", {"5"}}, {"reason", {"raid"}}});
  sent.guild = ServerId(2);
  interactions_.take(world_.server(2), sent, false);
  expect_requests(3);
  EXPECT_THAT(json::text_or(body(2).at("data"), "content", ""), HasSubstr("777 got 5 points"));
}

TEST_F(AtTheDeadline, ALateFormIsDeferredForItsCallerAlone) {
  take(menu("Give points"));
  const auto other = world_.database->hold_writer(1);
  take(submit(0, {{"amount", {"5"}}, {"reason", {"raid"}}}));
  advance(2s);
  ASSERT_EQ(http.requests.size(), 2U);
  EXPECT_EQ(json::write(body(1)), R"({"type":5,"data":{"flags":64}})");
  other->execute("COMMIT");
  expect_requests(3);
  EXPECT_EQ(sent(2), "PATCH /webhooks/98/secret/messages/@original");
  EXPECT_THAT(json::text_or(body(2), "content", ""), HasSubstr("now has 5"));
}

TEST_F(AtTheDeadline, AFormHasAFieldForEveryKindOfArgument) {
  CommandSpec duel;
  duel.owner = "bot";
  duel.path = "duel";
  duel.doors = {Door::slash};
  duel.user_menu = true;
  duel.cooldown = 1min;
  duel.arguments = {{"user", ArgumentKind::person, true},
                    {"side", ArgumentKind::choice, true, 0, 0, {"left", "right"}},
                    {"second", ArgumentKind::person},
                    {"stake", ArgumentKind::integer, false, -100, 20},
                    {"note", ArgumentKind::text}};
  duel.handler = [](store::Tx&, ServerContext&, const CommandCall& call) -> store::TxTask<Reply> {
    const auto second = call.person("second");
    Reply reply;
    reply.lines.push_back({fmt::format("{} {} {} {} {}", call.person("user")->id, *call.text("side"),
                                       second ? second->name : "-", call.integer("stake").value_or(0),
                                       call.text("note").value_or("-"))});
    co_return reply;
  };
  world_.declarations.commands.add(std::move(duel));
  auto opened = menu("menu.duel");
  opened.permissions = 0;
  take(opened);
  ASSERT_EQ(http.requests.size(), 1U);
  std::string fields;
  for (const json::Value& label : json::array(body(0).at("data"), "components")) {
    const json::Value& input = label.at("component");
    fields += fmt::format(
        "{} {} {} {};", json::text_or(input, "custom_id", ""), json::integer(input, "type").value_or(0),
        json::boolean(input, "required").value_or(false), json::integer(input, "max_length").value_or(0));
  }
  EXPECT_EQ(fields, "side 3 true 0;second 5 false 0;stake 4 false 4;note 4 false 4000;");
  const auto said = [&](std::map<std::string, std::vector<std::string>, std::less<>> written) {
    auto filled = submit(0, std::move(written));
    filled.permissions = 0;
    filled.users[DiscordUserId(888)] = "Fox";
    const std::size_t before = http.requests.size();
    take(std::move(filled));
    expect_requests(before + 1);
    return json::text_or(body(before).at("data"), "content", "");
  };
  EXPECT_EQ(said({{"side", {"left"}}, {"second", {}}, {"stake", {""}}, {"note", {""}}}), "777 left - 0 -");
  EXPECT_THAT(said({{"side", {"left"}}}), HasSubstr("again in 60 s")) << "the cooldown of the command";
  world_.clock.advance(2min);
  EXPECT_EQ(said({{"side", {"right"}}, {"second", {"888"}}, {"stake", {"-7"}}, {"note", {"hi"}}}),
            "777 right Fox -7 hi");
  world_.clock.advance(2min);
  EXPECT_THAT(said({{"side", {"up"}}}), HasSubstr("one of left, right is needed"));
}

TEST(DeclaredForms, FitInEveryLanguage) {
  const test::TestWorld world;
  const Catalogue& texts = world.declarations.texts;
  int forms = 0;
  for (const CommandSpec& command : world.declarations.commands.all()) {
    const OfferedCall call{command.path, {}, left_open(command)};
    if (!command.user_menu || call.open.empty()) continue;
    ++forms;
    for (const char* language : {"en", "de"}) {
      discord::Modal form = form_of(command, call, texts.text(language, command.menu_key()), texts, language);
      form.custom_id = "x";
      EXPECT_TRUE(discord::modal_json(form)) << command.path;
      for (const discord::Field& field : form.fields)
        EXPECT_LE(utf16_length(field.label), 45U) << "it would be cut: " << field.label;
    }
  }
  EXPECT_GT(forms, 0);
}

}  // namespace
}  // namespace guildhall::bot
