// The proof's own measure: each predicate of each statement taken away in turn, with the gate open.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <regex>
#include <set>

#include "store/sqlite/connection.h"
#include "tests/isolation/matrix.h"
#include "tests/isolation/peeling.h"
#include "tests/support/full_counts.h"
#include "tests/support/proof.h"

namespace guildhall::test {
namespace {

/// Predicates without which a statement comes to the same in a database that is in order: what keeps other
/// servers' rows away there is the statement before it, and tables that are empty between transactions, or
/// hold nothing that is taken, have none. With #n: that one of its predicates alone.
const std::set<std::string> kWithoutEffect{"ledger.post_balances",  "ledger.post_ledger",
                                           "ledger.clear_postings", "points.post_awards",
                                           "jobs.ensure",           "jobs.done",
                                           "persons.asked",         "persons.wanted_names#0",
                                           "persons.wanted_ids#0",  "imports.carried_of#0",
                                           "roles.add_reached",     "roles.add_linked",
                                           "roles.take_linked",     "roles.drop_checks",
                                           "role_changes.lease#1"};

/// Those that the proof does not see yet: neither life ends with such rows for the same member, role or post,
/// or with rows of which something is due, so that there is nothing of the other server to be met. With #1:
/// the second of its predicates alone.
const std::set<std::string> kNotSeenYet{"role_changes.drop_untried",
                                        "role_changes.restore_all",
                                        "role_changes.cancel#1",
                                        "role_changes.lease#2",
                                        "role_changes.take_lesser#1",
                                        "outbox.lease_next#1",
                                        "live_alert.forget_old",
                                        "linking.unopened",
                                        "linking.due_moves",
                                        "linking.end_move",
                                        "linking.servers_with_due_moves",
                                        "linking.servers_with_old_requests",
                                        "linking.servers_with_old_attempts",
                                        "linking.servers_with_old_moves"};

/// The statement without its n-th binding to the scope's server, or to the range; nothing: it has no more.
std::optional<std::string> unbound(const store::StatementInfo& info, std::size_t number) {
  static const std::regex kServer(R"((\w+\.)?discord_server_id = :server)");
  static const std::regex kRange(R"(BETWEEN :first AND :last)");
  const bool server = info.access == store::Access::server;
  auto found = std::sregex_iterator(info.sqlite.begin(), info.sqlite.end(), server ? kServer : kRange);
  for (std::size_t i = 0; i < number && found != std::sregex_iterator(); ++i) ++found;
  if (found == std::sregex_iterator()) return std::nullopt;
  const std::string open =
      server ? ":server <> 0" : "BETWEEN -9223372036854775807 AND 9223372036854775807 AND :first <= :last";
  const auto at = static_cast<std::size_t>(found->position());
  return info.sqlite.substr(0, at) + open +
         info.sqlite.substr(at + static_cast<std::size_t>(found->length()));
}

/// By its leaks, or because the two lives get into each other's way so that the proof breaks off.
bool is_seen(TestWorld& world) {
  const auto open_gate = [](const store::StatementInfo&, const store::StatementFacts&) {
    return std::optional<std::string>();
  };
  try {
    const auto report = doctor::prove_isolation(installation_of(world, open_gate), [](std::string_view) {});
    return !report || report->leaks() > 0;
  } catch (const store::DatabaseError&) {
    return true;
  }
}

TEST(Predicates, TheProofSeesEachThatIsMissing) {
  if (tested_layout() != store::Layout::sqlite) return;  // elsewhere a wall behind the gate holds: Walls.*
  const std::size_t step = full_counts() ? 1 : 12;
  std::vector<std::pair<std::size_t, std::string>> mutants;
  const TestWorld original;
  const auto& statements = original.declarations.statements.all();
  for (std::size_t i = 0; i < statements.size(); ++i) {
    if (kWithoutEffect.contains(statements[i].name) || kNotSeenYet.contains(statements[i].name)) continue;
    for (std::size_t number = 0; auto sql = unbound(statements[i], number); ++number) {
      const std::string one = fmt::format("{}#{}", statements[i].name, number);
      if (!kWithoutEffect.contains(one) && !kNotSeenYet.contains(one))
        mutants.emplace_back(i, *std::move(sql));
    }
  }
  ASSERT_GT(mutants.size(), 40U);
  for (std::size_t i = 0; i < mutants.size(); i += step) {
    const auto& [statement, sql] = mutants[i];
    TestWorld world;
    // The one list of statements is for everybody else to read.
    const_cast<store::StatementInfo&>(world.declarations.statements.all()[statement]).sqlite = sql;  // NOLINT
    ASSERT_NO_THROW(
        store::sqlite::Connection(world.database_file(), store::sqlite::Role::checker).inspect(sql))
        << statements[statement].name << ": " << sql;
    EXPECT_TRUE(is_seen(world)) << statements[statement].name << ": " << sql;
  }
  write_to_matrix({"predicates of statements, one at a time (`./test --all`: each)", kStatementGate, kProof,
                   this_test()});
}

}  // namespace
}  // namespace guildhall::test
