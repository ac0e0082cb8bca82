// A refused row as it was put down: one JSON object, in which a number has digits that no computer's own
// numbers hold, and of a SQLite file a text stands in quotes as SQL has it.
#pragma once

#include <boost/json/object.hpp>
#include <optional>
#include <string>

namespace guildhall::convert {

/// Its columns in their order; each value NULL or a text, numbers and truth values in the words that stood
/// there. Nothing where it is no such object.
std::optional<boost::json::object> parse_refused_row(const std::string& row);

}  // namespace guildhall::convert
