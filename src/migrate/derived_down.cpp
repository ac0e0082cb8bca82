#include "migrate/derived_down.h"

#include "migrate/derived_down_parts.h"

namespace guildhall::migrate {

std::string DerivedDown::script() const {
  std::string text;
  for (const std::string& statement : statements) text += statement + ";\n";
  return text;
}

DerivedDown no_way_back(std::string reason) { return {{}, {}, std::move(reason)}; }

DerivedDown derive_down(const SchemaSnapshot& before, const SchemaSnapshot& after, Dialect dialect,
                        bool changes_data) {
  if (changes_data) return no_way_back("it changes rows that were there before, and what they held is gone");
  return dialect == Dialect::postgres ? derive_down_postgres(before, after)
                                      : derive_down_sqlite(before, after);
}

}  // namespace guildhall::migrate
