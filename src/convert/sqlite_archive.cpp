#include "convert/sqlite_archive.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <set>

#include "convert/sql_names.h"
#include "convert/sqlite_run.h"
#include "convert/sqlite_table_text.h"
#include "store/quoting.h"

namespace guildhall::convert {
namespace {

using migrate::Exit;
using migrate::Outcome;
using store::quoted_name;

std::string archived_name(std::string_view table) { return fmt::format("{}_{}", kSqliteArchive, table); }

/// That no expression makes.
std::vector<std::string> columns_of(store::SchemaSession& session, const std::string& table) {
  std::vector<std::string> columns;
  for (const auto& row :
       session.query("SELECT name FROM pragma_table_xinfo($1) WHERE hidden = 0 ORDER BY cid", {table}))
    columns.push_back(row[0]);
  return columns;
}

bool exists(store::SchemaSession& session, const std::string& table) {
  return number_of(session, "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = $1",
                   {table}) > 0;
}

/// SQL: rows t as texts, each with how often it is there. quote() would end a text at its first zero byte.
std::string content(const std::string& table, const std::vector<std::string>& columns,
                    const std::string& condition) {
  std::vector<std::string> values;
  for (const std::string& column : columns)
    values.push_back(fmt::format(
        "CASE typeof(t.{0}) WHEN 'text' THEN 't' || hex(t.{0}) ELSE quote(t.{0}) END", quoted_name(column)));
  return fmt::format("SELECT {} AS line, count(*) FROM {} AS t WHERE {} GROUP BY line",
                     fmt::join(values, " || ',' || "), quoted_name(table), condition);
}

bool is_same_content(store::SchemaSession& session, const std::string& one, const std::string& other) {
  const auto only = [&](const std::string& in, const std::string& and_not_in) {
    return number_of(
        session,
        fmt::format("SELECT count(*) FROM (SELECT * FROM ({}) EXCEPT SELECT * FROM ({}))", in, and_not_in));
  };
  return only(one, other) == 0 && only(other, one) == 0;
}

std::int64_t count(store::SchemaSession& session, const std::string& table,
                   const std::string& condition = "1") {
  return number_of(session,
                   fmt::format("SELECT count(*) FROM {} AS t WHERE {}", quoted_name(table), condition));
}

class PuttingAside {
 public:
  PuttingAside(store::SchemaSession& session, const std::vector<SharedTable>& tables, const Others& others)
      : session_(session), tables_(tables), others_(others) {}

  Outcome<Archived> run(std::int64_t conversion, const std::vector<Before>& things) {
    const std::set<std::string> names = to_clear();
    if (names.empty()) return archived_;
    session_.execute(
        fmt::format("CREATE TABLE {0} (home INTEGER NOT NULL, conversion INTEGER NOT NULL); INSERT INTO {0} "
                    "VALUES ({1}, {2})",
                    kSqliteArchive, others_.kept, conversion));
    copy_registry(things);
    const auto before = dangling();
    for (const SharedTable& table : tables_) {
      if (!names.contains(table.name)) continue;
      if (auto moved = move(table); !moved) return std::unexpected(moved.error());
    }
    if (auto fits = check_left_behind(before); !fits) return std::unexpected(fits.error());
    return archived_;
  }

 private:
  /// And what refers to them: its rows would lead nowhere.
  std::set<std::string> to_clear() const {
    std::set<std::string> names(others_.tables.begin(), others_.tables.end());
    for (const SharedTable& table : tables_) {
      if (table.is_override && count(session_, table.name, condition_of(table)) > 0) names.insert(table.name);
    }
    for (bool more = true; more;) {
      more = false;
      for (const SharedTable& table : tables_) {
        const bool refers = std::ranges::any_of(
            table.refers_to, [&](const std::string& name) { return names.contains(name); });
        if (refers && names.insert(table.name).second) more = true;
      }
    }
    return names;
  }

  /// SQL: rows t that go.
  std::string condition_of(const SharedTable& table) const {
    const std::string tenant = quoted_name(table.tenant);
    if (!table.is_override) return fmt::format("t.{} <> {}", tenant, others_.kept);
    std::string condition = fmt::format("t.{} NOT IN (0, {})", tenant, others_.kept);
    for (const auto& key : table.old_keys) {
      std::vector<std::string> equal;
      for (const std::string& column : key)
        equal.push_back(fmt::format("o.{0} = t.{0}", quoted_name(column)));
      condition +=
          fmt::format(" OR (t.{0} = 0 AND EXISTS (SELECT 1 FROM {1} AS o WHERE o.{0} = {2} AND {3}))", tenant,
                      quoted_name(table.name), others_.kept, fmt::join(equal, " AND "));
    }
    return fmt::format("({})", condition);
  }

  void copy_registry(const std::vector<Before>& things) {
    for (const Before& thing : things) {
      if (thing.kind != "servers" || !exists(session_, thing.table)) continue;
      make(thing.table);
      session_.execute(fmt::format("INSERT INTO {} SELECT {} FROM {} AS t WHERE t.{} <> {}",
                                   quoted_name(archived_name(thing.table)),
                                   column_list(columns_of(session_, thing.table), "t."),
                                   quoted_name(thing.table), quoted_name(thing.name), others_.kept));
    }
  }

  void make(const std::string& table) {
    session_.execute(fmt::format("CREATE TABLE {} ({})", quoted_name(archived_name(table)),
                                 column_list(columns_of(session_, table))));
  }

  Outcome<void> move(const SharedTable& table) {
    const auto columns = columns_of(session_, table.name);
    const std::string target = archived_name(table.name);
    const std::string condition = condition_of(table);
    make(table.name);
    const auto copied =
        session_.run(fmt::format("INSERT INTO {} SELECT {} FROM {} AS t WHERE {}", quoted_name(target),
                                 column_list(columns, "t."), quoted_name(table.name), condition));
    const bool is_same =
        is_same_content(session_, content(target, columns, "1"), content(table.name, columns, condition));
    const TriggersAside triggers(session_, table.name);
    const auto gone =
        session_.run(fmt::format("DELETE FROM {} AS t WHERE {}", quoted_name(table.name), condition));
    triggers.put_back();
    if (!is_same || gone != copied)
      return migrate::stop(Exit::failed, "CV-ARCHIVE",
                           fmt::format("the archive of {} is not what it is of: {} rows were copied and {} "
                                       "deleted; nothing was changed",
                                       table.name, copied, gone));
    archived_.push_back({table.name, copied});
    return {};
  }

  /// By table that is not part of the conversion: its references that lead nowhere. SQLite cannot tell of
  /// all.
  std::map<std::string, std::int64_t> dangling() const {
    std::map<std::string, std::int64_t> counts;
    for (const auto& row : session_.query("SELECT name FROM sqlite_schema WHERE type = 'table'")) {
      if (std::ranges::find(tables_, row[0], &SharedTable::name) != tables_.end()) continue;
      try {
        counts[row[0]] = number_of(session_, "SELECT count(*) FROM pragma_foreign_key_check($1)", {row[0]});
      } catch (const store::DatabaseError&) {
        continue;
      }
    }
    return counts;
  }

  Outcome<void> check_left_behind(const std::map<std::string, std::int64_t>& before) const {
    for (const auto& [table, rows] : dangling()) {
      const auto was = before.find(table);
      if (was == before.end() || rows <= was->second) continue;
      return migrate::stop(
          Exit::refused, "CV-PARENT",
          fmt::format("{} rows of {} refer to rows of other servers, and it is not converted itself",
                      rows - was->second, table),
          "Nothing was changed. Take those rows out first.");
    }
    return {};
  }

  store::SchemaSession& session_;
  const std::vector<SharedTable>& tables_;
  const Others& others_;
  Archived archived_;
};

class BringingBack {
 public:
  BringingBack(store::SchemaSession& session, const Scheme& scheme) : session_(session), scheme_(scheme) {}

  Outcome<Archived> run() {
    const auto kept = session_.query(fmt::format("SELECT home FROM {}", kSqliteArchive));
    if (kept.empty() || kept[0][0] != std::to_string(scheme_.home))
      return migrate::stop(
          Exit::refused, "CV-HOME",
          "the archive was made beside the rows of another server than this conversion's home",
          kept.empty() ? "" : fmt::format("Convert with --server {}.", kept[0][0]));
    std::set<std::string> left;
    for (const auto& row : session_.query(
             "SELECT name FROM sqlite_schema WHERE type = 'table' AND name GLOB $1", {archived_name("*")}))
      left.insert(row[0]);
    const std::set<std::string> all = left;
    restore_registry(left);
    for (const SchemeTable& one : scheme_.tables) {
      if (left.erase(archived_name(one.name())) == 0) continue;
      if (auto done = put_back(one); !done) return std::unexpected(done.error());
    }
    if (!left.empty())
      return migrate::stop(
          Exit::refused, "CV-ARCHIVE",
          fmt::format("the archive has rows of tables that are not converted: {}", fmt::join(left, ", ")),
          "Convert them too.");
    for (const std::string& name : all) session_.execute(fmt::format("DROP TABLE {}", quoted_name(name)));
    session_.execute(fmt::format("DROP TABLE {}", kSqliteArchive));
    return restored_;
  }

 private:
  void restore_registry(std::set<std::string>& left) {
    const Registry& registry = scheme_.description.registry;
    const std::string archived = archived_name(registry.table);
    if (left.erase(archived) == 0 || scheme_.registry() == nullptr) return;
    std::vector<std::string> columns;
    for (const std::string& name : columns_of(session_, archived)) {
      if (scheme_.registry()->column(name) != nullptr) columns.push_back(name);
    }
    // A conversion that found one of them in some row has registered it without its name.
    if (!registry.name.empty())
      session_.execute(
          fmt::format("DELETE FROM {0} WHERE {2} = CAST({1} AS TEXT) AND {1} IN (SELECT {1} FROM {3})",
                      quoted_name(registry.table), quoted_name(registry.column), quoted_name(registry.name),
                      quoted_name(archived)));
    session_.execute(fmt::format("INSERT OR IGNORE INTO {0} ({1}) SELECT {1} FROM {2}",
                                 quoted_name(registry.table), column_list(columns), quoted_name(archived)));
  }

  /// The column that is a row's number in this table, if the archive has it.
  static std::string number_in(const SchemeTable& one, const std::vector<std::string>& columns) {
    const auto text = read_table_text(one.name(), one.table->sql);
    const ItemText* number = text ? text->row_number() : nullptr;
    return number != nullptr && has_name(columns, number->column) ? number->column : "";
  }

  bool is_referred_to(const SchemeTable& one, const std::string& number) const {
    return std::ranges::any_of(scheme_.tables, [&](const SchemeTable& child) {
      return std::ranges::any_of(child.table->foreign_keys,
                                 [&](const ForeignKey& key) {
                                   return is_same_name(key.table, one.name()) &&
                                          has_name(key.referenced, number);
                                 }) ||
             std::ranges::any_of(child.rule.parents, [&](const Parent& parent) {
               return is_same_name(parent.table, one.name()) && has_name(parent.referenced, number);
             });
    });
  }

  Outcome<void> put_back(const SchemeTable& one) {
    std::vector<std::string> columns = columns_of(session_, archived_name(one.name()));
    for (const std::string& name : columns) {
      if (one.table->column(name) == nullptr)
        return migrate::stop(
            Exit::refused, "CV-ARCHIVE",
            fmt::format("{} has no column {} any more, and the archive does", one.name(), name));
    }
    const std::string number = number_in(one, columns);
    const std::string taken = number.empty() ? "0"
                                             : fmt::format("t.{0} IN (SELECT {0} FROM {1})",
                                                           quoted_name(number), quoted_name(one.name()));
    const auto numbers_taken = count(session_, archived_name(one.name()), taken);
    if (numbers_taken > 0 && is_referred_to(one, number))
      return migrate::stop(
          Exit::refused, "CV-KEYS",
          fmt::format(
              "{} rows of {} cannot come back: the {} that they had, and that others refer to, was given "
              "to new rows meanwhile",
              numbers_taken, one.name(), number),
          "Nothing was changed. Give the new rows other numbers first.");
    if (auto done = insert(one, columns, taken, number); !done) return done;
    if (numbers_taken > 0) std::erase(columns, number);
    return compare(one, columns);
  }

  Outcome<void> insert(const SchemeTable& one, std::vector<std::string> columns, const std::string& taken,
                       const std::string& number) {
    const auto copy = [&](const std::string& condition) {
      return fmt::format("INSERT INTO {} ({}) SELECT {} FROM {} AS t WHERE {}", quoted_name(one.name()),
                         column_list(columns), column_list(columns, "t."),
                         quoted_name(archived_name(one.name())), condition);
    };
    const TriggersAside triggers(session_, one.name());
    try {
      give_back_settings(one);
      // Whose number was given out is found out before any of them is there.
      session_.execute(
          fmt::format("CREATE TEMP TABLE guildhall_taken AS SELECT rowid AS place FROM {} AS t WHERE {}",
                      quoted_name(archived_name(one.name())), taken));
      session_.execute(copy("t.rowid NOT IN (SELECT place FROM temp.guildhall_taken)"));
      std::erase(columns, number);
      session_.execute(copy("t.rowid IN (SELECT place FROM temp.guildhall_taken)"));
      session_.execute("DROP TABLE temp.guildhall_taken");
    } catch (const store::DatabaseError& error) {
      if (error.code() == store::DbCode::busy) throw;
      return migrate::stop(
          Exit::refused, "CV-KEYS",
          fmt::format("what was put aside of {} does not fit in any more: {}", one.name(), error.what()),
          "Nothing was changed. Another row took the place of one of them: look for it.");
    }
    triggers.put_back();
    return {};
  }

  /// What counted for all was put aside where the home had its own: that stood in its place since, and may be
  /// taken for what counts for all.
  void give_back_settings(const SchemeTable& one) {
    if (!one.is_override()) return;
    const std::string tenant = quoted_name(one.column());
    for (const Index& key : one.table->indexes) {
      if (!key.is_unique || !key.has(one.column()) || !key.predicate.empty()) continue;
      std::vector<std::string> equal{fmt::format("a.{} = 0", tenant)};
      for (const std::string& column : key.columns()) {
        if (!is_same_name(column, one.column()))
          equal.push_back(fmt::format("a.{0} = t.{0}", quoted_name(column)));
      }
      session_.execute(
          fmt::format("UPDATE {0} AS t SET {1} = {2} WHERE t.{1} = 0 AND EXISTS (SELECT 1 FROM {3} AS "
                      "a WHERE {4})",
                      quoted_name(one.name()), tenant, scheme_.home, quoted_name(archived_name(one.name())),
                      fmt::join(equal, " AND ")));
    }
  }

  /// Whoever came back has nothing else yet: what is the servers' is what was put aside of them. All servers'
  /// rows of an override are some of many.
  Outcome<void> compare(const SchemeTable& one, const std::vector<std::string>& columns) {
    const std::string tenant = quoted_name(one.column());
    const std::string archived = archived_name(one.name());
    const std::string of_servers = fmt::format("t.{} <> 0", tenant);
    const std::string came_back =
        fmt::format("{} AND t.{} IN (SELECT {} FROM {})", of_servers, tenant, tenant, quoted_name(archived));
    if (!is_same_content(session_, content(archived, columns, of_servers),
                         content(one.name(), columns, came_back)))
      return migrate::stop(
          Exit::failed, "CV-ARCHIVE",
          fmt::format("what came back into {} is not what was put aside; nothing was changed", one.name()),
          "Did one of those servers get rows of its own meanwhile? Then they have to be joined by hand.");
    restored_.push_back({one.name(), count(session_, archived)});
    return {};
  }

  store::SchemaSession& session_;
  const Scheme& scheme_;
  Archived restored_;
};

}  // namespace

bool has_sqlite_archive(store::SchemaSession& session) {
  return exists(session, std::string(kSqliteArchive));
}

Outcome<Archived> put_aside(store::SchemaSession& session, std::int64_t conversion,
                            const std::vector<Before>& things, const std::vector<SharedTable>& tables,
                            const Others& others) {
  if (has_sqlite_archive(session))
    return migrate::stop(Exit::refused, "CV-ARCHIVE",
                         fmt::format("there is a table {} already", kSqliteArchive),
                         "Bring it back first, with 'guildhall convert restore'.");
  return PuttingAside(session, tables, others).run(conversion, things);
}

Outcome<Archived> bring_back(store::SchemaSession& session, const Scheme& scheme) {
  return BringingBack(session, scheme).run();
}

}  // namespace guildhall::convert
