// Each protection removed in turn: the test that is named for it must see that.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>

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
