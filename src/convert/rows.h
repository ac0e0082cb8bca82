// A table's rows in SQL, each with the server that it belongs to once the conversion has run: what questions
// about rows are put together from.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "convert/scheme.h"
#include "convert/sql_names.h"

namespace guildhall::convert {

/// t."name"
std::string column_sql(std::string_view alias, std::string_view column);

/// Its tenant column is there, and of a type of whole numbers: nothing else can be compared with a server's
/// id. SQLite's columns hold anything, whatever their type.
bool has_number_column(const Scheme& scheme, const SchemeTable& table);

/// Those of a child's parents that are in the scheme and have the columns.
std::vector<const Parent*> known_parents(const Scheme& scheme, const SchemeTable& table);

/// SQL: the server that row `alias` of the table names itself, or the home's where it names none; NULL while
/// the home is not chosen. 0 of an override that names none.
std::string own_server(const Scheme& scheme, const SchemeTable& table, std::string_view alias);

/// SQL of LEFT JOINs of a table's row `alias` to its parents, p0, p1, ...: each with its key k0, k1, ... and
/// its `server`, at most one row each.
std::string joined_parents(const Scheme& scheme, const SchemeTable& table, std::string_view alias);

/// SQL: a sub-query of the table's columns and `guildhall_server`: the first parent's that has such a row,
/// else its own as above. Of a child only its direct parents are asked.
std::string rows_by_server(const Scheme& scheme, const SchemeTable& table);

/// The columns by which people know a row: of its primary key, else of its first key, else the first three.
std::vector<std::string> shown_key(const Table& table);

}  // namespace guildhall::convert
