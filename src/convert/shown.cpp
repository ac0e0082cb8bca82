#include "convert/shown.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <utility>

#include "convert/rows.h"

namespace guildhall::convert {
namespace {

constexpr int kTop = 10;

/// No server has two rows of one name.
bool is_unique(const SchemeTable& table, const ReportList& list) {
  return std::ranges::any_of(table.table->indexes, [&](const Index& index) {
    const auto columns = index.columns();
    return index.is_unique && index.is_valid && index.predicate.empty() && index.has(list.name) &&
           columns.size() == index.parts.size() && std::ranges::all_of(columns, [&](const auto& column) {
             return column == list.name || column == table.column();
           });
  });
}

/// SQL of server, name and sum, of all names; `condition` is SQL on r, or "".
std::string sums_by_name(const Scheme& scheme, const SchemeTable& table, const ReportList& list,
                         const std::string& condition) {
  const std::string server = "COALESCE(CAST(r.guildhall_server AS text), '')";
  const std::string name = fmt::format("COALESCE(CAST({} AS text), '')", column_sql("r", list.name));
  const std::string value = column_sql("r", list.value);
  const std::string rows = fmt::format("FROM {} r{}", rows_by_server(scheme, table), condition);
  // Without groups the greatest are found in one pass.
  if (is_unique(table, list))
    return fmt::format("SELECT {} AS server, {} AS name, COALESCE({}, 0) AS value {}", server, name, value,
                       rows);
  return fmt::format(
      "SELECT {0} AS server, {1} AS name, COALESCE(sum({2}), 0) AS value {3} GROUP BY {0}, {1}, {4}", server,
      name, value, rows, column_sql("r", list.name));
}

Shown first_look(store::SchemaSession& session, const Scheme& scheme, const SchemeTable& table,
                 const ReportList& list) {
  const std::string name = column_sql("r", list.name);
  const bool is_top = list.per == ReportList::Per::top;
  const std::string order = is_top ? fmt::format("3 DESC, {}, 1 LIMIT {}", name, kTop)
                                   : fmt::format("{}, 1 LIMIT {}", name, kShownGroups);
  const std::string sql = sums_by_name(scheme, table, list, "") + " ORDER BY " + order;
  Shown shown{list.title, {}};
  for (auto& row : session.query(sql)) shown.rows.push_back({row[0], row[1], row[2]});
  return shown;
}

/// What those of `before` have now.
Shown second_look(store::SchemaSession& session, const Scheme& scheme, const SchemeTable& table,
                  const ReportList& list, const Shown& before) {
  std::vector<std::string> names;
  std::string places;
  for (const ShownRow& row : before.rows) {
    names.push_back(row.name);
    places += fmt::format("{}${}", places.empty() ? "" : ", ", names.size());
  }
  std::map<std::pair<std::string, std::string>, std::string> now;
  if (!names.empty()) {
    const std::string condition =
        fmt::format(" WHERE COALESCE(CAST({} AS text), '') IN ({})", column_sql("r", list.name), places);
    for (auto& row : session.query(sums_by_name(scheme, table, list, condition), names))
      now[{row[0], row[1]}] = row[2];
  }
  Shown shown{list.title, {}};
  for (const ShownRow& row : before.rows) {
    const auto found = now.find({row.server, row.name});
    shown.rows.push_back({row.server, row.name, found == now.end() ? "" : found->second});
  }
  return shown;
}

}  // namespace

std::vector<Shown> take_shown(store::SchemaSession& session, const Scheme& scheme,
                              const std::vector<Shown>* before) {
  std::vector<Shown> all;
  for (const ReportList& list : scheme.description.reports) {
    const SchemeTable* table = scheme.find(list.table);
    if (table == nullptr || table->table->column(list.name) == nullptr ||
        table->table->column(list.value) == nullptr)
      continue;
    if (before == nullptr) {
      all.push_back(first_look(session, scheme, *table, list));
      continue;
    }
    const auto earlier = std::ranges::find(*before, list.title, &Shown::title);
    if (earlier != before->end()) all.push_back(second_look(session, scheme, *table, list, *earlier));
  }
  return all;
}

}  // namespace guildhall::convert
