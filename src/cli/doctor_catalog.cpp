#include "cli/doctor_catalog.h"

#include <fmt/format.h>

#include <boost/json/serialize.hpp>
#include <cstdio>

#include "cli/workspace.h"
#include "tenancy/catalog.h"

namespace guildhall::cli {
namespace {

using tenancy::CatalogFaults;

std::string_view name_of(tenancy::Remedy::By by) {
  switch (by) {
    case tenancy::Remedy::By::owner: return "owner";
    case tenancy::Remedy::By::administrator: return "administrator";
    case tenancy::Remedy::By::hand: break;
  }
  return "hand";
}

/// Of every file, where each server has its own.
Result<CatalogFaults> find_all(const store::DatabasePlace& place, const tenancy::TableCatalog& tables) {
  auto faults = tenancy::find_catalog_faults(place, tables);
  if (!faults) return faults;
  const auto servers = store::servers_with_file(place);
  if (!servers) return std::unexpected(servers.error());
  for (const ServerId server : *servers) {
    const auto file = store::open_server_session(place, server);
    if (!file) return std::unexpected(file.error());
    for (auto& fault : tenancy::find_sqlite_faults(**file, tables)) {
      fault.table = fmt::format("{} of server {}", fault.table, server.str());
      faults->push_back(std::move(fault));
    }
  }
  return faults;
}

Answer answer_of(const store::DatabasePlace& place, const tenancy::TableCatalog& tables,
                 const CatalogFaults& faults) {
  Answer answer;
  boost::json::array rows;
  for (const auto& fault : faults) {
    rows.push_back({{"table", fault.table},
                    {"reason", fault.reason},
                    {"remedy", fault.remedy.text},
                    {"by", name_of(fault.remedy.by)}});
    answer.text +=
        fmt::format("{:<28} {}\n{:<28} {}\n", fault.table, fault.reason, "", tenancy::describe(fault.remedy));
  }
  answer.text +=
      fmt::format("{}: {} tables looked at, faults: {}\n", place.name(), tables.all().size(), faults.size());
  answer.json = {{"database", place.name()}, {"tables", tables.all().size()}, {"faults", std::move(rows)}};
  return answer;
}

}  // namespace

Result<std::optional<Answer>> doctor_catalog(const Arguments& arguments) {
  const auto place = store::find_place(arguments.config);
  if (!place) return std::unexpected(place.error());
  const auto declarations = declare_everything(arguments.config);
  const auto faults = find_all(*place, declarations->tables);
  if (!faults) return std::unexpected(faults.error());
  Answer answer = answer_of(*place, declarations->tables, *faults);
  if (faults->empty()) return answer;
  // What was found is the answer all the same.
  fmt::print("{}{}", arguments.json ? boost::json::serialize(answer.json) : answer.text,
             arguments.json ? "\n" : "");
  std::fflush(stdout);
  return fail(ErrorCode::refused_by_guard,
              fmt::format("the seal of '{}' is open; faults: {}", place->name(), faults->size()),
              "Each remedy stands below its fault.");
}

}  // namespace guildhall::cli
