#include "convert/sql_names.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace guildhall::convert {

using store::quoted_name;

std::string qualified(const OldSchema& schema, std::string_view name) {
  return schema.schema.empty() ? quoted_name(name)
                               : fmt::format("{}.{}", quoted_name(schema.schema), quoted_name(name));
}

std::string column_list(const std::vector<std::string>& columns, std::string_view prefix) {
  std::vector<std::string> names;
  for (const std::string& column : columns) names.push_back(fmt::format("{}{}", prefix, quoted_name(column)));
  return fmt::format("{}", fmt::join(names, ", "));
}

std::string parent_joins(const Scheme& scheme, const SchemeTable& child, std::string_view alias) {
  std::vector<std::string> joins;
  for (std::size_t at = 0; at < child.rule.parents.size(); ++at) {
    const Parent& parent = child.rule.parents[at];
    std::vector<std::string> equal;
    for (std::size_t key = 0; key < parent.columns.size(); ++key)
      equal.push_back(fmt::format("p{}.{} = {}.{}", at, quoted_name(parent.referenced[key]), alias,
                                  quoted_name(parent.columns[key])));
    joins.push_back(fmt::format("LEFT JOIN {} p{} ON {}", qualified(*scheme.schema, parent.table), at,
                                fmt::join(equal, " AND ")));
  }
  return fmt::format("{}", fmt::join(joins, " "));
}

std::string server_of_parents(const Scheme& scheme, const SchemeTable& child, bool by_then) {
  std::string cases;
  for (std::size_t at = 0; at < child.rule.parents.size(); ++at) {
    const Parent& parent = child.rule.parents[at];
    const SchemeTable* other = scheme.find(parent.table);
    const std::string server =
        other == nullptr || (!by_then && !other->has_column())
            ? std::to_string(scheme.home)
            : fmt::format("coalesce(nullif(p{}.{}, 0), {})", at, quoted_name(other->column()), scheme.home);
    cases +=
        fmt::format(" WHEN p{}.{} IS NOT NULL THEN {}", at, quoted_name(parent.referenced.front()), server);
  }
  return fmt::format("(CASE{} END)", cases);
}

}  // namespace guildhall::convert
