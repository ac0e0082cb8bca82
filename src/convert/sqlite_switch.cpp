#include "convert/sqlite_switch.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <boost/json.hpp>

#include "base/text.h"
#include "convert/sqlite_keys.h"
#include "convert/sqlite_rebuild.h"
#include "convert/sqlite_sums.h"
#include "migrate/schema_reading.h"
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

/// SQL: what a table's own key is, as an index of that name on `table`.
std::string key_as_index(store::SchemaSession& session, const std::string& key, const std::string& name,
                         const std::string& table) {
  std::vector<std::string> parts;
  for (const auto& part : session.query(
           R"(SELECT name, coll, "desc" FROM pragma_index_xinfo($1) WHERE "key" = 1 ORDER BY seqno)", {key}))
    parts.push_back(fmt::format("{} COLLATE {}{}", quoted_name(part[0]), quoted_name(part[1]),
                                part[2] == "0" ? "" : " DESC"));
  return fmt::format("CREATE INDEX {} ON {}({})", quoted_name(name), quoted_name(table),
                     fmt::join(parts, ", "));
}

}  // namespace

std::vector<Before> read_parts(store::SchemaSession& session, const SqlitePlan& plan) {
  std::vector<Before> parts;
  for (const auto& entry : migrate::sqlite_entries(session)) {
    if (entry.type != "view" && table_of(plan, entry.table) != nullptr)
      parts.push_back({entry.type, entry.table, entry.name, entry.sql});
  }
  return parts;
}

std::vector<std::string> wanted_indexes(const SqliteTable& table, std::string_view target) {
  std::vector<std::string> made;
  for (const std::string& columns : table.rule().indexes)
    made.push_back(fmt::format("CREATE INDEX IF NOT EXISTS {} ON {} ({}, {})",
                               quoted_name(fmt::format("guildhall_{}_{}", table.name(), made.size() + 1)),
                               quoted_name(target), quoted_name(table.change.tenant), columns));
  return made;
}

std::string passing_index(std::string_view name) { return fmt::format("{}index_{}", kPassingNames, name); }

std::map<std::string, std::int64_t> read_counters(store::SchemaSession& session) {
  std::map<std::string, std::int64_t> counters;
  if (number_of(session, "SELECT count(*) FROM sqlite_schema WHERE name = 'sqlite_sequence'") == 0)
    return counters;
  for (const auto& row : session.query("SELECT name, seq FROM sqlite_sequence"))
    counters[row[0]] = row[1].empty() ? 0 : std::stoll(row[1]);
  return counters;
}

void set_counter(store::SchemaSession& session, const std::string& table, std::int64_t least) {
  if (number_of(session, "SELECT count(*) FROM sqlite_sequence WHERE name = $1", {table}) == 0)
    session.query("INSERT INTO sqlite_sequence (name, seq) VALUES ($1, CAST($2 AS INTEGER))",
                  {table, std::to_string(least)});
  session.query("UPDATE sqlite_sequence SET seq = max(seq, CAST($2 AS INTEGER)) WHERE name = $1",
                {table, std::to_string(least)});
}

void make_registry(store::SchemaSession& session, const Scheme& scheme, const SqlitePlan& plan,
                   Records& records, std::int64_t conversion) {
  if (!plan.makes_registry) return;
  const Registry& registry = scheme.description.registry;
  session.execute(
      fmt::format("CREATE TABLE IF NOT EXISTS {} ({} INTEGER PRIMARY KEY NOT NULL{})",
                  quoted_name(registry.table), quoted_name(registry.column),
                  registry.name.empty() ? "" : fmt::format(", {} TEXT", quoted_name(registry.name))));
  records.remember(conversion, {{"registry", registry.table, registry.table, "made"}});
}

migrate::Outcome<void> register_servers(store::SchemaSession& session, const Scheme& scheme,
                                        const SqlitePlan& plan, const std::set<std::int64_t>& servers) {
  if (plan.registry.empty()) return {};
  const Registry& registry = scheme.description.registry;
  std::vector<std::string> rows;
  for (const std::int64_t server : servers) rows.push_back(fmt::format("SELECT {} AS server", server));
  const std::string name = registry.name.empty() ? "" : ", " + quoted_name(registry.name);
  try {
    session.execute(fmt::format(
        "INSERT INTO {0} ({1}{2}) SELECT server{3} FROM ({4}) WHERE server NOT IN (SELECT {1} FROM {0})",
        quoted_name(registry.table), quoted_name(registry.column), name,
        name.empty() ? "" : ", CAST(server AS TEXT)", fmt::join(rows, " UNION ALL ")));
  } catch (const store::DatabaseError& error) {
    return migrate::stop(
        Exit::refused, "CV-REGISTRY",
        fmt::format("the servers cannot be written into table {}: {}", registry.table, error.what()),
        "Put them in yourself, then run this again.");
  }
  return {};
}

SqliteSwitch::SqliteSwitch(store::SchemaSession& session, const Scheme& scheme, const SqlitePlan& plan,
                           Records& records, const SqliteOptions& options)
    : session_(session), scheme_(scheme), plan_(plan), records_(records), options_(options) {}

migrate::Outcome<SqliteReport> SqliteSwitch::run(std::int64_t conversion,
                                                 const std::set<std::string>& filled) {
  filled_ = filled;
  report_ = {.conversion = conversion,
             .tables = plan_.tables.size(),
             .untouched = scheme_.unknown,
             .findings = plan_.findings};
  if (auto done = check_texts(); !done) return std::unexpected(done.error());
  remember();
  views_ = filled_.empty() ? count_views(session_, *scheme_.schema) : try_views(session_, *scheme_.schema);
  references_ = read_references(session_, *scheme_.schema, plan_, false);
  make_registry(session_, scheme_, plan_, records_, conversion);
  SqliteRows rows(session_, records_, conversion);
  for (const SqliteTable& table : plan_.tables) {
    options_.at(fmt::format("{}: rows that cannot go on", table.name()));
    if (is_filled(table)) continue;
    if (auto done = rows.look_at(table); !done) return std::unexpected(done.error());
  }
  for (const SqliteTable& table : plan_.tables) {
    if (is_filled(table)) continue;
    if (auto done = fill(table, rows); !done) return std::unexpected(done.error());
  }
  for (const SqliteTable& table : plan_.tables) {
    if (is_filled(table)) continue;
    if (auto done =
            compare_parents(session_, plan_, table, [&](std::string_view name) { return target_of(name); });
        !done)
      return std::unexpected(done.error());
  }
  for (const SqliteTable& table : plan_.tables) exchange(table);
  if (auto done = add_servers(); !done) return std::unexpected(done.error());
  for (const SqliteTable& table : plan_.tables) recount(table);
  set_counters();
  make_again();
  if (auto done = check(rows); !done) return std::unexpected(done.error());
  options_.at("sums of what was changed");
  if (auto done = keep_converted_sums(session_, scheme_, records_, conversion); !done)
    return std::unexpected(done.error());
  say_version();
  records_.set_state(conversion, State::contracted);
  return report_;
}

std::string SqliteSwitch::target_of(std::string_view table) const { return new_name(table); }

/// What the plan does not know of would be lost, as a column that the old program adds when it starts anew.
migrate::Outcome<void> SqliteSwitch::check_texts() const {
  for (const SqliteTable& table : plan_.tables) {
    const auto now =
        session_.query("SELECT sql FROM sqlite_schema WHERE type = 'table' AND name = $1", {table.name()});
    if (!now.empty() && now[0][0] == table.scheme->table->sql) continue;
    return migrate::stop(
        Exit::failed, "CV-CHANGED",
        fmt::format("table {} was changed or dropped while it was to be converted; nothing was changed here",
                    table.name()),
        "Run this again: it begins with the table as it is now.");
  }
  return {};
}

void SqliteSwitch::remember() {
  options_.at("what is there before");
  parts_ = read_parts(session_, plan_);
  counters_ = read_counters(session_);
  records_.remember(report_.conversion, parts_);
  records_.remember(report_.conversion, remembered_tables(scheme_));
  for (const SqliteTable& table : plan_.tables) {
    if (const auto counter = counters_.find(table.name()); counter != counters_.end())
      records_.remember(report_.conversion,
                        {{"counter", table.name(), table.name(), std::to_string(counter->second)}});
  }
}

migrate::Outcome<void> SqliteSwitch::fill(const SqliteTable& table, SqliteRows& rows) {
  options_.at(fmt::format("{}: copy", table.name()));
  const std::string target = new_name(table.name());
  const auto made = table.made_anew(target);
  if (!made) return std::unexpected(made.error());
  make_to_be_filled(session_, *made);
  const std::string copy = table.copy_into(target) + rows.who_goes_on(table);
  // Rows go in as they lie there: the tree grows at its end.
  session_.execute(fmt::format("{} ORDER BY {}", copy, table.order()));
  options_.at(fmt::format("{}: keys", table.name()));
  build_keys(session_, target, *made);
  rows.sum_up(table, target);
  options_.at(fmt::format("{}: comparison", table.name()));
  if (auto done = compare_rows(session_, table, target, rows.left_out(table), rows.merged(table) > 0); !done)
    return done;
  return {};
}

void SqliteSwitch::exchange(const SqliteTable& table) {
  options_.at(fmt::format("{}: exchange", table.name()));
  const std::string name = quoted_name(table.name());
  if (is_filled(table)) {
    put_away(table);
    drop_changed_indexes(table);
  } else {
    session_.execute(fmt::format("DROP TABLE {}", name));
  }
  session_.execute(fmt::format("ALTER TABLE {} RENAME TO {}", quoted_name(new_name(table.name())), name));
  if (is_filled(table)) take_indexes(table);
}

/// The old table waits for its drop under another name. With its keys it could only be dropped as a whole: so
/// it becomes a table of nothing but its columns, and its keys become indexes like any other, which are
/// dropped one by one (drop_replaced). No page of them is read or written for it; what the schema says of
/// them is true as before.
void SqliteSwitch::put_away(const SqliteTable& table) {
  for (const Before& part : parts_) {
    if (part.kind == "trigger" && is_same_name(part.table, table.name()))
      session_.execute(fmt::format("DROP TRIGGER {}", quoted_name(part.name)));
  }
  const std::string replaced = replaced_name(table.name());
  std::vector<std::vector<std::string>> moved;  // the name before, the name from now on, the text
  for (const auto& index : session_.query(
           "SELECT name, coalesce(sql, '') FROM sqlite_schema WHERE type = 'index' AND tbl_name = $1",
           {table.name()})) {
    const bool is_key = index[1].empty();
    const std::string name = is_key
                                 ? fmt::format("{}key_{}_{}", kPassingNames, moved.size() + 1, table.name())
                                 : replaced_name(index[0]);
    moved.push_back(
        {index[0], name,
         is_key ? key_as_index(session_, index[0], name, replaced) : moved_index(index[1], name, replaced)});
  }
  const WritableSchema writable(session_);
  session_.query(
      "UPDATE sqlite_schema SET name = $2, tbl_name = $2, sql = $3 WHERE type = 'table' AND name = $1",
      {table.name(), replaced, columns_alone(table.text, replaced)});
  for (const auto& index : moved)
    session_.query(
        "UPDATE sqlite_schema SET name = $3, sql = $4, tbl_name = $5 WHERE type = 'index' AND tbl_name = $1 "
        "AND name = $2",
        {table.name(), index[0], index[1], index[2], replaced});
  if (counters_.contains(table.name()))
    session_.query("DELETE FROM sqlite_sequence WHERE name = $1", {table.name()});
}

/// Of indexes that somebody made anew in another way since the successor got its own: they are built again.
void SqliteSwitch::drop_changed_indexes(const SqliteTable& table) {
  for (const Before& part : parts_) {
    if (part.kind != "index" || !is_same_name(part.table, table.name())) continue;
    const std::string name = passing_index(part.name);
    const std::string made =
        moved_index(changed_index(part.definition, table.change.tenant), name, new_name(table.name()));
    if (!session_
             .query("SELECT 1 FROM sqlite_schema WHERE type = 'index' AND name = $1 AND sql <> $2",
                    {name, made})
             .empty())
      session_.execute(fmt::format("DROP INDEX {}", quoted_name(name)));
  }
}

/// The indexes of the successor get the names of the old table's: no statement of SQLite renames one, nor is
/// any page of them read or written for it.
void SqliteSwitch::take_indexes(const SqliteTable& table) {
  const WritableSchema writable(session_);
  for (const Before& part : parts_) {
    if (part.kind != "index" || !is_same_name(part.table, table.name())) continue;
    session_.query(
        "UPDATE sqlite_schema SET name = $3, sql = $4 WHERE type = 'index' AND name = $1 AND tbl_name = $2",
        {passing_index(part.name), table.name(), part.name,
         changed_index(part.definition, table.change.tenant)});
    if (number_of(session_, "SELECT changes()") == 1) taken_.insert(part.name);
  }
}

void SqliteSwitch::make_again() {
  for (const Before& part : parts_) {
    const SqliteTable& table = *table_of(plan_, part.table);
    if (part.kind == "index" && !taken_.contains(part.name))
      session_.execute(changed_index(part.definition, table.change.tenant));
  }
  // Of indexes that somebody dropped while the online way was copying.
  for (const auto& row : session_.query(
           "SELECT name FROM sqlite_schema WHERE type = 'index' AND name LIKE $1", {passing_index("") + "%"}))
    session_.execute(fmt::format("DROP INDEX {}", quoted_name(row[0])));
  for (const SqliteTable& table : plan_.tables) {
    for (const std::string& index : wanted_indexes(table, table.name())) session_.execute(index);
  }
  for (const Before& part : parts_) {
    if (part.kind == "trigger") session_.execute(part.definition);
  }
}

void SqliteSwitch::set_counters() {
  for (const SqliteTable& table : plan_.tables) {
    const auto counter = counters_.find(table.name());
    if (counter != counters_.end() && table.text.counts_on() && !table.change.natural)
      set_counter(session_, table.name(), counter->second);
  }
}

migrate::Outcome<void> SqliteSwitch::add_servers() {
  std::set<std::int64_t> servers{scheme_.home};
  for (const SqliteTable& table : plan_.tables) {
    if (is_filled(table)) {  // all rows are of one server, which is known
      report_.rows[table.name()] =
          number_of(session_, fmt::format("SELECT count(*) FROM {}", quoted_name(table.name())));
      continue;
    }
    for (const auto& row :
         session_.query(fmt::format("SELECT {0}, count(*) FROM {1} GROUP BY {0}",
                                    quoted_name(table.change.tenant), quoted_name(table.name())))) {
      report_.rows[table.name()] += std::stoll(row[1]);
      if (std::stoll(row[0]) > 0) servers.insert(std::stoll(row[0]));
    }
  }
  return register_servers(session_, scheme_, plan_, servers);
}

void SqliteSwitch::recount(const SqliteTable& table) {
  if (!table.rule().recount) return;
  const Recount& rule = *table.rule().recount;
  const SqliteTable* counted = table_of(plan_, rule.table);
  if (counted == nullptr) return;
  std::vector<std::string> same{
      fmt::format("u.{} = n.{}", quoted_name(counted->change.tenant), quoted_name(table.change.tenant))};
  std::vector<std::string> shown;
  for (std::size_t i = 0; i < rule.columns.size(); ++i) {
    same.push_back(fmt::format("u.{} = n.{}", quoted_name(rule.counted[i]), quoted_name(rule.columns[i])));
    shown.push_back(fmt::format("quote(n.{})", quoted_name(rule.columns[i])));
  }
  const std::string column = quoted_name(rule.column);
  const std::string count = fmt::format("(SELECT count(*) FROM {} AS u WHERE {})",
                                        quoted_name(counted->name()), fmt::join(same, " AND "));
  for (const auto& row : session_.query(
           fmt::format("SELECT quote(n.{0}), {1}, {2} FROM {3} AS n WHERE coalesce(n.{0}, 0) <> {1}", column,
                       count, fmt::join(shown, ", "), quoted_name(table.name())))) {
    std::string where;
    for (std::size_t i = 0; i < rule.columns.size(); ++i)
      where += fmt::format("{} = {} AND ", quoted_name(rule.columns[i]), row[2 + i]);
    records_.remember(report_.conversion,
                      {{"value", table.name(), where + rule.column,
                        fmt::format("UPDATE {} SET {} = {} WHERE {}{} IS {}", quoted_name(table.name()),
                                    column, row[0], where, column, row[1])}});
    boost::json::object object{{rule.column, row[0]}};
    for (std::size_t i = 0; i < rule.columns.size(); ++i) object[rule.columns[i]] = row[2 + i];
    records_.refuse(report_.conversion,
                    {table.name(), boost::json::serialize(object),
                     fmt::format("its {} was {}, and {} has {} such rows: the greater counts", rule.column,
                                 row[0], rule.table, row[1]),
                     "kept"});
  }
  session_.execute(fmt::format("UPDATE {0} AS n SET {1} = {2} WHERE {2} > coalesce(n.{1}, 0)",
                               quoted_name(table.name()), column, count));
}

migrate::Outcome<void> SqliteSwitch::check(const SqliteRows& rows) {
  options_.at("references and views");
  const OldSchema now = read_sqlite_shape(session_);
  const References after = read_references(session_, now, plan_, true);
  if (auto done = compare_references(references_, after, rows.changed()); !done) return done;
  if (auto done = check_views(rows); !done) return done;
  if (!filled_.empty()) return {};
  options_.at("the file itself");
  std::vector<std::string> names;
  for (const SqliteTable& table : plan_.tables) names.push_back(table.name());
  return check_new_tables(session_, names);
}

/// A view answers what it did: the rows of all servers, which is what people have to be told.
migrate::Outcome<void> SqliteSwitch::check_views(const SqliteRows& rows) {
  const bool has_fewer =
      std::ranges::any_of(plan_.tables, [&](const SqliteTable& table) { return rows.left_out(table) > 0; });
  const auto now =
      filled_.empty() ? count_views(session_, *scheme_.schema) : try_views(session_, *scheme_.schema);
  if (auto same = compare_views(views_, now); !same) return same;
  for (const auto& [view, count] : views_) {
    if (now.at(view) != count && !has_fewer)
      return migrate::stop(Exit::failed, "CV-VIEW",
                           fmt::format("view {} answered {} rows and would answer {}; nothing was changed",
                                       view, count, now.at(view)),
                           "Drop the view, and make it anew afterwards with the server in it.");
    for (const std::string& table : scheme_.schema->views.at(view).reads) {
      if (table_of(plan_, table) == nullptr) continue;
      report_.findings.push_back(
          {"CV-VIEW", migrate::Level::warning, view, 0,
           fmt::format("view {} reads {}, and shows the rows of all servers", view, table),
           "Make it anew with the server in it, or drop it."});
      break;
    }
  }
  return {};
}

/// A version that another program counts is left to it.
void SqliteSwitch::say_version() {
  const std::string version = session_.query("PRAGMA user_version").at(0).at(0);
  records_.remember(report_.conversion, {{"version", "", "user_version", version}});
  if (version == "0") session_.execute(fmt::format("PRAGMA user_version={}", kConvertedVersion));
}

}  // namespace guildhall::convert
