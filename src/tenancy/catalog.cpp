#include "tenancy/catalog.h"

#include <fmt/format.h>

#include "store/database_error.h"
#include "tenancy/postgres_roles.h"

namespace guildhall::tenancy {
namespace {

Result<CatalogFaults> look_at_file(const store::DatabasePlace& place, const TableCatalog& tables) {
  const auto file = store::open_login_session(place, store::Login::bot);
  if (!file) return std::unexpected(file.error());
  return find_sqlite_faults(**file, tables);
}

/// Two logins are looked at as they connect; the catalog is read by the first.
Result<CatalogFaults> look_at_server(const store::DatabasePlace& place, const TableCatalog& tables) {
  const auto bot = store::open_login_session(place, store::Login::bot);
  if (!bot) return std::unexpected(bot.error());
  const auto cross_server = store::open_login_session(place, store::Login::cross_server);
  if (!cross_server) return std::unexpected(cross_server.error());
  return find_postgres_faults(**bot, tables, look_at_login(**bot), look_at_login(**cross_server));
}

}  // namespace

ConnectedLogin look_at_login(store::SchemaSession& session) {
  const auto row =
      session.query("SELECT session_user, coalesce(current_setting('guildhall.server_id', true), '')").at(0);
  return {row[0], row[1]};
}

Result<CatalogFaults> find_catalog_faults(const store::DatabasePlace& place, const TableCatalog& tables) {
  try {
    return place.layout == store::Layout::postgres ? look_at_server(place, tables)
                                                   : look_at_file(place, tables);
  } catch (const store::DatabaseError& error) {
    return fail(ErrorCode::storage, fmt::format("database '{}': {}", place.name(), error.what()),
                "The catalog could not be read, so nothing is known of the seal.");
  }
}

Result<void> refuse_faults(const std::string& database, const CatalogFaults& faults) {
  if (faults.empty()) return {};
  const CatalogFault& first = faults.front();
  const std::string more = faults.size() == 1 ? "" : fmt::format(" (and {} more)", faults.size() - 1);
  return fail(
      ErrorCode::refused_by_guard,
      fmt::format("the seal of '{}' is open: {}: {}{}", database, first.table, first.reason, more),
      fmt::format("{}\n`guildhall doctor isolation --catalog` shows every fault.", describe(first.remedy)));
}

std::string describe(const Remedy& remedy) {
  switch (remedy.by) {
    case Remedy::By::owner: return fmt::format("As the owner of the tables: {}", remedy.text);
    case Remedy::By::administrator: return fmt::format("As an administrator of the roles: {}", remedy.text);
    case Remedy::By::hand: break;
  }
  return remedy.text;
}

}  // namespace guildhall::tenancy
