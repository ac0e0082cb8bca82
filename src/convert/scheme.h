// What each table is to become: a description applied to a database as it stands. Whatever stands in the way
// is said here, before anything is done; nothing is guessed.
#pragma once

#include <cstdint>
#include <map>
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
  /// Its tenant column was not there when the conversion began: no row said anything by itself.
  bool is_column_new = false;

  const std::string& name() const { return rule.table; }
  const std::string& column() const { return rule.column; }
  /// A finished index has the rows in the order of servers.
  bool has_server_index() const;
  /// Its tenant column is there already.
  bool has_column() const { return table->column(rule.column) != nullptr; }
  bool is_override() const { return rule.table_class == TableClass::override; }
  bool is_child() const { return rule.table_class == TableClass::child; }
  /// The server of all rows while the table has no column for it.
  std::int64_t absent_value(std::int64_t home) const { return rule.absent == Absent::all ? 0 : home; }
  /// The server of a row that has none, although there is a column for it.
  std::int64_t null_value(std::int64_t home) const { return is_override() ? 0 : home; }
};

/// The map of rows that named no server when the conversion began, with the server of each (attribution.h).
struct Attribution {
  enum class Stage {
    filling,  // its rows get their servers
    settled,  // they have them; those that the old program made anew meanwhile get them at contract
    done      // from here on programs know what a server is
  };
  Stage stage = Stage::filling;
  std::string relation = {};  // SQL name of the table that has it; "": there is none
  std::int64_t conversion = 0;
  std::map<std::string, std::vector<std::string>> keys = {};  // by table, what the map knows a row by

  bool is_on() const { return !relation.empty(); }
  /// nullptr: no row of the table is in it.
  const std::vector<std::string>* find(const std::string& table) const;
};

struct Scheme {
  const OldSchema* schema = nullptr;
  Description description;
  std::int64_t home = 0;  // 0: not chosen yet
  Attribution attribution = {};
  std::vector<SchemeTable> tables = {};   // with a tenant column, parents before their children
  std::vector<std::string> global = {};   // that stay as they are, as the description has it
  std::vector<std::string> unknown = {};  // that it does not name, and nothing leads to: left alone
  /// What stands in the way (error), or should be known (warning, info). CV- codes.
  migrate::Findings findings = {};

  const SchemeTable* find(std::string_view table) const;
  /// A table that inherits, or a partition: it has the server column from another table of the scheme,
  /// together with that. References and policies are each table's own, and keys but those of a partitioned
  /// table.
  bool inherits_column(const SchemeTable& one) const;
  /// Its rows are also those of tables that inherit from it. Partitions are none.
  bool has_heirs(const SchemeTable& one) const;
  /// Of a partitioned table.
  std::vector<const SchemeTable*> partitions_of(const SchemeTable& one) const;
  /// The registry, where it is there.
  const Table* registry() const { return schema->find(description.registry.table); }
  /// Nothing among the findings stands in the way.
  bool can_go_on() const;
  /// The session may read the rows of the registry and of all tables.
  bool is_readable() const;
};

/// `schema` outlives it. Tables that the description does not name become children where a foreign key leads
/// from them to a key that is to change, tenants where they have a tenant column.
Scheme make_scheme(const OldSchema& schema, const Description& description);

/// A server's id as people write it: a whole number above 0 in 63 bits.
std::optional<std::int64_t> parse_server(std::string_view text);

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
