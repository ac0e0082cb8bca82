// The schema of a database once more, without its rows, in a database of its own beside it: there everything
// can be tried, and it is gone with the object.
#pragma once

#include <memory>
#include <string>

#include "migrate/proofs.h"

namespace guildhall::migrate {

/// PostgreSQL's is dumped and loaded by its own programs, without owners and rights. `scratch_url`: a login
/// on PostgreSQL that may make databases; "": the target's own. Problems: `refused` where there may be none,
/// or where what came of it is not the same schema (MG-COPY); `failed` (a program is missing, or failed).
/// Throws DatabaseError.
Outcome<std::unique_ptr<ScratchTarget>> copy_schema(const Target& target, const std::string& scratch_url);

}  // namespace guildhall::migrate
