// Registered statements as this database gets them, made once for all connections.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "store/postgres/libpq.h"
#include "store/postgres/sql_text.h"
#include "store/statement.h"

namespace guildhall::store::postgres {

struct PreparedText {
  std::string name;     // on the connection
  std::string written;  // the text with named parameters, which the gate reads
  NumberedSql sql;
  std::vector<Oid> types;
  std::vector<int> sources;  // of $1, $2, ...: index into StatementInfo::parameters, -1 for the server
};

struct PreparedTexts {
  PreparedText one;
  /// For a batch, if the statement has a form with arrays.
  std::optional<PreparedText> many;
  /// Parameters that may not be alike in two rows of one such command; none: all may.
  std::vector<std::size_t> distinct = {};
  bool announces = false;  // its writes concern what other processes hold in memory
};

/// `index` is the statement's in the registry, and makes its names.
PreparedTexts prepared_texts(const StatementInfo& info, std::size_t index);

using Calls = std::span<const std::vector<Value>>;

/// Does none of them have the values of another in all of these parameters?
bool are_distinct(Calls calls, const std::vector<std::size_t>& parameters);

/// One parameter's values of several calls as an array in PostgreSQL's binary form (array_recv in the
/// server's arrayfuncs.c), all numbers of 32 bits and big-endian: dimensions, whether there are NULLs, the
/// elements' type, how many, index of the first; then each element's length, -1 for NULL, and bytes.
Blob array_of(ValueType type, Calls calls, std::size_t parameter);

}  // namespace guildhall::store::postgres
