#include "convert/sqlite_online.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <optional>
#include <thread>

#include "convert/sqlite_proof.h"
#include "convert/sqlite_switch.h"
#include "convert/sums.h"
#include "store/quoting.h"

namespace guildhall::convert {
namespace {

using migrate::Exit;
using store::quoted_name;
using store::quoted_text;

/// So many rows at once that others wait for no longer than a moment.
class Batch {
 public:
  explicit Batch(const SqliteOptions& options, std::size_t times = 1)
      : rows_(times * options.batch), most_(std::max(rows_, times * options.greatest_batch)) {}

  std::size_t rows() const { return rows_; }
  /// Runs one, and learns from it.
  template <class Function>
  bool run(Function function) {
    const auto begin = std::chrono::steady_clock::now();
    const bool goes_on = function();
    const auto took = std::chrono::steady_clock::now() - begin;
    if (took < kMoment / 2) rows_ = std::min(2 * rows_, most_);
    if (took > kMoment) rows_ = std::max<std::size_t>(rows_ / 2, 1);
    return goes_on;
  }

 private:
  static constexpr std::chrono::milliseconds kMoment{80};
  std::size_t rows_;
  std::size_t most_;
};

constexpr const char* kEvents[] = {"insert", "update", "delete"};

std::string trigger_name(const SqliteTable& table, std::string_view event) {
  return fmt::format("{}{}_{}", kPassingNames, event, table.name());
}

/// SQL: the successor's row of that key, of a row called `alias`.
std::string same_key(const SqliteTable& table, const std::vector<std::string>& successors,
                     const std::vector<std::string>& olds, std::string_view alias) {
  std::vector<std::string> parts{fmt::format("{} = {}", quoted_name(table.change.tenant), table.server)};
  for (std::size_t i = 0; i < olds.size(); ++i)
    parts.push_back(fmt::format("{} = {}.{}", successors[i], alias, olds[i]));
  return fmt::format("{}", fmt::join(parts, " AND "));
}

std::string same_row(const SqliteTable& table, std::string_view alias) {
  return same_key(table, table.new_key_columns, table.old_key_columns, alias);
}

/// SQL: a column of a key, which may tell apart what the column itself does not: 'Bob' and 'BOB'.
std::string as_the_key_compares(const IndexPart& part) {
  const std::string name = quoted_name(part.column);
  std::string collation = part.sql.substr(name.size());
  if (collation.ends_with(" DESC")) collation.resize(collation.size() - std::string_view(" DESC").size());
  return name + (collation.empty() ? " COLLATE BINARY" : collation);
}

/// A REPLACE takes rows away without telling a trigger, and an outer OR IGNORE rules over any in here: so the
/// successor's rows that are in the way are deleted, by each key, before the new one is put in.
std::string put_in(const SqliteTable& table) {
  const std::string target = quoted_name(new_name(table.name()));
  std::string sql = fmt::format("DELETE FROM {} WHERE {};\n", target, same_row(table, "new"));
  for (const Index& index : table.scheme->table->indexes) {
    if (!index.is_unique) continue;
    std::vector<std::string> columns;
    std::vector<std::string> compared;
    for (const IndexPart& part : index.parts) {
      columns.push_back(quoted_name(part.column));
      compared.push_back(as_the_key_compares(part));
    }
    sql += fmt::format("DELETE FROM {} WHERE {};\n", target, same_key(table, compared, columns, "new"));
  }
  std::vector<std::string> columns{quoted_name(table.change.tenant)};
  std::vector<std::string> values{table.server};
  for (const auto& one : table.copied) {
    columns.push_back(quoted_name(one.column));
    values.push_back("new." + quoted_name(one.column));
  }
  if (!table.row_id_target.empty()) {
    columns.push_back(table.row_id_target);
    values.push_back(table.old_key("new"));
  }
  return sql + fmt::format("INSERT INTO {} ({}) VALUES ({});\n", target, fmt::join(columns, ", "),
                           fmt::join(values, ", "));
}

std::string key_literals(const SqliteTable& table) {
  std::vector<std::string> parts;
  for (const std::string& column : table.old_key_columns) parts.push_back(literal_of("t." + column));
  return fmt::format("{}", fmt::join(parts, " || ', ' || "));
}

class OnlineWay {
 public:
  OnlineWay(store::SchemaSession& session, const Scheme& scheme, const SqlitePlan& plan, Records& records,
            const SqliteOptions& options)
      : session_(session), scheme_(scheme), plan_(plan), records_(records), options_(options) {}

  migrate::Outcome<SqliteReport> run(std::int64_t conversion) {
    conversion_ = conversion;
    for (const SqliteTable& table : plan_.tables) {
      if (!is_shadowed(table)) continue;
      if (auto done = prepare(table); !done) return std::unexpected(done.error());
      batch_ = Batch(options_);  // its rows may be wider than those of the table before
      while (batch_.run([&] { return copy_batch(table); })) std::this_thread::sleep_for(options_.pause);
    }
    if (auto done = compare(); !done) return give_up(done.error());
    auto report = exchange();
    if (!report) return give_up(report.error());
    return report;
  }

 private:
  std::string step_of(const SqliteTable& table) const { return table.name() + ": copy"; }

  /// Its successor and the triggers are there, as they would be made of the table that it is now.
  bool is_prepared(const SqliteTable& table, const ChangedTable& successor) const {
    std::vector<std::string> parts = shadow_triggers(table);
    parts.push_back(successor.text);
    return std::ranges::all_of(parts, [&](const std::string& sql) {
      return number_of(session_, "SELECT count(*) FROM sqlite_schema WHERE sql = $1", {sql}) == 1;
    });
  }

  migrate::Outcome<void> prepare(const SqliteTable& table) {
    options_.at(fmt::format("{}: successor", table.name()));
    const auto made = table.made_anew(new_name(table.name()));
    if (!made) return std::unexpected(made.error());
    SqliteTransaction transaction(session_);
    if (is_prepared(table, *made)) return {};
    for (const char* event : kEvents)
      session_.execute(fmt::format("DROP TRIGGER IF EXISTS {}", quoted_name(trigger_name(table, event))));
    session_.execute(fmt::format("DROP TABLE IF EXISTS {}", quoted_name(new_name(table.name()))));
    session_.execute(made->text);
    make_indexes(table);
    for (const std::string& trigger : shadow_triggers(table)) session_.execute(trigger);
    records_.note(conversion_, step_of(table), "begun");
    transaction.commit();
    return {};
  }

  /// Those of the old table under other names, and those that the description asks for.
  void make_indexes(const SqliteTable& table) {
    for (const Before& part : read_parts(session_, plan_)) {
      if (part.kind == "index" && is_same_name(part.table, table.name()))
        session_.execute(moved_index(changed_index(part.definition, table.change.tenant),
                                     passing_index(part.name), new_name(table.name())));
    }
    for (const std::string& index : wanted_indexes(table, new_name(table.name()))) session_.execute(index);
  }

  /// False once there is nothing left. Many rows at once touch each page of the indexes once.
  bool copy_batch(const SqliteTable& table) {
    options_.at(fmt::format("{}: batch", table.name()));
    SqliteTransaction transaction(session_);
    const auto last = records_.last(conversion_, step_of(table));
    if (last && last->first == "filled") return false;
    const std::string columns = fmt::format("({})", table.order());
    const std::string behind =
        last && last->first == "copied" ? fmt::format("{} > ({})", columns, last->second) : "1";
    const std::string from = fmt::format("FROM {} AS t WHERE {}", quoted_name(table.name()), behind);
    const auto end = session_.query(fmt::format("SELECT {} {} ORDER BY {} LIMIT 1 OFFSET {}",
                                                key_literals(table), from, table.order(), batch_.rows() - 1));
    const std::string until = end.empty() ? "" : fmt::format(" AND {} <= ({})", columns, end[0][0]);
    session_.execute(fmt::format(
        "{} WHERE {}{} AND NOT EXISTS (SELECT 1 FROM {} AS n WHERE n.{} = {} AND {}) ORDER BY {}",
        table.copy_into(new_name(table.name())), behind, until, quoted_name(new_name(table.name())),
        quoted_name(table.change.tenant), table.server, table.match(), table.order()));
    records_.note(conversion_, step_of(table), end.empty() ? "filled" : "copied",
                  end.empty() ? "" : end[0][0]);
    transaction.commit();
    return !end.empty();
  }

  /// All successors in one state of the file, which others may write on meanwhile.
  migrate::Outcome<void> compare() {
    session_.execute("BEGIN");
    try {
      auto done = compare_within();
      session_.execute("ROLLBACK");
      return done;
    } catch (...) {
      if (session_.in_transaction()) session_.execute("ROLLBACK");
      throw;
    }
  }

  migrate::Outcome<void> compare_within() {
    std::vector<std::string> names;
    for (const SqliteTable& table : plan_.tables) {
      if (!is_shadowed(table)) continue;
      options_.at(fmt::format("{}: comparison", table.name()));
      if (auto done = compare_rows(session_, table, new_name(table.name())); !done) return done;
      names.push_back(new_name(table.name()));
    }
    options_.at("the file itself");
    return check_new_tables(session_, names);
  }

  migrate::Outcome<SqliteReport> exchange() {
    options_.at("exchange");
    SqliteTransaction transaction(session_);
    std::set<std::string> filled;
    for (const SqliteTable& table : plan_.tables) {
      if (!is_shadowed(table)) continue;
      if (auto done = check_successor(table); !done) return std::unexpected(done.error());
      for (const char* event : kEvents)
        session_.execute(fmt::format("DROP TRIGGER {}", quoted_name(trigger_name(table, event))));
      filled.insert(table.name());
    }
    auto report = SqliteSwitch(session_, scheme_, plan_, records_, options_).run(conversion_, filled);
    if (!report) return report;
    options_.at("commit");
    transaction.commit();
    return report;
  }

  /// Since the comparison only the triggers wrote into it.
  migrate::Outcome<void> check_successor(const SqliteTable& table) {
    const auto rows = number_of(session_, fmt::format("SELECT count(*) FROM {}", quoted_name(table.name())));
    const auto made = table.made_anew(new_name(table.name()));
    const bool is_whole = made && is_prepared(table, *made) &&
                          rows == number_of(session_, fmt::format("SELECT count(*) FROM {}",
                                                                  quoted_name(new_name(table.name()))));
    if (is_whole) return {};
    return migrate::stop(
        Exit::failed, "CV-SHADOW",
        fmt::format("the copy of {} is not what the table is: somebody changed it, its triggers "
                    "or the table meanwhile",
                    table.name()),
        "Nothing was exchanged. Run this again, or use the offline way.");
  }

  migrate::Outcome<SqliteReport> give_up(const migrate::Problem& problem) {
    SqliteTransaction transaction(session_);
    drop_shadows(session_);
    for (const Before& thing : records_.before(conversion_)) {
      if (thing.kind == "registry")
        session_.execute(fmt::format("DROP TABLE IF EXISTS {}", quoted_name(thing.table)));
    }
    records_.note(conversion_, "online", "given up", problem.finding.text);
    records_.set_state(conversion_, State::rolled_back);
    transaction.commit();
    return std::unexpected(problem);
  }

  store::SchemaSession& session_;
  const Scheme& scheme_;
  const SqlitePlan& plan_;
  Records& records_;
  const SqliteOptions& options_;
  std::int64_t conversion_ = 0;
  Batch batch_{options_};
};

/// The number under which it goes on, or begins.
migrate::Outcome<std::int64_t> begin(store::SchemaSession& session, const Scheme& scheme,
                                     const SqlitePlan& plan, Records& records, const Conversion& conversion) {
  SqliteTransaction transaction(session);
  records.prepare();
  if (const auto newest = records.newest();
      newest && newest->state == State::expanding && newest->home == scheme.home)
    return newest->number;
  drop_shadows(session);
  Conversion begun = conversion;
  begun.state = State::expanding;
  begun.home = scheme.home;
  const std::int64_t number = records.begin(begun);
  make_registry(session, scheme, plan, records, number);
  if (auto done = register_servers(session, scheme, plan, {scheme.home}); !done)
    return std::unexpected(done.error());
  transaction.commit();
  return number;
}

/// While others write, so that their rows have to be told apart when both sides are compared.
migrate::Outcome<void> measure(store::SchemaSession& session, const Scheme& scheme, Records& records,
                               std::int64_t conversion, const SqliteOptions& options) {
  if (remembered_sums(records, conversion, "before")) return {};
  options.at("sums of before");
  const auto sums = take_sums_apart(session, scheme);
  if (!sums) return std::unexpected(sums.error());
  SqliteTransaction transaction(session);
  remember(session, records, conversion, "before", *sums);
  transaction.commit();
  return {};
}

}  // namespace

bool is_shadowed(const SqliteTable& table) {
  const bool has_odd_key = std::ranges::any_of(table.scheme->table->indexes, [](const Index& index) {
    return index.is_unique && (index.columns().empty() || !index.predicate.empty());
  });
  return !table.has_rules() && !table.refers_to_others() && !has_odd_key;
}

std::vector<std::string> shadow_triggers(const SqliteTable& table) {
  const std::string target = quoted_name(new_name(table.name()));
  const std::string take_out = fmt::format("DELETE FROM {} WHERE {};\n", target, same_row(table, "old"));
  const auto trigger = [&](const char* event, const std::string& body) {
    return fmt::format("CREATE TRIGGER {} AFTER {} ON {} BEGIN\n{}END",
                       quoted_name(trigger_name(table, event)), event, quoted_name(table.name()), body);
  };
  return {trigger(kEvents[0], put_in(table)), trigger(kEvents[1], take_out + put_in(table)),
          trigger(kEvents[2], take_out)};
}

void drop_shadows(store::SchemaSession& session) {
  const std::string names = std::string(kPassingNames) + "%";
  for (const auto& row :
       session.query("SELECT name FROM sqlite_schema WHERE type = 'trigger' AND name LIKE $1", {names}))
    session.execute(fmt::format("DROP TRIGGER {}", quoted_name(row[0])));
  for (const auto& row : session.query("SELECT name FROM sqlite_schema WHERE type = 'table' AND name LIKE $1",
                                       {new_name("") + "%"}))
    session.execute(fmt::format("DROP TABLE {}", quoted_name(row[0])));
}

std::vector<std::string> replaced_tables(store::SchemaSession& session) {
  std::vector<std::string> names;
  for (const auto& row : session.query("SELECT name FROM sqlite_schema WHERE type = 'table' AND name LIKE $1",
                                       {replaced_name("") + "%"}))
    names.push_back(row[0]);
  return names;
}

namespace {

/// From the first to the last.
void take_rows_away(store::SchemaSession& session, const std::string& name, const std::string& row_id,
                    const SqliteOptions& options) {
  // A row that goes, from one end, is much less work than one that finds its places in all indexes.
  constexpr std::size_t kTimes = 16;
  Batch batch(options, kTimes);
  const auto take = [&] {
    options.at(fmt::format("{}: rows", name));
    return session.run(fmt::format("DELETE FROM {0} WHERE {1} <= (SELECT max(r) FROM (SELECT {1} AS r FROM "
                                   "{0} ORDER BY {1} LIMIT "
                                   "{2}))",
                                   quoted_name(name), row_id, batch.rows())) > 0;
  };
  while (batch.run(take)) std::this_thread::sleep_for(options.pause);
}

void drop(store::SchemaSession& session, const std::string& name, const SqliteOptions& options) {
  for (const auto& index :
       session.query("SELECT name FROM sqlite_schema WHERE type = 'index' AND tbl_name = $1", {name})) {
    options.at(fmt::format("{}: drop", index[0]));
    session.execute(fmt::format("DROP INDEX {}", quoted_name(index[0])));
  }
  const std::string row_id = row_id_name(session, name);
  if (!row_id.empty() && !session.in_transaction()) take_rows_away(session, name, row_id, options);
  options.at(fmt::format("{}: drop", name));
  session.execute(fmt::format("DROP TABLE {}", quoted_name(name)));
}

}  // namespace

void drop_replaced(store::SchemaSession& session, const SqliteOptions& options) {
  const std::vector<std::string> names = replaced_tables(session);
  if (names.empty()) return;
  std::optional<SqliteSettings> settings;
  if (!session.in_transaction()) settings.emplace(session, options.wait);
  for (const std::string& name : names) drop(session, name, options);
}

migrate::Outcome<SqliteReport> convert_sqlite_online(store::SchemaSession& session, const Scheme& scheme,
                                                     const Conversion& conversion,
                                                     const SqliteOptions& options) try {
  Records records(session, migrate::Dialect::sqlite);
  const SqliteSettings settings(session, options.wait);
  if (const auto newest = records.newest(); newest && newest->state == State::contracted) {
    drop_replaced(session, options);
    return SqliteReport{.conversion = newest->number, .was_done = true};
  }
  const auto plan = plan_sqlite(scheme, options.accepted);
  if (!plan) return std::unexpected(plan.error());
  const auto number = begin(session, scheme, *plan, records, conversion);
  if (!number) return std::unexpected(number.error());
  if (auto done = measure(session, scheme, records, *number, options); !done)
    return std::unexpected(done.error());
  auto report = OnlineWay(session, scheme, *plan, records, options).run(*number);
  if (report) drop_replaced(session, options);
  return report;
} catch (const store::DatabaseError& error) {
  return std::unexpected(sqlite_problem(error));
}

}  // namespace guildhall::convert
