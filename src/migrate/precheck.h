// What is in the data that would make a migration fail, found before it waits for any lock: derived from its
// statements, asked of the rows as they are now.
//
//   P-UNIQUE      rows that share what is to be unique: index (also over expressions, also partial),
//                 constraint, primary key
//   P-CHECK       rows that break a new CHECK, or one that is to be validated
//   P-NOTNULL     rows without a value where there has to be one
//   P-FOREIGNKEY  rows that refer to rows that are not there
//   P-CAST        values that do not fit the new type of their column
//   P-ROLE        roles that are named and do not exist
//   P-EXTENSION   extensions that this server does not offer
//   P-EXISTS      an object of that name is there already, the same or another
//   P-RIGHT       a right that the role of the session lacks (rights.h)
//   P-UNKNOWN     what could not be looked at, and why; stops nothing
//
// Statements within DO blocks count too. What the same run makes beforehand (tables, columns) has no rows yet
// and is left out; where it writes to a table beforehand, what is found there is a warning, since it may be
// mended by then. SQLite knows neither roles nor extensions nor changes of type, and no constraint can be
// added there.
#pragma once

#include <string>
#include <vector>

#include "migrate/looking.h"
#include "migrate/table_facts.h"

namespace guildhall::migrate {

struct PrecheckFinding {
  Finding finding;  // named by the file
  std::string migration = {};
  std::string table = {};  // as it is written; "" when it is of none
  std::int64_t count = 0;  // of rows; of duplicates: of groups
  /// Up to twenty rows (of duplicates: the rows of up to twenty groups, a group's newest first): the primary
  /// key, the columns concerned, and of duplicates other ids and the time.
  std::vector<std::string> columns = {};
  std::vector<std::vector<std::string>> rows = {};
  std::string repair = {};  // SQL to be looked at and changed, or ""
};

inline constexpr int kShownKeys = 20;

/// In the order of the statements; of those of migration `only`, or of all. `pending`: the run, as far as
/// that.
std::vector<PrecheckFinding> precheck(Looking& looking, std::span<const Pending> pending,
                                      const TableFacts& facts, const std::string& only = {});

/// The file of repairs: for each finding what it is about, and SQL.
std::string repair_file(const std::string& migration, const std::vector<PrecheckFinding>& findings);

}  // namespace guildhall::migrate
