// Hours of a gateway's life within seconds: a Discord that goes wrong at random in every way that it is known
// for, a bot that ends in between with work in its hands, and a count of what came of each event.
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
  std::uint16_t session = 0;  // of Discord's, that it belongs to; 0: of none
  std::uint16_t told_to = 0;  // the process that heard of it last
  bool reached = false;       // the client has it and answers for it
  bool held = false;          // that process works on it
  bool committed = false;
  bool excused = false;  // its session ended before it could reach the client, or reach it again
};

/// What outlives a process.
struct Database {
  std::vector<Fate> fates;
  std::optional<SavedSession> session;
};

/// One run of the bot. Messages are over as soon as they are told; of members' comings it keeps the receipts
/// for as long as it pleases, until they are committed.
class Process final : public DeafHandler {
 public:
  Process(TestLoop& world, Database& database, std::uint16_t number, std::mt19937& random)
      : world_(world), database_(database), number_(number), random_(random) {}

  void on_message(Message message) override {
    if (Fate* fate = hear(std::stoul(message.content))) fate->committed = true;
  }
  void on_member_joined(MemberJoin join, Receipt receipt) override {
    const auto number = static_cast<std::size_t>(join.user.id.value() - 1);
    Fate* fate = hear(number);
    if (fate == nullptr) return;
    fate->held = true;
    const auto takes = std::chrono::seconds(std::uniform_int_distribution(0, 90)(random_));
    held_.emplace(world_.timing->now() + takes, std::pair(number, std::move(receipt)));
  }
  bool is_full() const override { return full; }

  /// What was committed before, as its operation id says, stays as it is.
  void commit_what_is_due() {
    while (!held_.empty() && held_.begin()->first <= world_.timing->now()) {
      Fate& fate = database_.fates.at(held_.begin()->second.first);
      fate.held = false;
      fate.committed = true;
      held_.erase(held_.begin());
    }
  }

  /// Nothing that it does from now on counts. Only the session that is still there can tell again what was
  /// not committed.
  void die(std::uint16_t session) {
    dead_ = true;
    for (const auto& [due, one] : held_) {
      Fate& fate = database_.fates.at(one.first);
      fate.held = fate.reached = false;
      fate.excused = fate.excused || (!fate.committed && fate.session != session);
    }
  }

  bool full = false;
  int told_again = 0;  // what an earlier process had heard of
  int told_twice = 0;

 private:
  Fate* hear(std::size_t number) {
    if (dead_) return nullptr;
    Fate& fate = database_.fates.at(number);
    if (fate.told_to == number_) ++told_twice;
    if (fate.told_to != 0) ++told_again;
    fate.told_to = number_;
    return &fate;
  }

  TestLoop& world_;
  Database& database_;
  const std::uint16_t number_;
  std::mt19937& random_;
  std::multimap<SteadyTime, std::pair<std::size_t, Receipt>> held_;
  bool dead_ = false;
};

/// As far as one process reaches the database.
class Disk final : public SessionStore {
 public:
  explicit Disk(Database& database) : database_(database) {}
  Task<std::optional<SavedSession>> load() override { co_return database_.session; }
  Task<void> save(std::optional<SavedSession> session) override {
    if (!cut_off) database_.session = std::move(session);
    co_return;
  }

  bool cut_off = false;

 private:
  Database& database_;
};

/// The other end: sessions with their replay, heartbeats, the documented limits of identifying.
class FaultyDiscord {
 public:
  FaultyDiscord(TestLoop& world, Database& database, std::mt19937& random)
      : world_(world), database_(database), random_(random) {}

  /// By the process of that number.
  Task<Result<std::unique_ptr<net::WebSocket>>> connect(std::string url, std::uint16_t process) {
    boost::asio::steady_timer timer(world_.loop);
    co_await world_.timing->wait(timer, world_.timing->now() + std::chrono::milliseconds(pick(1, 900)));
    if (process != present_process) co_return fail(ErrorCode::unavailable, "nobody is there any more");
    if (std::exchange(next_dial_fails_, false)) {
      lose_session();
      co_return fail(ErrorCode::unavailable, "no route");
    }
    leave();
    peer_ = std::make_shared<GatewayPeer>(world_.loop, std::move(url));
    read_ = 0;
    up_ = zombie_ = asked_to_go_ = false;
    if (std::exchange(next_asks_to_come_back_, false)) ask_to_go(R"({"op":7,"d":null})");
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

  /// What happens within a moment. `heard`: the client takes what it is told, and has for a while.
  void turn(bool goes_wrong, bool heard) {
    listen();
    if (session_ && !peer_ && world_.timing->now() - left_at_ > 3min) lose_session();
    for (int count = pick(0, 3); count > 0; --count) tell();
    world_.settle();
    if (heard) note_what_reached_it();
    if (goes_wrong && pick(1, 60) == 1) go_wrong();
    world_.settle();
  }

  /// The session that can be resumed, by its number; 0: none.
  std::uint16_t session() const { return session_ ? session_->number : 0; }

  std::uint16_t present_process = 0;
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
    std::uint16_t number = 0;
    std::int64_t sequence = 0;
    std::deque<Told> log;
  };

  int pick(int least, int most) { return std::uniform_int_distribution(least, most)(random_); }

  void say(const std::string& frame) {
    if (peer_ && !zombie_) peer_->say(frame);
  }
  /// The client reads nothing behind that.
  void ask_to_go(const std::string& frame) {
    say(frame);
    asked_to_go_ = true;
  }
  void dispatch(std::string_view event, const std::string& data) {
    say(fmt::format(R"({{"op":0,"s":{},"t":"{}","d":{}}})", ++session_->sequence, event, data));
  }

  void say(const Told& told) {
    say(told.frame);
    if (peer_ && !zombie_ && !asked_to_go_) under_way_.push_back(told.number);
  }

  void note_what_reached_it() {
    for (const std::size_t number : under_way_) database_.fates[number].reached = true;
    under_way_.clear();
  }

  void leave() {
    if (!peer_) return;
    peer_.reset();
    under_way_.clear();
    up_ = false;
    left_at_ = world_.timing->now();
  }

  /// Nobody can be blamed for what the client never had, or what a process that died had not finished.
  void lose_session() {
    if (!session_) return;
    for (const Told& told : session_->log) {
      Fate& fate = database_.fates[told.number];
      fate.excused = fate.excused || !(fate.committed || fate.held || fate.reached);
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
    session_.emplace(static_cast<std::uint16_t>(identifies));
    dispatch("READY",
             fmt::format(R"({{"v":10,"user":{{"id":"99","username":"g"}},"session_id":"{}","guilds":[],)"
                         R"("resume_gateway_url":"wss://resume","application":{{"id":"98","flags":0}}}})",
                         session_id()));
    up_ = true;
  }

  /// With some that were told before, as it happens. What it does not ask for it says that it has.
  void resume(const json::Value& data) {
    ++resumes;
    const std::int64_t asked_from = *json::integer(data, "seq");
    const std::int64_t from = asked_from - pick(0, 3);
    const bool known = session_ && json::text_or(data, "session_id", "") == session_id();
    if (!known) return say(R"({"op":9,"d":false})");
    for (const Told& told : session_->log) {
      if (told.sequence <= asked_from) database_.fates[told.number].reached = true;
      if (told.sequence > from) say(told);
    }
    dispatch("RESUMED", "{}");
    up_ = true;
  }

  std::string session_id() const { return fmt::format("s{}", session_->number); }

  /// Something happens in a guild: somebody writes, or joins.
  void tell() {
    const std::size_t number = database_.fates.size();
    database_.fates.push_back({.session = session(), .excused = !session_});
    if (!session_) return;
    const bool joins = pick(1, 3) == 1;
    const std::string data = joins ? fmt::format(R"({{"guild_id":"1","user":{{"id":"{}"}}}})", number + 1)
                                   : fmt::format(R"({{"id":"1","channel_id":"2","author":{{"id":"3"}},)"
                                                 R"("content":"{}"}})",
                                                 number);
    const std::string frame = fmt::format(R"({{"op":0,"s":{},"t":"{}","d":{}}})", ++session_->sequence,
                                          joins ? "GUILD_MEMBER_ADD" : "MESSAGE_CREATE", data);
    session_->log.push_back({session_->sequence, number, frame});
    if (session_->log.size() > 1'000) session_->log.pop_front();
    if (up_) say(session_->log.back());
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
    ask_to_go(resumable ? R"({"op":9,"d":true})" : R"({"op":9,"d":false})");
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
      case 1: ask_to_go(R"({"op":7,"d":null})"); break;
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
        ask_to_go(R"({"op":7,"d":null})");
        break;
      default: next_discovery_fails_ = true; break;
    }
  }

  TestLoop& world_;
  Database& database_;
  std::mt19937& random_;
  std::shared_ptr<GatewayPeer> peer_;
  std::size_t read_ = 0;  // of what the client sent
  bool up_ = false;
  bool zombie_ = false;  // the connection is dead, and nobody says so
  bool asked_to_go_ = false;
  std::vector<std::size_t> under_way_;  // events that were said and may not be read yet
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
  std::mt19937 random{7};
  Database database;
  FaultyDiscord discord{*this, database, random};
  Metrics metrics;
  State state{{}, metrics};
  /// Whose turn it is to identify lies in the database too.
  std::shared_ptr<IdentifyTurns> turns = std::make_shared<IdentifyTurns>(loop, timing);
  std::unique_ptr<Process> process;
  std::shared_ptr<Disk> disk;
  std::unique_ptr<Gateway> gateway;
  std::shared_ptr<std::optional<Result<void>>> ended;
  int told_again = 0;
  int told_twice = 0;

  void begin() {
    const std::uint16_t number = ++discord.present_process;
    process = std::make_unique<Process>(*this, database, number, random);
    disk = std::make_shared<Disk>(database);
    gateway = std::make_unique<Gateway>(
        loop, GatewayOptions{.token = "a-token", .compression = Compression::none}, *process, state, disk,
        turns, [this, number](std::string url) { return discord.connect(std::move(url), number); },
        [this] { return discord.discover(); }, timing, metrics);
    ended = start(gateway->run());
  }

  /// `killed`: it has no time to put anything down. What it held and did not commit is lost with it either
  /// way.
  void end(bool killed) {
    disk->cut_off = killed;
    if (killed) process->die(discord.session());
    // Its session, if it has one, may not be on record yet.
    if (!gateway->health().connected) ++discord.cut_short;
    gateway->stop();
    advance(100ms);  // where it waits for room it looks up only then
    EXPECT_TRUE(ended->has_value());
    disk->cut_off = true;
    if (!killed) process->die(discord.session());
    told_again += process->told_again;
    told_twice += process->told_twice;
  }

  bool one_in(int many) { return std::uniform_int_distribution(1, many)(random) == 1; }

  void live(std::chrono::nanoseconds time, bool faults) {
    for (const SteadyTime until = timing->now() + time; timing->now() < until;) {
      advance(700ms);
      process->commit_what_is_due();
      const bool had_room = !process->full;
      // Now and then the bot has so much to do that it takes nothing for a while.
      if (one_in(process->full ? 20 : 300)) process->full = faults && !process->full;
      if (faults && one_in(2'000)) {
        end(one_in(2));
        begin();
      }
      discord.turn(faults, had_room && !process->full);
    }
  }
};

TEST_F(SimulatedHours, LoseNoEventHandleNoneTwiceAndKeepTheBudget) {
  constexpr int kHours = 24;
  database.fates.reserve(static_cast<std::size_t>(kHours) * 10'000);
  begin();
  live(1h, true);
  [[maybe_unused]] const auto before = use_of(getpid())->resident;
  live(1h * (kHours - 1), true);
  process->full = false;
  live(10min, false);
  EXPECT_FALSE(ended->has_value()) << "it gave up";
  EXPECT_TRUE(gateway->health().connected);

  std::size_t committed = 0;
  for (std::size_t i = 0; i < database.fates.size(); ++i) {
    const Fate& fate = database.fates[i];
    committed += fate.committed ? 1 : 0;
    EXPECT_TRUE(fate.committed || fate.held || fate.excused)
        << "event " << i << " of " << database.fates.size() << " was lost";
  }
  EXPECT_EQ(told_twice + process->told_twice, 0) << "by one process, whatever a session repeats";
  EXPECT_GT(committed, database.fates.size() * 8 / 10);
  EXPECT_GT(discord.present_process, kHours);
  EXPECT_GT(told_again, kHours) << "what was open when a process ended is told to the next one";
  EXPECT_GT(discord.resumes, 10 * kHours);
  EXPECT_LE(discord.identifies, 1 + discord.ended_sessions + discord.cut_short)
      << "a session that could be resumed was given up";
#if !__has_feature(address_sanitizer)  // which keeps what was freed
  EXPECT_LE(use_of(getpid())->resident - before, 4'000'000);
#endif
  RecordProperty("faults", discord.faults);
  end(false);
}

}  // namespace
}  // namespace guildhall::discord
