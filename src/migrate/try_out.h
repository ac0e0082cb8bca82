// A run that leaves nothing behind.
#pragma once

#include <span>
#include <string>

#include "migrate/apply.h"
#include "migrate/table_facts.h"
#include "migrate/target.h"

namespace guildhall::migrate {

struct TrialOptions {
  bool together = false;         // of a run whose migrations are one transaction, not one each
  ApplyLimits limits = {};       // of the session in a copy
  std::string scratch_url = {};  // PostgreSQL: a login that may make the copy; "": the target's own
};

/// Runs the statements of all in one transaction, which is rolled back whatever comes of it. Between two of
/// them it is as if the first had been committed: what it has set is set back, and what is checked at the end
/// of a transaction is checked, but where they are `together`. What stays: the numbers that sequences gave
/// away. Others wait for its locks as they would for the run itself. Answers the fingerprint that the schema
/// would have. Problems: `refused` when one of them is not one transaction, else what the database said, and
/// where. `session`: of the work in that target (`open_work_session`), in no transaction. Throws
/// DatabaseError.
Outcome<std::string> try_out(store::SchemaSession& session, const Target& target,
                             std::span<const Pending> pending, const TrialOptions& options = {});

/// Can all of them be tried in one transaction?
bool fits_one_transaction(std::span<const Pending> pending, Dialect dialect);

/// The same in a copy of the schema (schema_copy.h), whatever the files need: nobody waits for it, and what
/// rows would say to it is not known, nor what the rights of other roles allow. Problems: those of the copy
/// and of `open_work_session`, and what the database said, and where. Throws DatabaseError.
Outcome<std::string> try_out_in_copy(const Target& target, std::span<const Pending> pending,
                                     const TrialOptions& options = {});

}  // namespace guildhall::migrate
