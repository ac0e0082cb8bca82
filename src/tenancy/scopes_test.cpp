// Whoever asks gets a scope for the servers that it is about, or none.
#include "tenancy/scopes.h"

#include <gtest/gtest.h>

#include "tests/support/test_world.h"

namespace guildhall::tenancy {
namespace {

constexpr store::CrossServerStatement<store::NoParams, store::NoRow> kEverybodysBalances{
    "test.everybodys_balances", "a test", "UPDATE balances SET balance = balance + 1"};

TEST(Scopes, ServersThatWereLeftGetNone) {
  test::TestWorld world;
  world.server(1);
  const auto& scopes = world.tenancy->scopes();
  EXPECT_TRUE(scopes.for_discord_event(ServerId(1)));
  EXPECT_TRUE(scopes.for_job(ServerId(1)));
  net::run_to_end(world.tenancy->servers().left(ServerId(1), world.clock.now()));
  EXPECT_FALSE(scopes.for_discord_event(ServerId(1)));
  EXPECT_FALSE(scopes.for_job(ServerId(1)));
  EXPECT_FALSE(scopes.for_discord_event(ServerId(2))) << "and servers that were never there";
}

TEST(Scopes, AChannelsEventIsForItsServersAlone) {
  test::TestWorld world;
  const ChannelKey one{"kick", "1"};
  const ChannelKey other{"kick", "2"};
  world.listen(1, one.platform_user_id);
  world.listen(2, one.platform_user_id);
  world.listen(3, other.platform_user_id);
  const auto servers = [&](const ChannelKey& key) {
    std::vector<ServerId> ids;
    for (const ServerScope& scope : world.tenancy->scopes().for_channel_event(key))
      ids.push_back(scope.server());
    std::sort(ids.begin(), ids.end());
    return ids;
  };
  EXPECT_EQ(servers(one), (std::vector{ServerId(1), ServerId(2)}));
  EXPECT_EQ(servers(other), std::vector{ServerId(3)});
  EXPECT_EQ(servers({"kick", "3"}), std::vector<ServerId>{});
}

/// What the types refuse when it is written down is refused when it comes in another way, too.
TEST(Scopes, AStatementOfAnotherKindIsAFault) {
  test::TestWorld world;
  world.declarations.statements.add("test", kEverybodysBalances);
  world.reopen();
  const auto run = [&] {
    world.in(1, [](store::Tx& tx) -> store::TxTask<void> { co_await tx.raw(&kEverybodysBalances, {}); });
  };
  EXPECT_THROW(run(), std::logic_error);
}

}  // namespace
}  // namespace guildhall::tenancy
