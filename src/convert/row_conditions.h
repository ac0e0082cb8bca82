// What may be wrong with a row of a table, as conditions in SQL, for those who count such rows and those who
// name some of them.
#pragma once

#include <string>

#include "convert/scheme.h"

namespace guildhall::convert {

/// Each is SQL on `from`, where the row is t and its parents are p0, p1, ...; "" where the table has no such
/// column, or no parents.
struct RowConditions {
  RowConditions(const Scheme& scheme, const SchemeTable& table);

  std::string from;
  std::string without_server = {};
  std::string zero = {};
  std::string negative = {};
  std::string no_number = {};
  std::string unlisted = {};
  std::string contradicting = {};
  std::string without_parent = {};
  std::string naming_none = {};
  std::string parent_server = {};  // SQL of a number

  /// SQL: the registry does not have that server, and will not: the home joins it in any case.
  static std::string not_listed(const Scheme& scheme, const std::string& column);
};

}  // namespace guildhall::convert
