// Sessions of the logins that the configuration names, and what stands in the way in plain words: a server
// that is not there or too old, a wrong password, a role that is missing, a database that was never set
// up or belongs to another program.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "store/database_error.h"
#include "store/place.h"
#include "store/schema_session.h"

namespace guildhall::store::postgres {

class Session;

enum class Signer { bot, cross_server, migrate };

/// Signs in; `migrate` acts as the owner of the tables. Errors: `storage` (cannot connect, too old),
/// `schema` (never set up), `refused_by_guard` (another program's), `configuration` (address missing).
Result<std::unique_ptr<SchemaSession>> open_session(const DatabasePlace& place, Signer signer,
                                                    const std::string& settings = "");

/// Anybody's database, with these settings of the session. Errors as above, of the address itself.
Result<std::unique_ptr<SchemaSession>> open_guest_session(const std::string& url, const std::string& name,
                                                          const std::string& settings);

/// Error `storage` when it is older than what Guildhall needs.
Result<void> check_server_version(const Session& session);

/// Why a connection was refused. `with`: the key or flag whose address it was.
Error refusal(const std::string& name, std::string_view with, const DatabaseError& error);

/// What lies in a database, as far as it says whose it is.
struct Contents {
  std::string schema_owner;    // of schema guildhall; "" when there is none
  bool has_tables = false;     // in that schema
  bool has_journal = false;    // of Guildhall's migrations
  bool others_tables = false;  // in other schemas
};
Contents look_at_contents(SchemaSession& session);

/// The SCRAM-SHA-256 verifier of a password (RFC 5803), for CREATE and ALTER ROLE: then the password itself
/// is in no statement that the server may log. `url`: a login that works there. Throws DatabaseError.
std::string scram_verifier(const std::string& url, const std::string& role, const std::string& password);

}  // namespace guildhall::store::postgres
