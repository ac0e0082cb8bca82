#include "base/clock.h"

#include <gtest/gtest.h>

namespace guildhall {
namespace {

TEST(Clock, ReadsTheThreeFormsOfTime) {
  const TimePoint ten = *parse_rfc3339("2026-05-01T10:00:00Z");
  EXPECT_EQ(to_micros(ten), 1'777'629'600'000'000);
  EXPECT_EQ(parse_rfc3339("2026-05-01T21:00:00+11:00"), ten);
  EXPECT_EQ(parse_rfc3339("2026-05-01T05:30:00-04:30"), ten);
  EXPECT_EQ(parse_rfc3339("2026-05-01T10:00:00.25Z"), ten + std::chrono::milliseconds(250));
  EXPECT_EQ(parse_rfc3339("2026-05-01T10:00:00.123456789Z"), ten + Duration(123'456));
  EXPECT_LT(to_micros(*parse_rfc3339("0001-01-01T00:00:00Z")), 0);
}

TEST(Clock, RefusesWhatIsNoTime) {
  for (const char* text : {"", "2026-05-01", "2026-13-01T10:00:00Z", "2026-02-30T10:00:00Z",
                           "2026-05-01T25:00:00Z", "2026-05-01T10:00:00", "2026-05-01T10:00:00+1100",
                           "2026-05-01T10:00:00Zx", "2026-05-01T10:00:00.Z", "yesterday"}) {
    EXPECT_FALSE(parse_rfc3339(text)) << text;
  }
}

TEST(Clock, WritesWhatItReads) {
  for (const char* text :
       {"2026-05-01T10:00:00Z", "2026-05-01T10:00:00.25Z", "1969-12-31T23:59:59.999999Z"}) {
    EXPECT_EQ(format_rfc3339(*parse_rfc3339(text)), text);
  }
}

TEST(Clock, AScaledClockRunsFasterFromItsOrigin) {
  const TimePoint origin = SystemClock().now() - std::chrono::hours(1);
  const ScaledClock clock(origin, origin, 30);
  EXPECT_GE(clock.now(), origin + std::chrono::hours(30));
  EXPECT_LT(clock.now(), origin + std::chrono::hours(31));
  EXPECT_EQ(clock.real(std::chrono::minutes(1)), std::chrono::seconds(2));
}

}  // namespace
}  // namespace guildhall
