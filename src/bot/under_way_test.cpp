#include "bot/under_way.h"

#include <gtest/gtest.h>

#include <vector>

namespace guildhall::bot {
namespace {

TEST(UnderWay, NoServersMessagesTakeTheOthersPlaces) {
  const auto under_way = std::make_shared<UnderWay>();
  std::vector<std::vector<UnderWay::Place>> taken;
  const auto fill = [&](ServerId server) {
    taken.emplace_back();
    while (auto place = under_way->take_for_message(server)) taken.back().push_back(std::move(place));
    return taken.back().size();
  };
  for (int server = 1; server <= 4; ++server) EXPECT_EQ(fill(ServerId(server)), UnderWay::kMostOfAServer);
  EXPECT_EQ(fill(ServerId(5)), 0U) << "there are enough of all together";
  EXPECT_EQ(under_way->kept(), 0U);
  auto leave = under_way->take();
  EXPECT_TRUE(leave) << "there is always room for what must not be lost";
  EXPECT_EQ(under_way->kept(), 1U);
  EXPECT_EQ(under_way->all(), UnderWay::kMostMessages + 1);
  taken[1].clear();
  EXPECT_EQ(fill(ServerId(5)), UnderWay::kMostOfAServer);
  EXPECT_EQ(fill(ServerId(2)), 0U);
  taken.clear();
  leave.reset();
  EXPECT_EQ(under_way->all(), 0U);
}

}  // namespace
}  // namespace guildhall::bot
