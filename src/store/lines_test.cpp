#include "store/lines.h"

#include <gtest/gtest.h>

namespace guildhall::store {
namespace {

constexpr ServerId kA{1};
constexpr ServerId kB{2};

std::string drain(Lines<std::string>& lines) {
  std::string taken;
  while (auto next = lines.next()) taken += next->job + " ";
  return taken;
}

TEST(Lines, GoRoundTheServersAndKeepTheOrderOfEach) {
  Lines<std::string> lines;
  for (const char* job : {"a1", "a2", "a3"}) lines.push(kA, job);
  lines.push(kB, "b1");
  lines.push(kB, "b2");
  EXPECT_EQ(lines.size(), 5U);
  EXPECT_EQ(lines.longest(), 3U);
  EXPECT_EQ(drain(lines), "a1 b1 a2 b2 a3 ");
  EXPECT_EQ(lines.size(), 0U);
}

TEST(Lines, GiveSeveralOfOneServerAtATime) {
  Lines<std::string> lines;
  for (const char* job : {"a1", "a2", "a3"}) lines.push(kA, job);
  lines.push(kB, "b1");
  EXPECT_EQ(lines.next_of_one_line(2), (std::vector<std::string>{"a1", "a2"}));
  EXPECT_EQ(lines.next_of_one_line(2), (std::vector<std::string>{"b1"}));
  EXPECT_EQ(lines.next_of_one_line(2), (std::vector<std::string>{"a3"}));
  EXPECT_TRUE(lines.next_of_one_line(2).empty());
  EXPECT_EQ(lines.size(), 0U);
}

TEST(Lines, AFullLineRefusesItsOwnServerOnly) {
  Lines<int> lines;
  for (std::size_t i = 0; i < Lines<int>::kLongestLine; ++i) EXPECT_TRUE(lines.push(kA, 1));
  EXPECT_FALSE(lines.push(kA, 1));
  EXPECT_TRUE(lines.push(kB, 1));
  EXPECT_EQ(lines.size(), Lines<int>::kLongestLine + 1);
}

TEST(Lines, AHeldLineWaitsUntilItIsReleased) {
  Lines<std::string> lines;
  for (const char* job : {"a1", "a2"}) lines.push(kA, job);
  EXPECT_EQ(lines.next(true)->job, "a1");
  lines.push(kB, "b1");
  EXPECT_EQ(drain(lines), "b1 ");
  lines.push(kA, "a3");
  EXPECT_FALSE(lines.has_next());
  lines.release(kA);
  EXPECT_EQ(drain(lines), "a2 a3 ");
}

TEST(Lines, SomeOfALineAreUnderWayAtOnceAndTheOthersGoOn) {
  Lines<std::string> lines(2);
  for (const char* job : {"a1", "a2", "a3", "a4"}) lines.push(kA, job);
  EXPECT_EQ(lines.next(true)->job, "a1");
  EXPECT_EQ(lines.next(true)->job, "a2");
  EXPECT_FALSE(lines.next(true));
  lines.push(kB, "b1");
  EXPECT_EQ(lines.next(true)->job, "b1");
  lines.release(kA);
  EXPECT_EQ(lines.next(true)->job, "a3");
  EXPECT_FALSE(lines.next(true));
}

TEST(Lines, WhatIsTakenOutLeavesTheOthersInOrder) {
  Lines<std::string> lines;
  for (const char* job : {"a1", "old", "a2"}) lines.push(kA, job);
  lines.push(kB, "old");
  EXPECT_EQ(lines.take_if([](const std::string& job) { return job == "old"; }).size(), 2U);
  EXPECT_EQ(lines.size(), 2U);
  EXPECT_EQ(lines.size(kB), 0U);
  lines.push(kB, "b1");
  EXPECT_EQ(drain(lines), "a1 b1 a2 ");
}

TEST(Lines, ABarredRangeWaitsAndTheOthersGoOn) {
  Lines<std::string> lines;
  lines.push(kA, "a1");
  lines.push(kB, "b1");
  lines.push(ServerId(3), "c1");
  lines.bar(kA, kB);
  EXPECT_EQ(drain(lines), "c1 ");
  lines.push(kB, "b2");
  EXPECT_EQ(drain(lines), "");
  lines.unbar(kA, kB);
  EXPECT_EQ(drain(lines), "a1 b1 b2 ");
}

}  // namespace
}  // namespace guildhall::store
