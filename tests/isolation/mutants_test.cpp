// Each protection removed in turn: the test that is named for it must see that.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <regex>
#include <set>

#include "base/mutation.h"
#include "tests/isolation/noninterference.h"
#include "tests/support/proof.h"
#include "tests/support/test_world.h"

namespace guildhall {
namespace {

Mutation chosen = Mutation::none;

}  // namespace

Mutation active_mutation() { return chosen; }

namespace test {
namespace {

class Mutants : public testing::Test {
 protected:
  ~Mutants() override { chosen = Mutation::none; }

  /// Does the oracle see it, within a few seeds?
  static bool oracle_sees(Mutation mutation) {
    chosen = mutation;
    for (std::uint64_t seed = 1; seed <= 5; ++seed) {
      if (!find_interference(seed).empty()) return true;
    }
    return false;
  }
};

TEST_F(Mutants, WithoutAMutationTheOracleIsCalm) { EXPECT_FALSE(oracle_sees(Mutation::none)); }

TEST_F(Mutants, TheGateRefusesAStatementWithoutItsPredicate) {
  chosen = Mutation::statement_without_predicate;
  try {
    TestWorld world;
    FAIL() << "the database opened";
  } catch (const ErrorException& refused) {
    EXPECT_EQ(refused.error().code, ErrorCode::refused_by_guard);
    EXPECT_THAT(refused.error().message, testing::HasSubstr("'persons.find_identity'"));
  }
}

TEST_F(Mutants, TheOracleSeesAStatementWithoutItsPredicateWhenTheGateIsOpen) {
  EXPECT_TRUE(oracle_sees(Mutation::statement_and_gate));
}

TEST_F(Mutants, TheOracleSeesASwappedScope) { EXPECT_TRUE(oracle_sees(Mutation::scope_swapped)); }

TEST_F(Mutants, TheOracleSeesAMemoryThatServersShare) { EXPECT_TRUE(oracle_sees(Mutation::lane_shared)); }

/// What the proof that the operator runs finds: "kind name" of each leak.
std::vector<std::string> leaks_under(Mutation mutation) {
  chosen = mutation;
  TestWorld world;
  const auto report = prove(installation_of(world));
  std::vector<std::string> names;
  for (const doctor::Line& line : report.lines()) {
    if (line.leaks()) names.push_back(line.kind + " " + line.name);
  }
  return names;
}

TEST_F(Mutants, WithoutAMutationTheProofIsCalm) {
  EXPECT_THAT(leaks_under(Mutation::none), testing::IsEmpty());
}

TEST_F(Mutants, TheProofSeesAStatementWithoutItsPredicateWhenTheGateIsOpen) {
  EXPECT_THAT(leaks_under(Mutation::statement_and_gate),
              testing::Contains("statement persons.find_identity"));
}

TEST_F(Mutants, TheProofSeesASwappedScope) {
  const auto leaks = leaks_under(Mutation::scope_swapped);
  EXPECT_THAT(leaks, testing::Contains("life scopes"));
  EXPECT_THAT(leaks, testing::Contains("table activity"));
}

TEST_F(Mutants, TheProofSeesAMemoryThatServersShare) {
  const auto leaks = leaks_under(Mutation::lane_shared);
  EXPECT_THAT(leaks, testing::Contains("cache settings"));
  EXPECT_THAT(leaks, testing::Contains("cache recent ids"));
}

/// Predicates without which a statement comes to the same in a database that is in order: what keeps other
/// servers' rows away there is the statement before it.
const std::set<std::string> kWithoutEffect{"ledger.post_balances",  "ledger.post_ledger",
                                           "ledger.clear_postings", "points.post_awards",
                                           "jobs.ensure",           "jobs.done"};

/// The statement without its n-th binding to the scope's server, or to the range; nothing: it has no more.
std::optional<std::string> unbound(const store::StatementInfo& info, std::size_t number) {
  static const std::regex kServer(R"((\w+\.)?discord_server_id = :server)");
  static const std::regex kRange(R"(BETWEEN :first AND :last)");
  const bool server = info.access == store::Access::server;
  auto found = std::sregex_iterator(info.sqlite.begin(), info.sqlite.end(), server ? kServer : kRange);
  for (std::size_t i = 0; i < number && found != std::sregex_iterator(); ++i) ++found;
  if (found == std::sregex_iterator()) return std::nullopt;
  const std::string open =
      server ? ":server <> 0" : "BETWEEN -9223372036854775807 AND 9223372036854775807 AND :first <= :last";
  const auto at = static_cast<std::size_t>(found->position());
  return info.sqlite.substr(0, at) + open +
         info.sqlite.substr(at + static_cast<std::size_t>(found->length()));
}

/// The proof's own measure: each predicate taken away in turn, with the gate open.
TEST_F(Mutants, TheProofSeesEachPredicateThatIsMissing) {
  const char* full = std::getenv("GUILDHALL_FULL");
  const std::size_t step = full != nullptr && std::string_view(full) == "1" ? 1 : 12;
  const auto open_gate = [](const store::StatementInfo&, const store::StatementFacts&) {
    return std::optional<std::string>();
  };
  std::vector<std::pair<std::size_t, std::string>> mutants;
  const TestWorld original;
  const auto& statements = original.declarations.statements.all();
  for (std::size_t i = 0; i < statements.size(); ++i) {
    if (kWithoutEffect.contains(statements[i].name) || statements[i].owner == "tenancy") continue;
    for (std::size_t number = 0; auto sql = unbound(statements[i], number); ++number)
      mutants.emplace_back(i, *std::move(sql));
  }
  ASSERT_GT(mutants.size(), 40U);
  for (std::size_t i = 0; i < mutants.size(); i += step) {
    const auto& [statement, sql] = mutants[i];
    TestWorld world;
    // The one list of statements is for everybody else to read.
    const_cast<store::StatementInfo&>(world.declarations.statements.all()[statement]).sqlite = sql;  // NOLINT
    const auto report = doctor::prove_isolation(installation_of(world, open_gate), [](std::string_view) {});
    EXPECT_TRUE(!report || report->leaks() > 0) << statements[statement].name << ": " << sql;
  }
}

/// Runs unit tests of the mutated program; true: they passed.
bool passes(const std::string& mutation, const std::string& tests) {
  const std::string program =
      std::filesystem::read_symlink("/proc/self/exe").parent_path() / "mutant_unit_tests";
  const std::string call =
      fmt::format("GUILDHALL_MUTATION={} '{}' --gtest_filter='{}' >/dev/null 2>&1", mutation, program, tests);
  return std::system(call.c_str()) == 0;
}

TEST_F(Mutants, TheConnectionTestSeesAMissingAuthorizer) {
  const std::string test = "SqliteDatabase.RunningConnectionsCannotChangeTheSchemaOrReachOtherFiles";
  EXPECT_TRUE(passes("none", test));
  EXPECT_FALSE(passes("authorizer_off", test));
}

TEST_F(Mutants, EachTestOfARefusalSeesAnOpenGate) {
  for (const char* test :
       {"RefusesAMissingPredicateAndNamesTheTable", "RefusesAPredicateThatDoesNotBind",
        "RefusesWhatOnlyLooksLikeAPredicate", "RefusesToMoveARowInOtherWords",
        "RefusesInsertsForAnotherServer", "RefusesToMoveARow", "RefusesTablesThatHide",
        "RefusesAPlanThatDoesNotSearchByTheServer", "RefusesWritesToTablesOfNoServer",
        "RefusesToReadTablesOfNoServer", "GlobalStatementsReachNoServersRows",
        "CrossServerStatementsNeedAReasonAndADeclaredTable", "ParametersAndColumnsMustAgree"}) {
    const std::string name = fmt::format("Seal.{}", test);
    EXPECT_TRUE(passes("none", name)) << name;
    EXPECT_FALSE(passes("gate_open", name)) << name;
  }
}

}  // namespace
}  // namespace test
}  // namespace guildhall
