#include "platforms/discord/gateway.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/this_coro.hpp>
#include <stdexcept>

#include "base/json.h"
#include "platforms/discord/gateway_testing.h"
#include "platforms/discord/protocol.h"

namespace guildhall::discord {

using namespace std::chrono_literals;  // NOLINT
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

void Listener::note(std::string_view what, const std::string& which) {
  notes.push_back(std::string(what) + " " + which);
}

void Listener::on_ready(Ready ready, Receipt) { note("ready", std::to_string(ready.guilds.size())); }
void Listener::on_intents_refused(Intents refused) { note("refused", privileged_names(refused)); }
void Listener::on_guild(GuildSnapshot guild, GuildArrival arrival, Receipt) {
  note(arrival == GuildArrival::joined ? "joined" : "filled", guild.id.str());
}
void Listener::on_guild_renamed(ServerId guild, std::string name, Receipt) {
  note("renamed", guild.str() + " " + name);
}
void Listener::on_guild_unavailable(ServerId guild) { note("unavailable", guild.str()); }
void Listener::on_guild_removed(ServerId guild, Receipt) { note("removed", guild.str()); }
void Listener::on_permissions_changed(ServerId guild) { note("permissions", guild.str()); }
void Listener::on_member_joined(MemberJoin join, Receipt receipt) {
  note("member", join.user.id.str());
  if (keeps) kept.push_back(std::move(receipt));
}
void Listener::on_member_left(MemberLeave leave, Receipt) {
  note("gone", leave.user.id.str() + " as " + leave.event_id);
}
void Listener::on_message(Message message) {
  if (message.content == "throw") throw std::runtime_error("broken handler");
  note("message", message.content);
}
void Listener::on_interaction(Interaction interaction) { note("interaction", interaction.command); }

Task<std::optional<SavedSession>> MemoryStore::load() { co_return session; }

Task<void> MemoryStore::save(std::optional<SavedSession> next) {
  boost::asio::steady_timer timer(co_await boost::asio::this_coro::executor);
  if (timing) co_await timing->wait(timer, timing->now() + 3s);
  session = std::move(next);
}

Task<IdentifyRecord::Claim> MemoryRecord::claim(int) {
  if (broken) throw std::runtime_error("no database");
  co_return Claim::ours;
}

Task<void> MemoryRecord::release(int) { co_return; }

Task<std::optional<IdentifyBudget>> MemoryRecord::budget() { co_return kept; }

Task<void> MemoryRecord::write(IdentifyBudget budget) {
  boost::asio::steady_timer timer(co_await boost::asio::this_coro::executor);
  if (timing) co_await timing->wait(timer, timing->now() + 3s);
  kept = budget;
}

GatewayTest::GatewayTest() = default;
GatewayTest::~GatewayTest() = default;

void GatewayTest::begin(std::shared_ptr<SessionStore> other) {
  if (!other) other = store;
  turns = std::make_shared<IdentifyTurns>(loop, timing, record);
  gateway = std::make_unique<Gateway>(
      loop, options, listener, *remembered, std::move(other), turns,
      [this](std::string url) { return connect(std::move(url)); }, [this] { return discover(); }, timing,
      metrics);
  ended = start(gateway->run());
}

Task<Result<std::unique_ptr<net::WebSocket>>> GatewayTest::connect(std::string url) {
  dialled.push_back(url);
  boost::asio::steady_timer never(loop, SteadyTime::max());
  if (hanging) co_await never.async_wait(boost::asio::use_awaitable);
  for (const std::string& dead : unreachable) {
    if (url.starts_with(dead)) co_return fail(ErrorCode::unavailable, "no such host");
  }
  peers.push_back(std::make_shared<GatewayPeer>(loop, std::move(url)));
  co_return std::make_unique<ScriptedSocket>(peers.back());
}

Task<Result<GatewayInfo>> GatewayTest::discover() {
  ++asked;
  co_return discovered;
}

void GatewayTest::say(const std::string& message) {
  peer().say(message);
  settle();
}

void GatewayTest::hello(int interval_ms) {
  say(R"({"op":10,"d":{"heartbeat_interval":)" + std::to_string(interval_ms) + "}}");
}

void GatewayTest::event(std::string_view name, const std::string& data, int sequence) {
  say(fmt::format(R"({{"op":0,"s":{},"t":"{}","d":{}}})", sequence, name, data));
}

void GatewayTest::ready(const std::string& guilds) {
  event("READY",
        R"({"v":10,"user":{"id":"99","username":"guildhall"},"application":{"id":"98","flags":0},)"
        R"("session_id":"s-1","resume_gateway_url":"wss://resume","guilds":)" +
            guilds + R"(,"_trace":["x"]})",
        1);
}

void GatewayTest::message(const std::string& text, int sequence) {
  event("MESSAGE_CREATE", R"({"id":"1","channel_id":"2","author":{"id":"3"},"content":")" + text + "\"}",
        sequence);
}

void GatewayTest::member(int user, int sequence) {
  event("GUILD_MEMBER_ADD", fmt::format(R"({{"guild_id":"1","user":{{"id":"{}"}},"roles":[]}})", user),
        sequence);
}

void GatewayTest::come_up(const std::string& guilds, int interval_ms) {
  begin();
  hello(interval_ms);
  ready(guilds);
}

void GatewayTest::close(int code) {
  peer().close(static_cast<std::uint16_t>(code));
  settle();
}

void GatewayTest::stop() {
  gateway->stop();
  settle();
}

std::vector<std::int64_t> GatewayTest::ops() {
  std::vector<std::int64_t> codes;
  for (const std::string& frame : peer().from_client)
    codes.push_back(json::integer(*json::parse(frame), "op").value());
  return codes;
}

namespace {

TEST_F(GatewayTest, IdentifiesOnlyAfterHello) {
  begin();
  ASSERT_EQ(peers.size(), 1U);
  EXPECT_EQ(peer().url, "wss://main/?v=10&encoding=json");
  EXPECT_THAT(peer().from_client, IsEmpty());
  hello();
  ASSERT_THAT(ops(), ElementsAre(2));
  const json::Value frame = last_frame();
  EXPECT_EQ(json::text(*json::find(frame, "d"), "token"), "a-token");
  EXPECT_EQ(json::integer(*json::find(frame, "d"), "intents"), 1 + 2 + 512 + 32768);
  EXPECT_NE(json::find(frame, "d", "properties", "os"), nullptr);
  EXPECT_FALSE(gateway->health().connected);
  ready();
  EXPECT_THAT(listener.notes, ElementsAre("ready 0"));
  EXPECT_TRUE(gateway->health().connected);
}

TEST_F(GatewayTest, TheConfiguredAddressWinsOverDiscordsOwn) {
  options.gateway_url = "ws://127.0.0.1:9";
  begin();
  EXPECT_EQ(peer().url, "ws://127.0.0.1:9/?v=10&encoding=json");
}

TEST_F(GatewayTest, AsksForCompressionAlsoWhereItResumes) {
  options.compression = GatewayOptions{}.compression;
  begin();
  EXPECT_EQ(peer().url, "wss://main/?v=10&encoding=json&compress=zstd-stream");
  options.compression = Compression::zlib;
  store->session = SavedSession{"s-0", "wss://resume", 5, kDefaultIntents, {}};
  begin();
  EXPECT_EQ(peer().url, "wss://resume/?v=10&encoding=json&compress=zlib-stream");
}

TEST_F(GatewayTest, WhereCompressionNeverWorksItGoesOnWithout) {
  for (const Compression compression : {Compression::zlib, Compression::zstd}) {
    options.compression = compression;
    begin();
    hello();
    EXPECT_EQ(peer().client_closed, 4000);
    advance(5s);
    EXPECT_EQ(peer().url, "wss://main/?v=10&encoding=json");
    hello();
    ready();
    EXPECT_TRUE(gateway->health().connected);
    stop();
    store->session.reset();
  }
}

/// The old one's end comes to nobody's ears.
TEST_F(GatewayTest, AnOldConnectionCannotTouchTheNewOne) {
  come_up();
  say(R"({"op":7,"d":null})");
  advance(2s);
  ASSERT_EQ(peers.size(), 2U);
  hello();
  event("RESUMED", "{}", 2);
  peers.front()->say(R"({"op":9,"d":false})");
  peers.front()->close(4004);
  settle();
  advance(20s);
  say(R"({"op":11})");
  advance(40s);
  EXPECT_EQ(beats(), 2);
  EXPECT_EQ(peers.size(), 2U);
  EXPECT_TRUE(gateway->health().connected);
}

TEST_F(GatewayTest, WhatIsReplayedIsToldOnce) {
  come_up();
  message("first", 2);
  close(1006);
  advance(2s);
  hello();
  message("first", 2);
  message("second", 3);
  event("RESUMED", "{}", 4);
  EXPECT_THAT(listener.notes, ElementsAre("ready 0", "message first", "message second"));
  EXPECT_TRUE(gateway->health().connected);
  EXPECT_EQ(asked, 1);
}

TEST_F(GatewayTest, ReconnectRequestsAreHeardInEveryState) {
  begin();
  say(R"({"op":7,"d":null})");
  EXPECT_EQ(peer().client_closed, 4000);
  advance(7s);
  hello();
  EXPECT_THAT(ops(), ElementsAre(2));
  say(R"({"op":7,"d":null})");
  advance(7s);
  hello();
  EXPECT_THAT(ops(), ElementsAre(2));
  ready();
  say(R"({"op":7,"d":null})");
  advance(7s);
  hello();
  EXPECT_THAT(ops(), ElementsAre(6));
  EXPECT_EQ(peers.size(), 4U);
}

TEST_F(GatewayTest, AnInvalidSessionIsIdentifiedAnewAfterOneToFiveSeconds) {
  for (const double chance : {0.0, 0.999}) {
    SCOPED_TRACE(chance);
    peers.clear();
    listener.notes.clear();
    timing->chance = chance;
    come_up("[]", 300'000);
    advance(70s);
    say(R"({"op":9,"d":false})");
    EXPECT_EQ(peer().client_closed, 4000);
    advance(chance == 0.0 ? 900ms : 4900ms);
    EXPECT_EQ(peers.size(), 1U);
    advance(200ms);
    ASSERT_EQ(peers.size(), 2U);
    EXPECT_EQ(peer().url, "wss://main/?v=10&encoding=json");
    hello();
    EXPECT_EQ(ops().front(), 2);
    stop();
    store->session.reset();
  }
}

TEST_F(GatewayTest, ASessionRefusedForNowIsResumed) {
  come_up();
  say(R"({"op":9,"d":true})");
  advance(6s);
  EXPECT_EQ(peer().url, "wss://resume/?v=10&encoding=json");
  hello();
  EXPECT_THAT(ops(), ElementsAre(6));
}

TEST_F(GatewayTest, AnInvalidSessionDuringTheHandshakeIsHeard) {
  begin();
  hello();
  say(R"({"op":9,"d":false})");
  advance(10s);
  ASSERT_EQ(peers.size(), 2U);
  hello();
  EXPECT_THAT(ops(), ElementsAre(2));
}

TEST_F(GatewayTest, ARefusedResumeForgetsSessionAndAddress) {
  come_up();
  close(1006);
  advance(2s);
  hello();
  EXPECT_THAT(ops(), ElementsAre(6));
  say(R"({"op":9,"d":false})");
  advance(10s);
  ASSERT_EQ(peers.size(), 3U);
  EXPECT_EQ(peer().url, "wss://main/?v=10&encoding=json");
  hello();
  EXPECT_THAT(ops(), ElementsAre(2));
}

TEST_F(GatewayTest, AResumeThatIsCutOffBeforeAnythingCameIsNotTriedAgain) {
  come_up();
  close(1006);
  advance(2s);
  hello();
  close(4000);
  advance(10s);
  EXPECT_EQ(peer().url, "wss://main/?v=10&encoding=json");
}

TEST_F(GatewayTest, ResumesThatLeadNowhereAreGivenUpInTheEnd) {
  come_up();
  for (int i = 0; i < 10 && (i < 2 || peer().url.starts_with("wss://resume")); ++i) {
    const std::size_t before = peers.size();
    say(R"({"op":7,"d":null})");
    while (peers.size() == before) advance(1s);
  }
  EXPECT_EQ(peer().url, "wss://main/?v=10&encoding=json");
  EXPECT_GT(peers.size(), 3U);
}

TEST_F(GatewayTest, NothingIsSentOnceItIsStopped) {
  record->timing = timing;
  begin();
  hello();
  stop();
  advance(10s);
  EXPECT_THAT(ops(), IsEmpty());
}

TEST_F(GatewayTest, AnUnreachableResumeAddressIsForgotten) {
  unreachable = {"wss://resume"};
  come_up();
  close(1006);
  advance(8s);
  ASSERT_EQ(peers.size(), 2U);
  EXPECT_EQ(peer().url, "wss://main/?v=10&encoding=json");
  hello();
  EXPECT_THAT(ops(), ElementsAre(2));
}

TEST_F(GatewayTest, WithoutReadyThereIsNothingToResume) {
  begin();
  hello();
  close(1006);
  advance(10s);
  ASSERT_EQ(peers.size(), 2U);
  EXPECT_EQ(peer().url, "wss://main/?v=10&encoding=json");
  hello();
  EXPECT_THAT(ops(), ElementsAre(2));
}

TEST_F(GatewayTest, IdentifiesWithItsPresence) {
  options.presence = "watching the streams";
  come_up();
  EXPECT_EQ(json::text(json::array(*json::find(last_frame(), "d", "presence"), "activities").at(0), "name"),
            "the streams");
  EXPECT_EQ(store->session->presence, options.presence);
}

TEST(Presence, IsReadFromAText) {
  const auto shown = [](std::string_view text) {
    const json::Value presence = presence_of(text);
    const json::Array& activities = json::array(presence, "activities");
    std::string all = *json::text(presence, "status");
    for (const json::Value& one : activities)
      all += fmt::format(" {} {}", *json::integer(one, "type"),
                         json::text_or(one, "state", json::text_or(one, "name", "")));
    return all;
  };
  EXPECT_EQ(shown(""), "online");
  EXPECT_EQ(shown("playing chess"), "online 0 chess");
  EXPECT_EQ(shown("listening to you"), "online 2 you");
  EXPECT_EQ(shown("idle, watching the streams"), "idle 3 the streams");
  EXPECT_EQ(shown("dnd"), "dnd");
  EXPECT_EQ(shown("invisible,competing in a cup"), "invisible 5 a cup");
  EXPECT_EQ(shown("Reading, slowly"), "online 4 Reading, slowly");
}

struct CloseCase {
  int code;
  CloseAction action;
  ErrorCode error = ErrorCode::failed;
};

struct CloseCodes : GatewayTest, testing::WithParamInterface<CloseCase> {};

TEST_P(CloseCodes, LeadToTheirAction) {
  options.intents = kGuilds;
  come_up();
  close(GetParam().code);
  advance(10min);
  switch (GetParam().action) {
    case CloseAction::resume:
      ASSERT_GE(peers.size(), 2U);
      EXPECT_EQ(peers[1]->url, "wss://resume/?v=10&encoding=json");
      break;
    case CloseAction::identify:
      ASSERT_GE(peers.size(), 2U);
      EXPECT_EQ(peers[1]->url, "wss://main/?v=10&encoding=json");
      break;
    case CloseAction::stop:
      EXPECT_EQ(peers.size(), 1U);
      ASSERT_TRUE(ended->has_value());
      EXPECT_EQ(ended->value().error().code, GetParam().error);
      EXPECT_FALSE(ended->value().error().hint.empty());
      EXPECT_EQ(store->session, std::nullopt);
      return;
  }
  EXPECT_FALSE(ended->has_value());
}

INSTANTIATE_TEST_SUITE_P(
    Documented, CloseCodes,
    testing::Values(CloseCase{0, CloseAction::resume}, CloseCase{1000, CloseAction::resume},
                    CloseCase{1001, CloseAction::resume}, CloseCase{1006, CloseAction::resume},
                    CloseCase{4000, CloseAction::resume}, CloseCase{4001, CloseAction::resume},
                    CloseCase{4002, CloseAction::resume}, CloseCase{4005, CloseAction::resume},
                    CloseCase{4008, CloseAction::resume}, CloseCase{4999, CloseAction::resume},
                    CloseCase{4003, CloseAction::identify}, CloseCase{4007, CloseAction::identify},
                    CloseCase{4009, CloseAction::identify},
                    CloseCase{4004, CloseAction::stop, ErrorCode::token_refused},
                    CloseCase{4010, CloseAction::stop, ErrorCode::configuration},
                    CloseCase{4011, CloseAction::stop, ErrorCode::configuration},
                    CloseCase{4012, CloseAction::stop, ErrorCode::configuration},
                    CloseCase{4013, CloseAction::stop, ErrorCode::configuration},
                    CloseCase{4014, CloseAction::stop, ErrorCode::configuration}),
    [](const auto& info) { return std::to_string(info.param.code); });

TEST_F(GatewayTest, RefusedIntentsAreGivenUpOnceAndReported) {
  begin();
  hello();
  close(4014);
  EXPECT_THAT(listener.notes, ElementsAre("refused Server Members Intent, Message Content Intent"));
  advance(10s);
  hello();
  EXPECT_EQ(json::integer(*json::find(last_frame(), "d"), "intents"), 1 + 512);
  EXPECT_EQ(gateway->health().refused_intents, kGuildMembers | kMessageContent);
  close(4014);
  advance(10min);
  EXPECT_EQ(peers.size(), 2U);
  EXPECT_EQ(ended->value().error().code, ErrorCode::configuration);
}

TEST_F(GatewayTest, AfterBeingCutOffForTooManyFramesItPauses) {
  timing->chance = 0;
  come_up();
  close(4008);
  advance(4s);
  EXPECT_EQ(peers.size(), 1U);
  advance(2s);
  EXPECT_EQ(peers.size(), 2U);
}

TEST_F(GatewayTest, AttemptsSlowDownToOneAMinuteAtMost) {
  unreachable = {"wss://main"};
  begin();
  EXPECT_EQ(dialled.size(), 1U);
  advance(10s);
  EXPECT_LE(dialled.size(), 5U);
  advance(1h);
  EXPECT_LT(dialled.size(), 100U);
  EXPECT_GT(dialled.size(), 50U);
}

TEST_F(GatewayTest, ResumingStaysQuickHoweverOftenItIsNeeded) {
  come_up();
  for (std::size_t i = 1; i < 20; ++i) {
    say(R"({"op":7,"d":null})");
    advance(2s);
    ASSERT_EQ(peers.size(), i + 1);
    hello();
    event("RESUMED", "{}", static_cast<int>(i) + 1);
  }
}

TEST_F(GatewayTest, SessionsThatEndAtOnceAreBegunEverMoreSlowly) {
  begin();
  const auto start_of_loop = timing->now();
  while (timing->now() < start_of_loop + 20min) {
    const std::size_t before = peers.size();
    hello();
    ready();
    close(4009);
    while (peers.size() == before) advance(1s);
  }
  EXPECT_LT(peers.size(), 40U);
}

TEST_F(GatewayTest, IdentifiesAreFiveSecondsApart) {
  timing->chance = 0;
  begin();
  for (int i = 0; i < 2; ++i) {
    hello();
    const auto sent = timing->now();
    say(R"({"op":9,"d":false})");
    const std::size_t before = peers.size();
    while (peers.size() == before) advance(100ms);
    EXPECT_GE(timing->now() - sent, 4900ms);
  }
}

TEST_F(GatewayTest, TheIdentifyBudgetIsOnRecordBeforeItIsSpent) {
  record->timing = timing;
  begin();
  hello();
  EXPECT_THAT(ops(), IsEmpty());
  advance(3s);
  EXPECT_THAT(ops(), ElementsAre(2));
  ASSERT_TRUE(record->kept);
  EXPECT_EQ(record->kept->left, 998);
  EXPECT_EQ(record->kept->resets_at, timing->wall() - 3s + 24h);
}

TEST_F(GatewayTest, StopsIdentifyingWellBeforeTheBudgetIsUsedUp) {
  discovered = GatewayInfo{"wss://main", 1, IdentifyLimit{1000, 50, 2h}};
  begin();
  advance(119min);
  EXPECT_THAT(dialled, IsEmpty());
  EXPECT_GT(asked, 5);
  discovered = GatewayInfo{"wss://main", 1, IdentifyLimit{1000, 1000, 24h}};
  advance(12min);
  EXPECT_GE(dialled.size(), 1U);
}

TEST_F(GatewayTest, WithoutAnAnswerTheRecordedBudgetCounts) {
  options.gateway_url = "ws://sim";
  discovered = fail(ErrorCode::unavailable, "no answer");
  record->kept = IdentifyBudget{1000, 50, timing->wall() + 1h};
  begin();
  advance(59min);
  EXPECT_THAT(dialled, IsEmpty());
  advance(12min);
  EXPECT_GE(dialled.size(), 1U);
}

/// Discord was asked before the shards in front of this one had identified.
TEST_F(GatewayTest, WhatOtherShardsSpentMeanwhileCounts) {
  record->kept = IdentifyBudget{1000, 700, timing->wall() + 24h - 2s};
  begin();
  hello();
  EXPECT_EQ(record->kept->left, 699);
  stop();
  // Of another day: what Discord says is newer.
  record->kept = IdentifyBudget{1000, 300, timing->wall() + 1h};
  store->session.reset();
  begin();
  hello();
  EXPECT_EQ(record->kept->left, 998);
}

TEST_F(GatewayTest, WithoutAWordOnWhoseTurnItIsItWaits) {
  record->broken = true;
  begin();
  advance(5min);
  EXPECT_THAT(dialled, IsEmpty());
  EXPECT_GT(asked, 3);
  record->broken = false;
  advance(1min);
  EXPECT_GE(dialled.size(), 1U);
}

TEST_F(GatewayTest, AConnectionThatFailsHoldsUpNoOtherShard) {
  unreachable = {"wss://main"};
  begin();
  unreachable.clear();
  const auto next = start(IdentifyTurns::take(turns, 0));
  EXPECT_TRUE(next->has_value());
}

TEST_F(GatewayTest, ARefusedTokenAtTheFirstQuestionEndsIt) {
  discovered = fail(ErrorCode::token_refused, "no");
  begin();
  EXPECT_EQ(ended->value().error().code, ErrorCode::token_refused);
  EXPECT_THAT(dialled, IsEmpty());
}

TEST_F(GatewayTest, AnUnansweredFirstQuestionIsAskedAgain) {
  discovered = fail(ErrorCode::unavailable, "no answer");
  begin();
  EXPECT_THAT(dialled, IsEmpty());
  discovered = GatewayInfo{"wss://main", 1, std::nullopt};
  advance(5s);
  EXPECT_EQ(dialled.size(), 1U);
}

TEST_F(GatewayTest, AMissingTokenIsAConfigurationError) {
  options.token.clear();
  begin();
  EXPECT_EQ(ended->value().error().code, ErrorCode::configuration);
  options.token = std::string(5000, 'x');
  begin();
  EXPECT_EQ(ended->value().error().code, ErrorCode::configuration);
}

TEST_F(GatewayTest, StoppingIsHeardDuringAPause) {
  unreachable = {"wss://main"};
  begin();
  advance(10min);
  stop();
  ASSERT_TRUE(ended->has_value());
  EXPECT_TRUE(ended->value().has_value());
}

TEST_F(GatewayTest, StoppingIsHeardWhileConnecting) {
  hanging = true;
  begin();
  EXPECT_EQ(dialled.size(), 1U);
  stop();
  ASSERT_TRUE(ended->has_value());
  EXPECT_TRUE(ended->value().has_value());
}

TEST_F(GatewayTest, ConnectingThatNeverEndsIsGivenUp) {
  hanging = true;
  begin();
  advance(5min);
  EXPECT_GE(dialled.size(), 2U);
}

TEST_F(GatewayTest, TellsFillsJoinsOutagesAndRemovalsApart) {
  come_up(R"([{"id":"1","unavailable":true},{"id":2,"unavailable":true}])");
  EXPECT_EQ(gateway->health().guilds_pending, 2U);
  event("GUILD_CREATE", R"({"id":"1","name":"a","unavailable":false})", 2);
  event("GUILD_DELETE", R"({"id":"2","unavailable":true})", 3);
  EXPECT_EQ(gateway->health().guilds_pending, 0U);
  event("GUILD_CREATE", R"({"id":"3","name":"c"})", 4);
  event("GUILD_DELETE", R"({"id":"1","unavailable":true})", 5);
  event("GUILD_CREATE", R"({"id":"1","name":"a"})", 6);
  event("GUILD_CREATE", R"({"id":"2","unavailable":true})", 7);
  event("GUILD_DELETE", R"({"id":"3"})", 8);
  event("GUILD_CREATE", R"({"id":"3","name":"c"})", 9);
  EXPECT_THAT(listener.notes, ElementsAre("ready 2", "filled 1", "unavailable 2", "joined 3", "unavailable 1",
                                          "filled 1", "unavailable 2", "removed 3", "joined 3"));
  EXPECT_EQ(gateway->health().guilds, 3U);
}

TEST_F(GatewayTest, TheStateKnowsOfAnEventBeforeItsHandlerDoes) {
  come_up();
  event("GUILD_CREATE", R"({"id":"1","name":"a","owner_id":"2","roles":[{"id":"1","permissions":"5"}]})", 2);
  EXPECT_EQ(state.guild_permissions(ServerId(1), DiscordUserId(3), {}), 5U);
  event("GUILD_ROLE_UPDATE", R"({"guild_id":"1","role":{"id":"1","permissions":"7"}})", 3);
  EXPECT_EQ(state.guild_permissions(ServerId(1), DiscordUserId(3), {}), 7U);
}

TEST_F(GatewayTest, EveryKindOfEventReachesItsMethod) {
  come_up();
  listener.notes.clear();
  event("GUILD_UPDATE", R"({"id":"1","name":"n"})", 2);
  event("GUILD_MEMBER_ADD", R"({"guild_id":"1","user":{"id":"7"},"roles":[]})", 6);
  event("GUILD_MEMBER_REMOVE", R"({"guild_id":"1","user":{"id":"8"}})", 7);
  event("INTERACTION_CREATE",
        R"({"id":"9","token":"t","type":2,"member":{"user":{"id":"7"}},"data":{"name":"points"}})", 8);
  event("SOMETHING_NEW", R"({"id":"9"})", 9);
  EXPECT_THAT(listener.notes,
              ElementsAre("renamed 1 n", "member 7", "gone 8 as s-1:7", "interaction points"));
  EXPECT_THAT(metrics.text(), HasSubstr(R"(guildhall_discord_events_total{event="other"} 1)"));
}

TEST_F(GatewayTest, ABrokenHandlerAndUnusableMessagesCostOnlyThemselves) {
  come_up();
  listener.notes.clear();
  message("throw", 2);
  event("MESSAGE_CREATE", R"({"content":"no ids"})", 3);
  say("this is not JSON");
  say("[1,2]");
  say(R"({"op":77,"d":1})");
  message("still here", 4);
  EXPECT_THAT(listener.notes, ElementsAre("message still here"));
  EXPECT_THAT(metrics.text(), HasSubstr("guildhall_discord_events_unusable_total 2"));
  EXPECT_EQ(peers.size(), 1U);
}

TEST_F(GatewayTest, TellsWhenTheBotMayBeAllowedSomethingElse) {
  come_up();
  listener.notes.clear();
  event("GUILD_ROLE_UPDATE", R"({"guild_id":"7","role":{"id":"8","permissions":"0"}})", 2);
  event("GUILD_ROLE_DELETE", R"({"guild_id":"7","role_id":"8"})", 3);
  event("CHANNEL_UPDATE", R"({"guild_id":"9","id":"10","type":0})", 4);
  event("GUILD_MEMBER_UPDATE", R"({"guild_id":"11","user":{"id":"99"},"roles":[]})", 5);
  event("GUILD_MEMBER_UPDATE", R"({"guild_id":"11","user":{"id":"5"},"roles":[]})", 6);
  EXPECT_THAT(listener.notes,
              ElementsAre("permissions 7", "permissions 7", "permissions 9", "permissions 11"));
}

TEST_F(GatewayTest, HealthShowsLatencyAndTheLastEvent) {
  come_up();
  const TimePoint at = timing->wall();
  EXPECT_EQ(gateway->health().last_event_at, at);
  EXPECT_EQ(gateway->health().latency, std::nullopt);
  advance(20s);
  advance(150ms);
  say(R"({"op":11})");
  EXPECT_EQ(gateway->health().latency, 150ms);
  EXPECT_EQ(gateway->health().last_event_at, at);
  close(1006);
  EXPECT_FALSE(gateway->health().connected);
}

}  // namespace
}  // namespace guildhall::discord
