// How much a test repeats: a small count in every run, the full one with `./test --all`.
#pragma once

#include <cstdlib>
#include <string_view>

namespace guildhall::test {

inline bool full_counts() {
  const char* full = std::getenv("GUILDHALL_FULL");
  return full != nullptr && std::string_view(full) == "1";
}

}  // namespace guildhall::test
