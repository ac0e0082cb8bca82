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

struct ArrayForm {
  std::string text;  // "" where there is none
  /// The parameters, without the colon, that may not be alike in all of these in two rows of one command: it
  /// may not change a row twice (21000).
  std::vector<std::string> distinct = {};
};

/// One command for what a statement does in many runs, every parameter but the server an array, all of one
/// length. Other statements than these have none:
///   "INSERT INTO t (a, b) VALUES (:server, :b)": "INSERT INTO t (a, b) SELECT :server, unnest(:b)". Behind
///   it
///     ON CONFLICT may stand, with DO NOTHING or with DO UPDATE of a key whose columns are among those that
///     are inserted. In place of a parameter a word, a number or a plain text may stand.
///   "INSERT INTO t (a, b) SELECT ... FROM u WHERE ..." with one other table, and
///   "UPDATE t SET ... WHERE discord_server_id = :server AND b = :b ...", both without parentheses: the
///     parameters are columns of "(SELECT unnest(:b) AS in_b, ...) AS given".
ArrayForm array_form(std::string_view sql);

}  // namespace guildhall::store::postgres
