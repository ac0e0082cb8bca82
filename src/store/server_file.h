// Makes the file of a server in the layout `sqlite-per-server:DIR` outside of a running bot.
#pragma once

#include "store/database.h"

namespace guildhall::store {

/// From what the directory says of the server; nothing happens when the file is there and sound. Error
/// `storage` names the file.
Result<void> make_server_file(const DatabasePlace& place, const TableHomes& homes, const FileOptions& options,
                              ServerId server);

}  // namespace guildhall::store
