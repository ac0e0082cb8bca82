// What the rows say about servers, as far as the steps depend on it: counted, one pass over each table that
// has a tenant column already.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "convert/merging.h"
#include "convert/scheme.h"

namespace guildhall::convert {

struct ServerCounts {
  std::int64_t nulls = 0;
  std::int64_t zeros = 0;
  std::int64_t others = 0;  // above and below 0
  bool has_homes = false;
};

/// Rows that agree in a promised key (merging.h), which their table's rule makes one.
struct RowsAlike {
  std::string table;
  std::string key;    // RowKey::name
  Folded names = {};  // of a key that folds: under which there are some
};

/// Rows that the map has another server for (attribution.h).
struct Misplaced {
  std::int64_t rows = 0;   // but for
  std::int64_t zeros = 0;  // those of server 0
};

struct RowFacts {
  bool home_is_registered = false;
  /// Servers other than the home that rows or the map name and the registry does not, with their rows.
  std::map<std::int64_t, std::int64_t> unregistered = {};
  std::map<std::string, ServerCounts> servers = {};  // of tables that have the column
  /// Rows of a child whose parent is another server's, or will be once its own server is known.
  std::map<std::string, std::int64_t> contradicting = {};
  std::vector<RowsAlike> alike = {};
  std::map<std::string, Misplaced> misplaced = {};

  const ServerCounts* find(const std::string& table) const;
  /// All rows are the home's, or will be: no row names another server.
  bool is_home_alone(const std::string& table) const;
  const RowsAlike* find(const std::string& table, const RowKey& key) const;
};

/// `session` is in no transaction, and the home is chosen. Throws DatabaseError.
RowFacts read_row_facts(store::SchemaSession& session, const Scheme& scheme);

}  // namespace guildhall::convert
