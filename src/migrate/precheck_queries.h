// The questions that prechecks ask of a table's rows, and the repairs that they propose, as SQL.
#pragma once

#include <string>
#include <vector>

#include "migrate/table_facts.h"

namespace guildhall::migrate {

/// A table of which something is asked.
struct AskedTable {
  std::string name;  // as it is written
  const TableFact& fact;
  Dialect dialect;

  /// What names a row: its primary key, or where it lies.
  std::vector<std::string> row_key() const;
  /// The column that most likely tells which row is newer, quoted; "" where none does.
  std::string time_column() const;
  /// Those columns of the table that a text names, quoted.
  std::vector<std::string> columns_in(const std::string& sql) const;
};

struct Violation {
  std::string condition;             // of the rows that are wrong
  std::vector<std::string> columns;  // concerned
  std::string alias = {};            // " AS origin" where the condition calls the table so
};
std::string count_of(const AskedTable& table, const Violation& violation);
/// The columns of `rows_of`, in their order.
std::vector<std::string> shown_columns(const AskedTable& table, const Violation& violation);
std::string rows_of(const AskedTable& table, const Violation& violation);

Violation violates_check(const AskedTable& table, const std::string& expression);
Violation lacks_value(const std::string& column);
/// `referenced_key`: of the other table's columns, as many as `constraint` has.
Violation refers_to_nothing(const AskedTable& table, const Constraint& constraint,
                            const std::vector<std::string>& referenced_key);
/// Rows whose value does not fit; an empty condition where that cannot be told row by row.
Violation does_not_fit(const AskedTable& table, const std::string& column, const std::string& old_type,
                       const std::string& new_type);

struct UniqueKey {
  std::vector<std::string> keys;  // columns or expressions
  std::string where;              // of a partial index
  bool nulls_not_distinct = false;
};
/// One row: the groups, and the rows that are too many.
std::string count_of_duplicates(const AskedTable& table, const UniqueKey& key);
std::vector<std::string> shown_columns(const AskedTable& table, const UniqueKey& key);
std::string duplicates_of(const AskedTable& table, const UniqueKey& key);

/// Deletes all but the newest of each group.
std::string repair_duplicates(const AskedTable& table, const UniqueKey& key);
/// Sets a column to the bound that a simple comparison gives; otherwise a statement to be completed.
std::string repair_check(const AskedTable& table, const std::string& expression);
std::string repair_not_null(const AskedTable& table, const std::string& column);
std::string repair_reference(const AskedTable& table, const Constraint& constraint,
                             const Violation& violation);
/// A statement to be completed.
std::string repair_by_hand(const AskedTable& table, const Violation& violation);

}  // namespace guildhall::migrate
