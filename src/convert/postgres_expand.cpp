// What only adds.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <iterator>

#include "convert/attribution.h"
#include "convert/merging.h"
#include "convert/postgres_keys.h"
#include "convert/postgres_steps.h"
#include "convert/sql_names.h"

namespace guildhall::convert {
namespace {

using store::quoted_name;
using store::quoted_text;

/// Folded names in one statement.
constexpr std::size_t kNamesAtOnce = 500;
/// Above so many rows without a server their column is made anew rather than filled.
constexpr std::int64_t kWorthAnew = 10'000;

/// "1", as the catalog writes a bigint's default: '1'::bigint, or 1.
bool is_default(const Column& column, std::int64_t value) {
  return column.default_expression == std::to_string(value) ||
         column.default_expression == fmt::format("'{}'::bigint", value) ||
         column.default_expression == fmt::format("({})::bigint", value);
}

class Expanding {
 public:
  Expanding(const Scheme& scheme, const RowFacts& facts, Phase phase)
      : scheme_(scheme), facts_(facts), phase_(phase), names_(*scheme.schema) {}

  Steps steps() {
    add_registry();
    for (const SchemeTable& one : scheme_.tables) add_column(one);
    for (const SchemeTable& one : scheme_.tables) add_not_null(one);
    for (const SchemeTable& one : scheme_.tables) add_keys(one);
    for (const SchemeTable& one : scheme_.tables) add_references(one);
    for (const SchemeTable& one : scheme_.tables) add_policies(one);
    return std::move(steps_);
  }

  /// What was left for the time when the old program no longer writes.
  Steps rest() {
    for (const SchemeTable& one : scheme_.tables) {
      if (one.rule.zero == Zero::home_at_contract || scheme_.attribution.find(one.name()) != nullptr)
        fill(one);
    }
    for (const SchemeTable& one : scheme_.tables) keep_promises(one);
    for (const SchemeTable& one : scheme_.tables) add_references(one);
    return std::move(steps_);
  }

 private:
  /// A server of 0 is the home by now.
  bool zero_is_home(const SchemeTable& one) const {
    return !one.is_override() && (one.rule.zero == Zero::home ||
                                  (one.rule.zero == Zero::home_at_contract && phase_ == Phase::contract));
  }

  std::string of(const SchemeTable& one) const { return qualified(*scheme_.schema, one.name()); }
  std::int64_t size(const SchemeTable& one) const { return one.table->bytes; }

  void add(const SchemeTable& one, std::string what, LockLevel lock, std::vector<std::string> statements,
           std::vector<Made> makes = {}) {
    steps_.push_back({.table = one.name(),
                      .what = std::move(what),
                      .lock = lock,
                      .statements = std::move(statements),
                      .makes = std::move(makes)});
  }
  /// Others read and write on while the whole table is read.
  void add_reading(const SchemeTable& one, std::string what, std::string statement) {
    steps_.push_back({.table = one.name(),
                      .what = std::move(what),
                      .lock = LockLevel::share_update_exclusive,
                      .statements = {std::move(statement)},
                      .bytes = size(one),
                      .grows_with_size = true});
  }

  // --- the registry

  void add_registry() {
    const Registry& registry = scheme_.description.registry;
    const std::string name = qualified(*scheme_.schema, registry.table);
    const std::string column = quoted_name(registry.column);
    if (scheme_.registry() == nullptr) {
      steps_.push_back(
          {.table = registry.table,
           .what = "table of the servers",
           .statements = {fmt::format(
               "CREATE TABLE {} ({} bigint PRIMARY KEY{})", name, column,
               registry.name.empty() ? "" : fmt::format(", {} text", quoted_name(registry.name)))}});
    }
    if (!facts_.home_is_registered) {
      steps_.push_back({.table = registry.table,
                        .what = "the home server",
                        .lock = LockLevel::row_exclusive,
                        .statements = {fmt::format("INSERT INTO {} ({}) VALUES ({}) ON CONFLICT DO NOTHING",
                                                   name, column, scheme_.home)}});
    }
    if (!facts_.unregistered.empty()) {
      std::vector<std::string> servers;
      for (const auto& [server, rows] : facts_.unregistered) servers.push_back(fmt::format("({})", server));
      steps_.push_back({.table = registry.table,
                        .what = "servers that rows name",
                        .lock = LockLevel::row_exclusive,
                        .statements = {fmt::format("INSERT INTO {} ({}) VALUES {} ON CONFLICT DO NOTHING",
                                                   name, column, fmt::join(servers, ", "))}});
    }
  }

  // --- the column

  void add_column(const SchemeTable& one) {
    const Column* column = one.table->column(one.column());
    if (column == nullptr) {
      if (!scheme_.inherits_column(one)) add_new_column(one);
      add_fill_trigger(one);
      fill(one);
      return;
    }
    if (!column->not_null && is_worth_anew(one)) {
      add_anew(one);
      return;
    }
    drop_anew_check(one);
    const std::int64_t value = one.null_value(scheme_.home);
    if (!column->not_null && !is_default(*column, value)) set_default(one, value);
    add_fill_trigger(one);
    fill(one);
  }

  /// Tables that inherit from it get it too, and no rights on it.
  void add_new_column(const SchemeTable& one) {
    std::vector<std::string> statements{fmt::format("ALTER TABLE {} ADD COLUMN {} bigint NOT NULL DEFAULT {}",
                                                    of(one), quoted_name(one.column()),
                                                    one.absent_value(scheme_.home))};
    grant_column(one, statements);
    for (const SchemeTable* heir : heirs(one)) grant_column(*heir, statements);
    add(one, "server column", LockLevel::access_exclusive, std::move(statements));
  }

  std::vector<const SchemeTable*> heirs(const SchemeTable& one) const {
    std::vector<const SchemeTable*> all;
    for (const SchemeTable& other : scheme_.tables) {
      if (!scheme_.inherits_column(other) || other.table->parent != one.name()) continue;
      all.push_back(&other);
      std::ranges::copy(heirs(other), std::back_inserter(all));
    }
    return all;
  }

  void set_default(const SchemeTable& one, std::int64_t value) {
    add(one, "default server", LockLevel::access_exclusive,
        {fmt::format("ALTER TABLE {} ALTER COLUMN {} SET DEFAULT {}", of(one), quoted_name(one.column()),
                     value)});
  }

  /// Rights on single columns do not reach a new one; with it or never, as nothing tells later that they are
  /// missing.
  void grant_column(const SchemeTable& one, std::vector<std::string>& statements) const {
    if (std::ranges::none_of(one.table->columns, &Column::has_grants)) return;
    statements.push_back(fmt::format(
        "DO $grant$ DECLARE held record; BEGIN FOR held IN SELECT DISTINCT privilege_type AS right, "
        "CASE grantee WHEN 0 THEN 'PUBLIC' ELSE grantee::regrole::text END AS whom "
        "FROM pg_attribute, aclexplode(attacl) WHERE attrelid = {}::regclass AND NOT attisdropped "
        "LOOP EXECUTE format('GRANT %s (%s) ON %s TO %s', held.right, {}, {}, held.whom); END LOOP; END "
        "$grant$",
        quoted_text(of(one)), quoted_text(quoted_name(one.column())), quoted_text(of(one))));
  }

  bool is_worth_anew(const SchemeTable& one) const {
    const ServerCounts* counts = facts_.find(one.name());
    if (counts == nullptr || counts->nulls < kWorthAnew || counts->others > 0 || counts->zeros > 0)
      return false;
    if (scheme_.inherits_column(one) || !heirs(one).empty()) return false;
    // Of an override the home's rows are its own, and those without a server all servers'.
    if (one.is_override() && counts->has_homes) return false;
    if (is_misplaced_now(one)) return false;
    const auto contradicting = facts_.contradicting.find(one.name());
    if (contradicting != facts_.contradicting.end() && contradicting->second > 0) return false;
    return !has_dependents(one);
  }

  /// Whatever would go with the column, rights on it among that, but an index over it alone, whose place ours
  /// take.
  bool has_dependents(const SchemeTable& one) const {
    const Table& table = *one.table;
    const auto over_more = [&](const Index& index) {
      return index.has(one.column()) &&
             (index.is_unique || index.parts.size() > 1 || !index.predicate.empty());
    };
    const auto is_own = [](const Trigger& trigger) { return trigger.name == kFillTrigger; };
    return table.column(one.column())->has_grants || std::ranges::any_of(table.indexes, over_more) ||
           !table.policies.empty() ||
           std::ranges::any_of(table.foreign_keys,
                               [&](const ForeignKey& key) { return key.has(one.column()); }) ||
           !std::ranges::all_of(table.triggers, is_own) ||
           std::ranges::any_of(table.checks,
                               [&](const Check& check) {
                                 return check.name != anew_check(one) &&
                                        check.expression.contains(one.column());
                               }) ||
           std::ranges::any_of(scheme_.schema->views, [&](const auto& entry) {
             return std::ranges::find(entry.second.reads, one.name()) != entry.second.reads.end();
           });
  }

  /// Of an earlier try, after which the rows have changed: it would keep other servers out.
  void drop_anew_check(const SchemeTable& one) {
    if (one.table->check(anew_check(one)) == nullptr) return;
    add(one, "other servers may come", LockLevel::access_exclusive,
        {fmt::format("ALTER TABLE {} DROP CONSTRAINT {}", of(one), quoted_name(anew_check(one)))});
  }

  std::string anew_check(const SchemeTable& one) const { return one.name() + "_one_server"; }

  void add_anew(const SchemeTable& one) {
    const std::string column = quoted_name(one.column());
    const std::int64_t value = one.null_value(scheme_.home);
    const std::string check = quoted_name(anew_check(one));
    const Check* found = one.table->check(anew_check(one));
    if (found == nullptr) {
      add(one, "no other server, from now on", LockLevel::access_exclusive,
          {fmt::format("ALTER TABLE {0} ADD CONSTRAINT {1} CHECK ({2} IS NULL OR {2} = {3}) NOT VALID",
                       of(one), check, column, value)},
          {{"check", one.name(), anew_check(one)}});
    }
    if (found == nullptr || !found->is_valid)
      add_reading(one, "no other server, proved",
                  fmt::format("ALTER TABLE {} VALIDATE CONSTRAINT {}", of(one), check));
    std::vector<std::string> statements;
    // It hangs on the column; and once that is NOT NULL nothing tells any more that rows may come without.
    if (has_fill_trigger(one))
      statements.push_back(fmt::format("DROP TRIGGER {} ON {}", kFillTrigger, of(one)));
    statements.push_back(
        fmt::format("ALTER TABLE {0} DROP COLUMN {1}, ADD COLUMN {1} bigint NOT NULL DEFAULT {2}", of(one),
                    column, value));
    std::ranges::move(make_fill_trigger(one), std::back_inserter(statements));
    add(one, "server column anew", LockLevel::access_exclusive, std::move(statements));
  }

  // --- rows that come without a server

  static bool has_fill_trigger(const SchemeTable& one) {
    return std::ranges::find(one.table->triggers, kFillTrigger, &Trigger::name) != one.table->triggers.end();
  }
  bool may_come_without(const SchemeTable& one) const {
    const Column* column = one.table->column(one.column());
    if (one.is_child()) return true;
    if (column == nullptr) return false;  // whoever wrote before does not know it
    return !column->not_null || (zero_is_home(one) && !is_default(*column, one.absent_value(scheme_.home)));
  }

  void add_fill_trigger(const SchemeTable& one) {
    if (may_come_without(one) && !has_fill_trigger(one))
      add(one, "rows without a server get theirs", LockLevel::share_row_exclusive, make_fill_trigger(one));
  }

  /// At every write of a row, whatever it is about: one that moves while the others are filled would be
  /// missed there, and refused by the check of NOT NULL the next time. A row of a child that has a server
  /// keeps it until it gets another parent: what contradicts its parent is moved with a record.
  ///
  /// A child's reads its parents, which whoever writes the child need not be allowed to: it does so with the
  /// rights of its owner, and looks nowhere else for what its text names.
  std::vector<std::string> make_fill_trigger(const SchemeTable& one) {
    const std::string column = quoted_name(one.column());
    const std::string function = fill_function(one.name());
    std::string source = "NULL::bigint";
    std::string unless;
    std::string when;
    if (one.is_child()) {
      source = fmt::format("(SELECT {} FROM (VALUES (1)) AS one(number) {})",
                           server_of_parents(scheme_, one, true), parent_joins(scheme_, one, "NEW"));
      std::vector<std::string> same{fmt::format("NEW.{0} <> 0 AND NEW.{0} = OLD.{0}", column)};
      for (const Parent& parent : one.rule.parents) {
        for (const std::string& name : parent.columns)
          same.push_back(fmt::format("NEW.{0} IS NOT DISTINCT FROM OLD.{0}", quoted_name(name)));
      }
      unless = fmt::format("IF TG_OP = 'UPDATE' THEN IF {} THEN RETURN NEW; END IF; END IF; ",
                           fmt::join(same, " AND "));
    } else {
      when = fmt::format(" WHEN (NEW.{0} IS NULL{1})", column,
                         zero_is_home(one) ? fmt::format(" OR NEW.{} = 0", column) : "");
    }
    const std::string owner = one.is_child() ? owner_of_all(one) : "";
    std::vector<std::string> statements{
        fmt::format(
            "CREATE OR REPLACE FUNCTION {}() RETURNS trigger LANGUAGE plpgsql{} AS $fill$ BEGIN {}NEW.{} := "
            "coalesce({}, nullif(NEW.{}, {}), {}); RETURN NEW; END $fill$",
            function, owner.empty() ? "" : " SECURITY DEFINER SET search_path = " + path_of_keys(one), unless,
            column, source, column, zero_is_home(one) || one.is_child() ? "0" : "NULL",
            one.null_value(scheme_.home)),
        fmt::format("CREATE TRIGGER {} BEFORE INSERT OR UPDATE ON {} FOR EACH ROW{} EXECUTE FUNCTION {}()",
                    kFillTrigger, of(one), when, function)};
    if (!owner.empty()) {
      // Or anybody could hang it on a table of his own.
      statements.push_back(fmt::format("REVOKE ALL ON FUNCTION {}() FROM PUBLIC", function));
      statements.push_back(own_by(function, owner));
    }
    return statements;
  }

  /// Where the operators of its keys are: those of types of their own lie elsewhere. Never where somebody may
  /// put one of his own first.
  std::string path_of_keys(const SchemeTable& one) const {
    std::vector<std::string> schemas{"pg_catalog"};
    for (const Column* column : key_columns(one)) {
      for (const std::string& schema : column->operator_schemas) {
        if (std::ranges::find(schemas, schema) == schemas.end()) schemas.push_back(schema);
      }
    }
    schemas.emplace_back("pg_temp");
    return fmt::format("{}", fmt::join(schemas, ", "));
  }

  /// By which it finds its parents: its own, and theirs.
  std::vector<const Column*> key_columns(const SchemeTable& one) const {
    std::vector<const Column*> columns;
    for (const Parent& parent : one.rule.parents) {
      const auto add = [&](const Table* table, const std::vector<std::string>& names) {
        for (const std::string& name : names) {
          const Column* column = table == nullptr ? nullptr : table->column(name);
          if (column != nullptr) columns.push_back(column);
        }
      };
      add(one.table, parent.columns);
      add(scheme_.schema->find(parent.table), parent.referenced);
    }
    return columns;
  }

  /// Whose it and its parents all are, as SQL has the name; "" where they are several people's, or row
  /// security holds for the owner too, or anybody may make operators where those of the keys lie: nobody's
  /// rights may be lent then, or a parent's owner could put a view of his own in its place and have it run
  /// with them.
  std::string owner_of_all(const SchemeTable& one) const {
    for (const Parent& parent : one.rule.parents) {
      const Table* table = scheme_.schema->find(parent.table);
      if (table == nullptr || table->owner != one.table->owner || table->row_security_forced) return "";
    }
    return std::ranges::any_of(key_columns(one), &Column::has_open_schemas) ? "" : one.table->owner;
  }

  /// Where that owner may make nothing in our schema it stays with whoever converts, and lends no rights.
  static std::string own_by(const std::string& function, const std::string& owner) {
    return fmt::format(
        "DO $own$ BEGIN ALTER FUNCTION {0}() OWNER TO {1}; EXCEPTION WHEN insufficient_privilege THEN "
        "ALTER FUNCTION {0}() SECURITY INVOKER; GRANT EXECUTE ON FUNCTION {0}() TO PUBLIC; END $own$",
        function, owner);
  }

  /// Rows that have no server yet, or another than their parent's or the map's.
  void fill(const SchemeTable& one) {
    const ServerCounts* counts = facts_.find(one.name());
    const auto found = facts_.contradicting.find(one.name());
    const std::int64_t contradicting = found == facts_.contradicting.end() ? 0 : found->second;
    const std::int64_t zeros = counts != nullptr && zero_is_home(one) ? counts->zeros : 0;
    const bool lacks_some = (counts != nullptr && counts->nulls > 0) || zeros > 0 || contradicting > 0;
    if (!lacks_some && !is_misplaced_now(one)) return;
    if (counts != nullptr) give_way(one);
    if (is_misplaced_now(one)) backfill(one, "server of rows that the map has", fill_mapped(one));
    if (lacks_some)
      backfill(one,
               fmt::format("server of rows that have none{}", one.is_child() ? ", by their parents" : ""),
               one.is_child() ? fill_child(one) : fill_tenant(one));
  }

  void backfill(const SchemeTable& one, std::string what, std::string statement) {
    steps_.push_back({.table = one.name(),
                      .what = std::move(what),
                      .kind = StepKind::backfill,
                      .lock = LockLevel::row_exclusive,
                      .statements = {std::move(statement)},
                      .bytes = size(one),
                      .grows_with_size = true});
  }

  /// Once the expansion is through, what the old program makes anew under a key of the map waits for
  /// contract.
  bool is_misplaced_now(const SchemeTable& one) const {
    const auto found = facts_.misplaced.find(one.name());
    const bool is_now = phase_ == Phase::contract || scheme_.attribution.stage == Attribution::Stage::filling;
    return is_now && found != facts_.misplaced.end() &&
           found->second.rows + (zero_is_home(one) ? found->second.zeros : 0) > 0;
  }

  std::string fill_mapped(const SchemeTable& one) const {
    const std::string column = quoted_name(one.column());
    const std::string keeps_zero =
        zero_is_home(one) ? "" : fmt::format(" AND t.{} IS DISTINCT FROM 0", column);
    return fmt::format(
        "UPDATE {} AS t SET {} = map.server FROM {} map WHERE t.ctid >= $1::tid AND t.ctid < $2::tid AND "
        "{}{}",
        of(one), column, scheme_.attribution.relation, is_misplaced(scheme_, one, "t", "map"), keeps_zero);
  }

  std::string missing(const SchemeTable& one, std::string_view alias) const {
    const std::string column = fmt::format("{}.{}", alias, quoted_name(one.column()));
    return fmt::format("({} IS NULL{})", column, zero_is_home(one) ? fmt::format(" OR {} = 0", column) : "");
  }

  std::string fill_tenant(const SchemeTable& one) const {
    return fmt::format("UPDATE ONLY {} AS t SET {} = {} WHERE ctid >= $1::tid AND ctid < $2::tid AND {}",
                       of(one), quoted_name(one.column()), one.null_value(scheme_.home), missing(one, "t"));
  }

  /// What a row said before is kept with the reason, where it said anything. Not of tables that inherit from
  /// it: another row may have the same place there.
  std::string fill_child(const SchemeTable& one) const {
    const std::string column = quoted_name(one.column());
    const bool said_something = one.has_column() && !one.is_column_new;
    return fmt::format(
        "WITH found AS (SELECT c.ctid AS place, c.{0} AS said, to_jsonb(c) AS row, coalesce({1}, "
        "nullif(c.{0}, 0), {2}) "
        "AS server FROM ONLY {3} AS c {4} WHERE c.ctid >= $1::tid AND c.ctid < $2::tid FOR UPDATE OF c), "
        "changed AS (UPDATE ONLY {3} AS t SET {0} = found.server FROM found "
        "WHERE t.ctid = found.place AND found.said IS DISTINCT FROM found.server RETURNING found.said, "
        "found.row, "
        "found.server) "
        "INSERT INTO guildhall.guildhall_conversion_refused (conversion, table_name, row_text, reason, done) "
        "SELECT (SELECT max(number) FROM guildhall.guildhall_conversion), {5}, row::text, "
        "format('said server %s, but its parent is server %s''s', said, server), 'moved' "
        "FROM changed WHERE said <> 0{6}",
        column, server_of_parents(scheme_, one, true), scheme_.home, of(one), parent_joins(scheme_, one, "c"),
        quoted_text(one.name()), said_something ? "" : " AND false");
  }

  /// Rows that will be the same under a key that has the server in it: a row of no server beside that of the
  /// home, or another one of no server.
  void give_way(const SchemeTable& one) {
    if (!makes_one(one.rule.duplicates)) return;
    for (const RowKey& key : keys_with_server(one))
      steps_.push_back(merge_step(scheme_, one, key, zero_is_home(one)));
  }

  // --- NOT NULL

  void add_not_null(const SchemeTable& one) {
    const Column* column = one.table->column(one.column());
    if (column != nullptr && !column->not_null && !is_worth_anew(one)) prove_not_null(one);
    if (one.is_override()) add_override_check(one);
  }

  void prove_not_null(const SchemeTable& one) {
    const std::string name = one.name() + "_has_server";
    const Check* check = one.table->check(name);
    if (check == nullptr)
      add(one, "no row without a server, from now on", LockLevel::access_exclusive,
          {fmt::format("ALTER TABLE {} ADD CONSTRAINT {} CHECK ({} IS NOT NULL) NOT VALID", of(one),
                       quoted_name(name), quoted_name(one.column()))},
          {{"check", one.name(), name}});
    if (check == nullptr || !check->is_valid)
      add_reading(one, "no row without a server, proved",
                  fmt::format("ALTER TABLE {} VALIDATE CONSTRAINT {}", of(one), quoted_name(name)));
    add(one, "server NOT NULL", LockLevel::access_exclusive,
        {fmt::format("ALTER TABLE {} ALTER COLUMN {} SET NOT NULL", of(one), quoted_name(one.column())),
         fmt::format("ALTER TABLE {} DROP CONSTRAINT {}", of(one), quoted_name(name))});
  }

  void add_override_check(const SchemeTable& one) {
    const std::string name = one.name() + "_server_or_all";
    const Check* check = one.table->check(name);
    if (check == nullptr)
      add(one, "a server or 0", LockLevel::access_exclusive,
          {fmt::format("ALTER TABLE {} ADD CONSTRAINT {} CHECK ({} >= 0) NOT VALID", of(one),
                       quoted_name(name), quoted_name(one.column()))},
          {{"check", one.name(), name}});
    if (check == nullptr || !check->is_valid)
      add_reading(one, "a server or 0, proved",
                  fmt::format("ALTER TABLE {} VALIDATE CONSTRAINT {}", of(one), quoted_name(name)));
  }

  // --- keys, references, policies

  /// Of a partitioned table each partition has its own, until contract makes them one.
  void add_keys(const SchemeTable& one) {
    if (one.table->relation == Relation::partitioned) return;
    for (const WantedKey& wanted : wanted_keys(one)) {
      if (!is_for_contract(one, wanted)) add_key(one, wanted);
    }
  }

  /// The old program may break it for as long as it runs, and is not to be refused.
  static bool is_for_contract(const SchemeTable& one, const WantedKey& wanted) {
    return wanted.is_unique && wanted.old == nullptr && makes_one(one.rule.duplicates);
  }

  /// Rows that break what the description promises become one; then the key holds.
  void keep_promises(const SchemeTable& one) {
    for (const RowKey& key : promised_keys(one)) {
      const RowsAlike* alike = facts_.find(one.name(), key);
      if (alike == nullptr) continue;
      if (key.folded.empty()) {
        steps_.push_back(merge_step(scheme_, one, key, zero_is_home(one)));
      } else {
        merge_names(one, key, alike->names);
      }
    }
    for (const WantedKey& wanted : wanted_keys(one)) {
      if (is_for_contract(one, wanted)) add_key(one, wanted);
    }
  }

  void merge_names(const SchemeTable& one, const RowKey& key, const Folded& names) {
    for (auto from = names.begin(); from != names.end();) {
      Folded some;
      for (; from != names.end() && some.size() < kNamesAtOnce; ++from) some.insert(*from);
      steps_.push_back(merge_step(scheme_, one, key, zero_is_home(one), some));
    }
  }

  void add_key(const SchemeTable& one, const WantedKey& wanted) {
    const Index* found = find_index(*one.table, wanted);
    if (found != nullptr && found->is_valid) return;
    const std::string what = fmt::format("{} {}", wanted.is_unique ? "key" : "index", wanted.name_base);
    // The name of what is dropped is free again.
    const std::string name = found != nullptr ? found->name : names_.give(wanted.name_base, "_by_server");
    if (found != nullptr)
      steps_.push_back({.table = one.name(),
                        .what = what + ": what is left of an earlier try",
                        .kind = StepKind::concurrently,
                        .lock = LockLevel::share_update_exclusive,
                        .statements = {fmt::format("DROP INDEX CONCURRENTLY {}",
                                                   qualified(*scheme_.schema, found->name))}});
    steps_.push_back({.table = one.name(),
                      .what = what + " by server",
                      .kind = StepKind::concurrently,
                      .lock = LockLevel::share_update_exclusive,
                      .statements = {create_index(*scheme_.schema, one, wanted, name)},
                      .bytes = size(one),
                      .grows_with_size = true,
                      .makes = {{"index", one.name(), name}}});
  }

  /// Those of a partitioned table stay with its partitions.
  void add_references(const SchemeTable& one) {
    if (one.table->relation == Relation::partitioned) return;
    for (const WantedReference& wanted : wanted_references(scheme_, one, phase_)) {
      const ForeignKey* found = find_reference(*one.table, wanted);
      if (found != nullptr && found->is_valid) continue;
      const std::string name =
          found != nullptr ? found->name
                           : names_.give(wanted.name_base, wanted.old == nullptr ? "_fkey" : "_by_server");
      if (found == nullptr) {
        Step step{.table = one.name(),
                  .what = fmt::format("reference to {}, from now on", wanted.table),
                  .lock = LockLevel::share_row_exclusive,
                  .statements = {fmt::format("ALTER TABLE {} ADD CONSTRAINT {} {}", of(one),
                                             quoted_name(name), reference_clause(*scheme_.schema, wanted))},
                  .makes = {{"reference", one.name(), name}}};
        if (wanted.table != one.name()) step.locks = {wanted.table};
        steps_.push_back(std::move(step));
      }
      add_reading(one, fmt::format("reference to {}, proved", wanted.table),
                  fmt::format("ALTER TABLE {} VALIDATE CONSTRAINT {}", of(one), quoted_name(name)));
    }
  }

  static bool has_policy(const SchemeTable& one, std::string_view name) {
    return std::ranges::find(one.table->policies, name, &Policy::name) != one.table->policies.end();
  }

  /// Without effect until row-level security is switched on.
  void add_policies(const SchemeTable& one) {
    const std::string column = quoted_name(one.column());
    const std::string own = fmt::format("{} = current_setting('guildhall.server_id')::bigint", column);
    if (!has_policy(one, kServerPolicy))
      add(one, "policy of its rows", LockLevel::access_exclusive,
          {fmt::format("CREATE POLICY {} ON {} USING ({}) WITH CHECK ({})", kServerPolicy, of(one), own,
                       own)},
          {{"policy", one.name(), std::string(kServerPolicy)}});
    if (one.is_override() && !has_policy(one, kDefaultsPolicy))
      add(one, "policy of all servers' rows", LockLevel::access_exclusive,
          {fmt::format("CREATE POLICY {} ON {} FOR SELECT USING ({} = 0)", kDefaultsPolicy, of(one), column)},
          {{"policy", one.name(), std::string(kDefaultsPolicy)}});
  }

  const Scheme& scheme_;
  const RowFacts& facts_;
  const Phase phase_;
  NewNames names_;
  Steps steps_;
};

}  // namespace

Steps expand_steps(const Scheme& scheme, const RowFacts& facts) {
  return Expanding(scheme, facts, Phase::expand).steps();
}

Steps settle_steps(const Scheme& scheme, const RowFacts& facts) {
  return Expanding(scheme, facts, Phase::contract).rest();
}

}  // namespace guildhall::convert
