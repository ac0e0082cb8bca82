// Statements are written with named parameters and for one row; PostgreSQL wants numbers, and takes many rows
// as arrays.
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

/// Of "INSERT INTO t (a, b) VALUES (:server, :b)", also with ON CONFLICT ... DO NOTHING behind it: "INSERT
/// INTO t (a, b) SELECT :server, unnest(:b)", to be run for many rows at once, every parameter but the server
/// an array, all of one length. In place of a parameter a word, a number or a plain text may stand. "" for
/// every other statement, also for an INSERT that would change a row that is there: one command may not
/// change a row twice (21000).
std::string array_form(std::string_view sql);

}  // namespace guildhall::store::postgres
