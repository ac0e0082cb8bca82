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

}  // namespace guildhall::store
