#include "tenancy/seal.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "base/mutation.h"
#include "tenancy/sql_shape.h"

namespace guildhall::tenancy {
namespace {

using store::Access;
using store::StatementFacts;
using store::StatementInfo;
using Refusal = std::optional<std::string>;

bool reads_function(std::string_view table) { return table == "json_each"; }

Refusal refuse_parameters(const TableCatalog& catalog, const StatementInfo& info,
                          const StatementFacts& facts) {
  if (mutated(Mutation::parameters_unread)) return std::nullopt;
  std::set<std::string> wanted;
  for (const auto& parameter : info.parameters) wanted.insert(":" + parameter.name);
  const bool sealed = std::any_of(facts.accesses.begin(), facts.accesses.end(),
                                  [&](const auto& access) { return catalog.is_sealed(access.table); });
  if (info.access == Access::server && sealed) wanted.insert(":server");
  const std::set<std::string> used(facts.parameters.begin(), facts.parameters.end());
  for (const std::string& name : used) {
    if (name == ":server" && info.access != Access::server)
      return "binds :server, which its kind of scope does not have";
    if (!wanted.contains(name)) return fmt::format("uses {}, which its parameters do not name", name);
  }
  for (const std::string& name : wanted) {
    if (!used.contains(name)) return fmt::format("does not bind {}", name);
  }
  return std::nullopt;
}

Refusal refuse_columns(const StatementInfo& info, const StatementFacts& facts) {
  for (const std::string& column : info.columns) {
    if (std::find(facts.columns.begin(), facts.columns.end(), column) == facts.columns.end()) {
      return fmt::format("its answer has no column '{}'", column);
    }
  }
  return std::nullopt;
}

bool is_write(const StatementFacts::Access& access) { return access.touch != StatementFacts::Touch::read; }

Refusal refuse_table(const TableCatalog& catalog, const StatementInfo& info,
                     const StatementFacts::Access& access) {
  if (reads_function(access.table) || mutated(Mutation::tables_unread)) return std::nullopt;
  const TableSpec* spec = catalog.find(access.table);
  if (spec == nullptr) return fmt::format("table '{}' has no declared class", access.table);
  const bool sealed = spec->table_class != TableClass::global;
  switch (info.access) {
    case Access::server:
      if (!sealed && is_write(access))
        return fmt::format("table '{}' belongs to no server and may only be read", access.table);
      if (!sealed && !spec->shared)
        return fmt::format("table '{}' belongs to no server and is not open to servers", access.table);
      if (sealed && access.touch == StatementFacts::Touch::update && access.column == kTenantColumn) {
        return fmt::format("table '{}': a row never changes its server", access.table);
      }
      return std::nullopt;
    case Access::global:
      if (sealed && spec->table_class != TableClass::registry) {
        return fmt::format("table '{}' holds rows of servers; it needs a server's scope", access.table);
      }
      return std::nullopt;
    case Access::cross_server:
      if (sealed && !spec->cross_server)
        return fmt::format("table '{}' is not open to cross-server work", access.table);
      return std::nullopt;
  }
  return "unknown kind of access";
}

/// The authorizer's account must agree with the reader's: a sealed table that was touched but not
/// read in the SQL came in through a view, a trigger or a trick.
Refusal refuse_unseen(const TableCatalog& catalog, const StatementFacts& facts, const SqlShape& shape) {
  if (mutated(Mutation::accesses_unread)) return std::nullopt;
  for (const auto& access : facts.accesses) {
    if (!catalog.is_sealed(access.table)) continue;
    const bool seen = std::any_of(shape.sealed_uses.begin(), shape.sealed_uses.end(),
                                  [&](const TableUse& use) { return use.table == access.table; });
    if (!seen)
      return fmt::format("table '{}' is reached in a way that the statement does not show", access.table);
    const bool reads_tenant =
        std::any_of(facts.accesses.begin(), facts.accesses.end(), [&](const auto& other) {
          return other.table == access.table &&
                 (other.column == kTenantColumn || other.touch == StatementFacts::Touch::insert);
        });
    if (!reads_tenant) return fmt::format("table '{}': {} is never compared", access.table, kTenantColumn);
  }
  return std::nullopt;
}

/// Each step that reaches a sealed table must search it by the tenant column.
Refusal refuse_plan(const StatementFacts& facts, const SqlShape& shape) {
  if (mutated(Mutation::plan_unread)) return std::nullopt;
  for (const std::string& step : facts.plan) {
    for (const TableUse& use : shape.sealed_uses) {
      const std::string& name = use.alias;
      if (name.empty()) continue;
      const bool scans = step == "SCAN " + name || step.starts_with("SCAN " + name + " ");
      const bool searches = step.starts_with("SEARCH " + name + " ");
      if (scans || (searches && step.find(fmt::format("({}=?", kTenantColumn)) == std::string::npos)) {
        return fmt::format("table '{}' is not searched by {}: {}", use.table, kTenantColumn, step);
      }
    }
  }
  return std::nullopt;
}

}  // namespace

std::optional<std::string> refuse_statement(const TableCatalog& catalog, const StatementInfo& info,
                                            const StatementFacts& facts) {
  if (mutated(Mutation::gate_open)) return std::nullopt;
  if (auto refusal = refuse_parameters(catalog, info, facts)) return refusal;
  if (auto refusal = refuse_columns(info, facts)) return refusal;
  for (const auto& access : facts.accesses) {
    if (auto refusal = refuse_table(catalog, info, access)) return refusal;
  }
  if (info.access == Access::cross_server && info.reason.empty())
    return "cross-server work needs a written reason";
  if (info.access != Access::server) return std::nullopt;
  const SqlShape shape =
      read_shape(facts.sql, [&](std::string_view table) { return catalog.is_sealed(table); });
  if (shape.refusal && !mutated(Mutation::shape_unread)) return shape.refusal;
  if (auto refusal = refuse_unseen(catalog, facts, shape)) return refusal;
  return refuse_plan(facts, shape);
}

}  // namespace guildhall::tenancy
