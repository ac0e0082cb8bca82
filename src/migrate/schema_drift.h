// By which objects a live schema differs from what the last migration left, each by its name. The journal
// keeps a fingerprint of that and no definitions, so they are found again where that can be proved: the files
// that are applied, in the order in which they were, make it once more in a database of its own, and count
// when the fingerprint of what they made is the journaled one. Where they do not (a database with a past, a
// file that is gone, nobody who may make a database), objects are compared by their names with those that the
// journal says each migration added and dropped; definitions are not known then, and it is said so.
#pragma once

#include <string>
#include <vector>

#include "migrate/history.h"
#include "migrate/target.h"

namespace guildhall::migrate {

struct DriftOptions {
  bool strict_order = false;     // the order of a table's columns counts, too
  std::string scratch_url = {};  // PostgreSQL: a login that may make that database; "": the target's own
};

/// E-SCHEMA for each object, W-ORDER where the order of columns cannot be known, and I-SCHEMA, which says
/// with what it was compared; nothing where the schema is as it was left, and where the tool never changed
/// it. `rows` are those of the whole journal. Throws DatabaseError.
Findings find_drift(store::SchemaSession& session, const Target& target, const std::vector<JournalRow>& rows,
                    const std::vector<Standing>& standings, const DriftOptions& options);

}  // namespace guildhall::migrate
