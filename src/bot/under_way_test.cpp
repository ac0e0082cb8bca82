#include "bot/under_way.h"

#include <gtest/gtest.h>

#include <vector>

namespace guildhall::bot {
namespace {

using Places = std::vector<UnderWay::Place>;

class UnderWayTest : public testing::Test {
 protected:
  Places messages(ServerId server) {
    Places taken;
    while (auto place = under_way_->take_for_message(server)) taken.push_back(std::move(place));
    return taken;
  }
  Places kept(ServerId server, std::size_t most) {
    Places taken;
    while (taken.size() < most) {
      auto place = under_way_->take(server);
      if (!place) break;
      taken.push_back(std::move(place));
    }
    return taken;
  }

  std::shared_ptr<UnderWay> under_way_ = std::make_shared<UnderWay>();
};

TEST_F(UnderWayTest, NoServersMessagesTakeTheOthersPlaces) {
  std::vector<Places> taken;
  for (int server = 1; server <= 4; ++server) {
    taken.push_back(messages(ServerId(server)));
    EXPECT_EQ(taken.back().size(), UnderWay::kMostMessagesOfAServer);
  }
  EXPECT_TRUE(messages(ServerId(5)).empty()) << "there are enough of all together";
  EXPECT_FALSE(under_way_->is_full());
  auto leave = under_way_->take(ServerId(1));
  EXPECT_TRUE(leave) << "there is room for what should not be lost";
  EXPECT_EQ(under_way_->all(), UnderWay::kMostMessages + 1);
  taken[1].clear();
  taken.push_back(messages(ServerId(5)));
  EXPECT_EQ(taken.back().size(), UnderWay::kMostMessagesOfAServer);
  EXPECT_TRUE(messages(ServerId(2)).empty());
  taken.clear();
  leave.reset();
  EXPECT_EQ(under_way_->all(), 0U);
}

TEST_F(UnderWayTest, NoServersComingsAndGoingsAloneAreEnough) {
  std::vector<Places> taken;
  for (int server = 1; server <= 3; ++server) {
    taken.push_back(kept(ServerId(server), 100'000));
    EXPECT_EQ(taken.back().size(), UnderWay::kMostKeptOfAServer);
  }
  taken.push_back(kept(ServerId(4), UnderWay::kPartOfAServer - 1));
  EXPECT_FALSE(under_way_->is_full());
  taken.push_back(kept(ServerId(5), 1));
  EXPECT_TRUE(under_way_->is_full());
  taken[0].resize(UnderWay::kPartOfAServer);
  EXPECT_TRUE(under_way_->is_full()) << "it still has all of its part";
  taken[0].pop_back();
  EXPECT_FALSE(under_way_->is_full());
  taken[0].push_back(under_way_->take(ServerId(1)));
  EXPECT_TRUE(under_way_->is_full());
  taken.clear();
  EXPECT_EQ(under_way_->all(), 0U);
  EXPECT_FALSE(under_way_->is_full());
}

}  // namespace
}  // namespace guildhall::bot
