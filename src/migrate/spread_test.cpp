#include "migrate/spread.h"

#include <gtest/gtest.h>

#include <atomic>
#include <latch>
#include <stdexcept>
#include <vector>

namespace guildhall::migrate {
namespace {

TEST(Spread, EachNumberComesOnceWhateverTheThreads) {
  for (const std::size_t threads : {1U, 4U, 200U}) {
    std::vector<std::atomic<int>> calls(100);
    spread(calls.size(), threads, [&](std::size_t at) { ++calls[at]; });
    for (const auto& one : calls) EXPECT_EQ(one, 1) << threads;
  }
  spread(0, 4, [](std::size_t) { FAIL() << "there is nothing to do"; });
}

TEST(Spread, SoManyWorkAtOnce) {
  std::latch all(3);
  spread(3, 3, [&](std::size_t) { all.arrive_and_wait(); });
  EXPECT_TRUE(all.try_wait());
}

TEST(Spread, WhatACallThrowsIsThrownAndEndsTheRest) {
  std::atomic<int> calls{0};
  const auto work = [&](std::size_t at) {
    ++calls;
    if (at == 2) throw std::runtime_error("the third");
  };
  try {
    spread(1'000, 1, work);
    FAIL() << "it should have thrown";
  } catch (const std::runtime_error& error) {
    EXPECT_STREQ(error.what(), "the third");
  }
  EXPECT_EQ(calls, 3);
  std::latch all(4);
  EXPECT_THROW(spread(4, 4,
                      [&](std::size_t) {
                        all.arrive_and_wait();
                        throw std::runtime_error("each of them");
                      }),
               std::runtime_error);
}

}  // namespace
}  // namespace guildhall::migrate
