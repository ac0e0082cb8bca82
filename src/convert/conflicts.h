// What in the rows stands in the way of a conversion, asked of the live database before anything is changed.
// Each question is one pass over a table and bounded by the statement timeout of the Looking.
//
//   CV-TEXTID      values of a tenant column that are no whole numbers, or its type is none
//   CV-RANGE       server ids below 1 (0 counts for CV-ZERO) or above 2^63-1
//   CV-NOSERVER    rows without a server: the home's, or of an override all servers'
//   CV-ZERO        rows of server 0, in a table that is no override
//   CV-UNLISTED    rows of servers that the registry does not have
//   CV-CONTRADICT  rows of another server than their parent's
//   CV-ORPHAN      rows whose parent is not there, or that name none
//   CV-DUPLICATE   rows that could not stand beside each other under a new key
//   CV-MERGE       PostgreSQL: such rows, although others refer to the table
//   CV-TWINS       names of one server that differ in case, in blanks around them or in how they are composed
//   CV-POLICY      PostgreSQL: row security hides rows from this login
//   CV-UNKNOWN     what could not be looked at, and why
//
// An error stands in the way; a warning is dealt with as its hint says and every such row is listed in the
// report; an info is counted. Nobody's rows are shown but by their key.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "convert/scheme.h"
#include "convert/sums.h"
#include "migrate/looking.h"

namespace guildhall::convert {

inline constexpr int kExamples = 5;

struct Conflict {
  std::string code;
  migrate::Level level = migrate::Level::warning;
  std::string table;
  std::vector<std::string> columns = {};
  std::int64_t rows = 0;
  std::int64_t groups = 0;                 // of duplicates and twins
  std::vector<std::string> examples = {};  // at most kExamples, for people: "id 5: server 2, its parent 1"
};

/// Names that a member would take for one.
struct Twins {
  std::string table;
  std::string column;
  std::string server;              // "" while the home is not chosen
  std::vector<std::string> names;  // as they are written, two or more
};

struct Conflicts {
  std::vector<Conflict> list = {};
  std::vector<Twins> twins = {};
  migrate::Findings findings = {};  // one for each of the list, said for people

  const Conflict* find(std::string_view code, std::string_view table) const;
  /// None of them stands in the way.
  bool can_go_on() const;
};

/// Of every table of the scheme. Throws DatabaseError only when the connection is gone.
Conflicts find_conflicts(migrate::Looking& looking, const Scheme& scheme);

/// The same of names alone. What cannot be looked at is left out.
std::vector<Twins> find_twins(migrate::Looking& looking, const Scheme& scheme);
/// Of one column.
std::expected<std::vector<Twins>, migrate::Unanswered> find_twins(migrate::Looking& looking,
                                                                  const Scheme& scheme,
                                                                  const SchemeTable& table,
                                                                  const std::string& column);

/// What one table's rows say of servers and parents; what cannot be asked of its columns is 0.
struct RowCounts {
  std::int64_t without_server = 0;
  std::int64_t zeros = 0;
  std::int64_t negatives = 0;
  std::int64_t no_numbers = 0;  // SQLite: values of another type
  std::int64_t unlisted = 0;    // servers above 0 that the registry does not have
  std::int64_t contradicting = 0;
  std::int64_t without_parent = 0;  // names one that is not there
  std::int64_t naming_none = 0;     // the reference is empty
};

/// Nothing is read where nothing can be wrong. Unanswered: why the table could not be looked at.
std::expected<RowCounts, migrate::Unanswered> count_rows(migrate::Looking& looking, const Scheme& scheme,
                                                         const SchemeTable& table);

/// PostgreSQL: the same from a table's rows that are counted by server already, of one without parents.
/// `listed`: the servers that there are.
RowCounts counts_by_server(const Measured& rows, const std::set<std::string>& listed);

}  // namespace guildhall::convert
