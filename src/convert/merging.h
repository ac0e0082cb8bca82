// PostgreSQL: rows of one server that cannot stand beside each other under a key become one, by the rule of
// their table (`duplicates`).
//
//   sum      the newest of them stays, with the sum of what all have in `sums`; the others are "merged"
//   newest   the one with the greatest `newest_by` stays; the others are "put aside"
//   first    the one that has its server, and of those the one with the least key; likewise
//
// Some groups of rows at a time, each time in a transaction: first the rows are locked, so that nobody's
// write to them is lost, then they are read again and made one. Every row that goes is written down with the
// reason (conversion.h). Which rows there are is asked of the table itself each time: whoever is killed goes
// on where he was, and a table without such rows has no such step.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "convert/scheme.h"
#include "convert/step.h"

namespace guildhall::convert {

/// What rows of one server agree in that have to become one.
struct RowKey {
  std::vector<std::string> columns;  // for people, without the server: "kick_username"
  std::vector<std::string> parts;    // the same as SQL of row t
  std::string predicate = {};        // SQL: only rows for which it holds
  bool nulls_are_equal = false;
  std::string folded = {};  // one of the columns: names that fold to one (base/text.h) are the same there

  /// "kick_username", "kick_username in any case": tells a table's keys apart.
  std::string name() const;
};

/// Names by what they fold to.
using Folded = std::map<std::string, std::set<std::string>>;

/// Unique keys that have the server in them already: rows that name none come to stand beside the home's,
/// whatever is to become of them.
std::vector<RowKey> keys_with_server(const SchemeTable& table);
/// Keys that the description alone has.
std::vector<RowKey> declared_keys(const SchemeTable& table);
/// Where rows are to become one: those, and where the description says so each key with a folded name in it.
/// The old program may break them for as long as it runs.
std::vector<RowKey> promised_keys(const SchemeTable& table);

/// Among rows as they are now: SQL whose answer has a row where some agree in a key that folds nothing.
std::string ask_for_duplicates(const Scheme& scheme, const SchemeTable& table, const RowKey& key);
/// SQL whose first column has the numbers, from 1, of those folded names under which rows agree.
std::string ask_for_duplicates(const Scheme& scheme, const SchemeTable& table, const RowKey& key,
                               const Folded& names);

/// Makes them one. `zero_is_home`: rows of server 0 are the home's by then. `names`: of a key that folds.
Step merge_step(const Scheme& scheme, const SchemeTable& table, const RowKey& key, bool zero_is_home,
                const Folded& names = {});

/// Other tables with rows that refer to a row of this one, by a foreign key or as their parent.
std::vector<std::string> referring_tables(const Scheme& scheme, const SchemeTable& table);

}  // namespace guildhall::convert
