// Hours of a gateway's life within seconds: a Discord that goes wrong at random in every way that it is known
// for, and a count of what came of each event.
#include <gtest/gtest.h>
#include <unistd.h>

#include <random>

#include "base/json.h"
#include "base/process.h"
#include "platforms/discord/gateway.h"
#include "platforms/discord/gateway_testing.h"
#include "platforms/discord/scripted.h"

namespace guildhall::discord {
namespace {

using namespace std::chrono_literals;  // NOLINT

/// What became of each event that Discord had for us.
struct Fate {
  int handled = 0;
  bool excused = false;  // its session ended before it could be told
};

class Tally final : public DeafHandler {
 public:
  void on_message(Message message) override { ++fates.at(std::stoul(message.content)).handled; }
  bool is_full() const override { return full; }

  std::vector<Fate> fates;
  bool full = false;
};

struct NoStore final : SessionStore {
  Task<std::optional<SavedSession>> load() override { co_return std::nullopt; }
  Task<void> save(std::optional<SavedSession>) override { co_return; }
};

/// The other end: sessions with their replay, heartbeats, the documented limits of identifying.
class FaultyDiscord {
 public:
  FaultyDiscord(TestLoop& world, Tally& tally, std::uint32_t seed)
      : world_(world), tally_(tally), random_(seed) {}

  Task<Result<std::unique_ptr<net::WebSocket>>> connect(std::string url) {
    boost::asio::steady_timer timer(world_.loop);
    co_await world_.timing->wait(timer, world_.timing->now() + std::chrono::milliseconds(pick(1, 900)));
    if (std::exchange(next_dial_fails_, false)) {
      lose_session();
      co_return fail(ErrorCode::unavailable, "no route");
    }
    leave();
    peer_ = std::make_shared<GatewayPeer>(world_.loop, std::move(url));
    read_ = 0;
    up_ = zombie_ = false;
    if (std::exchange(next_asks_to_come_back_, false)) peer_->say(R"({"op":7,"d":null})");
    // A connection without HELLO takes the session with it: what was tried in vain is given up.
    if (std::exchange(next_is_mute_, false)) {
      zombie_ = true;
      lose_session();
    } else {
      peer_->say(R"({"op":10,"d":{"heartbeat_interval":41250}})");
    }
    co_return std::make_unique<ScriptedSocket>(peer_);
  }

  Task<Result<GatewayInfo>> discover() {
    if (std::exchange(next_discovery_fails_, false)) co_return fail(ErrorCode::unavailable, "503");
    const auto until_reset = 24h - (world_.timing->now() - day_begins_) % 24h;
    co_return GatewayInfo{"wss://main", 1,
                          IdentifyLimit{1000, 1000 - identified_today_,
                                        std::chrono::duration_cast<std::chrono::milliseconds>(until_reset)}};
  }

  /// What happens within a moment.
  void turn(bool goes_wrong) {
    listen();
    if (session_ && !peer_ && world_.timing->now() - left_at_ > 3min) lose_session();
    for (int count = pick(0, 3); count > 0; --count) tell();
    if (goes_wrong && pick(1, 60) == 1) go_wrong();
    // Now and then the bot has so much to do that it takes nothing for a while.
    if (pick(1, tally_.full ? 20 : 300) == 1) tally_.full = goes_wrong && !tally_.full;
    world_.settle();
  }

  int identifies = 0;
  int resumes = 0;
  int ended_sessions = 0;  // by Discord, or in a way that no client can tell from that
  int cut_short = 0;       // connections that met a fault before they were up: their session is given up too
  int faults = 0;

 private:
  struct Told {
    std::int64_t sequence = 0;
    std::size_t number = 0;
    std::string frame;
  };
  struct Session {
    std::string id;
    std::int64_t sequence = 0;
    std::deque<Told> log;
  };

  int pick(int least, int most) { return std::uniform_int_distribution(least, most)(random_); }

  void say(const std::string& frame) {
    if (peer_ && !zombie_) peer_->say(frame);
  }
  void dispatch(std::string_view event, const std::string& data) {
    say(fmt::format(R"({{"op":0,"s":{},"t":"{}","d":{}}})", ++session_->sequence, event, data));
  }

  void leave() {
    if (!peer_) return;
    peer_.reset();
    up_ = false;
    left_at_ = world_.timing->now();
  }

  void lose_session() {
    if (!session_) return;
    for (const Told& told : session_->log) {
      Fate& fate = tally_.fates[told.number];
      fate.excused = fate.excused || fate.handled == 0;
    }
    session_.reset();
    ++ended_sessions;
  }

  void listen() {
    while (peer_ && read_ < peer_->from_client.size()) {
      const json::Value frame = *json::parse(peer_->from_client[read_++]);
      if (zombie_) continue;
      const auto op = json::integer(frame, "op");
      if (op == 1) say(R"({"op":11})");
      if (op == 2) identify();
      if (op == 6) resume(*json::find(frame, "d"));
    }
    if (peer_ && (peer_->client_closed || peer_->ended)) leave();
  }

  void identify() {
    ++identifies;
    const SteadyTime now = world_.timing->now();
    if (now - day_begins_ >= 24h) {
      day_begins_ = now;
      identified_today_ = 0;
    }
    ++identified_today_;
    EXPECT_LT(identified_today_, 1'000) << "the token would be reset";
    // On the way it may come a little closer to the one before it.
    EXPECT_GE(now - last_identify_, 4s) << "too close to the one before";
    last_identify_ = now;
    if (session_) {
      lose_session();
      --ended_sessions;  // it was the client's choice
    }
    session_.emplace("s" + std::to_string(identifies));
    dispatch("READY",
             fmt::format(R"({{"v":10,"user":{{"id":"99","username":"g"}},"session_id":"{}","guilds":[],)"
                         R"("resume_gateway_url":"wss://resume","application":{{"id":"98","flags":0}}}})",
                         session_->id));
    up_ = true;
  }

  /// With some that were told before, as it happens.
  void resume(const json::Value& data) {
    ++resumes;
    const std::int64_t from = *json::integer(data, "seq") - pick(0, 3);
    const bool known = session_ && json::text_or(data, "session_id", "") == session_->id;
    if (!known) return say(R"({"op":9,"d":false})");
    for (const Told& told : session_->log) {
      if (told.sequence > from) say(told.frame);
    }
    dispatch("RESUMED", "{}");
    up_ = true;
  }

  /// Something happens in a guild.
  void tell() {
    const std::size_t number = tally_.fates.size();
    tally_.fates.emplace_back();
    if (!session_) {
      tally_.fates.back().excused = true;
      return;
    }
    const std::string frame = fmt::format(
        R"({{"op":0,"s":{},"t":"MESSAGE_CREATE","d":{{"id":"1","channel_id":"2","author":{{"id":"3"}},"content":"{}"}}}})",
        ++session_->sequence, number);
    session_->log.push_back({session_->sequence, number, frame});
    if (session_->log.size() > 1'000) session_->log.pop_front();
    if (up_) say(frame);
  }

  void close(int code) {
    if (!peer_) return;
    if (!up_) ++cut_short;
    peer_->close(static_cast<std::uint16_t>(code));
    world_.settle();
    leave();
  }

  void invalidate(bool resumable) {
    if (!peer_ || zombie_) return;
    say(resumable ? R"({"op":9,"d":true})" : R"({"op":9,"d":false})");
    world_.settle();
    if (!resumable) lose_session();
  }

  void close_for_good(int code) {
    if (!peer_) return;
    close(code);
    lose_session();
  }

  void go_wrong() {
    ++faults;
    constexpr std::array kResumable{0, 1000, 1001, 4000, 4001, 4002, 4005, 4008, 4999};
    constexpr std::array kFinal{4003, 4007, 4009};
    switch (pick(0, 12)) {
      case 0:
      case 1: say(R"({"op":7,"d":null})"); break;
      case 2: invalidate(true); break;
      case 3: invalidate(false); break;
      case 4:
      case 5: close(kResumable.at(static_cast<std::size_t>(pick(0, kResumable.size() - 1)))); break;
      case 6: close_for_good(kFinal.at(static_cast<std::size_t>(pick(0, kFinal.size() - 1)))); break;
      case 7:
        if (!up_) ++cut_short;
        zombie_ = true;
        break;
      case 8: say(R"({"op":1,"d":null})"); break;
      case 9:
        next_dial_fails_ = true;
        close(0);
        break;
      case 10:
        next_is_mute_ = true;
        close(0);
        break;
      case 11:
        next_asks_to_come_back_ = true;
        say(R"({"op":7,"d":null})");
        break;
      default: next_discovery_fails_ = true; break;
    }
  }

  TestLoop& world_;
  Tally& tally_;
  std::mt19937 random_;
  std::shared_ptr<GatewayPeer> peer_;
  std::size_t read_ = 0;  // of what the client sent
  bool up_ = false;
  bool zombie_ = false;  // the connection is dead, and nobody says so
  std::optional<Session> session_;
  SteadyTime left_at_ = world_.timing->now();
  SteadyTime day_begins_ = world_.timing->now();
  SteadyTime last_identify_ = world_.timing->now() - 1h;
  int identified_today_ = 0;
  bool next_dial_fails_ = false;
  bool next_is_mute_ = false;
  bool next_asks_to_come_back_ = false;
  bool next_discovery_fails_ = false;
};

struct SimulatedHours : testing::Test, TestLoop {
  Tally tally;
  FaultyDiscord discord{*this, tally, 7};
  Metrics metrics;
  State state{{}, metrics};
  Gateway gateway{loop,
                  {.token = "a-token", .compression = Compression::none},
                  tally,
                  state,
                  std::make_shared<NoStore>(),
                  std::make_shared<IdentifyTurns>(loop, timing),
                  [this](std::string url) { return discord.connect(std::move(url)); },
                  [this] { return discord.discover(); },
                  timing,
                  metrics};

  void live(std::chrono::nanoseconds time, bool faults) {
    for (const SteadyTime end = timing->now() + time; timing->now() < end;) {
      advance(700ms);
      discord.turn(faults);
    }
  }
};

TEST_F(SimulatedHours, LoseNoEventHandleNoneTwiceAndKeepTheBudget) {
  constexpr int kHours = 24;
  tally.fates.reserve(static_cast<std::size_t>(kHours) * 10'000);
  const auto ended = start(gateway.run());
  live(1h, true);
  const auto before = use_of(getpid())->resident;
  live(1h * (kHours - 1), true);
  tally.full = false;
  live(10min, false);
  EXPECT_FALSE(ended->has_value()) << "it gave up";
  EXPECT_TRUE(gateway.health().connected);

  std::size_t handled = 0;
  for (std::size_t i = 0; i < tally.fates.size(); ++i) {
    const Fate& fate = tally.fates[i];
    handled += fate.handled > 0 ? 1 : 0;
    EXPECT_LE(fate.handled, 1) << "event " << i;
    EXPECT_TRUE(fate.handled == 1 || fate.excused)
        << "event " << i << " of " << tally.fates.size() << " was lost";
  }
  EXPECT_GT(handled, tally.fates.size() * 8 / 10);
  EXPECT_GT(discord.resumes, 10 * kHours);
  EXPECT_LE(discord.identifies, 1 + discord.ended_sessions + discord.cut_short)
      << "a session that could be resumed was given up";
#if !__has_feature(address_sanitizer)  // which keeps what was freed
  EXPECT_LE(use_of(getpid())->resident - before, 4'000'000);
#endif
  RecordProperty("faults", discord.faults);
  gateway.stop();
  settle();
}

}  // namespace
}  // namespace guildhall::discord
