#include "tenancy/registry.h"

#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>

#include "tests/support/test_world.h"

namespace guildhall::tenancy {
namespace {

/// Thrown out and invited again before the first of the two is in the database.
TEST(ServerRegistry, ComingBackWhileLeavingLeavesItActive) {
  test::TestWorld world;
  world.server(1);
  auto& servers = world.tenancy->servers();
  boost::asio::io_context loop;
  Arrival arrival{};
  const auto leave = [&]() -> Task<void> { co_await servers.left(ServerId(1), world.clock.now()); };
  const auto come = [&]() -> Task<void> {
    arrival = co_await servers.arrived(ServerId(1), "Server 1", world.clock.now());
  };
  boost::asio::co_spawn(loop, leave, boost::asio::detached);
  boost::asio::co_spawn(loop, come, boost::asio::detached);
  loop.run();
  EXPECT_EQ(arrival, Arrival::resumed);
  EXPECT_TRUE(servers.is_active(ServerId(1)));
  EXPECT_EQ(world.dump("SELECT state FROM servers"), "active\n");
}

TEST(ServerRegistry, AnArrivalDoesNotHideWhatOthersChanged) {
  test::TestWorld world;
  world.server(1);
  auto& servers = world.tenancy->servers();
  net::run_to_end(servers.reload());
  world.in(1, [](store::Tx& tx) -> store::TxTask<void> { co_await bump_revision(tx); });
  net::run_to_end(servers.arrived(ServerId(2), "Server 2", world.clock.now()));
  const auto changed = net::run_to_end(servers.reload());
  EXPECT_NE(std::find(changed.begin(), changed.end(), ServerId(1)), changed.end());
}

}  // namespace
}  // namespace guildhall::tenancy
