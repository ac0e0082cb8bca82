#include "base/process.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

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

TEST(Process, MachineAndUserHaveNames) {
  EXPECT_FALSE(host_name().empty());
  EXPECT_FALSE(user_name().empty());
}

}  // namespace
}  // namespace guildhall
