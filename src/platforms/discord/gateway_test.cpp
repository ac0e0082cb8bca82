#include "platforms/discord/gateway.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/this_coro.hpp>

#include "base/json.h"
#include "platforms/discord/protocol.h"
#include "platforms/discord/scripted.h"
#include "platforms/discord/window_limit.h"

namespace guildhall::discord {
namespace {

using namespace std::chrono_literals;  // NOLINT
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

/// Writes down what it is told.
class Listener final : public GatewayHandler {
 public:
  void on_ready(Ready ready, Receipt) override { note("ready", std::to_string(ready.guilds.size())); }
  void on_intents_refused(Intents refused) override { note("refused", privileged_names(refused)); }
  void on_guild(GuildSnapshot guild, GuildArrival arrival, Receipt) override {
    note(arrival == GuildArrival::joined ? "joined" : "filled", guild.id.str());
  }
  void on_guild_renamed(ServerId guild, std::string name, Receipt) override {
    note("renamed", guild.str() + " " + name);
  }
  void on_guild_unavailable(ServerId guild) override { note("unavailable", guild.str()); }
  void on_guild_removed(ServerId guild, Receipt) override { note("removed", guild.str()); }
  void on_permissions_changed(ServerId guild) override { note("permissions", guild.str()); }
  void on_member_joined(MemberJoin join, Receipt receipt) override {
    note("member", join.user.id.str());
    if (keeps) kept.push_back(std::move(receipt));
  }
  void on_member_left(MemberLeave leave, Receipt) override {
    note("gone", leave.user.id.str() + " as " + leave.event_id);
  }
  void on_message(Message message) override {
    if (message.content == "throw") throw std::runtime_error("broken handler");
    note("message", message.content);
  }
  void on_interaction(Interaction interaction) override { note("interaction", interaction.command); }
  bool is_full() const override { return full; }

  std::vector<std::string> notes;
  bool keeps = false;
  std::vector<Receipt> kept;
  bool full = false;

 private:
  void note(std::string_view what, const std::string& which) {
    notes.push_back(std::string(what) + " " + which);
  }
};

class MemoryStore final : public SessionStore {
 public:
  Task<std::optional<SavedSession>> load() override { co_return session; }
  Task<void> save(std::optional<SavedSession> next) override {
    boost::asio::steady_timer timer(co_await boost::asio::this_coro::executor);
    if (timing) co_await timing->wait(timer, timing->now() + 3s);
    session = std::move(next);
  }

  std::optional<SavedSession> session;
  std::shared_ptr<Timing> timing;  // set: saving takes 3 s
};

/// Of the turns to identify; nobody else wants one.
class MemoryRecord final : public IdentifyRecord {
 public:
  Task<Claim> claim(int) override {
    if (broken) throw std::runtime_error("no database");
    co_return Claim::ours;
  }
  Task<void> release(int) override { co_return; }
  Task<std::optional<IdentifyBudget>> budget() override { co_return kept; }
  Task<void> write(IdentifyBudget budget) override {
    boost::asio::steady_timer timer(co_await boost::asio::this_coro::executor);
    if (timing) co_await timing->wait(timer, timing->now() + 3s);
    kept = budget;
  }

  std::optional<IdentifyBudget> kept;
  bool broken = false;
  std::shared_ptr<Timing> timing;  // set: writing takes 3 s
};

struct GatewayTest : testing::Test, TestLoop {
  GatewayOptions options{
      .token = "a-token", .intents = kDefaultIntents, .gateway_url = {}, .compression = Compression::none};
  Listener listener;
  std::shared_ptr<MemoryStore> store = std::make_shared<MemoryStore>();
  std::shared_ptr<MemoryRecord> record = std::make_shared<MemoryRecord>();
  std::shared_ptr<IdentifyTurns> turns;
  Metrics metrics;
  State state{{}, metrics};
  State* remembered = &state;
  Result<GatewayInfo> discovered = GatewayInfo{"wss://main", 1, IdentifyLimit{1000, 999, 24h}};
  int asked = 0;
  std::vector<std::string> unreachable;
  bool hanging = false;
  std::vector<std::string> dialled;
  std::vector<std::shared_ptr<GatewayPeer>> peers;
  std::unique_ptr<Gateway> gateway;
  std::shared_ptr<std::optional<Result<void>>> ended;

  /// As a process does when it starts.
  void begin() {
    turns = std::make_shared<IdentifyTurns>(loop, timing, record);
    gateway = std::make_unique<Gateway>(
        loop, options, listener, *remembered, store, turns,
        [this](std::string url) { return connect(std::move(url)); }, [this] { return discover(); }, timing,
        metrics);
    ended = start(gateway->run());
  }

  Task<Result<std::unique_ptr<net::WebSocket>>> connect(std::string url) {
    dialled.push_back(url);
    boost::asio::steady_timer never(loop, SteadyTime::max());
    if (hanging) co_await never.async_wait(boost::asio::use_awaitable);
    for (const std::string& dead : unreachable) {
      if (url.starts_with(dead)) co_return fail(ErrorCode::unavailable, "no such host");
    }
    peers.push_back(std::make_shared<GatewayPeer>(loop, std::move(url)));
    co_return std::make_unique<ScriptedSocket>(peers.back());
  }

  Task<Result<GatewayInfo>> discover() {
    ++asked;
    co_return discovered;
  }

  GatewayPeer& peer() { return *peers.back(); }

  void say(const std::string& message) {
    peer().say(message);
    settle();
  }
  void hello(int interval_ms = 40'000) {
    say(R"({"op":10,"d":{"heartbeat_interval":)" + std::to_string(interval_ms) + "}}");
  }
  void event(std::string_view name, const std::string& data, int sequence) {
    say(fmt::format(R"({{"op":0,"s":{},"t":"{}","d":{}}})", sequence, name, data));
  }
  void ready(const std::string& guilds = "[]") {
    event("READY",
          R"({"v":10,"user":{"id":"99","username":"guildhall"},"application":{"id":"98","flags":0},)"
          R"("session_id":"s-1","resume_gateway_url":"wss://resume","guilds":)" +
              guilds + R"(,"_trace":["x"]})",
          1);
  }
  void message(const std::string& text, int sequence) {
    event("MESSAGE_CREATE", R"({"id":"1","channel_id":"2","author":{"id":"3"},"content":")" + text + "\"}",
          sequence);
  }
  void member(int user, int sequence) {
    event("GUILD_MEMBER_ADD", fmt::format(R"({{"guild_id":"1","user":{{"id":"{}"}},"roles":[]}})", user),
          sequence);
  }
  /// Connects and brings the session up.
  void come_up(const std::string& guilds = "[]", int interval_ms = 40'000) {
    begin();
    hello(interval_ms);
    ready(guilds);
  }
  void close(int code) {
    peer().close(static_cast<std::uint16_t>(code));
    settle();
  }
  void stop() {
    gateway->stop();
    settle();
  }

  /// Op codes of what the present peer got.
  std::vector<std::int64_t> ops() {
    std::vector<std::int64_t> codes;
    for (const std::string& frame : peer().from_client)
      codes.push_back(json::integer(*json::parse(frame), "op").value());
    return codes;
  }
  json::Value last_frame() { return *json::parse(peer().from_client.back()); }
  std::int64_t beats() { return std::ranges::count(ops(), 1); }
};

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

TEST_F(GatewayTest, ASessionOfOtherShardsIsNotTakenUp) {
  store->session = SavedSession{"s-0", "wss://resume", 5, kDefaultIntents, {}};
  options.shard = {1, 2};
  begin();
  EXPECT_THAT(peer().url, HasSubstr("wss://main/"));
  hello();
  EXPECT_EQ(json::array(*json::find(last_frame(), "d"), "shard"), (json::Array{1, 2}));
}

/// A resumed session would not tell of the channels that somebody asks for.
TEST_F(GatewayTest, ASessionOfBeforeIsNotTakenUpWhereEachGuildIsToBeTold) {
  store->session = SavedSession{"s-0", "wss://resume", 5, kDefaultIntents, {}};
  State demanding({.channels = true, .members = false}, metrics);
  remembered = &demanding;
  begin();
  EXPECT_THAT(peer().url, HasSubstr("wss://main/"));
  stop();
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

TEST_F(GatewayTest, BeatsAfterAJitteredFirstIntervalAndThenEveryInterval) {
  timing->chance = 0.25;
  come_up();
  advance(9s);
  EXPECT_EQ(beats(), 0);
  advance(2s);
  EXPECT_EQ(beats(), 1);
  EXPECT_EQ(json::integer(last_frame(), "d"), 1);
  say(R"({"op":11,"d":null})");
  message("x", 7);
  advance(38s);
  EXPECT_EQ(beats(), 1);
  advance(2s);
  EXPECT_EQ(beats(), 2);
  EXPECT_EQ(json::integer(last_frame(), "d"), 7);
}

TEST_F(GatewayTest, ARequestedBeatGoesAtOnceAndShiftsNothing) {
  come_up();
  say(R"({"op":1,"d":null})");
  EXPECT_EQ(beats(), 1);
  advance(19s);
  EXPECT_EQ(beats(), 1);
  advance(1s);
  EXPECT_EQ(beats(), 2);
}

TEST_F(GatewayTest, AMissingAnswerToARequestedBeatIsNoZombie) {
  come_up();
  advance(19s);
  say(R"({"op":1,"d":null})");
  advance(2s);
  EXPECT_EQ(peer().client_closed, std::nullopt);
  EXPECT_EQ(peers.size(), 1U);
}

TEST_F(GatewayTest, AFloodOfBeatRequestsLeavesRoomForTheSchedule) {
  come_up();
  for (int i = 0; i < 500; ++i) say(R"({"op":1,"d":null})");
  EXPECT_LT(peer().from_client.size(), 120U);
  const auto before = beats();
  advance(20s);
  EXPECT_EQ(beats(), before + 1);
  EXPECT_LE(peer().from_client.size(), 120U);
}

TEST_F(GatewayTest, AFloodOfBeatRequestsLeavesRoomToIdentify) {
  begin();
  for (int i = 0; i < 500; ++i) say(R"({"op":1,"d":null})");
  hello();
  EXPECT_EQ(ops().back(), 2);
  ready();
  advance(20s);
  EXPECT_EQ(ops().back(), 1);
  EXPECT_LE(peer().from_client.size(), 120U);
}

TEST_F(GatewayTest, AnUnansweredBeatMeansADeadConnectionThatIsResumed) {
  come_up();
  message("x", 5);
  advance(20s);
  EXPECT_EQ(peer().client_closed, std::nullopt);
  advance(40s);
  EXPECT_EQ(peers.front()->client_closed, 4000);
  advance(2s);
  ASSERT_EQ(peers.size(), 2U);
  EXPECT_EQ(peer().url, "wss://resume/?v=10&encoding=json");
  hello();
  ASSERT_THAT(ops(), ElementsAre(6));
  const json::Value resume = *json::find(last_frame(), "d");
  EXPECT_EQ(json::text(resume, "token"), "a-token");
  EXPECT_EQ(json::text(resume, "session_id"), "s-1");
  EXPECT_EQ(json::integer(resume, "seq"), 5);
}

/// What came is read as fast as it can be, and behind it lies the answer.
TEST_F(GatewayTest, AnAnswerBehindABacklogIsNoSilence) {
  come_up();
  advance(20s);
  for (int i = 0; i < 2'500; ++i) {
    message("one of many", i + 2);
    advance(20ms);
  }
  EXPECT_EQ(beats(), 2) << "also while the first one has no answer";
  EXPECT_EQ(peers.size(), 1U);
  say(R"({"op":11})");
  advance(40s);
  EXPECT_EQ(peers.size(), 1U);
  // A pause in which an answer would have been read: there is none.
  message("the last one", 2'600);
  advance(30s);
  EXPECT_EQ(peers.front()->client_closed, 4000);
}

/// Nothing of this process ran, so neither was the answer read.
TEST_F(GatewayTest, WhoWasBusyWithSomethingElseDoesNotTakeTheOtherSideForDead) {
  come_up();
  advance(21s);
  EXPECT_EQ(beats(), 1);
  timing->sleep_through(50s);
  timing->move_on(timing->now());
  say(R"({"op":11})");  // was there all the time, but the clock is looked at first
  advance(10s);
  EXPECT_EQ(beats(), 2);
  EXPECT_EQ(peers.size(), 1U);
}

TEST_F(GatewayTest, AMachineThatSleptForAnHourResumesAtOnce) {
  come_up();
  message("x", 5);
  advance(20s);
  say(R"({"op":11})");
  timing->sleep_through(1h);
  advance(2s);
  EXPECT_EQ(peers.front()->client_closed, 4000);
  ASSERT_EQ(peers.size(), 2U);
  hello();
  ASSERT_THAT(ops(), ElementsAre(6));
  event("RESUMED", "{}", 6);
  for (int i = 0; i < 10; ++i) {
    advance(40s);
    say(R"({"op":11})");
  }
  EXPECT_EQ(peers.size(), 2U);
  EXPECT_EQ(asked, 1) << "nothing was identified";
}

TEST_F(GatewayTest, AClockThatIsSetDisturbsNothing) {
  come_up();
  message("x", 5);
  for (const auto set : {24h, -48h, 0h}) {
    timing->clock_set = set;
    advance(20s);
    say(R"({"op":11})");
    advance(20s);
  }
  EXPECT_EQ(beats(), 3);
  EXPECT_EQ(peers.size(), 1U);
  timing->clock_set = -100h;
  close(1006);
  advance(2s);
  ASSERT_EQ(peers.size(), 2U);
  hello();
  EXPECT_EQ(json::integer(*json::find(last_frame(), "d"), "seq"), 5);
  say(R"({"op":9,"d":false})");
  advance(10s);
  ASSERT_EQ(peers.size(), 3U);
  hello();
  EXPECT_THAT(ops(), ElementsAre(2)) << "Discord says itself how many sessions are left";
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

TEST_F(GatewayTest, WhileItsHandlerIsFullNothingIsReadAndTheConnectionStays) {
  come_up();
  advance(20s);
  say(R"({"op":11})");
  listener.notes.clear();
  listener.full = true;
  for (int i = 0; i < 100; ++i) message("waiting", 10 + i);
  EXPECT_LE(listener.notes.size(), 1U) << "the one that was waited for";
  advance(10min);
  EXPECT_EQ(beats(), 16);
  EXPECT_EQ(peers.size(), 1U);
  for (int i = 0; i < 15; ++i) say(R"({"op":11})");
  listener.full = false;
  advance(1min);
  EXPECT_EQ(listener.notes.size(), 100U);
  EXPECT_EQ(peers.size(), 1U);
  EXPECT_THAT(metrics.text(), HasSubstr("guildhall_discord_reading_pauses_total 1\n"));
  listener.full = true;
  say("{}");
  stop();
  advance(1s);
  EXPECT_TRUE(ended->has_value());
}

TEST_F(GatewayTest, WhileItsHandlerIsFullAResumeIsNotLate) {
  come_up();
  close(1006);
  advance(2s);
  listener.full = true;
  hello();
  EXPECT_THAT(ops(), ElementsAre(6)) << "what is full takes no events, but the session waits for no one";
  message("replayed", 2);
  advance(10min);
  message("replayed", 3);
  event("RESUMED", "{}", 4);
  listener.full = false;
  advance(1s);
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

TEST_F(GatewayTest, ASecondHelloIsNotGreeted) {
  begin();
  hello();
  hello();
  EXPECT_THAT(ops(), ElementsAre(2));
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

TEST_F(GatewayTest, SilenceBeforeHelloAndBeforeReadyEnds) {
  begin();
  advance(11s);
  EXPECT_EQ(peers.front()->client_closed, 4000);
  advance(10s);
  ASSERT_GE(peers.size(), 2U);
  hello(300'000);
  const std::size_t before = peers.size();
  advance(61s);
  EXPECT_EQ(peers[before - 1]->client_closed, 4000);
}

TEST_F(GatewayTest, AReadyWithoutHelloIsNoSession) {
  begin();
  ready();
  advance(61s);
  EXPECT_EQ(peers.front()->client_closed, 4000);
}

TEST_F(GatewayTest, AFrameThatDiscordWouldRefuseIsNotSent) {
  begin();
  hello();
  event("READY",
        R"({"user":{"id":"99"},"resume_gateway_url":"wss://resume","guilds":[],"session_id":")" +
            std::string(4096, 's') + "\"}",
        1);
  close(1006);
  advance(2s);
  hello();
  EXPECT_THAT(ops(), IsEmpty());
  advance(8s);
  ASSERT_EQ(peers.size(), 3U);
  EXPECT_EQ(peer().url, "wss://main/?v=10&encoding=json");
}

TEST_F(GatewayTest, IdentifiesWithItsPresence) {
  options.presence = "watching the streams";
  come_up();
  EXPECT_EQ(json::text(json::array(*json::find(last_frame(), "d", "presence"), "activities").at(0), "name"),
            "the streams");
  EXPECT_EQ(store->session->presence, options.presence);
}

/// A resumed session shows what it began with.
TEST_F(GatewayTest, APresenceThatWasConfiguredMeanwhileIsToldOnceTheSessionIsUp) {
  store->session = SavedSession{"s-0", "wss://resume", 5, kDefaultIntents, {}, {}, {}, "playing chess"};
  options.presence = "idle";
  begin();
  hello();
  advance(5s);
  EXPECT_THAT(ops(), ElementsAre(6));
  event("RESUMED", "{}", 6);
  ASSERT_THAT(ops(), ElementsAre(6, 3));
  EXPECT_EQ(json::text(*json::find(last_frame(), "d"), "status"), "idle");
  stop();
  begin();
  hello();
  event("RESUMED", "{}", 7);
  EXPECT_THAT(ops(), ElementsAre(6)) << "it is shown already";
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

TEST(WindowLimit, KeepsSomeFree) {
  WindowLimit limit(10, 60s);
  const SteadyTime start{};
  for (int i = 0; i < 6; ++i) limit.add(start + i * 1s);
  EXPECT_EQ(limit.next(start + 6s, 3), start + 6s);
  EXPECT_EQ(limit.next(start + 6s, 4), start + 60s);
  EXPECT_EQ(limit.next(start + 6s, 6), start + 62s);
  EXPECT_EQ(limit.next(start + 6s, 10), SteadyTime::max());
}

/// Discord's end tells of guilds with one of their members, and lists the others when it is asked to.
struct MembersTest : GatewayTest {
  MembersTest() { remembered = &demanding; }

  State demanding{{.channels = false, .members = true}, metrics};
  int sequence = 1;

  void guild(int id, int members) {
    event("GUILD_CREATE",
          fmt::format(R"({{"id":"{}","roles":[{{"id":"5"}}],"member_count":{},)"
                      R"("members":[{{"user":{{"id":"99"}},"roles":[]}}]}})",
                      id, members),
          ++sequence);
  }
  /// What the present peer was asked for.
  std::vector<json::Value> requests() {
    std::vector<json::Value> found;
    for (const std::string& frame : peer().from_client) {
      const json::Value parsed = *json::parse(frame);
      if (json::integer(parsed, "op") == 8) found.push_back(*json::find(parsed, "d"));
    }
    return found;
  }
  std::vector<std::string> guilds_asked_for() {
    std::vector<std::string> guilds;
    for (const json::Value& request : requests()) guilds.push_back(json::text_or(request, "guild_id", ""));
    return guilds;
  }
  void chunk(const json::Value& request, int index, int count, int user) {
    event(
        "GUILD_MEMBERS_CHUNK",
        fmt::format(
            R"({{"guild_id":"{}","members":[{{"user":{{"id":"{}"}},"roles":["5"]}}],"chunk_index":{},)"
            R"("chunk_count":{},"nonce":"{}"}})",
            json::text_or(request, "guild_id", ""), user, index, count, json::text_or(request, "nonce", "")),
        ++sequence);
  }
  std::optional<std::vector<RoleId>> roles_of(int guild, int user) {
    return demanding.roles_of(ServerId(guild), DiscordUserId(user));
  }
  void expect_outcomes(int complete, int incomplete) {
    const std::string name = "guildhall_discord_member_lists_total";
    EXPECT_THAT(metrics.text(), HasSubstr(fmt::format("{}{{outcome=\"complete\"}} {}\n", name, complete)));
    EXPECT_THAT(metrics.text(),
                HasSubstr(fmt::format("{}{{outcome=\"incomplete\"}} {}\n", name, incomplete)));
  }
};

TEST_F(MembersTest, ThoseOfALargeGuildAreAskedFor) {
  come_up("[]", 300'000);
  guild(7, 3);
  guild(8, 1);
  ASSERT_EQ(requests().size(), 1U) << "the other one has nobody else";
  const json::Value request = requests().front();
  EXPECT_EQ(json::text(request, "guild_id"), "7");
  EXPECT_EQ(json::text(request, "query"), "");
  EXPECT_EQ(json::integer(request, "limit"), 0);
  EXPECT_LE(json::text_or(request, "nonce", "").size(), 32U);
  chunk(request, 0, 2, 50);
  chunk(request, 1, 2, 51);
  EXPECT_THAT(roles_of(7, 50), testing::Optional(ElementsAre(RoleId(5))));
  EXPECT_THAT(roles_of(7, 51), testing::Optional(ElementsAre(RoleId(5))));
  expect_outcomes(1, 0);
  advance(2min);
  EXPECT_EQ(requests().size(), 1U);
}

TEST_F(MembersTest, ListsThatComeMixedAreToldApart) {
  come_up();
  guild(7, 3);
  guild(8, 3);
  const auto asked_for = requests();
  ASSERT_EQ(asked_for.size(), 2U);
  chunk(asked_for[0], 1, 2, 50);
  chunk(asked_for[1], 0, 2, 60);
  chunk(asked_for[1], 0, 2, 60);
  expect_outcomes(0, 0);
  chunk(asked_for[0], 0, 2, 51);
  expect_outcomes(1, 0);
  chunk(asked_for[1], 1, 2, 61);
  expect_outcomes(2, 0);
}

TEST_F(MembersTest, AListThatDoesNotComeToItsEndIsAskedForThriceAndThenLeftAsItIs) {
  come_up("[]", 10'000);
  guild(7, 3);
  for (std::size_t tries = 1; tries <= 3; ++tries) {
    ASSERT_EQ(requests().size(), tries);
    chunk(requests().back(), 0, 2, 50);
    for (int i = 0; i < 6; ++i) {
      advance(9900ms);
      say(R"({"op":11})");
    }
    ASSERT_EQ(requests().size(), tries) << "the rest may still come";
    advance(1s);
  }
  expect_outcomes(0, 1);
  EXPECT_TRUE(roles_of(7, 50));
  advance(5s);
  EXPECT_EQ(requests().size(), 3U);
  EXPECT_EQ(peers.size(), 1U);
}

TEST_F(MembersTest, AListMayTakeAsLongAsItGoesOn) {
  come_up("[]", 300'000);
  guild(7, 3);
  const json::Value request = requests().front();
  for (int i = 0; i < 3; ++i) {
    advance(45s);
    chunk(request, i, 3, 50 + i);
  }
  expect_outcomes(1, 0);
  EXPECT_EQ(requests().size(), 1U);
}

TEST_F(MembersTest, ARefusedListIsAskedForWhenDiscordSays) {
  come_up("[]", 300'000);
  guild(7, 3);
  event("RATE_LIMITED",
        fmt::format(R"({{"opcode":8,"retry_after":40.5,"meta":{{"guild_id":"7","nonce":"{}"}}}})",
                    json::text_or(requests().front(), "nonce", "")),
        ++sequence);
  advance(40s);
  EXPECT_EQ(requests().size(), 1U);
  advance(1s);
  EXPECT_EQ(requests().size(), 2U);
}

TEST_F(MembersTest, WithALostConnectionTheyAreAskedForAgainOnceTheSessionIsUp) {
  come_up();
  guild(7, 3);
  const json::Value lost = requests().front();
  close(1006);
  advance(2s);
  hello();
  advance(10s);
  EXPECT_THAT(ops(), ElementsAre(6));
  event("RESUMED", "{}", ++sequence);
  EXPECT_THAT(requests(), IsEmpty()) << "within 30 s of the first time";
  chunk(lost, 0, 1, 50);
  EXPECT_TRUE(roles_of(7, 50)) << "what comes late is of use";
  advance(18s);
  EXPECT_THAT(guilds_asked_for(), ElementsAre("7"));
}

TEST_F(MembersTest, AGuildThatIsToldAnewIsAskedForAnewAndOneThatIsGoneIsNot) {
  come_up("[]", 300'000);
  for (int id = 1; id <= 6; ++id) guild(id, 3);
  EXPECT_THAT(guilds_asked_for(), ElementsAre("1", "2", "3", "4")) << "so many at once";
  event("GUILD_DELETE", R"({"id":"5"})", ++sequence);
  event("GUILD_DELETE", R"({"id":"1","unavailable":true})", ++sequence);
  EXPECT_THAT(guilds_asked_for(), ElementsAre("1", "2", "3", "4", "6"));
  chunk(requests()[1], 0, 1, 50);
  guild(1, 3);
  advance(29s);
  EXPECT_EQ(requests().size(), 5U);
  advance(2s);
  EXPECT_EQ(guilds_asked_for().back(), "1");
}

TEST_F(MembersTest, NoneAreAskedForWithoutTheIntent) {
  begin();
  hello();
  close(4014);
  advance(10s);
  hello();
  ready();
  guild(7, 3);
  EXPECT_TRUE(demanding.knows(ServerId(7)));
  EXPECT_THAT(requests(), IsEmpty());
}

/// However much there is to ask for, beats go out in time, those that are asked for too, and Discord's limit
/// is kept.
TEST_F(MembersTest, ListsTakeTheRoomThatBeatsLeave) {
  come_up("[]", 10'000);
  for (int id = 1; id <= 400; ++id) guild(id, 3);
  std::size_t answered = 0;
  const auto answer_all = [&] {
    for (auto asked_for = requests(); answered < asked_for.size(); asked_for = requests()) {
      for (; answered < asked_for.size(); ++answered) chunk(asked_for[answered], 0, 1, 50);
    }
  };
  std::deque<std::size_t> sent{0};  // until each second
  for (int second = 1; second <= 300; ++second) {
    answer_all();
    sent.push_back(peer().from_client.size());
    if (sent.size() > 61) sent.pop_front();
    EXPECT_LE(sent.back() - sent.front(), 120U) << second;
    if (second == 30) {
      const auto before = beats();
      say(R"({"op":1,"d":null})");
      EXPECT_EQ(beats(), before + 1);
    }
    advance(1s);
    if (second % 10 == 5) say(R"({"op":11})");
  }
  EXPECT_EQ(requests().size(), 400U);
  EXPECT_EQ(beats(), 31);
  EXPECT_EQ(peers.size(), 1U);
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

TEST_F(GatewayTest, IntentsSwitchedOnMeanwhileCountFromTheNextStartOn) {
  begin();
  hello();
  close(4014);
  advance(7s);
  hello();
  ready();
  stop();
  begin();
  ASSERT_EQ(peers.size(), 3U);
  EXPECT_EQ(peer().url, "wss://main/?v=10&encoding=json");
  hello();
  EXPECT_EQ(json::integer(*json::find(last_frame(), "d"), "intents"), 1 + 2 + 512 + 32768);
}

/// A start is for all processes, a hand-over loses no event.
TEST_F(GatewayTest, ASessionWithoutRefusedIntentsIsHandedOver) {
  options.handed_over = true;
  store->session = SavedSession{"s-0", "wss://resume", 5, kGuilds | kGuildMessages, {}};
  begin();
  EXPECT_EQ(peer().url, "wss://resume/?v=10&encoding=json");
  EXPECT_THAT(listener.notes, ElementsAre("refused Server Members Intent, Message Content Intent"));
  EXPECT_EQ(gateway->health().refused_intents, kGuildMembers | kMessageContent);
  hello();
  event("RESUMED", "{}", 6);
  stop();
  EXPECT_EQ(store->session->intents, kGuilds | kGuildMessages);
  store->session->intents = kGuilds;  // of a version that asked for less
  begin();
  EXPECT_EQ(peer().url, "wss://main/?v=10&encoding=json");
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

TEST_F(GatewayTest, StoppingLeavesASessionThatTheNextStartResumes) {
  come_up(R"([{"id":"11","unavailable":true}])");
  message("x", 41);
  advance(16s);
  stop();
  EXPECT_EQ(peer().client_closed, 4000);
  ASSERT_TRUE(ended->has_value());
  EXPECT_TRUE(ended->value().has_value());
  ASSERT_TRUE(store->session);
  EXPECT_EQ(
      *store->session,
      (SavedSession{"s-1", "wss://resume", 41, kDefaultIntents, {ServerId(11)}, {}, DiscordUserId(99)}));

  listener.notes.clear();
  begin();
  EXPECT_EQ(peer().url, "wss://resume/?v=10&encoding=json");
  hello();
  EXPECT_EQ(json::integer(*json::find(last_frame(), "d"), "seq"), 41);
  event("GUILD_CREATE", R"({"id":"11","name":"back from an outage"})", 42);
  event("GUILD_CREATE", R"({"id":"12","name":"new"})", 43);
  EXPECT_THAT(listener.notes, ElementsAre("filled 11", "joined 12"));
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

TEST_F(GatewayTest, ASessionBegunWithOtherIntentsIsNotTakenUp) {
  store->session = SavedSession{"s-0", "wss://resume", 3, kGuilds, {}};
  begin();
  EXPECT_EQ(peer().url, "wss://main/?v=10&encoding=json");
}

TEST_F(GatewayTest, TheSequenceIsSavedWithEveryAnsweredBeatAndWhileEventsCome) {
  come_up();
  message("x", 30);
  EXPECT_LT(store->session->sequence, 30);
  advance(20s);
  say(R"({"op":11})");
  EXPECT_EQ(store->session->sequence, 30);
  advance(10s);
  message("y", 31);
  EXPECT_EQ(store->session->sequence, 31);
  message("z", 32);
  EXPECT_EQ(store->session->sequence, 31) << "not with each event";
}

TEST_F(GatewayTest, ASlowStoreEndsUpWithTheNewestSession) {
  store->timing = timing;
  begin();
  hello();
  ready();
  message("x", 2);
  advance(1s);
  message("y", 9);
  stop();
  advance(10s);
  EXPECT_TRUE(ended->has_value());
  EXPECT_EQ(store->session->sequence, 9);
}

/// A process that is killed takes with it what is not committed.
TEST_F(GatewayTest, WhatIsPutDownIsNoNewerThanWhatIsHandled) {
  come_up();
  message("x", 30);
  listener.keeps = true;
  member(7, 31);
  member(8, 32);
  message("y", 33);
  advance(20s);
  say(R"({"op":11})");
  EXPECT_EQ(store->session->sequence, 30);
  listener.kept.erase(listener.kept.begin());
  close(1006);
  advance(3s);
  EXPECT_EQ(store->session->sequence, 31);
  hello();
  EXPECT_EQ(json::integer(*json::find(last_frame(), "d"), "seq"), 33) << "the process itself has them all";
  listener.kept.clear();
  stop();
  EXPECT_EQ(store->session->sequence, 33);
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

TEST_F(GatewayTest, AStoreThatThrowsCostsOnlyTheMemory) {
  struct Broken final : SessionStore {
    Task<std::optional<SavedSession>> load() override {
      throw std::runtime_error("no database");
      co_return std::nullopt;
    }
    Task<void> save(std::optional<SavedSession>) override {
      throw std::runtime_error("no database");
      co_return;
    }
  };
  gateway = std::make_unique<Gateway>(
      loop, options, listener, state, std::make_shared<Broken>(),
      std::make_shared<IdentifyTurns>(loop, timing),
      [this](std::string url) { return connect(std::move(url)); }, [this] { return discover(); }, timing,
      metrics);
  ended = start(gateway->run());
  hello();
  EXPECT_THAT(ops(), ElementsAre(2));
  ready();
  EXPECT_TRUE(gateway->health().connected);
  stop();
  EXPECT_TRUE(ended->has_value());
}

TEST(SavedSessions, AreAsTheyWereWrittenDown) {
  const SavedSession session{"id", "wss://r", 12, kDefaultIntents, {ServerId(9'007'199'254'740'993)}, {3, 4}};
  EXPECT_EQ(read_session(write_session(session)), session);
  EXPECT_EQ(read_session(write_session(std::nullopt)), std::nullopt);
  EXPECT_EQ(read_session("nonsense"), std::nullopt);
}

}  // namespace
}  // namespace guildhall::discord
