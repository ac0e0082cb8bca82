// The unit tests of the gate and of the connection with the mutation that GUILDHALL_MUTATION names:
// mutants_test.cpp runs this program and expects the tests to fail.
#include <cstdlib>
#include <string_view>

#include "base/mutation.h"

namespace guildhall {

Mutation active_mutation() {
  static const Mutation chosen = [] {
    const char* name = std::getenv("GUILDHALL_MUTATION");
    if (name != nullptr && std::string_view(name) == "gate_open") return Mutation::gate_open;
    if (name != nullptr && std::string_view(name) == "authorizer_off") return Mutation::authorizer_off;
    return Mutation::none;
  }();
  return chosen;
}

}  // namespace guildhall
