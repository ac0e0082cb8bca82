// Back to the schema that was.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <iterator>
#include <ranges>

#include "convert/postgres_keys.h"
#include "convert/postgres_steps.h"
#include "convert/sql_names.h"

namespace guildhall::convert {
namespace {

using store::quoted_name;

class RollingBack {
 public:
  RollingBack(const Scheme& scheme, const OldSchema& before, const MadeThings& made, const Leaving& leaving)
      : scheme_(scheme), before_(before), made_(made), leaving_(leaving) {}

  Steps steps() {
    for (const SchemeTable& one : scheme_.tables) unseal(one);
    // What refers to a key goes before the key; what takes its place is built beside it first.
    for (const SchemeTable& one : scheme_.tables) drop_references(one);
    for (const SchemeTable& one : scheme_.tables) build_keys(one);
    // What inherits a column before that from which it has it: there it goes for both.
    for (const SchemeTable& one : scheme_.tables | std::views::reverse) {
      if (one.table->relation == Relation::partitioned)
        put_back_partitioned(one);
      else
        put_back(one);
    }
    std::ranges::move(fill_steps(*scheme_.schema, made_), std::back_inserter(steps_));
    for (const SchemeTable& one : scheme_.tables) build_indexes(one);
    for (const SchemeTable& one : scheme_.tables) put_back_references(one);
    put_back_views();
    put_back_registry();
    return std::move(steps_);
  }

 private:
  std::string of(const SchemeTable& one) const { return qualified(*scheme_.schema, one.name()); }
  /// As it was; a table that is newer than the conversion stays as it is.
  const Table* past(const SchemeTable& one) const { return before_.find(one.name()); }

  void add(const SchemeTable& one, std::string what, std::vector<std::string> statements,
           std::vector<Made> makes = {}) {
    if (statements.empty()) return;
    steps_.push_back({.table = one.name(),
                      .what = std::move(what),
                      .lock = LockLevel::access_exclusive,
                      .statements = std::move(statements),
                      .makes = std::move(makes)});
  }
  void add_concurrently(const SchemeTable& one, std::string what, std::string statement, bool grows) {
    steps_.push_back({.table = one.name(),
                      .what = std::move(what),
                      .kind = StepKind::concurrently,
                      .lock = LockLevel::share_update_exclusive,
                      .statements = {std::move(statement)},
                      .bytes = grows ? one.table->bytes : 0,
                      .grows_with_size = grows});
  }

  /// Its keys are those of the whole table.
  static bool is_partition(const SchemeTable& one) { return one.table->relation == Relation::partition; }

  bool is_made(const char* kind, const SchemeTable& one, const std::string& name = {}) const {
    return made_.contains({kind, one.name(), name});
  }

  void unseal(const SchemeTable& one) {
    std::vector<std::string> statements;
    if (one.table->row_security && is_made("row security", one))
      statements.push_back(fmt::format("ALTER TABLE {} DISABLE ROW LEVEL SECURITY", of(one)));
    if (one.table->row_security_forced && is_made("forced row security", one))
      statements.push_back(fmt::format("ALTER TABLE {} NO FORCE ROW LEVEL SECURITY", of(one)));
    if (!statements.empty()) take_rights(one, statements);
    for (const Policy& policy : one.table->policies) {
      if (is_made("policy", one, policy.name))
        statements.push_back(fmt::format("DROP POLICY {} ON {}", quoted_name(policy.name), of(one)));
    }
    add(one, "rows no longer sealed off", std::move(statements));
  }

  /// What the sealed role got with the seal. With the role its rights have gone; what it has passed on stays.
  void take_rights(const SchemeTable& one, std::vector<std::string>& statements) const {
    constexpr std::string_view kRight = "right ";
    for (const Made& made : made_) {
      if (made.table != one.name() || !made.kind.starts_with(kRight)) continue;
      statements.push_back(
          fmt::format("DO $rights$ BEGIN REVOKE {} ON {} FROM {}; EXCEPTION WHEN undefined_object OR "
                      "dependent_objects_still_exist THEN NULL; "
                      "END $rights$",
                      made.kind.substr(kRight.size()), of(one), quoted_name(made.name)));
    }
  }

  void drop_references(const SchemeTable& one) {
    for (const ForeignKey& key : one.table->foreign_keys) {
      if (is_made("reference", one, key.name))
        add(one, fmt::format("reference {} goes", key.name),
            {fmt::format("ALTER TABLE {} DROP CONSTRAINT {}", of(one), quoted_name(key.name))});
    }
  }

  /// What subscribers know rows by goes over to it when the other one goes.
  static bool is_identity(const Table& old, const Index& index) {
    return !old.replica_identity.empty() && old.replica_identity == index.name;
  }

  /// An old key's place, where it is gone: an index that a constraint then stands on.
  void build_keys(const SchemeTable& one) {
    const Table* old = past(one);
    if (old == nullptr || one.table->relation == Relation::partitioned) return;
    for (const Index& index : old->indexes) {
      if (index.constraint.empty() && !is_identity(*old, index)) continue;
      const Index* found = one.table->index(index.name);
      if (found != nullptr && found->is_valid) continue;
      if (found != nullptr)
        add_concurrently(one, fmt::format("key {}: what is left of an earlier try", index.name),
                         fmt::format("DROP INDEX CONCURRENTLY {}", qualified(*scheme_.schema, found->name)),
                         false);
      add_concurrently(one, fmt::format("key {}", index.name),
                       index.constraint.empty() ? concurrent(index) : key_index(one, index), true);
    }
  }

  /// Of an index that is no constraint.
  static std::string concurrent(const Index& index) {
    std::string definition = index.definition;
    return definition.replace(definition.find("INDEX "), 6, "INDEX CONCURRENTLY ");
  }

  std::string key_index(const SchemeTable& one, const Index& index) const {
    return fmt::format(
        "CREATE UNIQUE INDEX CONCURRENTLY {} ON {} ({}){}{}", quoted_name(index.name), of(one),
        column_list(index.columns()),
        index.included.empty() ? "" : fmt::format(" INCLUDE ({})", column_list(index.included)),
        index.nulls_not_distinct ? " NULLS NOT DISTINCT" : "");
  }

  /// Keys, checks, trigger and column in one ALTER TABLE.
  void put_back(const SchemeTable& one) {
    const Table* old = past(one);
    if (old == nullptr) return;
    std::vector<std::string> statements;
    std::vector<std::string> actions;
    if (leaving_.leaves_column(one)) statements.push_back(leaving_.guard(one));
    for (const Trigger& trigger : one.table->triggers) {
      if (trigger.name != kFillTrigger) continue;
      statements.push_back(fmt::format("DROP TRIGGER {} ON {}", kFillTrigger, of(one)));
      statements.push_back(fmt::format("DROP FUNCTION IF EXISTS {}()", fill_function(one.name())));
    }
    if (!is_partition(one)) let_all_in(one, statements);
    std::vector<std::string> dropped;
    if (!is_partition(one)) swap_keys(one, *old, actions, dropped);
    const std::vector<View> views = views_on(*scheme_.schema, dropped);
    for (auto view = views.rbegin(); view != views.rend(); ++view)
      statements.push_back(drop_view(*scheme_.schema, *view));
    drop_checks(one, actions);
    put_back_column(one, *old, actions);
    if (has_lost_identity(one, *old) && !is_partition(one))
      actions.push_back(fmt::format("REPLICA IDENTITY USING INDEX {}", quoted_name(old->replica_identity)));
    if (!actions.empty())
      statements.push_back(fmt::format("ALTER TABLE {} {}", of(one), fmt::join(actions, ", ")));
    std::vector<Made> makes;
    for (const View& view : views)
      std::ranges::move(make_view(*scheme_.schema, as_it_was(view, one), makes, is_ours(view)),
                        std::back_inserter(statements));
    add(one, "as it was", std::move(statements), std::move(makes));
  }

  /// Contract made it again, and nobody has changed it since.
  bool is_ours(const View& view) const { return made_.contains({"view", "", view.name}); }

  /// When the keys of that table, and of those behind it, are what they were. What somebody changed since
  /// stays so: nothing in it needs what goes. Rights and whatever else hangs on it stay as they are.
  View as_it_was(const View& view, const SchemeTable& one) const {
    const auto was = before_.views.find(view.name);
    if (was == before_.views.end() || !is_ours(view)) return view;
    View again = view;
    again.definition = was->second.definition;
    std::vector<KeyOfView> keys;
    for (const SchemeTable& other : scheme_.tables) {
      if (other.name() == one.name()) break;
      const Table* old = past(other);
      for (const Index& index : old == nullptr ? std::vector<Index>{} : old->indexes) {
        const Index* now = other.table->index(index.name);
        if (index.is_primary && (now == nullptr || !now->is_primary))
          keys.push_back({other.name(), index.columns(), other.column()});
      }
    }
    return grouped_by_server(std::move(again), keys);
  }

  /// Rows were known to subscribers by a key that is none any more; not where somebody chose another since.
  bool has_lost_identity(const SchemeTable& one, const Table& old) const {
    if (old.replica_identity.empty() || one.table->replica_identity == old.replica_identity) return false;
    const Index* now = one.table->index(one.table->replica_identity);
    return now == nullptr || leaving_.leaves_index(one, *now);
  }

  /// Rows of other servers than the home, kept out since theirs were put aside.
  void let_all_in(const SchemeTable& one, std::vector<std::string>& statements) const {
    if (std::ranges::find(one.table->triggers, kHomeTrigger, &Trigger::name) != one.table->triggers.end())
      statements.push_back(fmt::format("DROP TRIGGER {} ON {}", kHomeTrigger, of(one)));
  }

  void drop_checks(const SchemeTable& one, std::vector<std::string>& actions) const {
    for (const Check& check : one.table->checks) {
      if (is_made("check", one, check.name))
        actions.push_back(fmt::format("DROP CONSTRAINT {}", quoted_name(check.name)));
    }
  }

  /// All partitions and the table in one transaction, as they went.
  void put_back_partitioned(const SchemeTable& one) {
    const Table* old = past(one);
    if (old == nullptr) return;
    std::vector<std::string> statements;
    if (leaving_.leaves_column(one)) statements.push_back(leaving_.guard(one));
    let_all_in(one, statements);
    for (const Index& index : one.table->indexes) {
      if (!index.constraint.empty() && is_made("index", one, index.name))
        statements.push_back(
            fmt::format("ALTER TABLE {} DROP CONSTRAINT {}", of(one), quoted_name(index.constraint)));
    }
    for (const Index& index : old->indexes) {
      if (!index.constraint.empty() && one.table->index(index.name) == nullptr)
        std::ranges::move(make_partitioned_key(*scheme_.schema, one.name(), key_of_whole(one, index)),
                          std::back_inserter(statements));
    }
    put_back_identities(one, statements);
    std::vector<std::string> actions;
    drop_checks(one, actions);
    put_back_column(one, *old, actions);
    if (!actions.empty())
      statements.push_back(fmt::format("ALTER TABLE {} {}", of(one), fmt::join(actions, ", ")));
    add(one, "as it was", std::move(statements));
  }

  /// With the indexes that the partitions had behind it, built anew by now.
  PartitionedKey key_of_whole(const SchemeTable& one, const Index& index) const {
    PartitionedKey key{.constraint = index.constraint,
                       .is_primary = index.is_primary,
                       .columns = index.columns(),
                       .deferral = deferral(index)};
    for (const SchemeTable* partition : scheme_.partitions_of(one)) {
      const Table* old = past(*partition);
      if (old == nullptr) continue;
      for (const Index& was : old->indexes) {
        if (was.is_unique && was.is_primary == index.is_primary && was.columns() == key.columns)
          key.indexes.emplace_back(partition->name(), was.name);
      }
    }
    return key;
  }

  void put_back_identities(const SchemeTable& one, std::vector<std::string>& statements) const {
    for (const SchemeTable* partition : scheme_.partitions_of(one)) {
      const Table* old = past(*partition);
      if (old != nullptr && !old->replica_identity.empty() &&
          partition->table->replica_identity != old->replica_identity)
        statements.push_back(fmt::format("ALTER TABLE {} REPLICA IDENTITY USING INDEX {}", of(*partition),
                                         quoted_name(old->replica_identity)));
    }
  }

  void swap_keys(const SchemeTable& one, const Table& old, std::vector<std::string>& actions,
                 std::vector<std::string>& dropped) const {
    for (const Index& index : one.table->indexes) {
      if (index.constraint.empty() || !leaving_.leaves_index(one, index)) continue;
      actions.push_back(fmt::format("DROP CONSTRAINT {}", quoted_name(index.constraint)));
      dropped.push_back(index.constraint);
    }
    for (const Index& index : old.indexes) {
      if (index.constraint.empty()) continue;
      const Index* found = one.table->index(index.name);
      if (found != nullptr && !found->constraint.empty()) continue;
      actions.push_back(fmt::format("ADD CONSTRAINT {} {} USING INDEX {}{}", quoted_name(index.constraint),
                                    index.is_primary ? "PRIMARY KEY" : "UNIQUE", quoted_name(index.name),
                                    deferral(index)));
    }
  }

  void put_back_column(const SchemeTable& one, const Table& old, std::vector<std::string>& actions) const {
    const Column* now = one.table->column(one.column());
    const Column* then = old.column(one.column());
    const std::string name = quoted_name(one.column());
    if (now == nullptr || scheme_.inherits_column(one)) return;
    if (then == nullptr) {
      actions.push_back(fmt::format("DROP COLUMN {}", name));
      return;
    }
    if (now->not_null && !then->not_null)
      actions.push_back(fmt::format("ALTER COLUMN {} DROP NOT NULL", name));
    if (now->default_expression == then->default_expression) return;
    actions.push_back(then->default_expression.empty()
                          ? fmt::format("ALTER COLUMN {} DROP DEFAULT", name)
                          : fmt::format("ALTER COLUMN {} SET DEFAULT {}", name, then->default_expression));
  }

  /// Indexes that are no constraint: ours go, those that went come back.
  void build_indexes(const SchemeTable& one) {
    const Table* old = past(one);
    if (one.table->relation == Relation::partitioned) return;
    for (const Index& index : one.table->indexes) {
      // With the column goes what is over it.
      const bool goes_along = leaving_.leaves_column(one) && index.has(one.column());
      if (index.constraint.empty() && is_made("index", one, index.name) && !goes_along)
        add_concurrently(one, fmt::format("index {} goes", index.name),
                         fmt::format("DROP INDEX CONCURRENTLY {}", qualified(*scheme_.schema, index.name)),
                         false);
    }
    if (old == nullptr) return;
    for (const Index& index : old->indexes) {
      const Index* found = one.table->index(index.name);
      if (!index.constraint.empty() || (found != nullptr && found->is_valid) || is_identity(*old, index))
        continue;
      if (found != nullptr)
        add_concurrently(one, fmt::format("index {}: what is left of an earlier try", index.name),
                         fmt::format("DROP INDEX CONCURRENTLY {}", qualified(*scheme_.schema, found->name)),
                         false);
      add_concurrently(one, fmt::format("index {}", index.name), concurrent(index), true);
    }
  }

  void put_back_references(const SchemeTable& one) {
    const Table* old = past(one);
    if (old == nullptr) return;
    for (const ForeignKey& key : old->foreign_keys) {
      const ForeignKey* found = one.table->foreign_key(key.name);
      if (found != nullptr && found->is_valid) continue;
      const bool was_valid = !key.definition.ends_with(" NOT VALID");
      if (found == nullptr)
        steps_.push_back({.table = one.name(),
                          .what = fmt::format("reference {}, from now on", key.name),
                          .lock = LockLevel::share_row_exclusive,
                          .statements = {fmt::format("ALTER TABLE {} ADD CONSTRAINT {} {}{}", of(one),
                                                     quoted_name(key.name), key.definition,
                                                     was_valid ? " NOT VALID" : "")},
                          .locks = {key.table}});
      if (was_valid)
        steps_.push_back({.table = one.name(),
                          .what = fmt::format("reference {}, proved", key.name),
                          .lock = LockLevel::share_update_exclusive,
                          .statements = {fmt::format("ALTER TABLE {} VALIDATE CONSTRAINT {}", of(one),
                                                     quoted_name(key.name))},
                          .bytes = one.table->bytes,
                          .grows_with_size = true});
    }
  }

  void put_back_views() {
    for (const auto& [name, view] : scheme_.schema->views) {
      if (!view.invoker || !made_.contains({"invoker", name})) continue;
      steps_.push_back({.table = name,
                        .what = "with the rights of its owner",
                        .lock = LockLevel::access_exclusive,
                        .statements = {fmt::format("ALTER VIEW {} RESET (security_invoker)",
                                                   qualified(*scheme_.schema, name))}});
    }
  }

  /// Ours where there was none; it holds the home alone by then.
  void put_back_registry() {
    const std::string& name = scheme_.description.registry.table;
    if (!leaving_.leaves_registry()) return;
    steps_.push_back({.table = name,
                      .what = "table of the servers goes",
                      .lock = LockLevel::access_exclusive,
                      .statements = {fmt::format("DROP TABLE {}", qualified(*scheme_.schema, name))}});
  }

  const Scheme& scheme_;
  const OldSchema& before_;
  const MadeThings& made_;
  const Leaving& leaving_;
  Steps steps_;
};

}  // namespace

Steps rollback_steps(const Scheme& scheme, const OldSchema& before, const MadeThings& made,
                     const Leaving& leaving) {
  return RollingBack(scheme, before, made, leaving).steps();
}

}  // namespace guildhall::convert
