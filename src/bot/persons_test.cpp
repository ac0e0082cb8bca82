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

}  // namespace
}  // namespace guildhall::bot
