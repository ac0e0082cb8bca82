#include "convert/sqlite_proof.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "base/text.h"
#include "convert/row_hash.h"
#include "convert/sums.h"
#include "store/quoting.h"

namespace guildhall::convert {
namespace {

using migrate::Exit;
using store::quoted_name;

const SqliteTable* table_of(const SqlitePlan& plan, std::string_view name) {
  const auto found = std::ranges::find_if(
      plan.tables, [&](const SqliteTable& table) { return is_same_name(table.name(), name); });
  return found == plan.tables.end() ? nullptr : &*found;
}

/// What tells rows apart in a table that is not converted.
std::string plain_key(const Table& table) {
  if (table.has_rowid) return "c.rowid";
  std::vector<std::string> parts;
  for (const Index& index : table.indexes) {
    if (!index.is_primary) continue;
    for (const IndexPart& part : index.parts)
      parts.push_back(fmt::format("quote(c.{})", quoted_name(part.column)));
  }
  return fmt::format("{}", fmt::join(parts, " || ',' || "));
}

class ReferenceReader {
 public:
  ReferenceReader(store::SchemaSession& session, const OldSchema& schema, const SqlitePlan& plan, bool is_new)
      : session_(session), schema_(schema), plan_(plan), is_new_(is_new) {}

  References read() {
    for (const auto& [name, table] : schema_.tables) {
      if (table.relation != Relation::table || table.foreign_keys.empty()) continue;
      for (const ForeignKey& key : table.foreign_keys) read_key(table, key);
      try {
        session_.query(fmt::format("PRAGMA foreign_key_check({})", quoted_name(name)));
      } catch (const store::DatabaseError&) {
        found_.mismatched.insert(name);
      }
    }
    return std::move(found_);
  }

 private:
  void read_key(const Table& table, const ForeignKey& key) {
    const SqliteTable* converted = table_of(plan_, table.name);
    const std::string tenant = converted == nullptr ? "" : converted->change.tenant;
    std::vector<std::string> columns;
    for (const std::string& column : key.columns) {
      if (!is_same_name(column, tenant)) columns.push_back(to_lower_ascii(column));
    }
    if (columns.empty()) return;  // the server itself
    std::ranges::sort(columns);
    std::vector<std::string> conditions;
    for (const std::string& column : key.columns)
      conditions.push_back(fmt::format("c.{} IS NOT NULL", quoted_name(column)));
    if (!has_columns(key)) {  // SQLite cannot tell either
      found_.mismatched.insert(table.name);
      return;
    }
    if (schema_.tables.contains(key.table)) conditions.push_back(no_parent(key));
    const std::string row_key = converted == nullptr ? plain_key(table)
                                : is_new_            ? converted->new_key("c")
                                                     : converted->old_key("c");
    const std::string question = fmt::format("SELECT {} FROM {} AS c WHERE {}", row_key,
                                             quoted_name(table.name), fmt::join(conditions, " AND "));
    for (const auto& row : session_.query(question)) {
      const Dangling found{table.name, row[0], key.table, fmt::format("{}", fmt::join(columns, ", "))};
      found_.dangling.insert(found);
      if (columns.size() < key.columns.size()) found_.by_server.insert(found);
    }
  }

  bool has_columns(const ForeignKey& key) const {
    const auto parent = schema_.tables.find(key.table);
    if (parent == schema_.tables.end()) return true;
    return key.referenced.size() == key.columns.size() &&
           std::ranges::all_of(key.referenced, [&](const std::string& name) {
             return std::ranges::any_of(parent->second.columns, [&](const Column& column) {
               return is_same_name(column.name, name);
             });
           });
  }

  static std::string no_parent(const ForeignKey& key) {
    std::vector<std::string> same;
    for (std::size_t i = 0; i < key.columns.size() && i < key.referenced.size(); ++i)
      same.push_back(fmt::format("p.{} = c.{}", quoted_name(key.referenced[i]), quoted_name(key.columns[i])));
    return fmt::format("NOT EXISTS (SELECT 1 FROM {} AS p WHERE {})", quoted_name(key.table),
                       fmt::join(same, " AND "));
  }

  store::SchemaSession& session_;
  const OldSchema& schema_;
  const SqlitePlan& plan_;
  bool is_new_;
  References found_;
};

/// By column.
std::map<std::string, std::string> types_of(store::SchemaSession& session, const std::string& table) {
  std::map<std::string, std::string> types;
  for (const auto& row : session.query("SELECT name, type FROM pragma_table_xinfo($1)", {table}))
    types[row[0]] = row[1];
  return types;
}

bool is_changed(const RowKeys& changed, const Dangling& one) {
  const auto rows = changed.find(one.table);
  return rows != changed.end() && rows->second.contains(one.row);
}

}  // namespace

References read_references(store::SchemaSession& session, const OldSchema& schema, const SqlitePlan& plan,
                           bool is_new) {
  return ReferenceReader(session, schema, plan, is_new).read();
}

migrate::Outcome<void> compare_references(const References& before, const References& after,
                                          const RowKeys& changed) {
  const auto refused = [](const Dangling& one, std::string_view what) {
    return migrate::stop(
        Exit::failed, "CV-FKCHECK",
        fmt::format("table {}, row {}: its {} {} {}; nothing was changed", one.table, one.row, one.columns,
                    what, one.parent),
        "This must not happen: keep the file as it is, and report it with `convert inspect`.");
  };
  for (const Dangling& one : after.dangling) {
    if (!before.dangling.contains(one) && !before.mismatched.contains(one.table))
      return refused(one, "would not lead to a row any more, in");
  }
  for (const Dangling& one : before.dangling) {
    if (!after.dangling.contains(one) && !is_changed(changed, one) && !before.by_server.contains(one))
      return refused(one, "would lead to a row that it did not lead to, in");
  }
  for (const std::string& table : after.mismatched) {
    if (!before.mismatched.contains(table))
      return migrate::stop(
          Exit::failed, "CV-FKCHECK",
          fmt::format("table {}: a reference of it would lead to no key; nothing was changed", table),
          "Declare the table that it refers to, or the one that refers to it, in the description.");
  }
  return {};
}

migrate::Outcome<void> compare_rows(store::SchemaSession& session, const SqliteTable& table,
                                    std::string_view target, std::int64_t left_out, bool has_sums) {
  const auto old_rows = number_of(session, fmt::format("SELECT count(*) FROM {}", quoted_name(table.name())));
  const auto new_rows = number_of(session, fmt::format("SELECT count(*) FROM {}", quoted_name(target)));
  // With a plus no index is asked, which would answer in the order of a key: both tables lie in that of their
  // rows.
  std::vector<std::string> same{fmt::format("+n.{} = {}", quoted_name(table.change.tenant), table.server)};
  const auto types = types_of(session, table.name());
  const auto new_types = types_of(session, std::string(target));
  for (const auto& one : table.copied) {
    if (has_sums && has_name(table.rule().sums, one.column)) continue;
    const std::string column = "n." + quoted_name(one.column);
    same.push_back(fmt::format("{} IS {} COLLATE BINARY", column, one.value));
    // A column of one type keeps an equal value as the same kind of value.
    if (!one.is_as_it_was || types.at(one.column) != new_types.at(one.column))
      same.push_back(fmt::format("typeof({}) = typeof({})", column, one.value));
  }
  const auto equal =
      number_of(session, fmt::format("SELECT count(*) FROM {} AS n CROSS JOIN {} AS t ON {} WHERE {}",
                                     quoted_name(target), quoted_name(table.name()), table.match(),
                                     fmt::join(same, " AND ")));
  const auto expected = old_rows - left_out;
  if (new_rows == expected && equal == expected) return {};
  return migrate::stop(
      Exit::failed, "CV-ROWS",
      fmt::format("table {}: of {} rows that were to go on, {} arrived and {} of them are the same; nothing "
                  "was changed",
                  table.name(), expected, new_rows, equal),
      "This must not happen: keep the file as it is, and report it with `convert inspect`.");
}

migrate::Outcome<void> compare_parents(store::SchemaSession& session, const SqlitePlan& plan,
                                       const SqliteTable& table,
                                       const std::function<std::string(std::string_view)>& target_of) {
  for (const ForeignKey& key : table.scheme->table->foreign_keys) {
    const SqliteTable* parent = table_of(plan, key.table);
    if (parent == nullptr || parent == &table || has_name(key.referenced, parent->change.tenant)) continue;
    std::vector<std::string> old_join;
    std::vector<std::string> new_join{
        fmt::format("np.{} = n.{}", quoted_name(parent->change.tenant), quoted_name(table.change.tenant))};
    bool is_as_it_was = true;
    for (std::size_t i = 0; i < key.columns.size(); ++i) {
      const auto join = [&](std::string_view p, std::string_view c) {
        return fmt::format("{}.{} = {}.{}", p, quoted_name(key.referenced[i]), c,
                           quoted_name(key.columns[i]));
      };
      old_join.push_back(join("op", "t"));
      new_join.push_back(join("np", "n"));
      for (const auto& one : table.copied)
        is_as_it_was = is_as_it_was && (one.is_as_it_was || !is_same_name(one.column, key.columns[i]));
    }
    const std::string was_there =
        is_as_it_was ? "" : fmt::format(" AND {} IS NOT NULL", parent->old_key("op"));
    const auto others = number_of(
        session,
        fmt::format(
            "SELECT count(*) FROM {} AS n CROSS JOIN {} AS t ON {} LEFT JOIN {} AS op ON {} LEFT JOIN {} "
            "AS np ON {} WHERE {} IS NOT {}{}",
            quoted_name(target_of(table.name())), quoted_name(table.name()), table.match(),
            quoted_name(parent->name()), fmt::join(old_join, " AND "), quoted_name(target_of(parent->name())),
            fmt::join(new_join, " AND "), parent->old_key("op"), parent->new_key("np"), was_there));
    if (others == 0) continue;
    return migrate::stop(
        Exit::failed, "CV-PARENT",
        fmt::format("table {}: {} rows would belong to another row of {} than before; nothing was changed",
                    table.name(), others, parent->name()),
        "Give both the same server in the description, or one a rule that says whose they are.");
  }
  return {};
}

namespace {

std::map<std::string, std::int64_t> of_views(const OldSchema& schema,
                                             const std::function<std::int64_t(const std::string&)>& answer) {
  std::map<std::string, std::int64_t> answers;
  for (const auto& [name, view] : schema.views) {
    try {
      answers[name] = answer(quoted_name(name));
    } catch (const store::DatabaseError&) {
      answers[name] = -1;
    }
  }
  return answers;
}

}  // namespace

std::map<std::string, std::int64_t> count_views(store::SchemaSession& session, const OldSchema& schema) {
  return of_views(schema, [&](const std::string& view) {
    return number_of(session, fmt::format("SELECT count(*) FROM {}", view));
  });
}

migrate::Outcome<void> compare_views(const std::map<std::string, std::int64_t>& before,
                                     const std::map<std::string, std::int64_t>& after) {
  for (const auto& [view, answer] : before) {
    if (answer >= 0 && after.at(view) < 0)
      return migrate::stop(Exit::failed, "CV-VIEW",
                           fmt::format("view {} could not be read any more; nothing was changed", view),
                           "Drop the view, and make it anew afterwards with the server in it.");
  }
  return {};
}

std::map<std::string, std::int64_t> try_views(store::SchemaSession& session, const OldSchema& schema) {
  return of_views(schema, [&](const std::string& view) {
    session.query(fmt::format("EXPLAIN SELECT * FROM {}", view));
    return 0;
  });
}

namespace {

migrate::Outcome<void> damaged(std::string_view what) {
  return migrate::stop(Exit::no_database, "CV-DAMAGED", fmt::format("the file is damaged: {}", what),
                       "Put a backup in its place, or save what can be read: sqlite3 FILE .recover");
}

migrate::Outcome<void> check_by(store::SchemaSession& session, const std::string& pragma) {
  const auto lines = session.query("PRAGMA " + pragma);
  if (!lines.empty() && lines[0][0] == "ok") return {};
  return damaged(lines.empty() ? "?" : lines[0][0]);
}

/// The indexes of one table, held against its rows.
class IndexProof {
 public:
  IndexProof(store::SchemaSession& session, const std::string& table) : session_(session), table_(table) {}

  migrate::Outcome<void> run() {
    if (!can_add_up()) return check_by(session_, fmt::format("integrity_check({})", quoted_name(table_)));
    add_up_rows();
    for (const Entries& index : indexes_) {
      if (add_up(index) != index.of_rows)
        return damaged(fmt::format("index {} of {} has other entries than the table", index.name, table_));
    }
    return {};
  }

 private:
  struct Entries {
    std::string name;
    std::vector<std::string> columns;      // SQL
    std::vector<std::size_t> places = {};  // of these, among all that are read
    Amount of_rows = {};
  };

  /// All of its indexes are of columns, and of all rows; a row has a number to be known by.
  bool can_add_up() {
    row_id_ = row_id_name(session_, table_);
    if (row_id_.empty()) return false;
    for (const auto& row : session_.query("SELECT name, partial FROM pragma_index_list($1)", {table_})) {
      Entries& index = indexes_.emplace_back(Entries{.name = row[0], .columns = {row_id_}});
      if (row[1] != "0") return false;
      for (const auto& part : session_.query(
               R"(SELECT cid, name FROM pragma_index_xinfo($1) WHERE "key" = 1 ORDER BY seqno)", {row[0]})) {
        if (part[0].starts_with('-')) return false;
        index.columns.push_back(quoted_name(part[1]));
      }
      if (!holds_all(index)) return false;
    }
    return true;
  }

  /// SQLite answers out of the index alone. Of columns that are made from others it does not: it takes them,
  /// or what they are made from, from the rows.
  bool holds_all(const Entries& index) {
    const auto plan = session_.query("EXPLAIN QUERY PLAN " + entries_of(index));
    return plan.size() == 1 && plan[0].at(3).find(" COVERING INDEX ") != std::string::npos;
  }
  std::string entries_of(const Entries& index) const {
    return fmt::format("SELECT {} FROM {} INDEXED BY {}", fmt::join(index.columns, ", "), quoted_name(table_),
                       quoted_name(index.name));
  }

  /// In one pass for all of them.
  void add_up_rows() {
    if (indexes_.empty()) return;
    std::vector<std::string> columns;
    for (Entries& index : indexes_) {
      for (const std::string& column : index.columns) {
        const auto known = std::ranges::find(columns, column);
        index.places.push_back(static_cast<std::size_t>(known - columns.begin()));
        if (known == columns.end()) columns.push_back(column);
      }
    }
    RowHash hash;
    store::read_sqlite_rows(
        session_, fmt::format("SELECT {} FROM {} NOT INDEXED", fmt::join(columns, ", "), quoted_name(table_)),
        [&](store::CellRow row) {
          for (Entries& index : indexes_) {
            for (const std::size_t place : index.places) hash.add(row[place]);
            index.of_rows += {1, hash.take()};
          }
          return true;
        });
  }

  Amount add_up(const Entries& index) {
    Amount all;
    RowHash hash;
    store::read_sqlite_rows(session_, entries_of(index), [&](store::CellRow row) {
      for (const store::Cell& cell : row) hash.add(cell);
      all += {1, hash.take()};
      return true;
    });
    return all;
  }

  store::SchemaSession& session_;
  std::string table_;
  std::string row_id_;
  std::vector<Entries> indexes_;
};

}  // namespace

migrate::Outcome<void> check_integrity(store::SchemaSession& session) {
  return check_by(session, "integrity_check(1)");
}

migrate::Outcome<void> check_new_tables(store::SchemaSession& session,
                                        const std::vector<std::string>& names) {
  // SQLite 3.40 takes a key for empty that is no first column of a table WITHOUT ROWID: the whole check does
  // not.
  if (!check_by(session, "quick_check(1)")) return check_integrity(session);
  for (const std::string& name : names) {
    if (auto done = IndexProof(session, name).run(); !done) return done;
  }
  return {};
}

}  // namespace guildhall::convert
