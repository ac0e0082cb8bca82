#include "bot/import_trace.h"

#include <gtest/gtest.h>

namespace guildhall::bot {
namespace {

TEST(ImportParts, AddUpByViewer) {
  const PersonId first(7);
  const PersonId second(12);
  std::string value = add_part("", {first, 0});
  EXPECT_EQ(value, "7=0");  // nothing of his yet, and his it is
  value = add_part(value, {first, 100});
  value = add_part(value, {second, -5});
  EXPECT_EQ(value, "7=100 12=-5");
  EXPECT_EQ(add_part(value, {second, 5}), "7=100");
  EXPECT_EQ(add_part("7=100", {first, -100}), "7=0");
  const auto parts = parse_parts(value);
  ASSERT_EQ(parts.size(), 2U);
  EXPECT_EQ(parts[1].home, second);
  EXPECT_EQ(parts[1].amount, -5);
  for (const char* other : {"", "7", "7=", "=7", "7=1 x=2", "7=1=2"}) EXPECT_TRUE(parse_parts(other).empty());
}

TEST(ImportOperations, OfPointsAreReadAsTheyAreNamed) {
  for (const std::string key : {"name", "with:colon", "#2:odd", ""}) {
    for (const std::int64_t times : {1, 2, 31}) {
      const auto booking = parse_points_operation("kick", points_operation("kick", times, key));
      ASSERT_TRUE(booking) << key << times;
      EXPECT_EQ(booking->times, times);
      EXPECT_EQ(booking->key, key);
    }
  }
  for (const char* other : {"import:kick:taken#2:name", "import:kick:points", "import:kick:pointsx2:name",
                            "import:other:points:name", "import:kick:points#x:name"})
    EXPECT_FALSE(parse_points_operation("kick", other)) << other;
}

}  // namespace
}  // namespace guildhall::bot
