#include "convert/standby_lag.h"

#include <gtest/gtest.h>

namespace guildhall::convert {
namespace {

using namespace std::chrono_literals;

LogMarks::Clock::time_point at(std::chrono::milliseconds since) {
  return LogMarks::Clock::time_point{} + 1h + since;
}

TEST(LogMarks, WhoReplaysEverythingIsNotBehind) {
  LogMarks marks;
  EXPECT_EQ(marks.since(at(0s), 100), 0ms);
  marks.add(at(0s), 100);
  marks.add(at(1s), 200);
  EXPECT_EQ(marks.since(at(5s), 200), 0ms);
  EXPECT_EQ(marks.since(at(5s), 300), 0ms);
}

TEST(LogMarks, WhoStandsStillIsBehindByTheTimeSinceTheLogGrewBeyondHim) {
  LogMarks marks;
  for (int second = 0; second < 10; ++second) marks.add(at(std::chrono::seconds(second)), 100 * second);
  EXPECT_EQ(marks.since(at(10s), 250), 7s);
  EXPECT_EQ(marks.since(at(12s), 300), 8s);
  EXPECT_EQ(marks.since(at(12s), -1), 12s);
}

TEST(LogMarks, ALogThatDoesNotGrowLeavesNobodyBehind) {
  LogMarks marks;
  for (int second = 0; second < 10; ++second) marks.add(at(std::chrono::seconds(second)), 100);
  EXPECT_EQ(marks.since(at(10s), 100), 0ms);
  EXPECT_EQ(marks.since(at(10s), 99), 10s);
}

TEST(LogMarks, OfADayOfThemTheOldestIsThereStill) {
  LogMarks marks;
  for (int i = 0; i < 100'000; ++i) marks.add(at(std::chrono::seconds(i)), i);
  EXPECT_EQ(marks.since(at(100'000s), -1), 100'000s);
  EXPECT_LE(marks.since(at(100'000s), 99'000), 1'000s);
}

}  // namespace
}  // namespace guildhall::convert
