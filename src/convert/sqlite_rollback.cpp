#include "convert/sqlite_rollback.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <set>

#include "convert/sqlite_archive.h"
#include "convert/sqlite_online.h"
#include "convert/sqlite_others.h"
#include "convert/sqlite_rebuild.h"
#include "convert/sqlite_switch.h"
#include "convert/sqlite_triggers.h"
#include "migrate/schema_reading.h"
#include "migrate/sql_lexer.h"
#include "store/quoting.h"

namespace guildhall::convert {
namespace {

using migrate::Exit;
using store::quoted_name;
using store::quoted_text;

/// A table as it was and as it is.
struct Back {
  std::string name;
  std::string tenant;
  bool is_override = false;
  std::string old_sql;
  TableText old_text;
  TableText new_text;
  std::vector<std::string> columns;  // that both have, and that no expression makes
  std::string old_number;            // SQL: the row's number, and what becomes of it; "" without one
  std::string new_number;
};

constexpr const char* kWithArchive =
    "With --archive they are put aside, and 'guildhall convert restore' brings them back after a later "
    "conversion. Nothing was changed.";

class WayBack {
 public:
  WayBack(store::SchemaSession& session, Records& records, const Conversion& conversion,
          const SqliteOptions& options)
      : session_(session), records_(records), conversion_(conversion), options_(options) {
    report_.conversion = conversion.number;
    for (Before& thing : records_.before(conversion.number)) things_.push_back(std::move(thing));
  }

  migrate::Outcome<SqliteReport> run() {
    drop_replaced(session_, options_);
    if (conversion_.state == State::expanding) {
      drop_shadows(session_);
    } else {
      if (auto alone = make_room(); !alone) return std::unexpected(alone.error());
      const OldSchema shape = read_sqlite_shape(session_);
      const auto views = try_views(session_, shape);
      const auto triggers = try_triggers(session_, server_columns());
      auto done = conversion_.state == State::expanded ? take_columns() : take_tables();
      if (!done) return std::unexpected(done.error());
      settle_triggers(triggers, try_triggers(session_, server_columns()));
      say_views(views, try_views(session_, shape));
    }
    drop_registry();
    records_.set_state(conversion_.number, State::rolled_back);
    return std::move(report_);
  }

 private:
  std::vector<const Before*> of_kind(std::string_view kind) const {
    std::vector<const Before*> found;
    for (const Before& thing : things_) {
      if (thing.kind == kind) found.push_back(&thing);
    }
    return found;
  }

  bool exists(const std::string& table) const {
    return number_of(session_, "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = $1",
                     {table}) > 0;
  }

  // --- whose rows there are

  /// Those of tables that name their servers anyway may stay.
  migrate::Outcome<void> make_room() {
    const auto tables = shared_tables(session_, things_);
    if (!tables) return std::unexpected(tables.error());
    const Others others = find_others(session_, *tables, conversion_.home);
    if (options_.archive) {
      options_.at("rows of other servers put aside");
      auto moved = put_aside(session_, conversion_.number, things_, *tables, others);
      if (!moved) return std::unexpected(moved.error());
      report_.moved = *std::move(moved);
      return {};
    }
    if (!others.counts.empty())
      return migrate::stop(
          Exit::refused, "CV-OTHERS",
          fmt::format("rows of several servers are there, and tables of one server would mix them up: {}",
                      fmt::join(others.counts, "; ")),
          kWithArchive);
    if (others.twins.empty()) return {};
    return migrate::stop(
        Exit::refused, "CV-KEYS",
        fmt::format("two servers have rows with the same key, and the old keys allow one: {}",
                    fmt::join(others.twins, ", ")),
        kWithArchive);
  }

  // --- the file of one server

  migrate::Outcome<void> take_columns() {
    for (const Before* column : of_kind("column")) {
      ++report_.tables;
      options_.at(fmt::format("{}: tenant column", column->table));
      if (!exists(column->table)) continue;
      drop_indexes_of(*column);
      session_.execute(fmt::format("ALTER TABLE {} DROP COLUMN {}", quoted_name(column->table),
                                   quoted_name(column->name)));
    }
    session_.execute(fmt::format("DROP TABLE IF EXISTS {}", kServerMarker));
    return {};
  }

  /// SQLite lets no column go that an index needs, as of those that others made since. At triggers it does
  /// not look then (SqliteSettings).
  void drop_indexes_of(const Before& column) {
    for (const auto& entry : migrate::sqlite_entries(session_)) {
      if (entry.type != "index" || !is_same_name(entry.table, column.table) ||
          !mentions(entry.sql, column.name))
        continue;
      session_.execute(fmt::format("DROP INDEX {}", quoted_name(entry.name)));
      say_gone({entry.type, entry.table, entry.name, entry.sql});
    }
  }

  void say_gone(const Before& part) {
    report_.findings.push_back({"CV-PART", migrate::Level::warning, part.table, 0,
                                fmt::format("the {} {} is gone: it needs the server", part.kind, part.name),
                                part.definition});
  }

  // --- tables that were made anew

  migrate::Outcome<void> take_tables() {
    if (auto read = read_tables(); !read) return read;
    report_.tables = tables_.size();
    for (const Back& table : tables_) {
      if (auto made = make(table); !made) return made;
    }
    for (const Back& table : tables_) exchange(table);
    make_again("index");
    for (const Before* counter : of_kind("counter"))
      set_counter(session_, counter->table, std::stoll(counter->definition));
    for (const auto& [table, counter] : counters_) {
      if (std::ranges::any_of(tables_,
                              [&](const Back& one) { return one.name == table && one.old_text.counts_on(); }))
        set_counter(session_, table, counter);
    }
    if (auto put = put_back(); !put) return put;
    // They would fire on what comes back.
    make_again("trigger");
    for (const Before* version : of_kind("version")) {
      if (version->definition == "0" &&
          session_.query("PRAGMA user_version").at(0).at(0) == std::to_string(kConvertedVersion))
        session_.execute("PRAGMA user_version=0");
    }
    options_.at("the file itself");
    return check_integrity(session_);
  }

  migrate::Outcome<void> read_tables() {
    counters_ = read_counters(session_);
    for (const auto& entry : migrate::sqlite_entries(session_)) {
      if (entry.type == "table")
        now_[entry.name] = entry.sql;
      else if (entry.type != "view")
        parts_.push_back({entry.type, entry.table, entry.name, entry.sql});
    }
    for (const Before* thing : of_kind("table")) {
      if (!exists(thing->table)) continue;
      Back table{.name = thing->table, .old_sql = thing->definition};
      for (const Before* tenant : of_kind("tenant")) {
        if (tenant->table != table.name) continue;
        table.tenant = tenant->name;
        table.is_override = tenant->definition == name_of(TableClass::override);
      }
      auto old_text = read_table_text(table.name, table.old_sql);
      if (!old_text) return std::unexpected(old_text.error());
      auto new_text = read_table_text(table.name, now_[table.name]);
      if (!new_text) return std::unexpected(new_text.error());
      table.old_text = *std::move(old_text);
      table.new_text = *std::move(new_text);
      if (auto chosen = choose_columns(table); !chosen) return chosen;
      tables_.push_back(std::move(table));
    }
    return {};
  }

  migrate::Outcome<void> choose_columns(Back& table) {
    std::set<std::string> made;  // by an expression
    for (const auto& row :
         session_.query("SELECT name FROM pragma_table_xinfo($1) WHERE hidden IN (2, 3)", {table.name}))
      made.insert(row[0]);
    const ItemText* now = table.new_text.row_number();
    const ItemText* then = table.old_text.row_number();
    for (const ItemText& item : table.new_text.items) {
      if (item.column.empty() || made.contains(item.column)) continue;
      if (table.old_text.column(item.column) != nullptr) {
        table.columns.push_back(item.column);
      } else if (!is_same_name(item.column, table.tenant) && &item != now) {
        return migrate::stop(
            Exit::refused, "CV-COLUMNS",
            fmt::format("table {} has the column {} since the conversion, which would be lost", table.name,
                        item.column),
            "Nothing was changed. Drop the column first, or keep the table as it is.");
      }
    }
    if (!table.old_text.has_rowid() || then != nullptr) return {};
    table.old_number = row_id_name(session_, table.name);
    table.new_number = now == nullptr ? table.old_number : quoted_name(now->column);
    return {};
  }

  migrate::Outcome<void> make(const Back& table) {
    options_.at(fmt::format("{}: copy", table.name));
    const std::string target = new_name(table.name);
    session_.execute(under_other_name(without_own_name(table.old_sql, table.name), target));
    std::vector<std::string> columns;
    for (const std::string& column : table.columns) columns.push_back(quoted_name(column));
    std::vector<std::string> values = columns;
    if (!table.old_number.empty()) {
      columns.push_back(table.old_number);
      values.push_back(table.new_number);
    }
    try {
      session_.execute(fmt::format("INSERT INTO {} ({}) SELECT {} FROM {}", quoted_name(target),
                                   fmt::join(columns, ", "), fmt::join(values, ", "),
                                   quoted_name(table.name)));
    } catch (const store::DatabaseError& error) {
      if (error.code() != store::DbCode::unique && error.code() != store::DbCode::not_null) throw;
      return migrate::stop(
          Exit::refused, "CV-KEYS",
          fmt::format("table {}: its rows do not fit under its old keys: {}", table.name, error.what()),
          fmt::format("Rows of server 0 beside a server's own are one cause. {}", kWithArchive));
    }
    options_.at(fmt::format("{}: comparison", table.name));
    return compare(table, target, columns, values);
  }

  migrate::Outcome<void> compare(const Back& table, const std::string& target,
                                 const std::vector<std::string>& columns,
                                 const std::vector<std::string>& values) {
    const auto rows = [&](const std::vector<std::string>& list, const std::string& from) {
      std::vector<std::string> quotes;
      for (const std::string& one : list) quotes.push_back(literal_of(one));
      return fmt::format("SELECT {} FROM {}", fmt::join(quotes, " || ',' || "), quoted_name(from));
    };
    const auto differing = number_of(
        session_, fmt::format("SELECT count(*) FROM (SELECT * FROM ({0}) EXCEPT SELECT * FROM ({1}))",
                              rows(values, table.name), rows(columns, target)));
    const auto count = [&](const std::string& name) {
      return number_of(session_, fmt::format("SELECT count(*) FROM {}", quoted_name(name)));
    };
    if (differing == 0 && count(target) == count(table.name)) return {};
    return migrate::stop(Exit::failed, "CV-ROWS",
                         fmt::format("table {}: {} rows would not be what they are; nothing was changed",
                                     table.name, differing),
                         "Keep the file as it is, and report it with `convert inspect`.");
  }

  /// The text of a table, up to its name, is known to the letter: CREATE TABLE name (.
  static std::string under_other_name(const std::string& sql, const std::string& name) {
    const auto at = sql.find('(');
    return fmt::format("CREATE TABLE {} {}", quoted_name(name), sql.substr(at_of_columns(sql, at)));
  }

  /// Quoted names may have parentheses in them.
  static std::size_t at_of_columns(const std::string& sql, std::size_t otherwise) {
    const auto tokens = migrate::lex(sql, migrate::Dialect::sqlite);
    if (!tokens) return otherwise;
    for (const migrate::Token& token : *tokens) {
      if (migrate::is_symbol(token, "(")) return static_cast<std::size_t>(token.text.data() - sql.data());
    }
    return otherwise;
  }

  void exchange(const Back& table) {
    options_.at(fmt::format("{}: exchange", table.name));
    session_.execute(fmt::format("DROP TABLE {}", quoted_name(table.name)));
    session_.execute(fmt::format("ALTER TABLE {} RENAME TO {}", quoted_name(new_name(table.name)),
                                 quoted_name(table.name)));
  }

  /// As they were; and what others made since: no index that needs the server can be made, while a trigger
  /// can (settle_triggers).
  void make_again(std::string_view kind) {
    std::set<std::string> names;
    for (const Before* part : of_kind(kind)) {
      if (!exists(part->table)) continue;
      session_.execute(part->definition);
      names.insert(part->name);
    }
    for (const Before& part : parts_) {
      const auto table = std::ranges::find(tables_, part.table, &Back::name);
      if (part.kind != kind || names.contains(part.name) || table == tables_.end()) continue;
      if (kind == "trigger" || !mentions(part.definition, table->tenant)) {
        session_.execute(part.definition);
      } else if (!part.name.starts_with("guildhall_")) {
        say_gone(part);
      }
    }
  }

  /// Values that were set right, where nobody wrote since; and rows that were put aside. Those that were
  /// added to others live on in them.
  migrate::Outcome<void> put_back() {
    for (const Before* value : of_kind("value")) {
      if (exists(value->table)) session_.execute(value->definition);
    }
    for (const Refused& row : records_.refused(conversion_.number)) {
      if (row.done != "put aside" || !exists(row.table)) continue;
      const auto sql = insert_again(row.table, row.row);
      if (!sql) return std::unexpected(migrate::problem_of(sql.error()));
      try {
        session_.execute(*sql);
      } catch (const store::DatabaseError& error) {
        return migrate::stop(
            Exit::refused, "CV-KEYS",
            fmt::format("a row that was put aside does not fit into {} any more: {}: {}", row.table,
                        error.what(), row.row),
            "Nothing was changed. Another row took its place: delete that one, or rename it.");
      }
    }
    return {};
  }

  // --- what reads the tables

  std::set<std::string> server_columns() const {
    std::set<std::string> columns;
    for (const Before& thing : things_) {
      if (thing.kind == "column" || thing.kind == "tenant") columns.insert(thing.name);
    }
    return columns;
  }

  /// One that was altered since the conversion is again what it was before.
  void settle_triggers(const TriedTriggers& before, const TriedTriggers& after) {
    for (const auto& [name, then] : before) {
      const auto now = after.find(name);
      if (now == after.end() || now->second.definition != then.definition) continue;
      const Before trigger{"trigger", then.table, name, then.definition};
      if (!std::ranges::includes(now->second.events, then.events)) {
        settle_broken(trigger);
      } else if (now->second.events.empty() && !was_there(trigger) && names_server(then.definition)) {
        say_unknown(trigger);
      }
    }
  }

  /// On a table of the conversion it goes, as an index does. What was there before, and what is on others'
  /// tables, is not this tool's to drop.
  void settle_broken(const Before& trigger) {
    const bool is_ours = std::ranges::any_of(
        of_kind("table"), [&](const Before* one) { return is_same_name(one->table, trigger.table); });
    if (!is_ours || was_there(trigger)) return say_broken(trigger);
    session_.execute(fmt::format("DROP TRIGGER {}", quoted_name(trigger.name)));
    say_gone(trigger);
  }

  bool was_there(const Before& trigger) const {
    return std::ranges::any_of(of_kind("trigger"),
                               [&](const Before* one) { return one->name == trigger.name; });
  }

  bool names_server(const std::string& sql) const {
    return std::ranges::any_of(server_columns(),
                               [&](const std::string& column) { return mentions(sql, column); });
  }

  void say_broken(const Before& trigger) {
    report_.findings.push_back(
        {"CV-PART", migrate::Level::warning, trigger.table, 0,
         fmt::format("the trigger {} of {} cannot run any more: it needs the server", trigger.name,
                     trigger.table),
         fmt::format("Writes to {} that it is about fail. Make it anew without it, or drop it.",
                     trigger.table)});
  }

  /// It calls what only the bot brings along.
  void say_unknown(const Before& trigger) {
    report_.findings.push_back(
        {"CV-PART", migrate::Level::warning, trigger.table, 0,
         fmt::format("whether the trigger {} of {} runs without the server is not known: SQLite alone cannot "
                     "run it",
                     trigger.name, trigger.table),
         "Look whether it needs the server: make it anew without it, or drop it."});
  }

  void say_views(const std::map<std::string, std::int64_t>& before,
                 const std::map<std::string, std::int64_t>& after) {
    for (const auto& [view, answer] : before) {
      if (answer >= 0 && after.at(view) < 0)
        report_.findings.push_back(
            {"CV-PART", migrate::Level::warning, view, 0,
             fmt::format("the view {} cannot be read any more: it needs the server", view),
             "Make it anew without it, or drop it."});
    }
  }

  void drop_registry() {
    for (const Before* registry : of_kind("registry"))
      session_.execute(fmt::format("DROP TABLE IF EXISTS {}", quoted_name(registry->table)));
  }

  store::SchemaSession& session_;
  Records& records_;
  const Conversion& conversion_;
  const SqliteOptions& options_;
  SqliteReport report_;
  std::vector<Before> things_;
  std::vector<Before> parts_;  // indexes and triggers as they are now
  std::map<std::string, std::string> now_;
  std::map<std::string, std::int64_t> counters_;
  std::vector<Back> tables_;
};

}  // namespace

migrate::Outcome<SqliteReport> roll_back_sqlite(store::SchemaSession& session,
                                                const SqliteOptions& options) try {
  Records records(session, migrate::Dialect::sqlite);
  const SqliteSettings settings(session, options.wait);
  SqliteTransaction transaction(session);
  const auto newest = records.newest();
  if (!newest || newest->state == State::rolled_back)
    return migrate::stop(Exit::refused, "CV-NONE", "there is no conversion that could be taken back",
                         newest ? "The newest was taken back already." : "");
  auto report = WayBack(session, records, *newest, options).run();
  if (!report) return report;
  options.at("commit");
  transaction.commit();
  return report;
} catch (const store::DatabaseError& error) {
  return std::unexpected(sqlite_problem(error));
}

}  // namespace guildhall::convert
