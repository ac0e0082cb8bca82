#include "base/process.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <ctime>

namespace guildhall {
namespace {

TEST(Process, IsGoneOnceItEndedAndOnlyOnThisMachine) {
  EXPECT_FALSE(has_ended(host_name(), getpid()));
  EXPECT_FALSE(has_ended(host_name(), 1)) << "somebody else's, which we may not signal";
  const pid_t child = fork();
  if (child == 0) _exit(0);
  ASSERT_EQ(waitpid(child, nullptr, 0), child);
  EXPECT_TRUE(has_ended(host_name(), child));
  EXPECT_FALSE(has_ended(host_name() + ".elsewhere", child));
}

TEST(Process, TellsWhatItUses) {
  const auto before = use_of(getpid());
  ASSERT_TRUE(before.has_value());
  EXPECT_GT(before->resident, 1 << 20);
  EXPECT_GE(before->most_resident, before->resident);
  const std::clock_t begin = std::clock();
  while (std::clock() - begin < CLOCKS_PER_SEC / 10) {
  }
  const double used = use_of(getpid())->cpu_seconds - before->cpu_seconds;
  EXPECT_GT(used, 0.05);
  EXPECT_LT(used, 5) << "seconds, not ticks";
  EXPECT_FALSE(use_of(-1).has_value());
}

TEST(Process, MachineAndUserHaveNames) {
  EXPECT_FALSE(host_name().empty());
  EXPECT_FALSE(user_name().empty());
}

}  // namespace
}  // namespace guildhall
