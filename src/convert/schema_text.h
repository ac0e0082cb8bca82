// A schema as text, to be remembered in the database that it is of, and read again by a later run.
#pragma once

#include <string>
#include <string_view>

#include "convert/old_schema.h"

namespace guildhall::convert {

/// JSON, for `parse_schema` alone.
std::string schema_text(const OldSchema& schema);
/// Throws ErrorException where it is none, or of a newer program.
OldSchema parse_schema(std::string_view text);

}  // namespace guildhall::convert
