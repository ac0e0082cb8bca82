// A refused row as it was put down: one JSON object, in which a number has digits that no computer's own
// numbers hold, and of a SQLite file a text stands in quotes as SQL has it.
#pragma once

#include <boost/json/object.hpp>
#include <optional>
#include <string>
#include <vector>

#include "convert/conversion.h"
#include "convert/scheme.h"

namespace guildhall::convert {

/// Its columns in their order; each value NULL or a text, numbers and truth values in the words that stood
/// there. Nothing where it is no such object.
std::optional<boost::json::object> parse_refused_row(const std::string& row);

/// Those that are in their table no more with what they held; whichever server they are of. Throws
/// DatabaseError.
std::vector<Refused> rows_not_there(store::SchemaSession& session, const Scheme& scheme,
                                    const SchemeTable& table, const std::vector<Refused>& refused);

}  // namespace guildhall::convert
