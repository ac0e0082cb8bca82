// Takes protections away one after the other, from the outside in, and says what catches the mistake each
// time.
#pragma once

#include <functional>
#include <set>
#include <string>
#include <vector>

#include "doctor/report.h"
#include "tests/isolation/switches.h"
#include "tests/support/test_world.h"

namespace guildhall::test {

/// The layers, as the matrix names them.
inline constexpr const char* kCatalogGate = "catalog gate";
inline constexpr const char* kStatementGate = "statement gate";
inline constexpr const char* kMarker = "marker of the file";
inline constexpr const char* kPins = "pins of the file";
inline constexpr const char* kOwnRow = "the own row of its server";
inline constexpr const char* kUniqueKeys = "keys";
inline constexpr const char* kPolicies = "policies";
inline constexpr const char* kProof = "isolation proof";
inline constexpr const char* kNonInterference = "non-interference";
inline constexpr const char* kHeld = "held";

/// What is wrong with a world.
struct Damage {
  std::set<Mutation> mutations = {};
  std::string sql = {};                                  // of what belongs to no server; on PostgreSQL of all
  std::function<void(TestWorld&)> plant = {};            // into what is declared
  std::function<void(store::SchemaSession&)> file = {};  // into each server's file
};

/// Both at once.
Damage operator+(Damage one, const Damage& other);

struct Outcome {
  std::string layer;
  std::string what;                     // in words, for the reader of a failed test
  std::vector<std::string> leaks = {};  // of the isolation proof: "statement persons.find_identity"
};

/// Starts a bot on a world with this damage, and runs the isolation proof on it.
Outcome try_out(const Damage& damage);

struct Step {
  const char* besides;  // what is taken away besides, in words; "" for nothing
  Damage damage;        // on top of the steps before
  const char* caught;
};

/// Tries each step, expects what is said, and writes the lines of the matrix. The last must be caught: a
/// mutation that nothing sees is none.
void peel(const std::string& mutation, const Damage& damage, const std::vector<Step>& steps);

/// What stands behind both gates in the layout under test, taken away; nothing: there is no such wall.
struct Wall {
  const char* name;
  Damage damage;
};
std::optional<Wall> inner_wall();

}  // namespace guildhall::test
