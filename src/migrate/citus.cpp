#include "migrate/citus.h"

#include <fmt/format.h>

namespace guildhall::migrate {
namespace {

/// Group 0 is the coordinator's.
constexpr const char* kGroup = "SELECT groupid FROM pg_dist_local_group";
constexpr const char* kIsThere =
    "SELECT to_regclass('pg_dist_local_group') IS NOT NULL, "
    "coalesce(current_setting('citus.enable_ddl_propagation', true), '')";

}  // namespace

Outcome<void> check_citus(store::SchemaSession& session) {
  const auto row = session.query(kIsThere).at(0);
  if (row[0] != "t") return {};
  const auto group = session.query(kGroup);
  if (!group.empty() && group[0][0] != "0") {
    return stop(
        Exit::refused, "MG-CITUS",
        fmt::format("'{}' is a worker of Citus (group {}): what is changed here the others do not get",
                    session.name(), group[0][0]),
        "Name the coordinator with --url.");
  }
  if (row[1] != "off" && row[1] != "false" && row[1] != "0") return {};
  return stop(Exit::refused, "MG-CITUS",
              fmt::format("'{}' does not bring changes of the schema to its workers: "
                          "citus.enable_ddl_propagation is {}",
                          session.name(), row[1]),
              "Set it to on for this login and database, or start again without the SET that turned it off.");
}

}  // namespace guildhall::migrate
