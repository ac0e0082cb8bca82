#include "convert/sqlite_others.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <set>

#include "convert/description.h"
#include "convert/sqlite_run.h"
#include "convert/sqlite_table_text.h"
#include "store/quoting.h"

namespace guildhall::convert {
namespace {

using store::quoted_name;

std::vector<std::string> names_of(const std::vector<KeyPart>& parts) {
  std::vector<std::string> names;
  for (const KeyPart& part : parts) names.push_back(part.column);
  return names;
}

/// That a table's text has; those of a CREATE UNIQUE INDEX stand elsewhere.
std::vector<std::vector<std::string>> keys_of(const TableText& text) {
  std::vector<std::vector<std::string>> keys{names_of(text.primary_key())};
  for (const ItemText& item : text.items) {
    for (const ClauseText& clause : item.clauses) {
      if (clause.kind == ClauseText::Kind::unique)
        keys.push_back(item.column.empty() ? names_of(item.parts) : std::vector{item.column});
    }
  }
  return keys;
}

class Looking {
 public:
  Looking(store::SchemaSession& session, const std::vector<Before>& things)
      : session_(session), things_(things) {}

  migrate::Outcome<std::vector<SharedTable>> tables() {
    for (const Before& thing : things_) {
      if (thing.kind != "tenant" || !exists(thing.table)) continue;
      SharedTable table{.name = thing.table, .tenant = thing.name};
      table.is_override = thing.definition == name_of(TableClass::override);
      if (auto read = read_past(table); !read) return std::unexpected(read.error());
      tables_.push_back(std::move(table));
    }
    for (SharedTable& table : tables_) table.is_told = is_told(table, {});
    for (SharedTable& table : tables_) read_references(table);
    return std::move(tables_);
  }

 private:
  bool exists(const std::string& table) const {
    return number_of(session_, "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = $1",
                     {table}) > 0;
  }
  const SharedTable* find(std::string_view name) const {
    const auto found = std::ranges::find_if(
        tables_, [&](const SharedTable& table) { return is_same_name(table.name, name); });
    return found == tables_.end() ? nullptr : &*found;
  }

  /// Whether it had the column, and its keys: of a file of one server they are what they were.
  migrate::Outcome<void> read_past(SharedTable& table) {
    had_column_[table.name] = true;
    for (const Before& thing : things_) {
      if (thing.table != table.name) continue;
      if (thing.kind == "column") had_column_[table.name] = false;
      if (thing.kind == "table") {
        const auto text = read_table_text(table.name, thing.definition);
        if (!text) return std::unexpected(text.error());
        had_column_[table.name] = text->column(table.tenant) != nullptr;
        for (auto& key : keys_of(*text)) add_key(table, std::move(key));
      }
      if (thing.kind == "index") add_key(table, columns_of_unique(thing));
    }
    return {};
  }

  static void add_key(SharedTable& table, std::vector<std::string> key) {
    if (!key.empty() && !has_name(key, table.tenant)) table.old_keys.push_back(std::move(key));
  }

  /// As it is now, with the server in front: what it was without.
  std::vector<std::string> columns_of_unique(const Before& index) const {
    std::vector<std::string> columns;
    bool had_server = false;
    for (const auto& row : session_.query("SELECT x.name, l.partial FROM pragma_index_list($1) AS l, "
                                          "pragma_index_xinfo(l.name) AS x WHERE "
                                          "l.name = $2 AND l.\"unique\" AND x.key ORDER BY x.seqno",
                                          {index.table, index.name})) {
      if (row[0].empty() || row[1] != "0") return {};  // an expression, or of some rows alone
      columns.push_back(row[0]);
    }
    for (const Before& thing : things_) {
      if (thing.kind != "tenant" || thing.table != index.table || columns.empty()) continue;
      had_server = mentions(index.definition, thing.name);
      if (!had_server && is_same_name(columns[0], thing.name)) columns.erase(columns.begin());
    }
    return had_server ? std::vector<std::string>{} : columns;
  }

  bool is_told(const SharedTable& table, std::set<std::string> on_the_way) const {
    if (had_column_.at(table.name)) return true;
    on_the_way.insert(table.name);
    return std::ranges::any_of(things_, [&](const Before& thing) {
      const SharedTable* parent =
          thing.kind == "parent" && thing.table == table.name ? find(thing.name) : nullptr;
      return parent != nullptr && !on_the_way.contains(parent->name) && is_told(*parent, on_the_way);
    });
  }

  void read_references(SharedTable& table) {
    std::set<std::string> names;
    for (const Before& thing : things_) {
      if (thing.kind == "parent" && thing.table == table.name) names.insert(thing.name);
    }
    for (const auto& row : session_.query("SELECT \"table\" FROM pragma_foreign_key_list($1)", {table.name}))
      names.insert(row[0]);
    for (const std::string& name : names) {
      if (const SharedTable* parent = find(name); parent != nullptr && parent->name != table.name)
        table.refers_to.push_back(parent->name);
    }
  }

  store::SchemaSession& session_;
  const std::vector<Before>& things_;
  std::vector<SharedTable> tables_;
  std::map<std::string, bool> had_column_;
};

/// Server -> rows; not those that count for all servers.
std::map<std::string, std::int64_t> count_servers(store::SchemaSession& session, const SharedTable& table) {
  std::map<std::string, std::int64_t> counts;
  for (const auto& row : session.query(fmt::format("SELECT {0}, count(*) FROM {1} GROUP BY 1",
                                                   quoted_name(table.tenant), quoted_name(table.name)))) {
    if (!table.is_override || row[0] != "0") counts[row[0]] = std::stoll(row[1]);
  }
  return counts;
}

std::int64_t count_twins(store::SchemaSession& session, const SharedTable& table,
                         const std::vector<std::string>& key) {
  std::vector<std::string> columns;
  std::vector<std::string> conditions;
  if (table.is_override) conditions.push_back(fmt::format("{} <> 0", quoted_name(table.tenant)));
  for (const std::string& column : key) {
    columns.push_back(quoted_name(column));
    conditions.push_back(columns.back() + " IS NOT NULL");
  }
  return number_of(session, fmt::format("SELECT count(*) FROM (SELECT 1 FROM {} WHERE {} GROUP BY {} HAVING "
                                        "count(DISTINCT {}) > 1)",
                                        quoted_name(table.name), fmt::join(conditions, " AND "),
                                        fmt::join(columns, ", "), quoted_name(table.tenant)));
}

}  // namespace

migrate::Outcome<std::vector<SharedTable>> shared_tables(store::SchemaSession& session,
                                                         const std::vector<Before>& things) {
  return Looking(session, things).tables();
}

Others find_others(store::SchemaSession& session, const std::vector<SharedTable>& tables, std::int64_t home) {
  Others found{.kept = home};
  std::map<std::string, std::map<std::string, std::int64_t>> counts;
  std::set<std::string> servers;
  for (const SharedTable& table : tables) {
    counts[table.name] = count_servers(session, table);
    if (table.is_told) continue;
    for (const auto& [server, rows] : counts[table.name]) servers.insert(server);
  }
  if (servers.size() == 1) found.kept = std::stoll(*servers.begin());
  for (const SharedTable& table : tables) {
    const auto& of = counts[table.name];
    const bool has_others =
        std::ranges::any_of(of, [&](const auto& one) { return one.first != std::to_string(found.kept); });
    if (!has_others) continue;
    bool cannot_stay = !table.is_told;
    for (const auto& [server, rows] : of) {
      if (cannot_stay) found.counts.push_back(fmt::format("{}: {} of server {}", table.name, rows, server));
    }
    for (const auto& key : table.is_told ? table.old_keys : std::vector<std::vector<std::string>>{}) {
      const std::int64_t twins = count_twins(session, table, key);
      if (twins == 0) continue;
      found.twins.push_back(fmt::format("{} of ({}) in {}", twins, fmt::join(key, ", "), table.name));
      cannot_stay = true;
    }
    if (cannot_stay) found.tables.push_back(table.name);
  }
  return found;
}

}  // namespace guildhall::convert
