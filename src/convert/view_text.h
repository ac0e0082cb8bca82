// The text of a view that groups by a table's primary key, for when that key begins with the server.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace guildhall::convert {

/// `definition` is as PostgreSQL writes it, with every name qualified. Where GROUP BY names a column of the
/// key for some alias of the table (its name, with its schema or without), the server's column is put beside
/// it: the groups stay what they are, and the rest of the view may name the table's other columns as before.
/// Error `failed`: it is not text that is understood. Unchanged where it does not group by the key.
Result<std::string> group_by_server(std::string_view definition, std::string_view table,
                                    const std::vector<std::string>& key, std::string_view server_column);

}  // namespace guildhall::convert
