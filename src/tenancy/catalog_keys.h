// Words that both halves of the catalog gate use.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "tenancy/catalog.h"

namespace guildhall::tenancy {

/// "CREATE UNIQUE INDEX i ON t (a, b) ..." with the tenant column as the first of its columns; so also
/// "PRIMARY KEY (a, b)". `with` is what follows the column.
inline std::string with_tenant_first(std::string sql, std::string_view with = "") {
  const auto on = sql.find(" ON ");
  const auto open = sql.find('(', on == std::string::npos ? 0 : on);
  if (open == std::string::npos) return sql;
  const std::string further = fmt::format(", {}{}", kTenantColumn, with);
  if (const auto at = sql.find(further, open); at != std::string::npos) sql.erase(at, further.size());
  return sql.insert(open + 1, fmt::format("{}{}, ", kTenantColumn, with));
}

/// A foreign key as both databases describe it: its columns here and there, in order.
struct ForeignKey {
  std::string name;
  std::string table;
  std::string target;
  std::vector<std::string> from;
  std::vector<std::string> to;
};

/// Why a foreign key is open, or "". A server's row may point at a row of the same server only, and a row
/// of no server may point at no server's row but its registration.
inline std::string why_open(const ForeignKey& key, const TableSpec& table, const TableCatalog& tables) {
  const bool here = table.table_class != TableClass::global;
  if (here && (key.from.front() != kTenantColumn || key.to.front() != kTenantColumn)) {
    return fmt::format("its foreign key to {} does not begin with {} on both sides", key.target,
                       kTenantColumn);
  }
  const TableSpec* target = tables.find(key.target);
  if (!here && (target == nullptr || has_servers_rows(*target)))
    return fmt::format("belongs to no server, but a foreign key leads to rows of servers in {}", key.target);
  return "";
}

}  // namespace guildhall::tenancy
