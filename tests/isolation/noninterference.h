// Non-interference: random work of several servers, mixed on one database, must leave each server's
// rows byte for byte as if it had been alone there.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace guildhall::test {

struct Interference {
  std::uint64_t seed = 0;
  std::string table;
  std::int64_t server = 0;
  std::string alone;
  std::string mixed;
};

/// What differs; empty when the servers do not see each other.
std::vector<Interference> find_interference(std::uint64_t seed);

}  // namespace guildhall::test
