#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <optional>
#include <ranges>
#include <set>
#include <unordered_map>

#include "migrate/schema_reading.h"
#include "migrate/schema_watch.h"

namespace guildhall::migrate {
namespace {

/// How an update with Changed::here finds what the transaction wrote.
enum class Seen {
  by_lock,      // who changes them, but for rights, holds a lock on the relation till the transaction's end
  always,       // they are looked at: hardly a transaction leaves the catalog alone
  when_written  // where the server counts that the catalog was written
};

/// A catalog with rows that are part of a schema. A row's key and the part that it belongs to are SQL on the
/// row, which is called `r`.
struct Watched {
  std::string_view table;
  std::string_view rows;  // which of them
  std::string_view key;   // "" where a row never goes without another one that is counted or rewritten
  std::string_view part;
  Seen seen = Seen::when_written;
};

/// Everything below this number was there when the database was made; 2200 is the schema "public".
#define FIRST_OWN "16384"
/// A row of pg_class: an index is part of its table.
#define RELATION_PART "'c' || coalesce((SELECT indrelid FROM pg_index WHERE indexrelid = r.oid), r.oid)"

constexpr Watched kWatched[] = {
    {"pg_class", "r.oid >= " FIRST_OWN " AND r.relnamespace <> 99", "r.oid", RELATION_PART, Seen::by_lock},
    {"pg_constraint", "r.oid >= " FIRST_OWN " AND r.contypid = 0", "r.oid", "'c' || r.conrelid",
     Seen::by_lock},
    {"pg_trigger", "NOT r.tgisinternal", "r.oid", "'c' || r.tgrelid", Seen::by_lock},
    {"pg_policy", "true", "r.oid", "'c' || r.polrelid", Seen::by_lock},
    {"pg_rewrite", "r.oid >= " FIRST_OWN, "r.oid", "'c' || r.ev_class", Seen::by_lock},
    {"pg_statistic_ext", "true", "r.oid", "'c' || r.stxrelid", Seen::by_lock},
    {"pg_constraint", "r.oid >= " FIRST_OWN " AND r.contypid > 0", "r.oid", "'t' || r.contypid",
     Seen::always},
    {"pg_proc", "r.oid >= " FIRST_OWN, "r.oid", "'p' || r.oid"},
    {"pg_type", "r.oid >= " FIRST_OWN " AND r.typtype IN ('e', 'd', 'r')", "r.oid", "'t' || r.oid",
     Seen::always},
    {"pg_namespace", "true", "r.oid", "'n' || r.oid"},
    {"pg_extension", "true", "r.oid", "'x' || r.oid"},
    {"pg_description", "(r.objoid >= " FIRST_OWN " OR r.objoid = 2200)",
     "r.objoid || '.' || r.classoid || '.' || r.objsubid",
     R"(CASE r.classoid
          WHEN 'pg_class'::regclass THEN
            'c' || coalesce((SELECT indrelid FROM pg_index WHERE indexrelid = r.objoid), r.objoid)
          WHEN 'pg_constraint'::regclass THEN
            (SELECT CASE conrelid WHEN 0 THEN 't' || contypid ELSE 'c' || conrelid END
               FROM pg_constraint WHERE oid = r.objoid)
          WHEN 'pg_trigger'::regclass THEN (SELECT 'c' || tgrelid FROM pg_trigger WHERE oid = r.objoid)
          WHEN 'pg_policy'::regclass THEN (SELECT 'c' || polrelid FROM pg_policy WHERE oid = r.objoid)
          WHEN 'pg_rewrite'::regclass THEN (SELECT 'c' || ev_class FROM pg_rewrite WHERE oid = r.objoid)
          WHEN 'pg_statistic_ext'::regclass THEN
            (SELECT 'c' || stxrelid FROM pg_statistic_ext WHERE oid = r.objoid)
          WHEN 'pg_type'::regclass THEN
            (SELECT CASE typtype WHEN 'c' THEN 'c' || typrelid ELSE 't' || oid END
               FROM pg_type WHERE oid = r.objoid)
          WHEN 'pg_proc'::regclass THEN 'p' || r.objoid
          WHEN 'pg_namespace'::regclass THEN 'n' || r.objoid
          WHEN 'pg_extension'::regclass THEN 'x' || r.objoid
        END)"},
    {"pg_attribute", "r.attrelid >= " FIRST_OWN, "", "'c' || r.attrelid", Seen::by_lock},
    {"pg_attrdef", "true", "", "'c' || r.adrelid", Seen::by_lock},
    {"pg_index", "r.indexrelid >= " FIRST_OWN, "", "'c' || r.indrelid", Seen::by_lock},
    {"pg_inherits", "true", "", "'c' || r.inhrelid", Seen::by_lock},
    {"pg_sequence", "true", "", "'c' || r.seqrelid"},
    {"pg_enum", "true", "", "'t' || r.enumtypid"},
};
constexpr std::size_t kCounted =
    std::ranges::count_if(kWatched, [](const Watched& watched) { return !watched.key.empty(); });

/// One row for each of kWatched: its place there, how many rows there are, and those for which `is_new` as
/// "key part,key part"; then the oldest transaction that is open.
std::string change_sql(std::size_t i, std::string_view is_new) {
  const Watched& watched = kWatched[i];
  if (watched.key.empty()) {
    return fmt::format("SELECT {}, 0, string_agg({}, ','), NULL FROM {} AS r WHERE {} AND {}", i,
                       watched.part, watched.table, watched.rows, is_new);
  }
  return fmt::format(
      "SELECT {}, count(*), string_agg({} || ' ' || coalesce({}, '-'), ',') FILTER (WHERE {}), "
      "pg_snapshot_xmin(pg_current_snapshot())::xid FROM {} AS r WHERE {}",
      i, watched.key, watched.part, is_new, watched.table, watched.rows);
}

/// Written since transaction $1, or later.
constexpr std::string_view kNewSince = "age(r.xmin) <= (SELECT age($1))";
/// In this transaction, or later.
constexpr std::string_view kNewHere = "age(r.xmin) <= (SELECT age(pg_current_xact_id_if_assigned()::xid))";

std::string join_selections(const std::vector<std::string>& selections) {
  return fmt::format("{}", fmt::join(selections, "\nUNION ALL\n"));
}

std::string changes_sql(std::string_view is_new) {
  std::vector<std::string> selections;
  for (std::size_t i = 0; i < std::size(kWatched); ++i) selections.push_back(change_sql(i, is_new));
  return join_selections(selections);
}

constexpr std::size_t kLocked = std::size(kWatched);
constexpr std::size_t kWritten = kLocked + 1;

std::vector<std::string> selections_here(Seen seen) {
  std::vector<std::string> selections;
  for (std::size_t i = 0; i < std::size(kWatched); ++i) {
    if (kWatched[i].seen == seen) selections.push_back(change_sql(i, kNewHere));
  }
  return selections;
}

/// The relations that this transaction has locked, or given rights on; the catalogs that are always looked
/// at; and whether it wrote one of those that are looked at then. What only reads or writes rows takes the
/// three weakest modes. The server counts what is written by transaction and catalog, and takes it up into
/// its sums now and then: what it has from transactions before this one does no harm.
std::string changes_here_sql() {
  std::vector<std::string> selections = selections_here(Seen::always);
  selections.push_back(fmt::format(R"(
SELECT {0}, 0, string_agg({1}, ','), NULL FROM
       (SELECT relation AS oid FROM pg_locks
         WHERE pid = pg_backend_pid() AND locktype = 'relation' AND relation >= {2}
           AND mode NOT IN ('AccessShareLock', 'RowShareLock', 'RowExclusiveLock')
         UNION SELECT oid FROM pg_class AS r
                WHERE {3} AND (SELECT pg_stat_get_xact_tuples_updated('pg_class'::regclass) > 0
                                   OR current_setting('track_counts') = 'off')) AS r)",
                                   kLocked, RELATION_PART, FIRST_OWN, kNewHere));
  std::vector<std::string> catalogs;
  for (const Watched& watched : kWatched) {
    if (watched.seen == Seen::when_written) catalogs.push_back(fmt::format("'{}'::regclass", watched.table));
  }
  selections.push_back(fmt::format(R"(
SELECT {}, 0, 'any', NULL FROM unnest(ARRAY[{}]) AS catalog
HAVING current_setting('track_counts') = 'off'
    OR sum(pg_stat_get_xact_tuples_inserted(catalog) + pg_stat_get_xact_tuples_updated(catalog)
           + pg_stat_get_xact_tuples_deleted(catalog)) > 0)",
                                   kWritten, fmt::join(catalogs, ", ")));
  return join_selections(selections);
}

/// Parts whose text may hang on the columns of these relations ($1).
constexpr std::string_view kDependents = R"(
SELECT DISTINCT CASE classid
         WHEN 'pg_rewrite'::regclass THEN (SELECT 'c' || ev_class FROM pg_rewrite WHERE oid = objid)
         WHEN 'pg_constraint'::regclass THEN
           (SELECT CASE conrelid WHEN 0 THEN 't' || contypid ELSE 'c' || conrelid END
              FROM pg_constraint WHERE oid = objid)
         WHEN 'pg_policy'::regclass THEN (SELECT 'c' || polrelid FROM pg_policy WHERE oid = objid)
         WHEN 'pg_trigger'::regclass THEN (SELECT 'c' || tgrelid FROM pg_trigger WHERE oid = objid)
         WHEN 'pg_proc'::regclass THEN 'p' || objid
         WHEN 'pg_class'::regclass THEN 'c' || objid
       END
  FROM pg_depend WHERE refclassid = 'pg_class'::regclass AND refobjid = ANY ($1)
   AND classid IN ('pg_rewrite'::regclass, 'pg_constraint'::regclass, 'pg_policy'::regclass,
                   'pg_trigger'::regclass, 'pg_proc'::regclass, 'pg_class'::regclass))";

constexpr std::string_view kNoSuchStatement = "26000";

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> pieces;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(separator), text.size());
    pieces.push_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return pieces;
}

using Ids = std::set<std::string, std::less<>>;

/// The rows of the counted catalogs: key -> part.
using Members = std::array<std::unordered_map<std::string, std::string>, kCounted>;

/// What the watch remembers beside the snapshot.
struct State {
  std::string horizon;  // the oldest transaction that was open; "" before the first reading
  Members members;
  // Parts that updates with Changed::here found: the next other one looks at them again, since the members do
  // not know them.
  Ids unsettled;
};

/// How to go back by one update: either the members that changed, or all of them.
struct Undo {
  std::string horizon;
  struct Entry {
    std::size_t catalog;
    std::string key;
    std::optional<std::string> part;  // none: it was not there
  };
  std::vector<Entry> entries;
  std::optional<Members> all;
  Ids settled;  // were in `unsettled`
};

class PostgresSource final : public SchemaWatch::Source {
 public:
  PostgresSource(store::SchemaSession& session, const SnapshotOptions& options)
      : session_(session), options_(options) {}

  void update(SchemaSnapshot& kept, SchemaWatch::Changed changed) override {
    try {
      update_once(kept, changed);
    } catch (const store::DatabaseError& failure) {
      undo();
      // A migration may have said DEALLOCATE ALL.
      if (failure.sqlstate() != kNoSuchStatement || !is_prepared_) throw;
      is_prepared_ = false;
      update_once(kept, changed);
    }
  }

  void undo() override {
    take_back_entries();
    if (undo_.all) state_.members = *std::exchange(undo_.all, std::nullopt);
    state_.horizon = undo_.horizon;
  }

 private:
  void update_once(SchemaSnapshot& kept, SchemaWatch::Changed where) {
    undo_ = {state_.horizon, {}, {}, {}};
    const SchemaReading reading(session_, Dialect::postgres);
    if (state_.horizon.empty()) return read_all(kept);
    prepare();
    const auto changed = find_changes(where == SchemaWatch::Changed::here);
    if (!changed || !read_changed(kept, *changed)) read_all(kept);
  }

  /// Planning would take longer than the reading. A transaction's end does not take them away, and another
  /// watch of the same session has the same.
  void prepare() {
    if (is_prepared_) return;
    std::set<std::string> there;
    for (auto& row : session_.query("SELECT name FROM pg_prepared_statements")) there.insert(row[0]);
    const auto prepare_one = [&](const std::string& name, std::string_view type, std::string_view sql) {
      if (!there.contains(name)) session_.later(fmt::format("PREPARE {}{} AS {}", name, type, sql));
    };
    prepare_one("guildhall_changes", "(xid)", changes_sql(kNewSince));
    prepare_one("guildhall_changes_here", "", changes_here_sql());
    prepare_one("guildhall_changes_written", "", join_selections(selections_here(Seen::when_written)));
    prepare_one("guildhall_dependents", "(oid[])", kDependents);
    prepare_one("guildhall_tables", "(oid[])", postgres_tables_sql("$1"));
    prepare_one("guildhall_beyond_tables", "(oid[])", postgres_beyond_tables_sql("$1"));
    // Planned once, for a few relations of many: by what the planner knows of an empty database it would read
    // whole catalogs.
    session_.later(
        "SELECT set_config('enable_seqscan', 'off', true), set_config('enable_hashjoin', 'off', true), "
        "set_config('enable_mergejoin', 'off', true)");
    session_.query("EXECUTE guildhall_tables ('{}')");
    session_.query("EXECUTE guildhall_beyond_tables ('{}')");
    is_prepared_ = true;
  }

  void read_all(SchemaSnapshot& kept) {
    take_back_entries();
    settle();
    undo_.all = std::exchange(state_.members, {});
    for (const auto& row : session_.query(changes_sql("true"))) {
      const std::size_t catalog = std::stoul(row[0]);
      if (catalog >= kCounted) continue;
      state_.horizon = row[3];
      for (const std::string_view entry : split(row[2], ',')) {
        const auto space = entry.find(' ');
        state_.members[catalog].emplace(entry.substr(0, space), entry.substr(space + 1));
      }
    }
    kept = read_postgres(session_, options_);
  }

  /// The parts with rows that were written or went since; nothing when that cannot be told.
  std::optional<Ids> find_changes(bool here) {
    Ids changed;
    std::vector<std::size_t> shrunk;
    auto rows = session_.query(here ? std::string("EXECUTE guildhall_changes_here")
                                    : fmt::format("EXECUTE guildhall_changes ('{}')", undo_.horizon));
    const auto is_written = [](const auto& row) { return std::stoul(row[0]) == kWritten; };
    if (std::erase_if(rows, is_written) > 0)
      std::ranges::move(session_.query("EXECUTE guildhall_changes_written"), std::back_inserter(rows));
    for (const auto& row : rows) {
      const std::size_t catalog = std::stoul(row[0]);
      if (catalog >= kCounted) {
        for (const std::string_view part : split(row[2], ',')) changed.emplace(part);
        continue;
      }
      // Others may have written since, too.
      if (!here) state_.horizon = row[3];
      take_written(catalog, row[2], changed);
      const std::size_t there = std::stoul(row[1]);
      const std::size_t known = state_.members[catalog].size();
      if (there > known) return std::nullopt;
      if (there < known) shrunk.push_back(catalog);
    }
    for (const std::size_t catalog : shrunk) find_gone(catalog, changed);
    changed.erase("-");
    if (here) {
      state_.unsettled.insert(changed.begin(), changed.end());
    } else {
      changed.insert(state_.unsettled.begin(), state_.unsettled.end());
      settle();
    }
    return changed;
  }

  void settle() { undo_.settled = std::exchange(state_.unsettled, {}); }

  void take_written(std::size_t catalog, std::string_view entries, Ids& changed) {
    for (const std::string_view entry : split(entries, ',')) {
      const auto space = entry.find(' ');
      const std::string_view part = entry.substr(space + 1);
      changed.emplace(part);
      put(catalog, std::string(entry.substr(0, space)), std::string(part));
    }
  }

  void find_gone(std::size_t catalog, Ids& changed) {
    const Watched& watched = kWatched[catalog];
    Ids there;
    for (auto& row : session_.query(
             fmt::format("SELECT {} FROM {} AS r WHERE {}", watched.key, watched.table, watched.rows)))
      there.insert(std::move(row[0]));
    std::vector<std::string> gone;
    for (const auto& [key, part] : state_.members[catalog]) {
      if (!there.contains(key)) gone.push_back(key);
    }
    for (const std::string& key : gone) {
      changed.insert(state_.members[catalog].at(key));
      remove(catalog, key);
    }
  }

  void put(std::size_t catalog, std::string key, std::string part) {
    auto [at, is_new] = state_.members[catalog].try_emplace(key, part);
    if (is_new) {
      undo_.entries.push_back({catalog, std::move(key), std::nullopt});
    } else if (at->second != part) {
      undo_.entries.push_back({catalog, std::move(key), std::exchange(at->second, std::move(part))});
    }
  }

  void remove(std::size_t catalog, const std::string& key) {
    const auto at = state_.members[catalog].find(key);
    undo_.entries.push_back({catalog, key, std::move(at->second)});
    state_.members[catalog].erase(at);
  }

  void take_back_entries() {
    for (auto& entry : undo_.entries | std::views::reverse) {
      auto& members = state_.members[entry.catalog];
      if (entry.part) {
        members[entry.key] = *std::move(entry.part);
      } else {
        members.erase(entry.key);
      }
    }
    undo_.entries.clear();
    state_.unsettled.merge(undo_.settled);
  }

  /// False when others may be called otherwise now, or speak of these in other words: then all is read.
  bool read_changed(SchemaSnapshot& kept, Ids ids) {
    std::vector<SchemaSnapshot::Part> parts = read_parts(ids);
    if (!std::ranges::all_of(parts, [&](const auto& part) { return is_own_change(kept, *part); }))
      return false;
    const Ids dependents = find_dependents(kept, parts, ids);
    std::ranges::move(read_parts(dependents), std::back_inserter(parts));
    ids.insert(dependents.begin(), dependents.end());
    kept.replace({ids.begin(), ids.end()}, std::move(parts));
    return true;
  }

  std::vector<SchemaSnapshot::Part> read_parts(const Ids& ids) {
    std::vector<SchemaSnapshot::Part> parts;
    for (const Catalog catalog : kCatalogs) {
      const std::string numbers = numbers_of(catalog, ids);
      if (numbers.empty()) continue;
      const std::string wanted = fmt::format("'{{{}}}'", numbers);
      const auto rows = catalog == Catalog::relation ? read_relations(wanted)
                                                     : session_.query(postgres_parts_sql(catalog, wanted));
      std::ranges::move(postgres_parts(catalog, rows, options_), std::back_inserter(parts));
    }
    return parts;
  }

  store::SchemaSession::Rows read_relations(const std::string& wanted) {
    auto rows = session_.query(fmt::format("EXECUTE guildhall_tables ({})", wanted));
    if (std::erase_if(rows, says_more) > 0) {
      std::ranges::move(session_.query(fmt::format("EXECUTE guildhall_beyond_tables ({})", wanted)),
                        std::back_inserter(rows));
    }
    return rows;
  }

  static std::string numbers_of(Catalog catalog, const Ids& ids) {
    std::string numbers;
    for (const std::string& id : ids) {
      if (id[0] != static_cast<char>(catalog)) continue;
      if (!numbers.empty()) numbers += ',';
      numbers += id.substr(1);
    }
    return numbers;
  }

  /// Of relations that have columns of other names now: a view on them may be written in other words.
  Ids find_dependents(const SchemaSnapshot& kept, const std::vector<SchemaSnapshot::Part>& parts,
                      const Ids& known) {
    Ids changed;
    for (const auto& part : parts) {
      const SchemaPart* was = kept.find(part->id);
      if (part->id[0] == static_cast<char>(Catalog::relation) && was != nullptr &&
          columns_of(*was) != columns_of(*part))
        changed.insert(part->id);
    }
    Ids dependents;
    const std::string numbers = numbers_of(Catalog::relation, changed);
    if (numbers.empty()) return dependents;
    for (auto& row : session_.query(fmt::format("EXECUTE guildhall_dependents ('{{{}}}')", numbers))) {
      if (!row[0].empty() && !known.contains(row[0])) dependents.insert(std::move(row[0]));
    }
    return dependents;
  }

  static std::vector<std::string_view> columns_of(const SchemaPart& part) {
    std::vector<std::string_view> names;
    for (const SchemaObject& object : part.objects) {
      if (object.kind == "column") names.push_back(object.own);
      if (object.of.empty()) names.push_back(object.property("columns"));
    }
    std::ranges::sort(names);
    return names;
  }

  /// Is it new, or does nobody else's text hang on what changed about it?
  static bool is_own_change(const SchemaSnapshot& kept, const SchemaPart& now) {
    const SchemaPart* was = kept.find(now.id);
    if (was == nullptr) return true;
    const char catalog = now.id[0];
    if (catalog == static_cast<char>(Catalog::type) || catalog == static_cast<char>(Catalog::schema))
      return was->digest == now.digest;
    return main_name(*was) == main_name(now);
  }

  static std::string_view main_name(const SchemaPart& part) {
    for (const SchemaObject& object : part.objects) {
      if (object.of.empty()) return object.name;
    }
    return "";
  }

  store::SchemaSession& session_;
  SnapshotOptions options_;
  State state_;
  Undo undo_;
  bool is_prepared_ = false;
};

}  // namespace

std::unique_ptr<SchemaWatch::Source> watch_postgres(store::SchemaSession& session,
                                                    const SnapshotOptions& options) {
  return std::make_unique<PostgresSource>(session, options);
}

}  // namespace guildhall::migrate
