#include "migrate/progress.h"

#include <gtest/gtest.h>

#include <future>

namespace guildhall::migrate {
namespace {

TEST(Step, ReportsWhileItLasts) {
  std::promise<Progress> twice;
  int calls = 0;
  Reporting reporting;
  reporting.every = std::chrono::milliseconds(1);
  reporting.report = [&](const Progress& progress) {
    if (++calls == 2) twice.set_value(progress);
  };
  const Step step(reporting, "dumping", [] { return Step::Amount{3, 7}; });
  const Progress progress = twice.get_future().get();
  EXPECT_EQ(progress.step, "dumping");
  EXPECT_EQ(progress.done, 3U);
  EXPECT_EQ(progress.all, 7U);
}

TEST(Step, ThatIsShortReportsNothing) {
  int calls = 0;
  Reporting reporting;
  reporting.every = std::chrono::hours(1);
  reporting.report = [&](const Progress&) { ++calls; };
  {
    const Step step(reporting, "short");
  }
  EXPECT_EQ(calls, 0);
}

TEST(Step, ARequestToStopCancelsWhatRunsAndNothingAfterwards) {
  std::stop_source source;
  Reporting reporting;
  reporting.stop = source.get_token();
  int first = 0;
  int second = 0;
  {
    const Step over(reporting, "over", {}, [&] { ++first; });
  }
  const Step running(reporting, "running", {}, [&] { ++second; });
  source.request_stop();
  EXPECT_EQ(first, 0);
  EXPECT_EQ(second, 1);
}

}  // namespace
}  // namespace guildhall::migrate
