#include "sim/interactions.h"

#include <gmock/gmock.h>

#include "base/crypto.h"
#include "sim/sim_testing.h"

namespace guildhall::sim {
namespace {

using testing::SizeIs;

class InteractionsTest : public SimTest {
 protected:
  InteractionsTest() { begin(); }

  void begin() {
    start();
    const json::Array commands{json::Object{{"name", "points"}, {"description", "d"}}};
    rest("PUT", "applications/" + text("discord", "application_id") + "/commands", commands);
  }
  /// Asks for points and returns the interaction's id.
  std::string ask() {
    const json::Object command{
        {"guild", id(server(0).id)}, {"user", id(server(0).owner)}, {"name", "points"}};
    return json::text_or(control("POST", "/discord/command", command), "interaction", "");
  }
  json::Value story(const std::string& interaction) {
    return control("GET", "/discord/interactions?id=" + interaction).as_array().at(0);
  }
  std::string token_of(const std::string& interaction) {
    return json::text_or(story(interaction), "token", "");
  }
  net::HttpResponse answer(const std::string& interaction, const json::Value& body,
                           const std::string& query = "") {
    return rest("POST", "interactions/" + interaction + "/" + token_of(interaction) + "/callback" + query,
                body);
  }
  std::string webhook(const std::string& interaction) {
    return "webhooks/" + text("discord", "application_id") + "/" + token_of(interaction);
  }
};

TEST_F(InteractionsTest, AnAnswerIsSeenAndASecondOneIsRefused) {
  const std::string one = ask();
  EXPECT_EQ(answer(one, {{"type", 4}, {"data", {{"content", "12 points"}}}}).status, 204);
  EXPECT_EQ(json::text_or(story(one).at("answer"), "content", ""), "12 points");
  EXPECT_EQ(json::text_or(story(one), "state", ""), "answered");
  const auto again = answer(one, {{"type", 4}, {"data", {{"content", "again"}}}});
  EXPECT_EQ(again.status, 400);
  EXPECT_EQ(code_of(again), 40060);
  EXPECT_EQ(code_of(rest("POST", "interactions/" + one + "/wrong/callback", {{"type", 5}})), 10062);
}

TEST_F(InteractionsTest, TooLateIsUnknown) {
  end();
  options_.interactions.first_answer = std::chrono::milliseconds(30);
  begin();
  const std::string one = ask();
  ASSERT_TRUE(run_until([&] { return json::text_or(story(one), "state", "") == "dead"; }));
  const auto late = answer(one, {{"type", 4}, {"data", {{"content", "sorry"}}}});
  EXPECT_EQ(late.status, 404);
  EXPECT_EQ(code_of(late), 10062);
  EXPECT_EQ(code_of(rest("PATCH", webhook(one) + "/messages/@original", {{"content", "x"}})), 10015);
  EXPECT_EQ(json::integer(control("GET", "/witness").at("commands"), "late"), 1);
}

TEST_F(InteractionsTest, TheTokenEnds) {
  end();
  options_.interactions.life = std::chrono::milliseconds(0);
  begin();
  const std::string one = ask();
  EXPECT_EQ(answer(one, {{"type", 5}}).status, 204);
  const auto edit = rest("PATCH", webhook(one) + "/messages/@original", {{"content", "x"}});
  EXPECT_EQ(edit.status, 401);
  EXPECT_EQ(code_of(edit), 50027);
}

TEST_F(InteractionsTest, ADeferralFixesWhoSeesTheAnswer) {
  const std::string one = ask();
  EXPECT_EQ(code_of(answer(one, {{"type", 5}, {"data", {{"flags", 64 | (1 << 15)}}}})), 50035);
  EXPECT_EQ(answer(one, {{"type", 5}}).status, 204);
  EXPECT_EQ(json::boolean(story(one), "deferred"), true);
  EXPECT_EQ(code_of(answer(one, {{"type", 9}, {"data", json::Object{}}})), 40060);
  EXPECT_EQ(rest("PATCH", webhook(one) + "/messages/@original", {{"content", "done"}, {"flags", 64}}).status,
            200);
  EXPECT_EQ(json::boolean(story(one), "ephemeral"), false) << "too late to hide it";
  EXPECT_EQ(json::text_or(story(one), "state", ""), "answered");

  const std::string two = ask();
  answer(two, {{"type", 5}, {"data", {{"flags", 64}}}});
  rest("PATCH", webhook(two) + "/messages/@original", {{"content", "psst"}});
  EXPECT_EQ(json::boolean(story(two), "ephemeral"), true);
  const json::Value seen = body_of(rest("GET", "channels/" + id(server(0).chat().id) + "/messages"));
  EXPECT_THAT(seen.as_array(), SizeIs(1)) << "an ephemeral answer does not stand in the channel";
}

TEST_F(InteractionsTest, AFollowupRightAfterADeferralFillsIt) {
  const std::string one = ask();
  answer(one, {{"type", 5}});
  const json::Value first = body_of(rest("POST", webhook(one), {{"content", "filled"}}));
  const json::Value second = body_of(rest("POST", webhook(one), {{"content", "added"}}));
  EXPECT_EQ(first.at("id"), body_of(rest("GET", webhook(one) + "/messages/@original")).at("id"));
  EXPECT_NE(first.at("id"), second.at("id"));
  EXPECT_THAT(json::array(story(one), "followups"), SizeIs(1));
  EXPECT_EQ(rest("DELETE", webhook(one) + "/messages/@original").status, 204);
  EXPECT_EQ(code_of(rest("GET", webhook(one) + "/messages/@original")), 10008);
}

TEST_F(InteractionsTest, InPlaceOfAPromiseThatIsTakenBackAnotherMessageStands) {
  const std::string one = ask();
  answer(one, {{"type", 5}});
  EXPECT_EQ(rest("DELETE", webhook(one) + "/messages/@original").status, 204);
  EXPECT_EQ(json::text_or(story(one), "state", ""), "deferred");
  EXPECT_EQ(rest("POST", webhook(one), {{"content", "not you"}, {"flags", 64}}).status, 200);
  EXPECT_EQ(json::text_or(story(one), "state", ""), "answered");
  EXPECT_EQ(json::text_or(story(one).at("answer"), "content", ""), "not you");
  EXPECT_EQ(json::integer(story(one).at("answer"), "flags"), 64);
  EXPECT_EQ(json::integer(control("GET", "/witness").at("commands"), "answered"), 1);
}

TEST_F(InteractionsTest, TheResponseIsToldOnRequest) {
  const std::string one = ask();
  const auto response =
      answer(one, {{"type", 4}, {"data", {{"content", "x"}, {"flags", 64}}}}, "?with_response=true");
  ASSERT_EQ(response.status, 200);
  const json::Value body = body_of(response);
  EXPECT_EQ(json::boolean(body.at("interaction"), "response_message_ephemeral"), true);
  EXPECT_EQ(json::text_or(body.at("resource").at("message"), "content", ""), "x");
}

TEST_F(InteractionsTest, BadAnswersAreRefusedAndMayBeMended) {
  const std::string one = ask();
  EXPECT_EQ(code_of(answer(one, {{"type", 4}, {"data", {{"content", std::string(2'001, 'x')}}}})), 50035);
  EXPECT_EQ(code_of(answer(one, {{"type", 4}, {"data", json::Object{}}})), 50006);
  EXPECT_EQ(code_of(answer(one, {{"type", 7}, {"data", {{"content", "x"}}}})), 50035)
      << "updates are for components";
  EXPECT_EQ(answer(one, {{"type", 4}, {"data", {{"content", "x"}}}}).status, 204);
}

TEST_F(InteractionsTest, ClicksComeFromComponentsThatAreThere) {
  const std::string channel = "channels/" + id(server(0).chat().id) + "/messages";
  const json::Value row{
      {"type", 1},
      {"components",
       json::Array{json::Object{{"type", 2}, {"style", 1}, {"label", "Join"}, {"custom_id", "join:1"}}}}};
  const json::Value posted =
      body_of(rest("POST", channel, {{"content", "raffle"}, {"components", json::Array{row}}}));
  json::Object click{{"guild", id(server(0).id)},
                     {"user", id(server(0).owner)},
                     {"message", posted.at("id")},
                     {"custom_id", "join:1"}};
  const std::string one = json::text_or(control("POST", "/discord/click", click), "interaction", "");
  EXPECT_EQ(answer(one, {{"type", 7}, {"data", {{"content", "joined"}}}}).status, 204);
  EXPECT_EQ(json::text_or(body_of(rest("GET", channel)).as_array().at(0), "content", ""), "joined");
  const auto click_status = [&] {
    net::HttpRequest request{"POST", json::text_or(contract_, "control", "") + "/discord/click"};
    request.body = json::write(click);
    return send(request).status;
  };
  click["custom_id"] = "other";
  EXPECT_EQ(click_status(), 404);
  click["forged"] = true;
  EXPECT_EQ(click_status(), 200) << "Discord does not look whether it is one of ours";
  json::Value closed = row;
  closed.at("components").at(0).as_object()["disabled"] = true;
  rest("PATCH", channel + "/" + json::text_or(posted, "id", ""), {{"components", json::Array{closed}}});
  click["custom_id"] = "join:1";
  click.erase("forged");
  EXPECT_EQ(click_status(), 409) << "nobody can press a disabled button";
}

/// What people choose and fill in, by Discord's own client and by others.
class FillingIn : public InteractionsTest {
 protected:
  /// The status of an act that may be refused, and the interaction that it began.
  struct Begun {
    int status = 0;
    std::string interaction;
  };
  Begun act(const std::string& path, const json::Object& body) {
    net::HttpRequest request{"POST", json::text_or(contract_, "control", "") + path};
    request.body = json::write(body);
    const auto response = send(std::move(request));
    return {response.status, json::text_or(body_of(response), "interaction", "")};
  }
  json::Value component(const std::string& text) { return *json::parse(text); }
  /// The bot's message with one component.
  json::Value post(const json::Value& component) {
    const json::Value row{{"type", 1}, {"components", json::Array{component}}};
    return body_of(rest("POST", "channels/" + id(server(0).chat().id) + "/messages",
                        {{"content", "choose"}, {"components", json::Array{row}}}));
  }
  json::Object click(const json::Value& message, json::Array values) {
    return {{"guild", id(server(0).id)},
            {"user", id(server(0).owner)},
            {"message", message.at("id")},
            {"custom_id", "s"},
            {"values", std::move(values)}};
  }
  /// A form with one field.
  json::Value form(const std::string& field) {
    const json::Value label{{"type", 18}, {"label", "Field"}, {"component", component(field)}};
    return {{"type", 9},
            {"data", {{"custom_id", "f"}, {"title", "Form"}, {"components", json::Array{label}}}}};
  }
  json::Object submission(const std::string& opened_by, json::Object fields) {
    return {{"guild", id(server(0).id)},
            {"user", id(server(0).owner)},
            {"opened_by", opened_by},
            {"fields", std::move(fields)}};
  }
};

TEST_F(FillingIn, ASelectGivesWhatItOffers) {
  const json::Value message = post(component(
      R"({"type":3,"custom_id":"s","options":[{"label":"A","value":"a"},{"label":"B","value":"b"}]})"));
  EXPECT_EQ(act("/discord/click", click(message, {"c"})).status, 400);
  EXPECT_EQ(act("/discord/click", click(message, {})).status, 400);
  EXPECT_EQ(act("/discord/click", click(message, {"a", "b"})).status, 400);
  const Begun chosen = act("/discord/click", click(message, {"b"}));
  EXPECT_EQ(answer(chosen.interaction, {{"type", 7}, {"data", {{"content", "b it is"}}}}).status, 204);
  json::Object forged = click(message, {"c"});
  forged["forged"] = true;
  EXPECT_EQ(act("/discord/click", forged).status, 200) << "Discord does not look";
}

TEST_F(FillingIn, AFormComesBackOnceItIsFilledInRight) {
  const std::string opener = ask();
  EXPECT_EQ(act("/discord/submit", submission(opener, {{"why", "x"}})).status, 404) << "it is not shown yet";
  ASSERT_EQ(
      answer(opener, form(R"({"type":4,"custom_id":"why","style":1,"min_length":2,"max_length":5})")).status,
      204);
  EXPECT_EQ(json::text_or(story(opener), "state", ""), "answered");
  for (const char* text : {"", "x", "too long"})
    EXPECT_EQ(act("/discord/submit", submission(opener, {{"why", text}})).status, 400) << text;
  json::Object elsewhere = submission(opener, {{"why", "fine"}});
  elsewhere["user"] = id(server(0).members.rbegin()->first);
  EXPECT_EQ(act("/discord/submit", elsewhere).status, 403) << "somebody else was shown it";
  elsewhere["custom_id"] = "f";
  EXPECT_EQ(act("/discord/submit", elsewhere).status, 200) << "who makes it up is not asked";
  const Begun sent = act("/discord/submit", submission(opener, {{"why", "fine"}}));
  EXPECT_EQ(json::integer(story(sent.interaction), "type"), 5);
  EXPECT_EQ(json::text_or(story(sent.interaction), "what", ""), "f");
  EXPECT_EQ(code_of(answer(sent.interaction, form(R"({"type":4,"custom_id":"why","style":1})"))), 50035)
      << "no form after a form";
  EXPECT_EQ(code_of(answer(sent.interaction, {{"type", 7}, {"data", {{"content", "x"}}}})), 50035)
      << "there is no message to change";
  EXPECT_EQ(answer(sent.interaction, {{"type", 4}, {"data", {{"content", "thanks"}}}}).status, 204);
}

TEST_F(FillingIn, AFormOfAButtonMayChangeItsMessage) {
  const json::Value message = post(component(R"({"type":2,"custom_id":"s","style":1,"label":"Open"})"));
  const Begun pressed = act("/discord/click", click(message, {}));
  ASSERT_EQ(answer(pressed.interaction, form(R"({"type":5,"custom_id":"who"})")).status, 204);
  const Begun sent =
      act("/discord/submit", submission(pressed.interaction, {{"who", json::Array{id(server(0).owner)}}}));
  EXPECT_EQ(answer(sent.interaction, {{"type", 7}, {"data", {{"content", "changed"}}}}).status, 204);
  EXPECT_EQ(json::text_or(story(sent.interaction).at("answer"), "content", ""), "changed");
}

TEST_F(FillingIn, WhatCannotBeShownIsRefused) {
  const std::string opener = ask();
  for (const char* field :
       {R"({"type":4,"custom_id":"x"})",
        R"({"type":4,"custom_id":"x","style":1,"min_length":9,"max_length":5})",
        R"({"type":2,"custom_id":"x","style":1,"label":"No"})", R"({"type":3,"custom_id":"x","options":[]})",
        R"({"type":3,"custom_id":"x","options":[{"label":"A","value":"a"},{"label":"B","value":"a"}]})",
        R"({"type":5,"custom_id":"x","min_values":0})", R"({"type":5,"custom_id":"x","disabled":true})",
        R"({"type":5,"custom_id":"x","max_values":26})", R"({"type":5})",
        R"({"type":21,"custom_id":"x","options":[{"label":"A","value":"a"}]})",
        R"({"type":3,"custom_id":"x","options":[{"label":"A","value":"a","default":true},
            {"label":"B","value":"b","default":true}]})"})
    EXPECT_EQ(code_of(answer(opener, form(field))), 50035) << field;
  EXPECT_EQ(answer(opener, form(R"({"type":5,"custom_id":"x","min_values":0,"required":false})")).status,
            204);
}

TEST_F(InteractionsTest, MenusNameTheirTargetAndTypingAsksForChoices) {
  const json::Array commands{
      json::Object{{"name", "Show points"}, {"type", 2}},
      json::Object{
          {"name", "points"},
          {"description", "d"},
          {"options", json::Array{json::Object{
                          {"type", 4}, {"name", "count"}, {"description", "d"}, {"autocomplete", true}}}}}};
  rest("PUT", "applications/" + text("discord", "application_id") + "/commands", commands);
  json::Object asked{{"guild", id(server(0).id)}, {"user", id(server(0).owner)}, {"name", "Show points"}};
  asked["target"] = id(server(0).owner);
  const std::string menu = json::text_or(control("POST", "/discord/command", asked), "interaction", "");
  EXPECT_EQ(code_of(answer(menu, {{"type", 8}, {"data", {{"choices", json::Array{}}}}})), 50035);
  EXPECT_EQ(answer(menu, {{"type", 4}, {"data", {{"content", "12"}}}}).status, 204);

  asked["name"] = "points";
  asked["options"] = json::Object{{"count", 1}};
  asked["focused"] = "count";
  const std::string typed = json::text_or(control("POST", "/discord/type", asked), "interaction", "");
  EXPECT_EQ(code_of(answer(typed, {{"type", 4}, {"data", {{"content", "12"}}}})), 50035)
      << "only choices fit";
  const json::Array choices{json::Object{{"name", "ten"}, {"value", 10}}};
  EXPECT_EQ(answer(typed, {{"type", 8}, {"data", {{"choices", choices}}}}).status, 204);
  EXPECT_EQ(story(typed).at("choices"), json::Value(choices));
  EXPECT_EQ(json::integer(control("GET", "/witness").at("commands"), "asked"), 1) << "typing is no call";
}

TEST_F(InteractionsTest, TheWitnessCountsAnswersOnce) {
  const std::string one = ask();
  answer(one, {{"type", 5}});
  EXPECT_EQ(json::integer(control("GET", "/witness").at("commands"), "answered"), 0);
  rest("PATCH", webhook(one) + "/messages/@original", {{"content", "a"}});
  rest("PATCH", webhook(one) + "/messages/@original", {{"content", "b"}});
  ask();
  const json::Value commands = control("GET", "/witness").at("commands");
  EXPECT_EQ(json::integer(commands, "asked"), 2);
  EXPECT_EQ(json::integer(commands, "answered"), 1);
  EXPECT_EQ(json::integer(commands.at("by_name"), "points"), 2);
}

/// An application that has named an address, and keeps what is posted there.
class PostedInteractionsTest : public InteractionsTest {
 protected:
  PostedInteractionsTest() {
    net::HttpServerOptions options;
    options.listen = {"127.0.0.1", 0};
    hook_ = *net::HttpServer::start(
        loop_, options,
        [this](net::HttpRequest request) -> Task<net::HttpResponse> { co_return receive(request); });
  }
  ~PostedInteractionsTest() override { end(); }

  net::HttpResponse receive(const net::HttpRequest& request) {
    const auto key = Ed25519PublicKey::from_hex(text("discord", "public_key"));
    const auto signature = hex_decode(request.header("x-signature-ed25519").value_or(""));
    const std::string timestamp = request.header("x-signature-timestamp").value_or("");
    EXPECT_EQ(timestamp, std::to_string(to_micros(clock_.now()) / 1'000'000));
    const bool genuine = key->verify(timestamp + request.body, *signature);
    (genuine ? genuine_ : forged_).push_back(*json::parse(request.body));
    if (!genuine && looks_) return net::make_response(401, "text/plain", "");
    const bool ping = json::integer(*json::parse(request.body), "type") == 1;
    return net::make_response(ping ? 200 : status_, "application/json",
                              ping ? R"({"type":1})" : json::write(reply_));
  }
  std::string name_it() {
    control("POST", "/discord/interactions-url",
            {{"url", "http://127.0.0.1:" + std::to_string(hook_->port()) + "/hook"}});
    EXPECT_TRUE(run_until([&] { return state() != "trying"; }));
    return state();
  }
  std::string state() { return json::text_or(control("GET", "/discord/interactions-url"), "state", ""); }
  bool becomes(const std::string& interaction, const std::string& state) {
    return run_until([&] { return json::text_or(story(interaction), "state", "") == state; });
  }

  std::unique_ptr<net::HttpServer> hook_;
  bool looks_ = true;
  int status_ = 200;
  json::Value reply_ = json::Object{{"type", 4}, {"data", {{"content", "12 points"}}}};
  std::vector<json::Value> genuine_;
  std::vector<json::Value> forged_;
};

TEST_F(PostedInteractionsTest, TheReplyIsTheFirstAnswer) {
  ASSERT_EQ(name_it(), "accepted");
  EXPECT_THAT(forged_, SizeIs(1));
  const std::string one = ask();
  ASSERT_TRUE(becomes(one, "answered"));
  EXPECT_EQ(json::text_or(story(one).at("answer"), "content", ""), "12 points");
  EXPECT_EQ(json::text_or(genuine_.back(), "id", ""), one);
  EXPECT_EQ(json::find(control("GET", "/witness").at("discord"), "INTERACTION_CREATE"), nullptr);
  control("POST", "/discord/interactions-url", {{"url", ""}});
  ask();
  EXPECT_THAT(genuine_, SizeIs(2)) << "over the gateway again";
}

TEST_F(PostedInteractionsTest, AReplyMayPromiseTheCallback) {
  ASSERT_EQ(name_it(), "accepted");
  status_ = 202;
  const std::string one = ask();
  ASSERT_TRUE(run_until([&] { return genuine_.size() == 2; }));
  EXPECT_EQ(answer(one, {{"type", 5}}).status, 204);
  EXPECT_TRUE(becomes(one, "deferred"));
}

TEST_F(PostedInteractionsTest, WhatIsNoAnswerIsNone) {
  end();
  options_.interactions.first_answer = std::chrono::minutes(1);  // so that it is not what ends them
  begin();
  ASSERT_EQ(name_it(), "accepted");
  reply_ = json::Object{{"type", 7}, {"data", {{"content", "not of a command"}}}};
  EXPECT_TRUE(becomes(ask(), "dead"));
  status_ = 500;
  EXPECT_TRUE(becomes(ask(), "dead"));
}

TEST_F(PostedInteractionsTest, AnAddressThatBelievesWhatIsNotSignedIsRefusedAtOnceOrLater) {
  looks_ = false;
  EXPECT_EQ(name_it(), "refused");
  EXPECT_EQ(json::text_or(story(ask()), "state", ""), "waiting") << "nothing is posted there";
  EXPECT_THAT(genuine_, SizeIs(1));
  looks_ = true;
  ASSERT_EQ(name_it(), "accepted");
  looks_ = false;
  for (int i = 0; i < 25; ++i) ask();
  EXPECT_TRUE(run_until([&] { return state() == "refused"; }));
}

}  // namespace
}  // namespace guildhall::sim
