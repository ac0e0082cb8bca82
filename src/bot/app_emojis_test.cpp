#include "bot/app_emojis.h"

#include <gtest/gtest.h>

#include "net/run_to_end.h"

namespace guildhall::bot {
namespace {

TEST(EmojisOfTheApplication, AreAskedForWhenOneIsNeededAndKept) {
  int asked = 0;
  AppEmojis emojis([&]() -> Task<Result<AppEmojis::Emojis>> {
    ++asked;
    co_return AppEmojis::Emojis{{"live", "<:live:123456789012345678>"}};
  });
  EXPECT_EQ(asked, 0);
  EXPECT_EQ(net::run_to_end(emojis.find("live")), "<:live:123456789012345678>");
  EXPECT_EQ(net::run_to_end(emojis.find("live")), "<:live:123456789012345678>");
  EXPECT_EQ(net::run_to_end(emojis.find("owl")), "");
  EXPECT_EQ(asked, 1);
}

TEST(EmojisOfTheApplication, AreLeftOutWhereNobodyCanSay) {
  int asked = 0;
  AppEmojis emojis([&]() -> Task<Result<AppEmojis::Emojis>> {
    ++asked;
    co_return fail(ErrorCode::unavailable, "no answer");
  });
  for (int i = 0; i < 3; ++i) EXPECT_EQ(net::run_to_end(emojis.find("live")), "");
  EXPECT_EQ(asked, 1) << "a busy evening asks once";
}

}  // namespace
}  // namespace guildhall::bot
