// A description drafted from the catalog of a database that nobody has described yet. What the catalog does
// not say is left open, for a person to decide: a description with such a gap is refused, with the line.
#pragma once

#include <string>
#include <vector>

#include "convert/old_schema.h"
#include "migrate/outcome.h"

namespace guildhall::convert {

struct Draft {
  std::string text;                    // convert.toml
  std::vector<std::string> undecided;  // tables without a class
};

Draft draft_description(const OldSchema& schema);
/// Writes it into a new file. Problem `usage`: the file is there already, or cannot be made.
migrate::Outcome<Draft> write_draft(store::SchemaSession& session, migrate::Dialect dialect,
                                    const std::string& file);

}  // namespace guildhall::convert
