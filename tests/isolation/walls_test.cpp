// Mistakes in the code, each behind every wall that could stop it, and the walls taken away one by one.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>

#include "tenancy/seal.h"
#include "tests/isolation/matrix.h"
#include "tests/isolation/noninterference.h"
#include "tests/isolation/peeling.h"

namespace guildhall::test {
namespace {

using store::Layout;

const Step kAsItIs{"", {}, kStatementGate};

/// The gate is open, and what is behind it, in the layout under test.
std::vector<Step> behind_the_gate() {
  const Damage open{{Mutation::gate_open}};
  const auto wall = inner_wall();
  if (!wall) return {{kStatementGate, open, kProof}};
  return {{kStatementGate, open, kHeld}, {wall->name, wall->damage, kProof}};
}

TEST(Walls, WithoutAMutationEverythingIsCalm) {
  const Outcome outcome = try_out({});
  EXPECT_EQ(outcome.layer, kHeld) << outcome.what;
  if (const auto wall = inner_wall()) {
    const Outcome behind = try_out(wall->damage);
    EXPECT_EQ(behind.layer, kHeld) << "the statements alone keep servers apart\n" << behind.what;
  }
}

TEST(Walls, AStatementWithoutItsPredicate) {
  std::vector<Step> steps{kAsItIs};
  for (const Step& step : behind_the_gate()) steps.push_back(step);
  peel("the predicate of `persons.find_identity`", {{Mutation::statement_without_predicate}}, steps);
}

struct CountRow {
  std::int64_t rows = 0;
};
BOOST_DESCRIBE_STRUCT(CountRow, (), (rows))

/// For every table with servers' rows a statement that counts them all, and runs with each chat message.
class Counts {
 public:
  void plant(TestWorld& world) {
    for (const auto& [table, spec] : world.declarations.tables.all()) {
      if (!tenancy::has_servers_rows(spec) || spec.transient) continue;
      names_.push_back("count." + table);
      texts_.push_back(fmt::format("SELECT count(*) AS rows FROM {} WHERE :server <> 0", table));
      statements_.push_back({names_.back(), texts_.back()});
      world.declarations.statements.add("count", statements_.back());
    }
    world.declarations.on_chat.push_back(
        [this](store::Tx& tx, bot::ServerContext&, const bot::ChatMessage&) -> store::TxTask<void> {
          for (const auto& statement : statements_) co_await tx.all(statement);
        });
  }
  std::vector<std::string> lines() const {
    std::vector<std::string> lines;
    for (const std::string& name : names_) lines.push_back("statement " + name);
    return lines;
  }

 private:
  std::deque<std::string> names_;
  std::deque<std::string> texts_;
  std::deque<store::Statement<store::NoParams, CountRow>> statements_;
};

TEST(Walls, AStatementWithoutPredicateOnEachTable) {
  std::deque<Counts> planted;
  const Damage counts{{}, {}, [&](TestWorld& world) { planted.emplace_back().plant(world); }};
  const auto expect = [&](const Damage& damage, const char* besides, const char* layer) {
    const Outcome outcome = try_out(damage);
    EXPECT_EQ(outcome.layer, layer) << besides << "\n" << outcome.what;
    if (outcome.layer == kProof) EXPECT_THAT(outcome.leaks, testing::IsSupersetOf(planted.back().lines()));
    write_to_matrix(
        {fmt::format("the predicate of a statement on each of {} tables", planted.back().lines().size()),
         besides, outcome.layer, this_test()});
  };
  expect(counts, "-", kStatementGate);
  Damage all = counts;
  std::string besides;
  for (const Step& step : behind_the_gate()) {
    all = all + step.damage;
    besides += (besides.empty() ? "" : ", ") + std::string(step.besides);
    expect(all, besides.c_str(), step.caught);
  }
}

TEST(Walls, AScopeThatIsSwapped) {
  peel("the server of an event's scope", {{Mutation::scope_swapped}}, {{"", {}, kProof}});
}

TEST(Walls, AChannelWhoseEventsAreEverybodys) {
  peel("the servers of a channel's event", {{Mutation::channel_of_all}}, {{"", {}, kProof}});
}

TEST(Walls, ASessionThatIsNotChecked) {
  peel("the rights of a session", {{Mutation::session_unchecked}}, {{"", {}, kProof}});
}

TEST(Walls, AMemoryThatServersShare) {
  peel("the servers' own settings, cooldowns and recent ids in memory", {{Mutation::lane_shared}},
       {{"", {}, kProof}});
}

/// The other oracle, which knows nothing of what is declared.
TEST(Walls, RandomWorkShowsWhatNoWallStops) {
  if (tested_layout() != Layout::sqlite) return;  // what is in memory is the same everywhere
  for (const auto& [mutations, taken_away] :
       {std::pair{std::set{Mutation::scope_swapped}, "the server of an event's scope"},
        std::pair{std::set{Mutation::lane_shared},
                  "the servers' own settings, cooldowns and recent ids in memory"}}) {
    switched_on() = mutations;
    bool seen = false;
    for (std::uint64_t seed = 1; seed <= 5 && !seen; ++seed) seen = !find_interference(seed).empty();
    switched_on().clear();
    EXPECT_TRUE(seen) << taken_away;
    write_to_matrix({taken_away, kProof, seen ? kNonInterference : kHeld, this_test()});
  }
}

TEST(Walls, AFileThatAllServersShare) {
  if (tested_layout() != Layout::sqlite_per_server) return;
  const auto wall = inner_wall();
  peel("a file for each server", {{Mutation::file_shared}},
       {{"", {}, kMarker},
        {kMarker, {{Mutation::marker_unread}}, kPins},
        {kPins, {{Mutation::pins_off}}, kOwnRow},
        {kOwnRow, wall->damage, kHeld},
        {"the predicate of `persons.find_identity`",
         {{Mutation::statement_without_predicate}},
         kStatementGate},
        {kStatementGate, {{Mutation::gate_open}}, kProof}});
}

TEST(Walls, AScopeThatTheDatabaseIsNotTold) {
  if (tested_layout() != Layout::postgres) return;
  peel("the scope that the database is told", {{Mutation::scope_unsent}}, {{"", {}, kPolicies}});
}

TEST(Walls, AKeyWithoutItsServer) {
  if (tested_layout() == Layout::sqlite_per_server) return;  // its files are made anew: Tables.*
  const Damage damage{{},
                      tested_layout() == Layout::postgres
                          ? "ALTER TABLE watch_spans DROP CONSTRAINT watch_spans_pkey CASCADE;"
                            "ALTER TABLE watch_spans ADD PRIMARY KEY (from_us);"
                            "CREATE INDEX spans_of_server ON watch_spans (discord_server_id, from_us);"
                          : "CREATE UNIQUE INDEX spans_of_all ON watch_spans (from_us);"};
  peel("the server in the key of `watch_spans`", damage,
       {{"", {}, kCatalogGate}, {kCatalogGate, {{Mutation::catalog_unread}}, kProof}});
}

}  // namespace
}  // namespace guildhall::test
