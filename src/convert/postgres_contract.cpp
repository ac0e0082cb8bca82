// What takes away what only the old program needed.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <iterator>

#include "convert/postgres_keys.h"
#include "convert/postgres_steps.h"
#include "convert/sql_names.h"

namespace guildhall::convert {
namespace {

using store::quoted_name;
using store::quoted_text;

class Contracting {
 public:
  Contracting(const Scheme& scheme, const std::optional<Seal>& seal, const MadeThings& made)
      : scheme_(scheme), seal_(seal), made_(made), names_(*scheme.schema) {}

  Steps steps() {
    // A key that something refers to cannot go.
    for (const SchemeTable& one : scheme_.tables) drop_references(one);
    for (const SchemeTable& one : scheme_.tables) {
      if (one.table->relation == Relation::partitioned)
        swap_partitioned_keys(one);
      else
        swap_keys(one);
    }
    std::ranges::move(fill_steps(*scheme_.schema, made_), std::back_inserter(steps_));
    for (const SchemeTable& one : scheme_.tables) drop_indexes(one);
    if (seal_) {
      for (const SchemeTable& one : scheme_.tables) seal(one);
      for (const auto& [name, view] : scheme_.schema->views) seal(view);
    }
    return std::move(steps_);
  }

 private:
  std::string of(const SchemeTable& one) const { return qualified(*scheme_.schema, one.name()); }

  void add(const SchemeTable& one, std::string what, std::vector<std::string> statements,
           std::vector<std::string> locks = {}, std::vector<Made> makes = {}) {
    if (statements.empty()) return;
    steps_.push_back({.table = one.name(),
                      .what = std::move(what),
                      .lock = LockLevel::access_exclusive,
                      .statements = std::move(statements),
                      .locks = std::move(locks),
                      .makes = std::move(makes)});
  }

  void drop_references(const SchemeTable& one) {
    for (const WantedReference& wanted : wanted_references(scheme_, one, Phase::contract)) {
      if (wanted.old == nullptr) continue;
      add(one, fmt::format("reference {} without the server", wanted.old->name),
          {fmt::format("ALTER TABLE {} DROP CONSTRAINT {}", of(one), quoted_name(wanted.old->name))},
          {wanted.table});
    }
  }

  /// One ALTER TABLE: the old keys go, and what was built beside them takes their place. With the default and
  /// the trigger the last way goes by which a row could come without saying whose it is.
  void swap_keys(const SchemeTable& one) {
    std::vector<std::string> drops;
    std::vector<std::string> adds;
    std::vector<std::string> dropped;
    std::vector<std::string> statements;
    std::set<std::string> promoted;
    for (const Index* old : old_keys(one)) {
      const Index* own = by_server(one, *old);
      if (own == nullptr || one.table->relation == Relation::partition) continue;
      // Without it, subscribers would get no change and no deletion any more.
      if (one.table->replica_identity == old->name)
        statements.push_back(
            fmt::format("ALTER TABLE {} REPLICA IDENTITY USING INDEX {}", of(one), quoted_name(own->name)));
      if (old->constraint.empty()) continue;
      drops.push_back(fmt::format("DROP CONSTRAINT {}", quoted_name(old->constraint)));
      dropped.push_back(old->constraint);
      // Two old keys may have the same successor.
      if (own->constraint.empty() && promoted.insert(own->name).second)
        adds.push_back(fmt::format("ADD CONSTRAINT {0} {1} USING INDEX {0}{2}", quoted_name(own->name),
                                   old->is_primary ? "PRIMARY KEY" : "UNIQUE", deferral(*old)));
    }
    const Column* column = one.table->column(one.column());
    if (column != nullptr && !column->default_expression.empty())
      adds.push_back(fmt::format("ALTER COLUMN {} DROP DEFAULT", quoted_name(one.column())));
    drops.insert(drops.end(), adds.begin(), adds.end());
    const std::vector<View> views = views_on(*scheme_.schema, dropped);
    for (auto view = views.rbegin(); view != views.rend(); ++view)
      statements.push_back(drop_view(*scheme_.schema, *view));
    if (!drops.empty())
      statements.push_back(fmt::format("ALTER TABLE {} {}", of(one), fmt::join(drops, ", ")));
    std::vector<Made> makes;
    for (const View& view : views)
      std::ranges::move(make_view(*scheme_.schema, grouped_by_server(view, keys_of_views()), makes),
                        std::back_inserter(statements));
    if (std::ranges::find(one.table->triggers, kFillTrigger, &Trigger::name) != one.table->triggers.end()) {
      statements.push_back(fmt::format("DROP TRIGGER {} ON {}", kFillTrigger, of(one)));
      statements.push_back(fmt::format("DROP FUNCTION IF EXISTS {}()", fill_function(one.name())));
    }
    add(one, "keys by server alone", std::move(statements), {}, std::move(makes));
  }

  /// All partitions and the table in one transaction: the old key goes for all of them at once.
  void swap_partitioned_keys(const SchemeTable& one) {
    std::vector<std::string> statements;
    std::vector<std::string> partitions;
    std::vector<Made> makes;
    for (const SchemeTable* partition : scheme_.partitions_of(one)) partitions.push_back(partition->name());
    for (const Index* old : old_keys(one)) {
      if (!old->constraint.empty()) swap_partitioned_key(one, *old, statements, makes);
    }
    const Column* column = one.table->column(one.column());
    if (column != nullptr && !column->default_expression.empty())
      statements.push_back(
          fmt::format("ALTER TABLE {} ALTER COLUMN {} DROP DEFAULT", of(one), quoted_name(one.column())));
    add(one, "keys by server alone", std::move(statements), std::move(partitions), std::move(makes));
  }

  void swap_partitioned_key(const SchemeTable& one, const Index& old, std::vector<std::string>& statements,
                            std::vector<Made>& makes) {
    PartitionedKey key{.constraint = names_.give(old.name, "_by_server"),
                       .is_primary = old.is_primary,
                       .columns = {one.column()},
                       .deferral = deferral(old)};
    const std::vector<std::string> columns = old.columns();
    key.columns.insert(key.columns.end(), columns.begin(), columns.end());
    for (const SchemeTable* partition : scheme_.partitions_of(one)) {
      const Index* own = by_server(*partition, old);
      if (own == nullptr) return;
      key.indexes.emplace_back(partition->name(), own->name);
      const Index* identity = partition->table->index(partition->table->replica_identity);
      if (identity != nullptr && identity->columns() == columns)
        statements.push_back(fmt::format("ALTER TABLE {} REPLICA IDENTITY USING INDEX {}", of(*partition),
                                         quoted_name(own->name)));
    }
    statements.push_back(
        fmt::format("ALTER TABLE {} DROP CONSTRAINT {}", of(one), quoted_name(old.constraint)));
    std::ranges::move(make_partitioned_key(*scheme_.schema, one.name(), key), std::back_inserter(statements));
    makes.push_back({"index", one.name(), key.constraint});
  }

  /// What groups by an old key has to group by the new one; by the server it may do so before that is there.
  std::vector<KeyOfView> keys_of_views() const {
    std::vector<KeyOfView> keys;
    for (const SchemeTable& one : scheme_.tables) {
      for (const Index& index : one.table->indexes) {
        if (index.is_primary && !index.has_at(0, one.column()))
          keys.push_back({one.name(), index.columns(), one.column()});
      }
    }
    return keys;
  }

  /// Unique indexes without the server that are no constraint, and what is over the server alone: our keys
  /// begin with it.
  void drop_indexes(const SchemeTable& one) {
    // Of a partitioned table, and of a part of its indexes, that cannot be done beside others.
    if (one.table->relation == Relation::partitioned || one.table->relation == Relation::partition) return;
    for (const Index& index : one.table->indexes) {
      if (!index.constraint.empty()) continue;
      // Also one that is not valid: a drop that was broken off leaves it so.
      const bool is_old =
          index.is_unique && !index.has_at(0, one.column()) && by_server(one, index) != nullptr;
      const bool is_spare = !index.is_unique && index.parts.size() == 1 && index.has_at(0, one.column()) &&
                            index.predicate.empty() && index.included.empty() && index.method == "btree";
      if (!is_old && !is_spare) continue;
      steps_.push_back({.table = one.name(),
                        .what = fmt::format("index {} goes", index.name),
                        .kind = StepKind::concurrently,
                        .lock = LockLevel::share_update_exclusive,
                        .statements = {fmt::format("DROP INDEX CONCURRENTLY {}",
                                                   qualified(*scheme_.schema, index.name))}});
    }
  }

  void seal(const SchemeTable& one) {
    std::vector<std::string> statements;
    std::vector<Made> makes;
    const bool has_owners =
        std::ranges::find(one.table->policies, kOwnerPolicy, &Policy::name) != one.table->policies.end();
    if (!has_owners) {
      statements.push_back(fmt::format("CREATE POLICY {} ON {} TO {} USING (true) WITH CHECK (true)",
                                       kOwnerPolicy, of(one), one.table->owner));
      makes.push_back({"policy", one.name(), std::string(kOwnerPolicy)});
    }
    if (!one.table->row_security) makes.push_back({"row security", one.name()});
    if (!one.table->row_security_forced) makes.push_back({"forced row security", one.name()});
    if (!one.table->row_security || !one.table->row_security_forced) {
      statements.push_back(put_down_rights(one));
      statements.push_back(
          fmt::format("GRANT SELECT, INSERT, UPDATE, DELETE ON {} TO {}", of(one), quoted_name(seal_->role)));
      statements.push_back(
          fmt::format("ALTER TABLE {} ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY", of(one)));
    }
    add(one, "rows sealed off", std::move(statements), {}, std::move(makes));
  }

  /// SQL: those that the role has not, of what it is about to get; a rollback takes them away.
  std::string put_down_rights(const SchemeTable& one) const {
    return fmt::format(
        "INSERT INTO guildhall.guildhall_conversion_before (conversion, kind, table_name, name, definition) "
        "SELECT (SELECT max(number) FROM guildhall.guildhall_conversion), 'made right ' || wanted, {0}, {1}, "
        "'' "
        "FROM unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE']) wanted, pg_class c WHERE c.oid = "
        "{2}::regclass AND relowner <> {3}::regrole AND NOT EXISTS (SELECT FROM aclexplode(relacl) WHERE "
        "grantee = {3}::regrole AND privilege_type = wanted) ON CONFLICT DO NOTHING",
        quoted_text(one.name()), quoted_text(seal_->role), quoted_text(of(one)),
        quoted_text(quoted_name(seal_->role)));
  }

  void seal(const View& view) {
    if (view.is_materialized || view.invoker) return;
    const bool shows_rows = std::ranges::any_of(view.reads, [&](const std::string& name) {
      return scheme_.find(name) != nullptr || scheme_.schema->views.contains(name);
    });
    if (!shows_rows) return;
    steps_.push_back({.table = view.name,
                      .what = "with the rights of whoever asks",
                      .lock = LockLevel::access_exclusive,
                      .statements = {fmt::format("ALTER VIEW {} SET (security_invoker = true)",
                                                 qualified(*scheme_.schema, view.name))},
                      .makes = {{"invoker", view.name}}});
  }

  const Scheme& scheme_;
  const std::optional<Seal>& seal_;
  const MadeThings& made_;
  NewNames names_;
  Steps steps_;
};

}  // namespace

Steps contract_steps(const Scheme& scheme, const std::optional<Seal>& seal, const MadeThings& made) {
  return Contracting(scheme, seal, made).steps();
}

}  // namespace guildhall::convert
