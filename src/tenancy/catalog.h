// The catalog gate: what the database says of its own tables, compared with the declared class of each.
//
// Called at every start before a statement is looked at, and by `guildhall doctor isolation --catalog`.
// It promises to name every place where the seal is open: a table without its class, row-level security
// that is off or not forced, a policy or a right that is not as declared, a key that does not begin with
// the tenant column, a tenant column that may be empty or fills itself, a login that may do more than it
// should, and whatever reads a server's rows with somebody else's rights. Each fault comes with its remedy.
// It reads the catalog alone, never a server's row, and it mends nothing.
#pragma once

#include <string>
#include <vector>

#include "base/error.h"
#include "store/place.h"
#include "store/schema_session.h"
#include "tenancy/table.h"

namespace guildhall::tenancy {

struct Remedy {
  enum class By {
    owner,          // SQL: on PostgreSQL as guildhall_owner in schema guildhall, on SQLite in the file
    administrator,  // SQL for a login that may change roles
    hand,           // a sentence: there is no statement that would do it
  };
  By by = By::hand;
  std::string text;
};

struct CatalogFault {
  std::string table;   // or the view, function or role that is at fault
  std::string reason;  // "row-level security is off"
  Remedy remedy;
};
using CatalogFaults = std::vector<CatalogFault>;

/// Of one SQLite file. Throws DatabaseError.
CatalogFaults find_sqlite_faults(store::SchemaSession& file, const TableCatalog& tables);

/// A role that the process signs in as, and the scope that its sessions begin with (there should be none).
struct ConnectedLogin {
  std::string role;
  std::string scope = {};
};
ConnectedLogin look_at_login(store::SchemaSession& session);

/// Of the PostgreSQL database behind `session`, which may be anybody's: the catalog is open to all. `bot`
/// and `cross_server` are who the process signs in as. Throws DatabaseError.
CatalogFaults find_postgres_faults(store::SchemaSession& session, const TableCatalog& tables,
                                   const ConnectedLogin& bot, const ConnectedLogin& cross_server);

/// Of the database at that place, with the logins that the bot uses there. Errors: what opening brings. With
/// a file per server these are the faults of what belongs to no server.
Result<CatalogFaults> find_catalog_faults(const store::DatabasePlace& place, const TableCatalog& tables);

/// Error `refused_by_guard` names the first fault and its remedy, and how many more there are.
Result<void> refuse_faults(const std::string& database, const CatalogFaults& faults);

/// Who carries the remedy out, and what: for people.
std::string describe(const Remedy& remedy);

}  // namespace guildhall::tenancy
