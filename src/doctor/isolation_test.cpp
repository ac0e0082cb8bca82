#include "doctor/isolation.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "bot/jobs.h"
#include "cli/demo_check.h"
#include "doctor/ground.h"
#include "doctor/life.h"
#include "tests/support/proof.h"

namespace guildhall::doctor {
namespace {

using store::CrossServerStatement;
using store::NoRow;
using store::Statement;
using store::Tx;
using store::TxTask;
using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::IsSupersetOf;
using testing::Not;

struct KeyParams {
  std::string key;
};
BOOST_DESCRIBE_STRUCT(KeyParams, (), (key))
struct CountRow {
  std::int64_t rows = 0;
};
BOOST_DESCRIBE_STRUCT(CountRow, (), (rows))
struct NameRow {
  std::string display_name;
};
BOOST_DESCRIBE_STRUCT(NameRow, (), (display_name))
struct RangeParams {
  ServerId first;
  ServerId last;
};
BOOST_DESCRIBE_STRUCT(RangeParams, (), (first, last))

constexpr Statement<KeyParams, CountRow> kCountsAll{
    "leak.count", "SELECT count(*) AS rows FROM settings WHERE key = :key AND :server <> 0"};
constexpr Statement<store::NoParams, NameRow> kNamesAll{
    "leak.names", "SELECT display_name FROM persons WHERE :server <> 0"};
constexpr Statement<KeyParams, NoRow> kChangesAll{
    "leak.change", "UPDATE settings SET updated_at = updated_at + 1 WHERE key = :key AND :server <> 0"};
constexpr CrossServerStatement<RangeParams, NoRow> kBeyondItsRange{
    "leak.tick", "a tick that forgets its range",
    "UPDATE persons SET created_at = created_at + 1 WHERE :first <= :last"};
constexpr Statement<KeyParams, CountRow> kNeverRun{
    "idle.statement",
    "SELECT count(*) AS rows FROM settings WHERE discord_server_id = :server AND key = :key"};

std::optional<std::string> open_gate(const store::StatementInfo&, const store::StatementFacts&) {
  return std::nullopt;
}

class Isolation : public testing::Test {
 protected:
  Isolation() { cli::declare_demo_check(world_.declarations); }

  /// A server with rows of its own, as people use it.
  void use(std::int64_t server) {
    world_.in(server, [&](Tx& tx) -> TxTask<void> {
      const auto& declarations = world_.declarations;
      co_await bot::change_server_setting(tx, declarations, ServerId(server), {"points_per_5min", "7"},
                                          {"operator", "system"}, world_.clock.now());
      const bot::LinkRequest request{DiscordUserId(5), bot::kKick, "somebody"};
      co_await bot::link_member(tx, declarations.on_move, request, {"operator", "system"},
                                world_.clock.now());
    });
  }

  /// All rows but those of the two logs, which keep what was done.
  std::string everything() const {
    std::string text;
    for (const auto& [table, spec] : world_.declarations.tables.all()) {
      if (table == "operator_log" || table == "cross_server_log") continue;
      // With a file per server the directory counts what was copied from it.
      const std::string own = table == "process_state" ? " WHERE key <> 'copied.version'" : "";
      text += fmt::format("{}\n{}", table, world_.dump("SELECT * FROM " + table + own + " ORDER BY 1, 2"));
    }
    return text;
  }

  std::string reserved_rows() const {
    std::string text;
    for (const auto& [table, spec] : world_.declarations.tables.all()) {
      if (!world_.declarations.tables.is_sealed(table)) continue;
      text += world_.dump(fmt::format("SELECT '{}' FROM {} WHERE discord_server_id <= {}", table, table,
                                      tenancy::kReservedServers.last.str()));
    }
    return text;
  }

  /// A statement that runs with every chat message.
  template <class S, class P>
  void plant(const S& statement, P params) {
    world_.declarations.statements.add("leak", statement);
    world_.declarations.on_chat.push_back(
        [&statement, params](Tx& tx, bot::ServerContext&, const bot::ChatMessage&) -> TxTask<void> {
          co_await tx.raw(&statement, store::encode(params));
        });
  }

  static std::vector<std::string> leaking(const Report& report) {
    std::vector<std::string> names;
    for (const Line& line : report.lines()) {
      if (line.leaks()) names.push_back(line.kind + " " + line.name);
    }
    return names;
  }

  test::TestWorld world_;
};

/// Whoever declares a statement, a command or a route that the life of a server does not come to hears of it
/// here: the life follows registries, so what is missing is an event, an example (bot/routes.h) or a
/// rehearsal (bot/feature.h).
TEST_F(Isolation, TriesEverythingThatIsDeclaredAndFindsNoLeak) {
  use(1);
  const Report report = test::prove(test::installation_of(world_));
  EXPECT_THAT(report.unreached(), IsEmpty());
  EXPECT_THAT(report.troubles(), IsEmpty());
  EXPECT_THAT(leaking(report), IsEmpty()) << report.text();
  std::vector<std::string> names;
  for (const Line& line : report.lines()) names.push_back(line.kind + " " + line.name);
  for (const auto& statement : world_.declarations.statements.all())
    EXPECT_THAT(names, Contains("statement " + statement.name));
  for (const auto& command : world_.declarations.commands.all())
    EXPECT_THAT(names, Contains(HasSubstr("command " + command.path + " (")));
  for (const auto& route : world_.declarations.routes.all())
    EXPECT_THAT(names, Contains(fmt::format("route {} /servers/{{server}}{}", route.method, route.path)));
  const auto json = report.json();
  EXPECT_EQ(json.at("leaks").as_int64(), 0);
  EXPECT_EQ(json.at("statements").as_int64(),
            static_cast<std::int64_t>(world_.declarations.statements.all().size()));
}

TEST_F(Isolation, LeavesNothingBehind) {
  use(1);
  use(-1);
  const std::string before = everything();
  test::prove(test::installation_of(world_));
  EXPECT_EQ(everything(), before);
  EXPECT_THAT(world_.dump("SELECT actor FROM operator_log"), HasSubstr("isolation proof"));
}

/// As far as the end of one of the two lives.
TEST_F(Isolation, WhatAnInterruptedRunLeftIsSeenByNobodyAndSweptAway) {
  use(1);
  const std::string before = everything();
  const auto installation = test::installation_of(world_);
  {
    const auto bot = ProofBot::open(installation);
    ASSERT_TRUE(bot);
    Report report;
    const Marks own{kFirstServer,          0,       "heron",   "wren", 9'000, "a!",
                    "9100000000000000200", "only0", "renamed0"};
    const Marks other{kSecondServer,         1,       "osprey",  "finch", 8'000, "b!",
                      "9100000000000000201", "only1", "renamed1"};
    Life life(**bot, report, own, other);
    life.run();
    EXPECT_THAT(life.failures(), IsEmpty());
  }
  EXPECT_THAT(reserved_rows(), HasSubstr("watchtime"));
  EXPECT_THAT(world_.dump("SELECT principal FROM sessions"), HasSubstr("isolation proof"));
  EXPECT_THAT(world_.dump("SELECT name FROM channels"), Not(IsEmpty()));
  net::run_to_end(world_.tenancy->load());
  EXPECT_TRUE(world_.tenancy->servers().has_others());
  EXPECT_EQ(world_.tenancy->servers().list().size(), 1U);
  EXPECT_THAT(world_.tenancy->channels().list(), IsEmpty());
  EXPECT_FALSE(world_.tenancy->scopes().for_operator(kFirstServer));
  ASSERT_TRUE(sweep(installation));
  net::run_to_end(world_.tenancy->load());
  EXPECT_FALSE(world_.tenancy->servers().has_others());
  EXPECT_EQ(everything(), before);
}

TEST_F(Isolation, OneThatEndsInTheMiddleClearsUpAfterItself) {
  const std::string before = everything();
  const auto report = prove_isolation(test::installation_of(world_), [](std::string_view step) {
    if (step == "the first server's life") throw std::runtime_error("told to fail");
  });
  ASSERT_FALSE(report);
  EXPECT_THAT(report.error().message, HasSubstr("told to fail"));
  EXPECT_EQ(everything(), before);
}

/// A bot beside sees neither server, whatever their state, and ticks neither.
TEST_F(Isolation, ABotBesideIsToldNothing) {
  use(1);
  bot::TickRunner ticks(*world_.tenancy, world_.declarations, world_.clock, world_.metrics);
  std::size_t looks = 0;
  const auto report = prove_isolation(test::installation_of(world_), [&](std::string_view) {
    net::run_to_end(world_.tenancy->load());
    EXPECT_EQ(world_.tenancy->servers().list().size(), 1U);
    EXPECT_THAT(world_.tenancy->channels().list(), IsEmpty());
    world_.clock.advance(std::chrono::minutes(1));
    EXPECT_EQ(net::run_to_end(ticks.run_due()), 1U);
    ++looks;
  });
  ASSERT_TRUE(report);
  EXPECT_THAT(leaking(*report), IsEmpty()) << report->text();
  EXPECT_GT(looks, 4U);
}

/// Behind the gate, which these tests leave open, one shared file has no wall. The other layouts have: a
/// policy, or the file itself, and there is nothing to see.
bool has_wall_of_its_own() { return test::tested_layout() != store::Layout::sqlite; }

TEST_F(Isolation, SeesStatementsThatCountReturnAndChangeTheOthersRows) {
  plant(kCountsAll, KeyParams{"points_per_5min"});
  plant(kNamesAll, store::NoParams{});
  plant(kChangesAll, KeyParams{"points_per_5min"});
  const Report report = test::prove(test::installation_of(world_, open_gate));
  if (has_wall_of_its_own()) {
    EXPECT_THAT(leaking(report), IsEmpty());
    return;
  }
  EXPECT_THAT(leaking(report), IsSupersetOf({"statement leak.count", "statement leak.names",
                                             "statement leak.change", "table settings"}));
  EXPECT_THAT(report.text(), HasSubstr("texts of another server"));
  EXPECT_GT(report.json().at("leaks").as_int64(), 0);
}

TEST_F(Isolation, SeesATickThatGoesBeyondItsRange) {
  world_.declarations.statements.add("leak", kBeyondItsRange);
  world_.declarations.minute_stages.push_back(
      [](store::CrossTx& tx, const bot::TickChunk& chunk) -> TxTask<void> {
        co_await tx.change(kBeyondItsRange, {chunk.first, chunk.last});
      });
  const auto prove = [&] { return leaking(test::prove(test::installation_of(world_, open_gate))); };
  if (test::tested_layout() == store::Layout::postgres) {
    // The door's login has no right to this table at all.
    EXPECT_THROW(prove(), ErrorException);
    return;
  }
  const auto leaks = prove();
  if (has_wall_of_its_own()) {
    EXPECT_THAT(leaks, IsEmpty());
    return;
  }
  EXPECT_THAT(leaks, Contains("statement leak.tick"));
  EXPECT_THAT(leaks, Contains("table persons"));
}

TEST_F(Isolation, SeesAnAnswerThatKnowsTheOther) {
  // As if a feature kept in memory what belongs to a server.
  std::string kept;
  bot::CommandSpec command;
  command.owner = "bot";
  command.path = "help me";
  command.doors = {bot::Door::prefix};
  command.handler = [&kept](Tx&, bot::ServerContext&, const bot::CommandCall& call) -> TxTask<bot::Reply> {
    const std::string before = std::exchange(kept, call.caller.user.name);
    co_return bot::say("watchtime.none_of", {{"name", MemberText{before.empty() ? "nobody" : before}}});
  };
  world_.declarations.commands.add(command);
  EXPECT_THAT(leaking(test::prove(test::installation_of(world_))), Contains("command help me (message)"));
}

TEST_F(Isolation, SaysWhatItCouldNotReach) {
  world_.declarations.statements.add("idle", kNeverRun);
  const Report report = test::prove(test::installation_of(world_));
  EXPECT_EQ(report.leaks(), 0);
  EXPECT_THAT(report.unreached(), testing::ElementsAre("statement idle.statement"));
  EXPECT_EQ(report.json().at("not_reached").as_int64(), 1);
  EXPECT_THAT(report.text(), HasSubstr("Not reached: statement idle.statement"));
}

}  // namespace
}  // namespace guildhall::doctor
