// The files of servers in the layout `sqlite-per-server:DIR`, outside of a running bot.
#pragma once

#include <vector>

#include "store/database.h"
#include "store/schema_session.h"

namespace guildhall::store {

/// Makes it from what the directory says of the server; nothing happens when it is there and sound. Error
/// `storage` names the file.
Result<void> make_server_file(const DatabasePlace& place, const TableHomes& homes, const FileOptions& options,
                              ServerId server);

/// Gives up a file that is gone: the server's next work makes it anew. Errors: `usage` (it is there),
/// `storage`.
Result<void> give_up_server_file(const DatabasePlace& place, const TableHomes& homes, ServerId server);

/// The servers whose file is gone, in the order of their ids. `directory`: a session on the place's
/// directory. Throws DatabaseError.
std::vector<ServerId> vanished_files(SchemaSession& directory, const DatabasePlace& place);

/// What seals a server's file off: in every table with the tenant column a CHECK pins it to the file's
/// server, whichever program writes. For tables that a migration has just made, or made anew, in its
/// transaction, or in one of its own where none is open. Nothing where the file has no marker: it is no
/// server's. Throws DatabaseError.
void pin_server_file(SchemaSession& file);

/// The file of what belongs to no server, of the layout in which this is a server's.
std::string directory_beside(const std::string& server_file);

}  // namespace guildhall::store
