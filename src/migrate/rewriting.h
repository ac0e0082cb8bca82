// Whether PostgreSQL 15 writes a table anew or reads all of it, for lint and plan (manual, ALTER TABLE,
// notes).
#pragma once

#include <string>

#include "migrate/table_facts.h"

namespace guildhall::migrate {

/// A new column whose value is another in each row: a volatile default, as far as the names of PostgreSQL's
/// own functions tell, serial, identity, or a generated one. Adding it rewrites the table.
bool differs_from_row_to_row(const ColumnDefinition& column, Dialect dialect);
/// Fills itself, so that NOT NULL needs no default.
bool fills_itself(const ColumnDefinition& column);

/// Does the table stay as it is on disk? Types that are binary coercible, or only less constrained.
bool keeps_its_form(const std::string& from_type, const std::string& to_type);
bool is_unlimited_text(const std::string& type);

/// A validated CHECK says already that the column is not NULL: then SET NOT NULL reads nothing.
bool is_proven_not_null(const TableFact& table, const std::string& column, Dialect dialect);

}  // namespace guildhall::migrate
