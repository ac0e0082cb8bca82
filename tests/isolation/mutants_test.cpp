// Each protection removed in turn: the test that is named for it must see that.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/mutation.h"
#include "store/sqlite/connection.h"
#include "tenancy/seal.h"
#include "tests/isolation/noninterference.h"
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

TEST_F(Mutants, TheConnectionTestSeesAMissingAuthorizer) {
  TestWorld world;
  chosen = Mutation::authorizer_off;
  store::sqlite::Connection open(world.database_file(), store::sqlite::Role::writer);
  EXPECT_NO_THROW(open.execute("CREATE TABLE x (a)"))
      << "so SqliteDatabase.RunningConnectionsCannotChangeTheSchema... fails";
}

TEST_F(Mutants, TheGateTestsSeeAnOpenGate) {
  TestWorld world;
  chosen = Mutation::gate_open;
  const store::StatementInfo leak{
      nullptr, "t", "t", store::Access::server, "", "SELECT balance FROM balances", "", {}, {}};
  store::sqlite::Connection check(world.database_file(), store::sqlite::Role::checker);
  EXPECT_FALSE(tenancy::refuse_statement(world.declarations.tables, leak, check.inspect(leak.sqlite)))
      << "so the tests of Seal fail";
}

}  // namespace
}  // namespace test
}  // namespace guildhall
