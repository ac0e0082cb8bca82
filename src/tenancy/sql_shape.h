// Reads a statement's SQL and answers: does every use of a sealed table meet
// `alias.discord_server_id = :server` on the same level, joined by AND? The database's own authorizer
// can tell that a column was read, not what it was compared with; this can.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace guildhall::tenancy {

struct TableUse {
  std::string table;
  std::string alias;  // the table's own name where it has none
};

struct SqlShape {
  std::vector<TableUse> sealed_uses;   // every use of a sealed table, inserts included
  std::optional<std::string> refusal;  // names the table and the reason
};

/// `is_sealed` says whether a table's rows belong to a server. The statement is one that the database
/// accepts; where it is built in a way that this reader does not know, it is refused.
SqlShape read_shape(std::string_view sql, const std::function<bool(std::string_view)>& is_sealed);

}  // namespace guildhall::tenancy
