// Statements that no transaction may hold: whether an earlier run did them already, and whether what they
// built is whole. What works beside the writers and is ended leaves something behind: an INVALID index, which
// IF NOT EXISTS takes for one; the second copy of an index that REINDEX was making; a partition that is
// neither in nor out.
#pragma once

#include <chrono>
#include <functional>
#include <string>

#include "migrate/outcome.h"
#include "migrate/sql_statements.h"
#include "store/schema_session.h"

namespace guildhall::migrate {

struct OutsideOptions {
  /// For the whole statement, which waits for locks as long as that.
  std::chrono::milliseconds limit{1'800'000};
  /// A run was stopped when it was at this statement: it may be done.
  bool may_be_done = false;
  /// Gets a line when an older transaction is in the way, which such a statement waits for.
  std::function<void(const std::string&)> say = [](const std::string&) {};
  /// Younger ones are not worth a line.
  std::chrono::milliseconds worth_a_line{1'000};
};

/// Takes away what an earlier try left behind, and runs it unless that had done it. An index that comes out
/// INVALID is a problem. Throws DatabaseError.
Outcome<void> run_outside(store::SchemaSession& session, const SqlStatement& statement, Dialect dialect,
                          const OutsideOptions& options);

}  // namespace guildhall::migrate
