// Several processes, each with its own loop and time, on one database (on PostgreSQL:
// tests/faults/shards.mjs); Discord is at the other end of each connection and greets, begins and resumes
// sessions.
#include "bot/discord_shards.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "base/json.h"
#include "bot/discord_needs.h"
#include "platforms/discord/scripted.h"
#include "tests/support/test_world.h"

namespace guildhall::bot {
namespace {

using namespace std::chrono_literals;  // NOLINT
using testing::Each;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

/// One greeting of a client: op 2 or 6, for a shard.
struct Greeting {
  int op = 0;
  int shard = 0;
  std::int64_t sequence = 0;
};

/// Discord's end: sessions are named by their shard.
class SmallDiscord final : public net::WebSocket {
 public:
  SmallDiscord(boost::asio::io_context& loop, std::vector<Greeting>& greetings, discord::Intents refused)
      : greetings_(greetings), refused_(refused), wake_(loop, discord::SteadyTime::max()) {
    to_client_.push_back(R"({"op":10,"d":{"heartbeat_interval":40000}})");
  }

  Task<Result<std::string_view>> read() override {
    while (to_client_.empty() && !ended_)
      co_await wake_.async_wait(boost::asio::as_tuple(boost::asio::use_awaitable));
    if (to_client_.empty()) co_return fail(ErrorCode::unavailable, "the connection ended");
    message_ = std::move(to_client_.front());
    to_client_.pop_front();
    co_return message_;
  }

  Task<Result<void>> write(std::string message) override {
    const auto frame = *json::parse(message);
    const int op = static_cast<int>(*json::integer(frame, "op"));
    const json::Value& data = *json::find(frame, "d");
    if (op == 2) {
      const int shard = static_cast<int>(json::array(data, "shard").at(0).as_int64());
      greetings_.push_back({op, shard});
      if ((*json::integer(data, "intents") & refused_) != 0) co_return refuse_intents();
      say(fmt::format(
          R"({{"op":0,"s":1,"t":"READY","d":{{"v":10,"user":{{"id":"99"}},"application":{{"id":"98"}},)"
          R"("session_id":"{}","resume_gateway_url":"wss://resume","guilds":[]}}}})",
          shard));
    } else if (op == 6) {
      greetings_.push_back(
          {op, std::stoi(json::text_or(data, "session_id", "-1")), *json::integer(data, "seq")});
      say(R"({"op":0,"s":2,"t":"RESUMED","d":{}})");
    } else if (op == 1) {
      say(R"({"op":11})");
    }
    co_return Result<void>{};
  }
  Task<Result<void>> write_binary(std::string message) override { return write(std::move(message)); }
  Task<void> close(std::uint16_t) override {
    ended_ = true;
    wake_.cancel();
    co_return;
  }
  std::uint16_t close_code() const override { return close_code_; }

 private:
  Result<void> refuse_intents() {
    close_code_ = 4014;
    ended_ = true;
    wake_.cancel();
    return {};
  }
  void say(std::string message) {
    to_client_.push_back(std::move(message));
    wake_.cancel();
  }

  std::vector<Greeting>& greetings_;
  discord::Intents refused_;
  std::uint16_t close_code_ = 0;
  std::deque<std::string> to_client_;
  std::string message_;
  bool ended_ = false;
  boost::asio::steady_timer wake_;
};

class Nobody final : public discord::GatewayHandler {
 public:
  void on_ready(discord::Ready, discord::Receipt) override {}
  void on_intents_refused(discord::Intents) override {}
  void on_guild(discord::GuildSnapshot, discord::GuildArrival, discord::Receipt) override {}
  void on_guild_renamed(ServerId, std::string, discord::Receipt) override {}
  void on_guild_unavailable(ServerId) override {}
  void on_guild_removed(ServerId, discord::Receipt) override {}
  void on_member_joined(discord::MemberJoin, discord::Receipt) override {}
  void on_member_left(discord::MemberLeave, discord::Receipt) override {}
  void on_message(discord::Message) override {}
  void on_interaction(discord::Interaction) override {}
};

/// One process of the bot.
struct Process : discord::TestLoop {
  Process(test::TestWorld& world, std::string holder, int count, std::string predecessors = "") {
    discord::GatewayOptions gateway;
    gateway.token = "a-token";
    gateway.compression = discord::Compression::none;
    shards.emplace(
        DiscordShards::Surroundings{loop, world.tenancy->global(), handler, state,
                                    [this](std::string) -> Task<Result<std::unique_ptr<net::WebSocket>>> {
                                      co_return std::make_unique<SmallDiscord>(loop, greetings, refused);
                                    },
                                    [this]() -> Task<Result<discord::GatewayInfo>> { co_return discovered; },
                                    timing, metrics, [this](std::size_t now) { processes = now; }},
        DiscordShardsOptions{std::move(gateway), count, std::move(holder), std::move(predecessors)});
    ended = start(shards->run());
  }

  std::vector<int> shards_of(int op) const {
    std::vector<int> found;
    for (const Greeting& one : greetings) {
      if (one.op == op) found.push_back(one.shard);
    }
    return found;
  }

  std::size_t processes = 1;  // as the bot is told
  Nobody handler;
  Metrics metrics;
  discord::State state{{}, metrics};
  std::vector<Greeting> greetings;
  discord::Intents refused = 0;
  Result<discord::GatewayInfo> discovered =
      discord::GatewayInfo{"wss://main", 4, discord::IdentifyLimit{1000, 999, 24h}};
  std::optional<DiscordShards> shards;
  std::shared_ptr<std::optional<Result<void>>> ended;
};

class DiscordShardsOfSqlite : public testing::Test {
 protected:
  std::unique_ptr<Process> process(const std::string& holder, int count = 0,
                                   const std::string& predecessors = "") {
    return std::make_unique<Process>(world_, holder, count, predecessors);
  }

  /// Lets time pass for these; who is not among them is dead, or stands still.
  void pass(std::chrono::seconds time, const std::vector<Process*>& living) {
    for (auto left = time; left > 0s; left -= 1s) {
      for (Process* one : living) one->advance(1s);
      work_off(living);
    }
  }
  /// The database answers in real time, from one thread that writes and two that read: what is asked of it
  /// here comes behind what was asked before on the first, and most likely on the others.
  void work_off(const std::vector<Process*>& living) {
    for (int quiet = 0; quiet < 6;) {
      std::size_t done = 0;
      for (Process* one : living) {
        one->loop.restart();
        done += one->loop.poll();
      }
      quiet = done > 0 ? 0 : quiet + 1;
      const auto global = world_.tenancy->global();
      const auto nothing = [](store::GlobalTx&) -> store::TxTask<void> { co_return; };
      net::run_to_end(global.transact(nothing));
      net::run_to_end(global.read(nothing));
      std::this_thread::sleep_for(1ms);
    }
  }
  bool pass_until(std::chrono::seconds at_most, const std::vector<Process*>& living,
                  const std::function<bool()>& met) {
    for (auto left = at_most; left > 0s && !met(); left -= 1s) pass(1s, living);
    return met();
  }
  void stop(Process& one, const std::vector<Process*>& beside = {}) {
    std::vector<Process*> living = beside;
    living.push_back(&one);
    one.shards->stop();
    ASSERT_TRUE(pass_until(10s, living, [&] { return one.ended->has_value(); }));
    EXPECT_TRUE(one.ended->value().has_value());
  }
  int served_by(const std::string& holder) {
    return std::stoi(world_.dump("SELECT count(*) FROM leases WHERE kind = 'discord.shard' AND holder = '" +
                                 holder + "'"));
  }

  test::TestWorld world_{store::Layout::sqlite};
};

TEST_F(DiscordShardsOfSqlite, OneServesAllAndTheNextOneResumesThem) {
  const auto first = process("one");
  pass(20s, {first.get()});
  EXPECT_THAT(first->shards_of(2), ElementsAre(0, 1, 2, 3));
  EXPECT_TRUE(first->shards->health().connected);
  stop(*first);
  const auto second = process("two");
  pass(3s, {second.get()});
  EXPECT_THAT(second->shards_of(6), UnorderedElementsAre(0, 1, 2, 3));
  EXPECT_THAT(second->shards_of(2), IsEmpty());
  EXPECT_TRUE(second->shards->health().connected);
  stop(*second);
}

TEST_F(DiscordShardsOfSqlite, EachOfThoseThatIdentifyAtOnceIsTakenFromTheBudget) {
  const auto first = process("one");
  first->discovered->identifies->at_once = 4;
  pass(5s, {first.get()});
  EXPECT_THAT(first->shards_of(2), UnorderedElementsAre(0, 1, 2, 3));
  EXPECT_THAT(world_.dump("SELECT value FROM process_state WHERE key = 'discord.identifies'"),
              testing::HasSubstr("\"left\":995"));
  stop(*first);
}

TEST_F(DiscordShardsOfSqlite, WhoeverJoinsGetsItsShareAndGivesItBackAtItsEnd) {
  const auto first = process("one");
  pass(20s, {first.get()});
  const auto second = process("two");
  ASSERT_TRUE(pass_until(20s, {first.get(), second.get()}, [&] { return second->greetings.size() == 2; }));
  EXPECT_THAT(second->shards_of(6), UnorderedElementsAre(2, 3));
  pass(10s, {first.get(), second.get()});
  EXPECT_EQ(second->greetings.size(), 2U) << "they stay where they are";
  EXPECT_EQ(first->processes, 2U);
  EXPECT_EQ(second->processes, 2U);
  EXPECT_TRUE(first->shards->health().connected);
  EXPECT_TRUE(second->shards->health().connected);
  first->greetings.clear();
  stop(*second, {first.get()});
  ASSERT_TRUE(pass_until(3s, {first.get()}, [&] { return first->greetings.size() == 2; }));
  EXPECT_THAT(first->shards_of(6), UnorderedElementsAre(2, 3));
  EXPECT_EQ(first->processes, 1U);
  stop(*first);
}

TEST_F(DiscordShardsOfSqlite, WhatAKilledOneLeavesIsResumedByTheOthersWithinHalfAMinute) {
  const auto first = process("one");
  pass(20s, {first.get()});
  const auto second = process("two");
  pass(10s, {first.get(), second.get()});
  ASSERT_EQ(second->greetings.size(), 2U);
  EXPECT_TRUE(pass_until(30s, {second.get()}, [&] { return second->greetings.size() == 4; }));
  EXPECT_THAT(second->shards_of(6), UnorderedElementsAre(2, 3, 0, 1));
  EXPECT_EQ(second->processes, 1U);
  pass(2s, {second.get()});
  EXPECT_TRUE(second->shards->health().connected);
  // It only stood still: it finds out and leaves what is not its own any more, then both share again.
  pass(1s, {first.get(), second.get()});
  EXPECT_TRUE(pass_until(20s, {first.get(), second.get()}, [&] {
    return served_by("one") == 2 && served_by("two") == 2 && first->shards->health().connected;
  }));
  stop(*first, {second.get()});
  stop(*second);
}

TEST_F(DiscordShardsOfSqlite, TheOneThatDoesEverythingGoesOnAtOnceAfterItWasKilled) {
  const auto killed = process("everything 1", 0, "everything ");
  pass(20s, {killed.get()});
  const auto next = process("everything 2", 0, "everything ");
  pass(2s, {next.get()});
  EXPECT_THAT(next->shards_of(6), UnorderedElementsAre(0, 1, 2, 3));
  stop(*next);
}

TEST_F(DiscordShardsOfSqlite, AnotherNumberOfShardsCountsWhenNobodyServesTheOldOne) {
  const auto first = process("one", 2);
  pass(10s, {first.get()});
  const auto second = process("two", 3);
  pass(30s, {first.get(), second.get()});
  EXPECT_THAT(second->shards_of(6), ElementsAre(1));
  stop(*second, {first.get()});
  pass(3s, {first.get()});
  stop(*first);
  const auto third = process("three", 3);
  pass(20s, {third.get()});
  EXPECT_THAT(third->shards_of(2), ElementsAre(0, 1, 2));
  EXPECT_THAT(third->shards_of(6), IsEmpty());
  stop(*third);
  EXPECT_EQ(world_.dump("SELECT count(*) FROM leases WHERE kind = 'discord.shard'"), "3\n");
}

/// Nobody knows at first that it is dead.
TEST_F(DiscordShardsOfSqlite, AKilledOneHoldsUpAnotherNumberOfShardsOnlyForAWhile) {
  const auto killed = process("one", 2);
  pass(10s, {killed.get()});
  const auto next = process("two", 3);
  pass(15s, {next.get()});
  EXPECT_THAT(next->greetings, IsEmpty());
  pass(60s, {next.get()});
  EXPECT_THAT(next->shards_of(2), ElementsAre(0, 1, 2));
  stop(*next);
}

/// Whoever cannot show that it lives leaves its shards to the others; when all are back, each shard has
/// somebody.
TEST_F(DiscordShardsOfSqlite, ADatabaseThatWasAwayLeavesNoShardWithoutAProcess) {
  const auto first = process("one");
  pass(20s, {first.get()});
  const auto second = process("two");
  pass(10s, {first.get(), second.get()});
  ASSERT_EQ(served_by("two"), 2);
  world_.execute("ALTER TABLE leases RENAME TO gone");
  pass(40s, {first.get(), second.get()});
  EXPECT_FALSE(first->shards->health().connected);
  world_.execute("ALTER TABLE gone RENAME TO leases");
  EXPECT_TRUE(pass_until(60s, {first.get(), second.get()}, [&] {
    return served_by("one") == 2 && served_by("two") == 2 && first->shards->health().connected &&
           second->shards->health().connected;
  }));
  EXPECT_THAT(first->shards_of(2), ElementsAre(0, 1, 2, 3)) << "each was resumed";
  stop(*first, {second.get()});
  stop(*second);
}

TEST_F(DiscordShardsOfSqlite, WithoutAWordFromDiscordTheNumberStaysAndTheSessionsGoOn) {
  const auto first = process("one");
  pass(20s, {first.get()});
  stop(*first);
  const auto second = process("two");
  second->discovered = fail(ErrorCode::unavailable, "no answer");
  pass(3s, {second.get()});
  EXPECT_THAT(second->shards_of(6), UnorderedElementsAre(0, 1, 2, 3));
  stop(*second);
}

TEST_F(DiscordShardsOfSqlite, SessionsWithoutRefusedIntentsAreHandedOverToo) {
  const auto first = process("one", 2);
  first->refused = discord::kPrivilegedIntents;
  ASSERT_TRUE(pass_until(60s, {first.get()}, [&] { return first->shards->health().connected; }));
  const auto second = process("two", 2);
  ASSERT_TRUE(pass_until(60s, {first.get(), second.get()},
                         [&] { return served_by("two") == 1 && second->shards->health().connected; }));
  stop(*first, {second.get()});
  ASSERT_TRUE(pass_until(60s, {second.get()}, [&] { return second->shards_of(6).size() == 2; }));
  EXPECT_THAT(second->shards_of(2), IsEmpty());
  stop(*second);
}

TEST(DiscordNeeds, AreWhatFeaturesDeclare) {
  const Config config;
  Declarations declared(config);
  EXPECT_EQ(discord_intents_for(declared), discord::kGuilds);
  EXPECT_FALSE(discord_state_for(declared).channels || discord_state_for(declared).members);
  declared.remembered.members = true;
  EXPECT_EQ(discord_intents_for(declared), discord::kGuilds | discord::kGuildMembers);
  EXPECT_TRUE(discord_state_for(declared).members);
  declared.remembered = {.channels = true};
  EXPECT_EQ(discord_intents_for(declared), discord::kGuilds);
  EXPECT_TRUE(discord_state_for(declared).channels);
  declared.on_leave.emplace_back();
  EXPECT_EQ(discord_intents_for(declared), discord::kGuilds | discord::kGuildMembers);
  CommandSpec slash;
  slash.owner = "bot";
  slash.path = "one";
  slash.doors = {Door::slash};
  declared.commands.add(slash);
  EXPECT_EQ(discord_intents_for(declared) & discord::kMessageContent, 0U);
  slash.path = "two";
  slash.doors = {Door::prefix};
  declared.commands.add(slash);
  EXPECT_EQ(discord_intents_for(declared), discord::kDefaultIntents);
}

TEST_F(DiscordShardsOfSqlite, ARefusedTokenEndsIt) {
  const auto first = process("one", 2);
  first->discovered = fail(ErrorCode::token_refused, "no");
  ASSERT_TRUE(pass_until(5s, {first.get()}, [&] { return first->ended->has_value(); }));
  EXPECT_EQ(first->ended->value().error().code, ErrorCode::token_refused);
}

}  // namespace
}  // namespace guildhall::bot
