#include "tests/isolation/switches.h"

#include <boost/describe/enum_from_string.hpp>
#include <cstdlib>
#include <stdexcept>

namespace guildhall {
namespace test {
namespace {

std::set<Mutation> named_by_environment() {
  const char* name = std::getenv("GUILDHALL_MUTATION");
  if (name == nullptr) return {};
  Mutation mutation{};
  if (!boost::describe::enum_from_string(name, mutation))
    throw std::invalid_argument(std::string("GUILDHALL_MUTATION: there is no mutation ") + name);
  return {mutation};
}

}  // namespace

std::set<Mutation>& switched_on() {
  static std::set<Mutation> mutations = named_by_environment();
  return mutations;
}

}  // namespace test

bool mutated(Mutation mutation) { return test::switched_on().contains(mutation); }

}  // namespace guildhall
