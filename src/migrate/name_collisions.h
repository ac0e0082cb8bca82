// What a statement makes and what is there under that name already.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "migrate/looking.h"
#include "migrate/statement_reading.h"
#include "migrate/table_facts.h"

namespace guildhall::migrate {

struct Collision {
  enum class Kind {
    same,
    other,
    unsure  // as far as the texts tell another, but a database writes expressions in its own way
  };
  std::string what;  // "index links_once"
  Kind kind = Kind::unsure;
  std::string definition;  // of what is there
};

/// The relation, type or schema that a CREATE makes. An index that is not valid counts as none.
std::optional<Collision> find_object(Looking& looking, const StatementReading& reading,
                                     const TableFacts& facts);
/// The column or constraint that an action of ALTER TABLE adds.
std::optional<Collision> find_part(Looking& looking, const StatementReading& reading,
                                   const TableAction& action, const TableFacts& facts);

}  // namespace guildhall::migrate
