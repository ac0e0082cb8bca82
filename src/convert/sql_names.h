// SQL that the questions and the steps of this room share: names, and how a child finds its parent.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "convert/scheme.h"
#include "store/quoting.h"

namespace guildhall::convert {

/// "public"."user_points"; of SQLite the name alone.
std::string qualified(const OldSchema& schema, std::string_view name);
/// "a", "b"; each behind `prefix`.
std::string column_list(const std::vector<std::string>& columns, std::string_view prefix = "");
/// What an index compares of row `alias`: a column, or an expression, with the index's own collation; without
/// its operator class and its order, which nothing but an index has.
std::string compared_sql(const IndexPart& part, std::string_view alias);

/// LEFT JOINs from the child, which is called `alias`, to its parents, which are called p0, p1, ...
std::string parent_joins(const Scheme& scheme, const SchemeTable& child, std::string_view alias);
/// SQL: no parent of row `alias` is there.
std::string has_no_parent(const Scheme& scheme, const SchemeTable& child, std::string_view alias);
/// SQL, ARRAY[...]: what the map knows row `alias` by.
std::string map_key_sql(const std::vector<std::string>& key, std::string_view alias);
/// SQL: `map` is an entry of this conversion's map, of that table.
std::string is_mapped(const Scheme& scheme, const SchemeTable& table, std::string_view map);
/// SQL: the server that the map has for row `alias`, or NULL; "" where it has no row of that table.
std::string mapped_server(const Scheme& scheme, const SchemeTable& table, std::string_view alias);
/// The server of the first parent that there is, within those joins; NULL where there is none. A parent's
/// that has none yet is that of the map, or the home. `by_then`: each parent has its own when the statement
/// runs.
std::string server_of_parents(const Scheme& scheme, const SchemeTable& child, bool by_then = false);

}  // namespace guildhall::convert
