// Faults put in on purpose, to see that a test catches them. They exist only in the programs that are
// compiled with GUILDHALL_MUTATIONS (tests/isolation/mutants_test.cpp), which choose one at run time.
#pragma once

namespace guildhall {

enum class Mutation {
  none,
  statement_without_predicate,  // store/statement.cpp: one statement loses its tenant predicate
  gate_open,                    // tenancy/seal.cpp: every statement passes
  statement_and_gate,           // both of the above
  scope_swapped,                // tenancy/scopes.cpp: an event's scope is another server's
  lane_shared,                  // bot/dispatcher.cpp: servers share settings, cooldowns and recent ids
  authorizer_off,               // store/sqlite/connection.cpp: running connections may do anything
};

#ifdef GUILDHALL_MUTATIONS
Mutation active_mutation();
inline bool mutated(Mutation mutation) { return active_mutation() == mutation; }
#else
constexpr bool mutated(Mutation) { return false; }
#endif

}  // namespace guildhall
