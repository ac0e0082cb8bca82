// What verify.h asks of a SQLite file that became one server's own (sqlite_file_way.h): nothing of it was
// copied and no row written, so that it holds what it held where its tables are what they were, but for their
// column. For verify.cpp alone.
#pragma once

#include <string>
#include <vector>

#include "convert/conversion.h"
#include "convert/scheme.h"

namespace guildhall::convert {

/// Whether `things`, which a conversion remembers, are of that way.
bool is_file_way(const std::vector<Before>& things);

/// Each for people; none where all is well. Throws DatabaseError.
std::vector<std::string> wrong_marks(store::SchemaSession& session, const Scheme& scheme);
/// Columns and constraints that are not what they were, and a column for the server without its constant.
std::vector<std::string> changed_tables(const Scheme& scheme, const std::vector<Before>& things);
/// Counters of ids that went back.
std::vector<std::string> lower_counters(store::SchemaSession& session, const std::vector<Before>& things);

}  // namespace guildhall::convert
