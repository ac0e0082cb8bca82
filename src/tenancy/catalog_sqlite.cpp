#include <map>
#include <set>

#include "tenancy/catalog_keys.h"
#include "tenancy/postgres_roles.h"

namespace guildhall::tenancy {
namespace {

using Rows = store::SchemaSession::Rows;
using By = Remedy::By;

constexpr std::string_view kMakeAnew =
    "SQLite cannot change this in place: put back a copy of the database from before the change, or move the "
    "rows into a table made as its migration says.";

class SqliteCatalog {
 public:
  SqliteCatalog(store::SchemaSession& file, const TableCatalog& tables) : file_(file), tables_(tables) {}

  CatalogFaults find() {
    if (file_.query("PRAGMA foreign_keys").at(0).at(0) != "1")
      add("connection", "foreign keys are not enforced", {By::owner, "PRAGMA foreign_keys = ON"});
    look_at_tables();
    look_at_columns();
    look_at_indexes();
    look_at_foreign_keys();
    look_at_programs();
    return std::move(faults_);
  }

 private:
  void add(const std::string& table, std::string reason, Remedy remedy) {
    faults_.push_back({table, std::move(reason), std::move(remedy)});
  }

  /// The declared class, of a table that has rows of servers or is their registry.
  const TableSpec* sealed(const std::string& table) const {
    return tables_.is_sealed(table) ? tables_.find(table) : nullptr;
  }

  /// Where each server has its own file, that has a marker which says whose it is, and the directory a list
  /// of the files (store/sqlite/server_files.h).
  void look_at_tables() {
    for (const auto& row : file_.query("SELECT name, type, strict FROM pragma_table_list "
                                       "WHERE schema = 'main' AND type <> 'view' AND name NOT IN "
                                       "('server_marker', 'server_files') AND name NOT LIKE 'sqlite\\_%' "
                                       "ESCAPE '\\' ORDER BY name")) {
      present_.insert(row[0]);
      if (tables_.find(row[0]) == nullptr) {
        add(row[0], "is a table of no declared class",
            {By::hand, "Move it to a file of its own: only Guildhall's tables may lie here."});
      } else if (row[1] != "table") {
        add(row[0], fmt::format("is a {} table", row[1]), {By::hand, std::string(kMakeAnew)});
      } else if (row[2] != "1") {
        add(row[0], "is not STRICT, so its columns take values of any type",
            {By::hand, std::string(kMakeAnew)});
      }
    }
    for (const auto& [name, spec] : tables_.all()) {
      if (!present_.contains(name))
        add(name, "is missing", {By::hand, "Put back a copy of the database from before it was dropped."});
    }
  }

  void look_at_columns() {
    std::map<std::string, bool, std::less<>> keyed;  // has a primary key that begins with the tenant column
    std::set<std::string, std::less<>> with_tenant;
    for (const auto& row : file_.query("SELECT t.name, c.name, c.type, c.\"notnull\", "
                                       "c.dflt_value IS NOT NULL, c.pk, c.hidden FROM pragma_table_list t "
                                       "JOIN pragma_table_xinfo(t.name) c WHERE t.schema = 'main' AND t.type "
                                       "= 'table' AND (c.name = $1 OR c.pk = 1) ORDER BY t.name",
                                       {std::string(kTenantColumn)})) {
      const std::string& table = row[0];
      if (row[5] == "1") keyed[table] = row[1] == kTenantColumn;
      if (row[1] != kTenantColumn) continue;
      with_tenant.insert(table);
      if (sealed(table) != nullptr) look_at_tenant_column(table, row);
      if (const TableSpec* spec = tables_.find(table); spec != nullptr && sealed(table) == nullptr) {
        add(table, fmt::format("is declared to belong to no server, but has the column {}", kTenantColumn),
            {By::hand, "Declare its class."});
      }
    }
    for (const auto& [name, spec] : tables_.all()) {
      if (sealed(name) == nullptr || !present_.contains(name)) continue;
      if (!with_tenant.contains(name))
        add(name, fmt::format("has no column {}", kTenantColumn), {By::hand, std::string(kMakeAnew)});
      const auto key = keyed.find(name);
      if (key == keyed.end() || !key->second) {
        add(name, fmt::format("its primary key does not begin with {}", kTenantColumn),
            {By::hand, std::string(kMakeAnew)});
      }
    }
  }

  /// `row`: table, column, type, not null, has a default, place in the key, hidden.
  void look_at_tenant_column(const std::string& table, const std::vector<std::string>& row) {
    const Remedy anew{By::hand, std::string(kMakeAnew)};
    const auto column = [&](std::string_view what) { return fmt::format("{} {}", kTenantColumn, what); };
    if (row[2] != "INTEGER") add(table, column("is not an INTEGER"), anew);
    if (row[3] != "1") add(table, column("may be NULL"), anew);
    if (row[4] != "0") add(table, column("has a default"), anew);
    if (row[6] != "0") add(table, column("is generated"), anew);
  }

  void look_at_indexes() {
    for (const auto& row :
         file_.query("SELECT t.name, i.name, i.origin, coalesce(x.name, ''), coalesce(m.sql, '') FROM "
                     "pragma_table_list t JOIN pragma_index_list(t.name) i JOIN pragma_index_xinfo(i.name) x "
                     "LEFT JOIN sqlite_schema m ON m.type = 'index' AND m.name = i.name WHERE t.schema = "
                     "'main' AND i.\"unique\" = 1 AND i.origin <> 'pk' AND x.seqno = 0 ORDER BY 1, 2")) {
      if (sealed(row[0]) == nullptr || row[3] == kTenantColumn) continue;
      const std::string reason =
          fmt::format("its unique index {} does not begin with {}", row[1], kTenantColumn);
      if (row[4].empty()) {
        add(row[0], reason, {By::hand, std::string(kMakeAnew)});
      } else {
        add(row[0], reason,
            {By::owner, fmt::format("DROP INDEX {}; {}", quoted_name(row[1]), with_tenant_first(row[4]))});
      }
    }
  }

  void look_at_foreign_keys() {
    std::map<std::pair<std::string, std::string>, ForeignKey> keys;
    for (const auto& row :
         file_.query("SELECT t.name, f.id, f.\"table\", f.\"from\", coalesce(f.\"to\", (SELECT c.name FROM "
                     "pragma_table_info(f.\"table\") c WHERE c.pk = f.seq + 1), '') FROM pragma_table_list t "
                     "JOIN pragma_foreign_key_list(t.name) f WHERE t.schema = 'main' ORDER BY 1, 2, f.seq")) {
      ForeignKey& key = keys[{row[0], row[1]}];
      key.table = row[0];
      key.target = row[2];
      key.from.push_back(row[3]);
      key.to.push_back(row[4]);
    }
    for (const auto& [id, key] : keys) {
      const TableSpec* spec = tables_.find(key.table);
      if (spec == nullptr) continue;
      const std::string why = why_open(key, *spec, tables_);
      if (!why.empty()) add(key.table, why, {By::hand, std::string(kMakeAnew)});
    }
  }

  /// What acts on its own, where statements do not show it.
  void look_at_programs() {
    for (const auto& row : file_.query("SELECT type, name, tbl_name FROM sqlite_schema WHERE type IN "
                                       "('view', 'trigger') ORDER BY 1, 2")) {
      const bool view = row[0] == "view";
      if (!view && is_guard_of_journal(row[2], row[1])) continue;
      add(view ? row[1] : row[2],
          view ? "is a view: what it reads, statements do not show"
               : fmt::format("has the trigger {}: what it does, statements do not show", row[1]),
          {By::owner, fmt::format("DROP {} {}", view ? "VIEW" : "TRIGGER", quoted_name(row[1]))});
    }
  }

  store::SchemaSession& file_;
  const TableCatalog& tables_;
  std::set<std::string, std::less<>> present_;
  CatalogFaults faults_;
};

}  // namespace

CatalogFaults find_sqlite_faults(store::SchemaSession& file, const TableCatalog& tables) {
  return SqliteCatalog(file, tables).find();
}

}  // namespace guildhall::tenancy
