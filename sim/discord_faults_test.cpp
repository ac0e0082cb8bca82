// What goes wrong at Discord's end, as its clients meet it: each switch of faults.h that is about Discord
// does what it says, and the acts of the control interface beside them.
#include <gmock/gmock.h>

#include "sim/faults.h"
#include "sim/gateway_testing.h"

namespace guildhall::sim {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;

class FaultyGateway : public GatewayTest {
 protected:
  void fault(std::string_view name, std::int64_t value = 1) {
    control("POST", "/faults", json::Object{{name, value}});
  }
  void act(std::string_view name, json::Object more = {}) {
    more["do"] = name;
    control("POST", "/discord/gateway", more);
  }
  std::int64_t next_op(net::WebSocket& socket) { return json::integer(read(socket), "op").value_or(-1); }
  std::string next_event(net::WebSocket& socket) { return json::text_or(read(socket), "t", ""); }
};

// The session -----------------------------------------------------------------------------------------

TEST_F(FaultyGateway, AStormOfReconnectsComesBehindEachGreeting) {
  fault("gateway_reconnects", 3);
  Socket socket = ready(identify_data());
  EXPECT_EQ(next_op(*socket), 7);
  for (int i = 0; i < 2; ++i) {
    socket = resume();
    EXPECT_EQ(next_event(*socket), "RESUMED");
    ++last_seq_;
    EXPECT_EQ(next_op(*socket), 7);
  }
  socket = resume();
  EXPECT_EQ(next_event(*socket), "RESUMED");
  send(*socket, 1, last_seq_);
  EXPECT_EQ(next_op(*socket), 11) << "the storm is over";
}

TEST_F(FaultyGateway, SessionsAreInvalidInEveryState) {
  fault("gateway_early_invalid");
  Socket socket = connect();
  EXPECT_EQ(next_op(*socket), 10);
  EXPECT_EQ(read(*socket).at("d"), json::Value(false)) << "before anything was said";
  fault("gateway_refuse_identifies");
  send(*socket, 2, identify_data());
  EXPECT_EQ(next_op(*socket), 9);
  socket = ready(identify_data());
  fault("gateway_later_resumes");
  socket = resume();
  EXPECT_EQ(read(*socket).at("d"), json::Value(true));
  socket = resume();
  EXPECT_EQ(next_event(*socket), "RESUMED");
  act("resumable-invalid-session");
  EXPECT_EQ(read(*socket).at("d"), json::Value(true)) << "on a healthy connection";
}

TEST_F(FaultyGateway, AReplayBreaksOffInTheMiddleAndIsCompleteTheNextTime) {
  Socket socket = ready(identify_data());
  run(close(*socket, 4'000));
  for (const char* text : {"a", "b", "c", "d"}) say(text);
  fault("gateway_cut_replays");
  socket = resume();
  EXPECT_EQ(content_of(read(*socket)), "a");
  EXPECT_EQ(content_of(read(*socket)), "b");
  EXPECT_TRUE(read(*socket).is_null()) << "closed";
  last_seq_ += 2;
  socket = resume();
  EXPECT_EQ(content_of(read(*socket)), "c");
  EXPECT_EQ(content_of(read(*socket)), "d");
  EXPECT_EQ(next_event(*socket), "RESUMED");
}

TEST_F(FaultyGateway, AReplayBeginsTooEarly) {
  Socket socket = ready(identify_data());
  say("known");
  const json::Value known = read(*socket);
  last_seq_ = *json::integer(known, "s");
  run(close(*socket, 4'000));
  say("missed");
  fault("gateway_replay_overlap", 1);
  socket = resume();
  EXPECT_EQ(read(*socket), known);
  EXPECT_EQ(content_of(read(*socket)), "missed");
}

TEST_F(FaultyGateway, AZombieSaysNothingMoreAndItsSessionIsResumed) {
  Socket zombie = ready(identify_data());
  act("zombie");
  say("missed");
  send(*zombie, 1, last_seq_);
  Socket socket = resume();
  EXPECT_EQ(content_of(read(*socket)), "missed");
  EXPECT_EQ(next_event(*socket), "RESUMED");
  EXPECT_TRUE(read(*zombie).is_null()) << "neither the message nor an acknowledgement";
}

TEST_F(FaultyGateway, AConnectionMayBeDeadFromItsGreetingOn) {
  fault("gateway_zombies");
  Socket zombie = ready(identify_data());
  say("missed");
  EXPECT_EQ(json::integer(control("GET", "/healthz"), "gateway_connections"), 0);
  Socket socket = resume();
  EXPECT_EQ(content_of(read(*socket)), "missed");
  EXPECT_TRUE(read(*zombie).is_null());
}

TEST_F(FaultyGateway, EveryCodeClosesAsItSays) {
  for (const int code : {1'001, 4'000, 4'003, 4'007, 4'008, 4'011, 4'999}) {
    Socket socket = ready(identify_data());
    act("close", {{"code", code}});
    EXPECT_EQ(closed_with(*socket), code);
  }
}

TEST_F(FaultyGateway, WhileDiscordIsDownNobodyIsGreeted) {
  fault("discord_down");
  EXPECT_TRUE(read(*connect()).is_null());
  const auto page = rest("GET", "gateway/bot");
  EXPECT_EQ(page.status, 503);
  EXPECT_THAT(page.body, HasSubstr("<html>"));
  fault("discord_down", 0);
  ready(identify_data());
}

// Dispatches ------------------------------------------------------------------------------------------

TEST_F(FaultyGateway, DispatchesOfTwoServersChangePlacesAndThoseOfOneDoNot) {
  Socket socket = ready(identify_data());
  fault("gateway_reorder");
  say("first", 0);
  say("second", 1);
  const json::Value overtaker = read_to(*socket, "MESSAGE_CREATE");
  const json::Value overtaken = read_to(*socket, "MESSAGE_CREATE");
  EXPECT_EQ(content_of(overtaker), "second");
  EXPECT_EQ(content_of(overtaken), "first");
  EXPECT_LT(*json::integer(overtaker, "s"), *json::integer(overtaken, "s")) << "numbered as they are sent";
  say("one", 0);
  say("two", 0);
  EXPECT_EQ(content_of(read(*socket)), "one");
  EXPECT_EQ(content_of(read(*socket)), "two");
  say("alone", 0);
  EXPECT_EQ(content_of(read(*socket)), "alone") << "it does not wait for another for ever";
}

TEST_F(FaultyGateway, SomeDispatchesAndChunksAreNeverSent) {
  Socket socket = ready(identify_data());
  fault("gateway_lost");
  say("lost");
  say("told");
  EXPECT_EQ(content_of(read(*socket)), "told");
  fault("gateway_lost_chunks");
  const json::Object request{{"guild_id", id(server(0).id)}, {"query", ""}, {"limit", 1}};
  send(*socket, 8, request);
  send(*socket, 1, last_seq_);
  EXPECT_EQ(next_op(*socket), 11);
  send(*socket, 8, request);
  EXPECT_EQ(next_event(*socket), "GUILD_MEMBERS_CHUNK");
}

// Servers ---------------------------------------------------------------------------------------------

TEST_F(FaultyGateway, AServerThatIsOutAtTheStartIsToldInOneOfTwoWays) {
  const std::string out = id(server(1).id);
  control("POST", "/discord/outage", {{"guild", out}});
  const auto told = [&] {
    Socket socket = connect();
    read(*socket);
    send(*socket, 2, identify_data());
    json::Value frame;
    do {
      frame = read(*socket);
    } while (json::text_or(frame.at("d"), "id", "") != out);
    EXPECT_EQ(json::boolean(frame.at("d"), "unavailable"), true);
    EXPECT_THAT(frame.at("d").as_object(), SizeIs(2));
    return json::text_or(frame, "t", "");
  };
  EXPECT_EQ(told(), "GUILD_DELETE");
  fault("gateway_outage_creates");
  EXPECT_EQ(told(), "GUILD_CREATE");
}

TEST_F(FaultyGateway, AServerThatIsNoMoreIsToldOfAtEachStart) {
  fault("gateway_dead_guild");
  Socket socket = connect();
  read(*socket);
  send(*socket, 2, identify_data());
  EXPECT_THAT(json::array(read_to(*socket, "READY").at("d"), "guilds"), SizeIs(4));
  const json::Value gone = read_to(*socket, "GUILD_DELETE").at("d");
  EXPECT_EQ(gone.as_object().if_contains("unavailable"), nullptr);
}

TEST_F(FaultyGateway, AnUpdateOfAServerIsSilentAboutItsMembersAndChannels) {
  Socket socket = ready(identify_data());
  control("POST", "/discord/guild-update", {{"guild", id(server(0).id)}, {"name", "New Harbor"}});
  const json::Value update = read_to(*socket, "GUILD_UPDATE").at("d");
  EXPECT_EQ(json::text(update, "name"), "New Harbor");
  for (const char* key : {"member_count", "members", "channels"})
    EXPECT_EQ(update.as_object().if_contains(key), nullptr) << key;
}

// Answers ---------------------------------------------------------------------------------------------

TEST_F(FaultyGateway, ErrorsComeInJsonAndAsPagesOfTheEdge) {
  fault("discord_5xx", 4);
  std::vector<int> statuses;
  for (int i = 0; i < 4; ++i) {
    const auto response = rest("GET", "users/@me");
    statuses.push_back(response.status);
    const bool page = response.body.starts_with("<!DOCTYPE html>");
    EXPECT_EQ(page, response.status != 500) << response.body;
  }
  EXPECT_THAT(statuses, ElementsAre(520, 503, 502, 500));
  fault("discord_cdn_403");
  const auto blocked = rest("GET", "users/@me");
  EXPECT_EQ(blocked.status, 403);
  EXPECT_EQ(code_of(blocked), -1) << "no JSON";
}

TEST_F(FaultyGateway, WhatWasDoneMayBeAnsweredWithAnErrorAllTheSame) {
  const std::string path = "channels/" + id(server(0).chat().id) + "/messages";
  const json::Value message{{"content", "once"}, {"nonce", "n"}, {"enforce_nonce", true}};
  fault("discord_posted_5xx");
  EXPECT_EQ(rest("POST", path, message).status, 502);
  EXPECT_EQ(rest("POST", path, message).status, 200);
  EXPECT_THAT(body_of(rest("GET", path)).as_array(), SizeIs(1));
}

TEST_F(FaultyGateway, AnAnswerMayComeLongAfterTheAct) {
  fault("discord_slow_ms", 60'000);
  net::HttpRequest request{
      "POST", text("discord", "rest") + "/v10/channels/" + id(server(0).chat().id) + "/messages"};
  request.headers = {{"User-Agent", "DiscordBot (x, 1)"},
                     {"Authorization", "Bot " + text("discord", "token")},
                     {"Content-Type", "application/json"}};
  request.body = R"({"content":"soon"})";
  bool answered = false;
  boost::asio::co_spawn(loop_, client_.send(std::move(request)),
                        [&](std::exception_ptr, const auto&) { answered = true; });
  const auto said = [&] {
    return !control("GET", "/discord/messages?guild=" + id(server(0).id)).as_array().empty();
  };
  while (!said()) {
  }
  EXPECT_FALSE(answered);
}

}  // namespace
}  // namespace guildhall::sim
