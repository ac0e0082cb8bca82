#include "sim/witness.h"

#include <gmock/gmock.h>

#include <fstream>

#include "sim/sim_testing.h"

namespace guildhall::sim {
namespace {

using std::chrono::seconds;
using testing::SizeIs;

constexpr TimePoint kNoon = from_micros(1'780'000'000'000'000);

KickFact chat(const std::string& message_id, KickId sender, TimePoint at, bool subscriber) {
  KickFact fact;
  fact.event = "chat.message.sent";
  fact.message_id = message_id;
  fact.broadcaster = 9;
  fact.actor = sender;
  fact.actor_name = "night_owl3";
  fact.subscriber = subscriber;
  fact.at = at;
  return fact;
}

KickFact status(bool live, TimePoint started, std::optional<TimePoint> ended) {
  KickFact fact;
  fact.event = "livestream.status.updated";
  fact.message_id = live ? "live" : "offline";
  fact.broadcaster = 9;
  fact.at = ended.value_or(started);
  fact.started_at = started;
  fact.ended_at = ended;
  return fact;
}

Delivery delivery(Outcome outcome) {
  Delivery out;
  out.outcome = outcome;
  if (outcome == Outcome::accepted) out.accepted_at = kNoon + seconds(77);
  return out;
}

/// Everything that a witness can be told.
void tell_all(Witness& witness) {
  witness.went_live(9, kNoon);
  witness.told(status(true, kNoon, std::nullopt), delivery(Outcome::accepted));
  witness.trying(chat("a", 1, kNoon + seconds(5), false));
  witness.told(chat("a", 1, kNoon + seconds(5), false), delivery(Outcome::accepted));
  witness.told(chat("b", 1, kNoon + seconds(65), true), delivery(Outcome::accepted));
  witness.told(chat("c", 1, kNoon + seconds(70), true), delivery(Outcome::refused));
  witness.told(chat("d", 1, kNoon + seconds(75), true), delivery(Outcome::lost));
  witness.trying(chat("e", 1, kNoon + seconds(80), true));
  witness.forged("a", 401);
  witness.forged("b", 200);
  witness.chat_sent(9, "bot", "hello", kNoon);
  witness.dispatched("MESSAGE_CREATE", 5, 6, 1, kNoon);
  witness.asked(77, 5, 6, "points", kNoon);
  witness.answered(77, "deferred", true, "", kNoon);
  witness.answered(77, "completed", true, "12", kNoon);
  witness.asked(78, 5, 6, "points", kNoon);
  witness.late(78, kNoon);
  witness.posted(5, 4, "hi", kNoon);
  witness.went_offline(9, kNoon, kNoon + seconds(600));
  witness.told(status(false, kNoon, kNoon + seconds(600)), delivery(Outcome::refused));
  witness.went_live(9, kNoon + seconds(900));
}

TEST(Witness, ReportsWhatATestRecomputesFrom) {
  World world = make_world(1, {});
  Journal journal;
  Witness witness(journal);
  tell_all(witness);
  const json::Value report = witness.report(world);
  const json::Value channel = json::array(report, "channels").at(0);
  EXPECT_EQ(json::text_or(channel, "broadcaster_user_id", ""), "9");
  const json::Value viewer = json::array(channel, "viewers").at(0);
  const json::Array& messages = json::array(viewer, "messages");
  ASSERT_THAT(messages, SizeIs(2));
  EXPECT_EQ(json::integer(messages[0], "at"), to_micros(kNoon + seconds(5)));
  EXPECT_EQ(json::integer(messages[0], "accepted_at"), to_micros(kNoon + seconds(77)));
  EXPECT_EQ(json::boolean(messages[0], "subscriber"), false);
  EXPECT_EQ(json::boolean(messages[1], "subscriber"), true);
  EXPECT_THAT(json::array(viewer, "uncertain"), SizeIs(2)) << "the lost one and the one on the way";
  const json::Array& live = json::array(channel, "live");
  ASSERT_THAT(live, SizeIs(2));
  EXPECT_EQ(json::integer(live[0], "ended_at"), to_micros(kNoon + seconds(600)));
  EXPECT_EQ(json::integer(live[0], "start_told_at"), to_micros(kNoon + seconds(77)));
  EXPECT_TRUE(live[0].at("end_told_at").is_null()) << "that webhook was refused";
  EXPECT_EQ(witness.live_since(9), kNoon + seconds(900));
  EXPECT_EQ(json::integer(report, "forged_accepted"), 1);
  EXPECT_EQ(json::integer(report.at("commands"), "answered"), 1);
  EXPECT_EQ(json::integer(report.at("commands"), "late"), 1);
}

TEST(Witness, RemembersEverythingFromItsFile) {
  const TemporaryFolder folder;
  World world = make_world(1, {});
  Journal journal;
  ASSERT_TRUE(
      journal.open(folder / "log.jsonl", [](std::string_view, const json::Value&) { FAIL(); }).has_value());
  Witness witness(journal);
  tell_all(witness);

  Journal second_journal;
  Witness second(second_journal);
  const auto read =
      second_journal.open(folder / "log.jsonl",
                          [&](std::string_view kind, const json::Value& line) { second.recall(kind, line); });
  ASSERT_TRUE(read.has_value());
  EXPECT_EQ(second.report(world), witness.report(world));
  EXPECT_EQ(second.live_since(9), witness.live_since(9));
}

TEST(Journal, DropsALineThatACrashCutOffAndNamesABrokenOne) {
  const TemporaryFolder folder;
  std::ofstream(folder / "log.jsonl") << "{\"kind\":\"a\"}\n{\"kind\":\"b\"}\n{\"kind\":\"c";
  std::string kinds;
  const auto reader = [&](std::string_view kind, const json::Value&) { kinds += kind; };
  {
    Journal journal;
    ASSERT_TRUE(journal.open(folder / "log.jsonl", reader).has_value());
    journal.write("d", {});
  }
  kinds.clear();
  Journal again;
  ASSERT_TRUE(again.open(folder / "log.jsonl", reader).has_value());
  EXPECT_EQ(kinds, "abd");

  std::ofstream(folder / "bad.jsonl") << "{\"kind\":\"a\"}\nnothing\n{}\n";
  Journal bad;
  const auto read = bad.open(folder / "bad.jsonl", reader);
  ASSERT_FALSE(read.has_value());
  EXPECT_NE(read.error().message.find("line 2"), std::string::npos) << read.error().message;
}

/// Through the sockets: what a restarted simulation says it told is what the bot received.
class WitnessSimTest : public SimTest {
 protected:
  WitnessSimTest() {
    net::HttpServerOptions hook;
    hook.listen = {"127.0.0.1", 0};
    hook_ = *net::HttpServer::start(loop_, hook, [this](net::HttpRequest request) -> Task<net::HttpResponse> {
      received_.push_back(*json::parse(request.body));
      co_return net::make_response(200, "text/plain", "");
    });
    options_.kick_webhook = "http://127.0.0.1:" + std::to_string(hook_->port());
    options_.log_file = folder_ / "witness.jsonl";
    start();
  }
  ~WitnessSimTest() override { end(); }

  TemporaryFolder folder_;
  std::unique_ptr<net::HttpServer> hook_;
  std::vector<json::Value> received_;
};

TEST_F(WitnessSimTest, MomentsAreThoseThatStoodInTheJson) {
  control("POST", "/kick/live", {{"slug", "lantern-live"}});
  for (int i = 0; i < 12; ++i) {
    clock_.advance(std::chrono::milliseconds(7'777'777 % 100'000 + i));
    control("POST", "/kick/chat", {{"slug", "lantern-live"}, {"user", "night-owl3"}, {"content", "hi"}});
  }
  ASSERT_TRUE(run_until([&] { return received_.size() == 13; }));
  std::vector<std::int64_t> sent;
  for (std::size_t i = 1; i < received_.size(); ++i)
    sent.push_back(to_micros(*json::time(received_[i], "created_at")));

  const json::Value before = control("GET", "/witness");
  end();
  start();
  const json::Value after = control("GET", "/witness");
  EXPECT_EQ(after, before);
  const json::Value channel = json::array(after, "channels").at(0);
  std::vector<std::int64_t> kept;
  for (const json::Value& moment : json::array(json::array(channel, "viewers").at(0), "messages")) {
    kept.push_back(*json::integer(moment, "at"));
  }
  EXPECT_EQ(kept, sent);
  EXPECT_EQ(json::integer(json::array(channel, "live").at(0), "started_at"),
            to_micros(*json::time(received_[0], "started_at")));
}

TEST_F(WitnessSimTest, StreamsCommandsAndSubscriptionsOutliveARestart) {
  control("POST", "/kick/live", {{"slug", "pixelmoss"}});
  rest("PUT", "applications/" + text("discord", "application_id") + "/commands",
       json::Array{json::Object{{"name", "points"}, {"description", "d"}}});
  const json::Value commands = control("GET", "/discord/commands");
  end();
  clock_.advance(seconds(60));
  start();
  EXPECT_EQ(control("GET", "/discord/commands"), commands);
  const json::Value channels = control("GET", "/world").at("kick_channels");
  EXPECT_EQ(json::text_or(channels.at(1), "live_since", ""), format_rfc3339(kNoon));
  control("POST", "/kick/offline", {{"slug", "pixelmoss"}});
  const json::Value report = control("GET", "/witness");
  const json::Value live = json::array(json::array(report, "channels").at(0), "live").at(0);
  EXPECT_EQ(json::integer(live, "started_at"), to_micros(kNoon));
  EXPECT_EQ(json::integer(live, "ended_at"), to_micros(kNoon + seconds(60)));
}

/// The members' own work, told and recomputed: every message that was accepted is in the report.
TEST_F(WitnessSimTest, MembersAreWitnessed) {
  end();
  const SystemClock system;
  options_.clock = &system;
  options_.events_per_minute = 60'000;
  start();
  sim_->start_members();
  ASSERT_TRUE(run_until([&] { return received_.size() > 200; }));
  sim_->stop_members();
  ASSERT_TRUE(run_until([&] { return json::integer(control("GET", "/healthz"), "webhooks_waiting") == 0; }));
  std::size_t messages = 0;
  for (const json::Value& body : received_) messages += json::find(body, "message_id") != nullptr;
  const json::Value report = control("GET", "/witness");
  std::size_t witnessed = 0;
  for (const json::Value& channel : json::array(report, "channels")) {
    for (const json::Value& viewer : json::array(channel, "viewers"))
      witnessed += json::array(viewer, "messages").size();
  }
  EXPECT_EQ(witnessed, messages);
  EXPECT_GT(messages, 50U);
  end();
}

}  // namespace
}  // namespace guildhall::sim
