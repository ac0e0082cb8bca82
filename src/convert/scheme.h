// What each table is to become: a description applied to a database as it stands. Whatever stands in the way
// is said here, before anything is done; nothing is guessed.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "convert/description.h"
#include "convert/old_schema.h"
#include "migrate/finding.h"

namespace guildhall::convert {

struct SchemeTable {
  TableRule rule;
  const Table* table = nullptr;  // within the OldSchema that the scheme is of
  std::string reason;            // for people: why it has that class

  const std::string& name() const { return rule.table; }
  const std::string& column() const { return rule.column; }
  /// Its tenant column is there already.
  bool has_column() const { return table->column(rule.column) != nullptr; }
};

struct Scheme {
  const OldSchema* schema = nullptr;
  Description description;
  std::int64_t home = 0;                // 0: not chosen yet
  std::vector<SchemeTable> tables = {};  // with a tenant column, parents before their children
  std::vector<std::string> global = {};  // that stay as they are, as the description has it
  std::vector<std::string> unknown = {};  // that it does not name, and nothing leads to: left alone
  /// What stands in the way (error), or should be known (warning, info). CV- codes.
  migrate::Findings findings = {};

  const SchemeTable* find(std::string_view table) const;
  bool can_go_on() const;
};

/// `schema` outlives it. Tables that the description does not name become children where a foreign key leads
/// from them to a key that is to change, tenants where they have a tenant column.
Scheme make_scheme(const OldSchema& schema, const Description& description);

/// Who may be the home of rows that name no server.
struct Candidate {
  std::int64_t server = 0;
  std::string name = {};  // as the registry has it
  struct Source {
    std::string table;
    std::int64_t rows = 0;
  };
  std::vector<Source> sources = {};  // that name it, best evidence first
};

/// From the description's evidence, then from the registry; most rows of the best evidence first. Throws
/// DatabaseError.
std::vector<Candidate> find_candidates(store::SchemaSession& session, const Scheme& scheme);

}  // namespace guildhall::convert
