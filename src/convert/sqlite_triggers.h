// Which triggers of a SQLite file still run, asked of SQLite without a row being written.
//
// SQLite makes a trigger of any text, and looks at what it names only when a write fires it: one that names
// what is gone stands in the schema as before, and each such write fails. So every trigger is put into the
// program of the writes that fire it, which SQLite then has to read.
#pragma once

#include <map>
#include <set>
#include <string>

#include "store/schema_session.h"

namespace guildhall::convert {

struct TriedTrigger {
  std::string table;  // or view
  std::string definition;
  /// Of "DELETE", "INSERT" and "UPDATE" those on which it runs. None where it would fail, where it waits for
  /// a change of columns that there are not, or calls functions of the program's own, which SQLite alone does
  /// not know.
  std::set<std::string> events = {};
};

/// By name.
using TriedTriggers = std::map<std::string, TriedTrigger>;

/// Of all tables and views but the tool's own, each alone: what another trigger lacks is not its fault.
/// Within a transaction, and everything is as it was afterwards. `columns`: in double quotes these names mean
/// columns alone, while SQLite takes one that is no column's for a text. Throws DatabaseError.
TriedTriggers try_triggers(store::SchemaSession& session, const std::set<std::string>& columns);

}  // namespace guildhall::convert
