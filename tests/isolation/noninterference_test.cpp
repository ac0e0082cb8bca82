#include "tests/isolation/noninterference.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <string_view>

#include "tests/support/test_database.h"

namespace guildhall::test {
namespace {

/// A small count in every run, the full one with `./test --all`.
std::uint64_t seeds() {
  const char* full = std::getenv("GUILDHALL_FULL");
  const bool all = full != nullptr && std::string_view(full) == "1";
  // On the other layouts each seed makes and drops a dozen databases.
  if (tested_layout() != store::Layout::sqlite) return all ? 40 : 2;
  return all ? 200 : 12;
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
