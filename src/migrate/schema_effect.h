// What a migration did to the schema, as the journal keeps it; and whether a way back undid just that.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "migrate/derived_down.h"
#include "migrate/schema_snapshot.h"
#include "migrate/sql_statements.h"

namespace guildhall::migrate {

/// "added table public.t", "changed column public.t.x", a line for each.
std::vector<std::string> change_lines(const std::vector<SchemaDifference>& changes);

/// How the lines of a way back differ from those that it undoes: "still there: ...; too much: ...", or "".
std::string not_undone(const std::vector<std::string>& made, const std::vector<std::string>& undone);

/// The way back of what these statements made of `before`: none where they changed rows that were there
/// before, since nobody knows what those were.
DerivedDown derive_way_back(std::span<const SqlStatement> statements, const SchemaSnapshot& before,
                            const SchemaSnapshot& after, Dialect dialect);

}  // namespace guildhall::migrate
