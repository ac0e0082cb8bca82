#include "tests/isolation/noninterference.h"

#include <gtest/gtest.h>

#include "tests/support/full_counts.h"
#include "tests/support/test_database.h"

namespace guildhall::test {
namespace {

std::uint64_t seeds() {
  // On the other layouts each seed makes and drops a dozen databases.
  if (tested_layout() != store::Layout::sqlite) return full_counts() ? 40 : 2;
  return full_counts() ? 200 : 12;
}

TEST(NonInterference, EachServersRowsAreAsIfItWereAlone) {
  for (std::uint64_t seed = 1; seed <= seeds(); ++seed) {
    for (const Interference& one : find_interference(seed)) {
      ADD_FAILURE() << "seed " << one.seed << ", server " << one.server << ", table " << one.table
                    << "\nalone:\n"
                    << one.alone << "mixed:\n"
                    << one.mixed;
    }
    if (HasFailure()) return;
  }
}

}  // namespace
}  // namespace guildhall::test
