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

/// LEFT JOINs from the child, which is called `alias`, to its parents, which are called p0, p1, ...
std::string parent_joins(const Scheme& scheme, const SchemeTable& child, std::string_view alias);
/// The server of the first parent that there is, within those joins; NULL where there is none. A parent's
/// that has none yet is the home. `by_then`: each parent has its tenant column when the statement runs.
std::string server_of_parents(const Scheme& scheme, const SchemeTable& child, bool by_then = false);

}  // namespace guildhall::convert
