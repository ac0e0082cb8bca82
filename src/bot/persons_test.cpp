// Who is found by what, and on which way.
#include "bot/persons.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "tests/support/test_world.h"

namespace guildhall::bot {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::HasSubstr;
using testing::Not;

/// A server has a million viewers, and a name is looked up for each message of a chat.
TEST(PersonsOfSqlite, NoNameOrNumberIsLookedForByReadingAllIdentities) {
  test::TestWorld world(store::Layout::sqlite);
  std::map<std::string, std::vector<std::string>> plans;
  tenancy::OpenOptions options;
  options.gate = [&](const store::StatementInfo& info, const store::StatementFacts& facts) {
    plans[std::string(info.name)] = facts.plan;
    return std::optional<std::string>();
  };
  world.reopen_with(std::move(options));
  const auto reads_all = AllOf(HasSubstr("discord_server_id=?"), Not(HasSubstr("folded_name=?")),
                               Not(HasSubstr("platform_user_id=?")), Not(HasSubstr("SEARCH l ")));
  for (const char* name : {"persons.find_identity", "persons.find_identity_by_name", "persons.wanted_names",
                           "persons.wanted_ids"}) {
    ASSERT_TRUE(plans.contains(name)) << name;
    EXPECT_THAT(plans[name], Not(Contains(reads_all))) << name;
  }
}

/// An empty beginning is everybody's.
TEST(PersonsOfSqlite, WhereNamesBeginIsFoundByTheIndexAndNoFurther) {
  test::TestWorld world(store::Layout::sqlite);
  std::vector<std::string> plan;
  tenancy::OpenOptions options;
  options.gate = [&](const store::StatementInfo& info, const store::StatementFacts& facts) {
    if (info.name == std::string_view("persons.names_beginning")) plan = facts.plan;
    return std::optional<std::string>();
  };
  world.reopen_with(std::move(options));
  EXPECT_THAT(plan, Contains(AllOf(HasSubstr("identities_name"), HasSubstr("folded_name>?"))));
  EXPECT_THAT(plan, Contains(HasSubstr("SEARCH i ")).Times(1));
  EXPECT_THAT(plan, Contains(HasSubstr("platform_user_id=?")));
}

TEST(Persons, OfManyNamesThatBeginSoTheFirstAreTold) {
  test::TestWorld world;
  std::vector<std::string> names;
  for (int i = 130; i > 100; --i) names.push_back("Owl" + std::to_string(i));
  world.in(1, [&](store::Tx& tx) { return identities_of_names(tx, kKick, names, world.clock.now()); });
  world.in(1, [&](store::Tx& tx) { return person_of(tx, {kKick, "7", "oWL101"}, world.clock.now()); });
  const auto told = world.in(1, [&](store::Tx& tx) { return names_beginning(tx, kKick, "OWL"); });
  ASSERT_EQ(told.size(), 25U);
  EXPECT_EQ(told.front(), "oWL101");
  EXPECT_EQ(told.back(), "Owl125");
  const auto all = world.in(1, [&](store::Tx& tx) { return names_beginning(tx, kKick, ""); });
  EXPECT_EQ(all, told);
}

}  // namespace
}  // namespace guildhall::bot
