#include "sim/load.h"

#include <gtest/gtest.h>

#include "sim/sim_testing.h"

namespace guildhall::sim {
namespace {

using std::chrono::milliseconds;

struct LoadTest : SimTest {};

TEST_F(LoadTest, TellsAsManyEventsOfEachKindAsTheMixSays) {
  start();
  LoadOptions options;
  options.events_per_second = 5'000;
  options.lasts = milliseconds(200);
  options.mix = {.messages = 50, .commands = 0, .members = 30, .others = 20};
  Load load(sim_->discord(), options);
  const LoadReport report = run(load.run());
  EXPECT_EQ(report.events(), 1'000U);
  EXPECT_NEAR(static_cast<double>(report.messages), 500, 60);
  EXPECT_NEAR(static_cast<double>(report.members), 300, 60);
  EXPECT_NEAR(static_cast<double>(report.others), 200, 60);
  EXPECT_EQ(report.commands, 0U);
  EXPECT_GE(report.took, options.lasts);
}

TEST_F(LoadTest, SaysWhyThereIsNobodyToMeasure) {
  start();
  Load load(sim_->discord(), {});
  const auto ready = run(load.wait_for_bot(std::chrono::seconds(0)));
  ASSERT_FALSE(ready.has_value());
  EXPECT_EQ(
      ready.error().message,
      "the bot answered /points in 0 of 3 servers within 0 s; the last call failed: no bot is connected");
}

TEST(LoadReport, ReadsTimesByNearestRank) {
  LoadReport report;
  EXPECT_EQ(report.percentile(0.99), 0);
  for (int i = 1; i <= 200; ++i) report.answer_ms.push_back(i);
  EXPECT_EQ(report.percentile(0.5), 100);
  EXPECT_EQ(report.percentile(0.99), 198);
  EXPECT_EQ(report.percentile(0.999), 200);
  report.answer_ms = {7};
  EXPECT_EQ(report.percentile(0.5), 7);
}

}  // namespace
}  // namespace guildhall::sim
