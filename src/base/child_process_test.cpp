#include "base/child_process.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <csignal>
#include <fstream>
#include <iterator>
#include <thread>

#include "tests/support/temporary_folder.h"

namespace guildhall {
namespace {

using testing::HasSubstr;

ChildCommand shell(const std::string& script) {
  return {{"/bin/sh", "-c", script}, {{"PATH", "/usr/bin:/bin"}}};
}

/// One that has ended may wait for its parent for ever.
bool is_alive(const std::string& process) {
  std::ifstream input("/proc/" + process + "/stat");
  const std::string text(std::istreambuf_iterator<char>(input), {});
  return !text.empty() && text.find(") Z ") == std::string::npos;
}

TEST(ChildProcess, SaysHowItEndedAndWhatItWrote) {
  const auto end = *run_child(shell("echo out; echo err >&2; exit 3"));
  EXPECT_EQ(end.status, 3);
  EXPECT_EQ(end.output, "out\n");
  EXPECT_EQ(end.errors, "err\n");
  EXPECT_FALSE(end.succeeded());
  EXPECT_TRUE(run_child(shell("true"))->succeeded());
  EXPECT_EQ(run_child(shell("kill -9 $$"))->signal, SIGKILL);
}

TEST(ChildProcess, ArgumentsAreNoShellsAndTheEnvironmentIsWhatIsGiven) {
  const auto said = *run_child({{"/usr/bin/printf", "%s|%s", "$HOME; ls", "a b"}, {}});
  EXPECT_EQ(said.output, "$HOME; ls|a b");
  const auto environment = *run_child({{"/usr/bin/env"}, {{"ONLY", "this = that"}}});
  EXPECT_EQ(environment.output, "ONLY=this = that\n");
  EXPECT_TRUE(own_environment().contains("PATH"));
}

TEST(ChildProcess, ItHasNoInput) { EXPECT_EQ(run_child(shell("cat; echo end"))->output, "end\n"); }

TEST(ChildProcess, OutputGoesIntoAFile) {
  const test::TemporaryFolder folder;
  const std::string name = (folder.path() / "out").string();
  const int file = ::open(name.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  ChildCommand command = shell("echo into the file; echo beside >&2");
  command.output = file;
  const auto end = *run_child(command);
  ::close(file);
  EXPECT_EQ(end.output, "");
  EXPECT_EQ(end.errors, "beside\n");
  std::ifstream input(name);
  EXPECT_EQ(std::string(std::istreambuf_iterator<char>(input), {}), "into the file\n");
}

TEST(ChildProcess, MuchOutputIsReadToItsEndAndKeptInParts) {
  const auto end = *run_child(shell("i=0; while [ $i -lt 40000 ]; do echo line $i; i=$((i+1)); done"));
  EXPECT_TRUE(end.succeeded());
  EXPECT_THAT(end.output, testing::StartsWith("line 0\n"));
  EXPECT_THAT(end.output, HasSubstr("\n[...]\n"));
  EXPECT_THAT(end.output, testing::EndsWith("line 39999\n"));
  EXPECT_LT(end.output.size(), 70'000U);
}

TEST(ChildProcess, WhatCannotBeStartedIsNamed) {
  const auto refused = run_child({{"/no/such/program"}, {}});
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, HasSubstr("/no/such/program"));
}

TEST(ChildProcess, ARequestToStopEndsItAndWhatItStarted) {
  const test::TemporaryFolder folder;
  const std::string begun = (folder.path() / "begun").string();
  std::stop_source source;
  Result<ChildEnd> end = ChildEnd{};
  {
    const std::jthread runner(
        [&] { end = run_child(shell("sleep 600 & echo $! > " + begun + "; wait"), source.get_token()); });
    while (!std::filesystem::exists(begun) || std::filesystem::file_size(begun) == 0)
      std::this_thread::yield();
    source.request_stop();
  }
  ASSERT_TRUE(end);
  EXPECT_TRUE(end->ended_by_us);
  EXPECT_FALSE(end->succeeded());
  std::string grandchild;
  std::ifstream(begun) >> grandchild;
  ASSERT_NE(grandchild, "");
  while (is_alive(grandchild)) std::this_thread::yield();
}

TEST(ChildProcess, WhatItLeavesInTheBackgroundIsNotWaitedFor) {
  const auto end = *run_child(shell("sleep 5 & echo $!"));
  EXPECT_TRUE(end.succeeded());
  ::kill(std::stoi(end.output), SIGKILL);
}

}  // namespace
}  // namespace guildhall
