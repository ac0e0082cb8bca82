// A database that Citus spreads over several servers: migrations go to its coordinator, which brings every
// change of the schema to the others.
#pragma once

#include "migrate/outcome.h"
#include "store/schema_session.h"

namespace guildhall::migrate {

/// Problem `refused` (MG-CITUS): the session is on a worker, or changes of the schema would stay on the
/// coordinator (citus.enable_ddl_propagation is off). Nothing where there is no Citus. PostgreSQL; throws
/// DatabaseError.
Outcome<void> check_citus(store::SchemaSession& session);

}  // namespace guildhall::migrate
