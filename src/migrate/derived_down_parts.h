// What derived_down.cpp and the two databases' files share.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "migrate/derived_down.h"

namespace guildhall::migrate {

DerivedDown no_way_back(std::string reason);
DerivedDown derive_down_postgres(const SchemaSnapshot& before, const SchemaSnapshot& after);
DerivedDown derive_down_sqlite(const SchemaSnapshot& before, const SchemaSnapshot& after);

/// So that each stands before those that it speaks of in its definition, and otherwise as they stand.
/// `speaks(a, b)`: does a's definition name b?
template <class Speaks>
std::vector<const SchemaObject*> dependents_first(const std::vector<const SchemaObject*>& objects,
                                                  Speaks speaks) {
  std::vector<const SchemaObject*> ordered;
  std::vector<bool> seen(objects.size(), false);
  const auto visit = [&](const auto& self, std::size_t i) -> void {
    if (seen[i]) return;
    seen[i] = true;
    for (std::size_t j = 0; j < objects.size(); ++j) {
      if (j != i && !seen[j] && speaks(*objects[j], *objects[i])) self(self, j);
    }
    ordered.push_back(objects[i]);
  };
  for (std::size_t i = 0; i < objects.size(); ++i) visit(visit, i);
  return ordered;
}

}  // namespace guildhall::migrate
