#include "tenancy/sealed_rows.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "bot/links.h"
#include "tenancy/audit.h"
#include "tests/support/test_world.h"

namespace guildhall::tenancy {
namespace {

using testing::IsEmpty;
using testing::Not;

class SealedRowsTest : public testing::Test {
 protected:
  ServerScope filled(std::int64_t id) {
    const auto scope = world_.server(id);
    world_.in(scope, [&](store::Tx& tx) -> store::TxTask<void> {
      const bot::LinkRequest request{DiscordUserId(5), "kick", "somebody"};
      co_await bot::link_member(tx, world_.declarations.on_move, request, {"operator", "system"},
                                world_.clock.now());
    });
    world_.listen(id, "7");
    return scope;
  }
  ServerRows rows(const ServerScope& scope) {
    return net::run_to_end(world_.declarations.rows.read(scope, world_.tenancy->global()));
  }
  void erase(const ServerScope& scope) {
    net::run_to_end(world_.declarations.rows.erase(scope, world_.tenancy->global()));
    net::run_to_end(world_.tenancy->load());
  }

  test::TestWorld world_;
};

TEST_F(SealedRowsTest, OfOneServerAreErasedWhateverTablesTheyLieIn) {
  const auto one = filled(1);
  const auto other = filled(2);
  const ServerRows kept = rows(other);
  EXPECT_EQ(kept.at("identities").size(), 2U);
  EXPECT_EQ(kept.at("servers").size(), 1U);
  erase(one);
  EXPECT_EQ(rows(other), kept);
  EXPECT_FALSE(world_.tenancy->servers().is_known(ServerId(1)));
  EXPECT_THAT(world_.tenancy->channels().servers_of({"kick", "7"}), testing::ElementsAre(ServerId(2)));
  if (test::tested_layout() == store::Layout::sqlite_per_server) {
    EXPECT_FALSE(std::filesystem::exists(world_.file_of(1))) << "the file goes with the server";
  } else {
    for (const auto& [table, lines] : rows(one)) EXPECT_THAT(lines, IsEmpty()) << table;
  }
  filled(1);
  EXPECT_THAT(rows(one).at("persons"), Not(IsEmpty())) << "it may come back, as a new one";
}

TEST_F(SealedRowsTest, DifferByEveryColumn) {
  const auto one = filled(1);
  const ServerRows before = rows(one);
  EXPECT_EQ(rows(one), before);
  world_.execute("UPDATE identities SET first_seen_at = first_seen_at + 1 WHERE platform = 'kick'", 1);
  EXPECT_NE(rows(one), before);
}

TEST(ReservedServers, AreNobodysAndUnknownToTheProduct) {
  test::TestWorld world;
  EXPECT_THROW(world.server(kReservedServers.last.value()), ErrorException);
  EXPECT_FALSE(kAllServers.contains(kReservedServers.last));
  EXPECT_TRUE(kAllServers.contains(ServerId(kReservedServers.last.value() + 1)));
  EXPECT_TRUE(kAllServers.contains(ServerId(-1)));
}

}  // namespace
}  // namespace guildhall::tenancy
