// The class of every table. Whoever owns a table declares it; a table of no declared class stops the
// start.
#pragma once

#include <map>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "store/database.h"

namespace guildhall::tenancy {

/// The tenant column, in every table of class T and C and in the registry.
using store::kTenantColumn;

enum class TableClass {
  tenant,    // T: a server's rows
  child,     // C: rows below a T row, tied to it by a key that has the server in it
  global,    // G: belongs to no server
  registry,  // R: the servers themselves
};

struct TableSpec {
  std::string name;
  TableClass table_class = TableClass::tenant;
  std::string owner;
  /// May a set-based job reach it through the cross-server door?
  bool cross_server = false;
  /// Class G only: may a server's statement read it? Every server sees the same in it.
  bool shared = false;
  /// Do processes hold it in memory? A change is announced to the others.
  bool held = false;
  /// Empty between transactions: there is nothing in it to read, to erase or to take along.
  bool transient = false;
};

/// Class T and C. The registry is the servers.
inline bool has_servers_rows(const TableSpec& table) {
  return table.table_class == TableClass::tenant || table.table_class == TableClass::child;
}

/// Triggers act where statements do not show it, and there are none but these: the journal of migrations
/// (migrate/journal.h) refuses to be rewritten by them.
inline bool is_guard_of_journal(std::string_view table, std::string_view trigger) {
  return table == "migration_journal" && trigger.starts_with("migration_journal_");
}

class TableCatalog {
 public:
  /// After the tables that its foreign keys name.
  void add(TableSpec spec) {
    const std::string name = spec.name;
    if (!tables_.emplace(name, std::move(spec)).second)
      throw std::logic_error("table declared twice: " + name);
    in_order_.push_back(name);
  }
  const TableSpec* find(std::string_view name) const {
    const auto found = tables_.find(name);
    return found == tables_.end() ? nullptr : &found->second;
  }
  /// Do its rows belong to a server?
  bool is_sealed(std::string_view name) const {
    const TableSpec* spec = find(name);
    return spec != nullptr && spec->table_class != TableClass::global;
  }
  const std::map<std::string, TableSpec, std::less<>>& all() const { return tables_; }
  /// Where the rows of each lie when every server has a database of its own.
  store::TableHomes homes() const;
  /// The names as they were declared: a table stands behind those that it refers to.
  const std::vector<std::string>& in_order() const { return in_order_; }

 private:
  std::map<std::string, TableSpec, std::less<>> tables_;
  std::vector<std::string> in_order_;
};

/// The tables of migration 0001, which belong to no feature.
void declare_core_tables(TableCatalog& catalog);

}  // namespace guildhall::tenancy
