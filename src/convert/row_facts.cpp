#include "convert/row_facts.h"

#include <fmt/format.h>

#include <algorithm>

#include "convert/sql_names.h"

namespace guildhall::convert {
namespace {

class Counting {
 public:
  Counting(store::SchemaSession& session, const Scheme& scheme) : session_(session), scheme_(scheme) {}

  RowFacts read() {
    if (const Table* registry = scheme_.registry(); registry != nullptr)
      facts_.home_is_registered =
          !session_
               .query(fmt::format("SELECT 1 FROM {} WHERE {} = {}",
                                  qualified(*scheme_.schema, registry->name),
                                  store::quoted_name(scheme_.description.registry.column), scheme_.home))
               .empty();
    for (const SchemeTable& one : scheme_.tables) {
      if (one.has_column()) count_servers(one);
    }
    for (const SchemeTable& one : scheme_.tables) {
      if (!facts_.is_home_alone(one.name())) find_unregistered(one);
    }
    for (const SchemeTable& one : scheme_.tables) {
      if (one.is_child()) count_contradicting(one);
    }
    return std::move(facts_);
  }

 private:
  void count_servers(const SchemeTable& one) {
    const std::string column = store::quoted_name(one.column());
    const auto row = session_.query(
        fmt::format("SELECT count(*), count(*) FILTER (WHERE {0} IS NULL), count(*) FILTER (WHERE {0} = 0), "
                    "count(*) FILTER (WHERE {0} = {1}), count(*) FILTER (WHERE {0} NOT IN (0, {1})) FROM {2}",
                    column, scheme_.home, qualified(*scheme_.schema, one.name())))[0];
    facts_.servers[one.name()] = {std::stoll(row[0]), std::stoll(row[1]), std::stoll(row[2]),
                                  std::stoll(row[3]), std::stoll(row[4])};
  }

  /// Of rows whose parent does not decide.
  void find_unregistered(const SchemeTable& one) {
    const Table* registry = scheme_.registry();
    const std::string column = fmt::format("c.{}", store::quoted_name(one.column()));
    std::string condition = fmt::format("{} NOT IN (0, {})", column, scheme_.home);
    if (registry != nullptr)
      condition += fmt::format(" AND NOT EXISTS (SELECT 1 FROM {} r WHERE r.{} = {})",
                               qualified(*scheme_.schema, registry->name),
                               store::quoted_name(scheme_.description.registry.column), column);
    if (one.is_child()) condition += fmt::format(" AND {} IS NULL", server_of_parents(scheme_, one));
    const auto rows =
        session_.query(fmt::format("SELECT {}, count(*) FROM {} c {} WHERE {} GROUP BY 1", column,
                                   qualified(*scheme_.schema, one.name()),
                                   one.is_child() ? parent_joins(scheme_, one, "c") : "", condition));
    for (const auto& row : rows) facts_.unregistered[std::stoll(row[0])] += std::stoll(row[1]);
  }

  /// A parent's rows that have no server, or 0, will be the home's.
  void count_contradicting(const SchemeTable& one) {
    const bool may_be_another = std::ranges::any_of(
        one.rule.parents, [&](const Parent& parent) { return !facts_.is_home_alone(parent.table); });
    if (facts_.is_home_alone(one.name()) && !may_be_another) return;
    const std::string own = one.has_column() ? server_of(one, "c") : std::to_string(scheme_.home);
    const auto rows = session_.query(
        fmt::format("SELECT count(*) FROM {} c {} WHERE {} <> {}", qualified(*scheme_.schema, one.name()),
                    parent_joins(scheme_, one, "c"), own, server_of_parents(scheme_, one)));
    facts_.contradicting[one.name()] = std::stoll(rows[0][0]);
  }

  std::string server_of(const SchemeTable& one, std::string_view alias) const {
    return fmt::format("coalesce(nullif({}.{}, 0), {})", alias, store::quoted_name(one.column()),
                       scheme_.home);
  }

  store::SchemaSession& session_;
  const Scheme& scheme_;
  RowFacts facts_;
};

}  // namespace

const ServerCounts* RowFacts::find(const std::string& table) const {
  const auto found = servers.find(table);
  return found == servers.end() ? nullptr : &found->second;
}

bool RowFacts::is_home_alone(const std::string& table) const {
  const ServerCounts* counts = find(table);
  return counts == nullptr || counts->others == 0;
}

RowFacts read_row_facts(store::SchemaSession& session, const Scheme& scheme) {
  return Counting(session, scheme).read();
}

}  // namespace guildhall::convert
