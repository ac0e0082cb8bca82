// The rows of a SQLite file one after another, without a copy of any: for what reads all of a large table.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>

#include "store/schema_session.h"

namespace guildhall::store {

/// A value as SQLite holds it, whatever the column says.
struct Cell {
  enum class Kind { null, integer, real, text, blob };
  Kind kind = Kind::null;
  std::int64_t integer = 0;
  double real = 0;
  std::string_view bytes = {};  // of a text or a blob, each byte of it
};
using CellRow = std::span<const Cell>;

/// Tells `see` of each row that one reading statement answers, until it answers false; what it is told holds
/// until it returns. Throws DatabaseError, and std::logic_error when it is no session of a file.
void read_sqlite_rows(SchemaSession& session, const std::string& sql,
                      const std::function<bool(CellRow)>& see);

}  // namespace guildhall::store
