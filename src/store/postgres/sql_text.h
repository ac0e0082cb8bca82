// Statements are written with named parameters; PostgreSQL wants numbers.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace guildhall::store::postgres {

struct NumberedSql {
  std::string text;                // "... WHERE discord_server_id = $1 AND key = $2"
  std::vector<std::string> names;  // of $1, $2, ..., without the colon: "server", "key"
};

/// Each name gets one number, however often it stands there. Text in quotes, comments and `::` casts are
/// left alone.
NumberedSql number_parameters(std::string_view sql);

}  // namespace guildhall::store::postgres
