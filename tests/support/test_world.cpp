#include "tests/support/test_world.h"

#include <fmt/format.h>

#include "features/features.h"
#include "migrate/migrate.h"
#include "store/sqlite/schema_session.h"
#include "web/sessions.h"

namespace guildhall::test {

TestWorld::TestWorld() : declarations(config) {
  config.data_dir = folder.path().string();
  tenancy::Tenancy::declare(declarations.statements, declarations.tables);
  bot::declare_bot(declarations);
  features::declare_all(declarations);
  web::Sessions::declare(declarations.statements);
  const auto migrated =
      migrate::bring_up_to_date(config.database_url, config.data_dir, migrate::embedded_files(), clock.now());
  if (!migrated) throw ErrorException(migrated.error());
  auto opened = tenancy::Tenancy::open(config.database_url, config.data_dir, declarations.statements,
                                       declarations.tables, &metrics);
  if (!opened) throw ErrorException(opened.error());
  tenancy = std::move(*opened);
  net::run_to_end(tenancy->load());
}

TestWorld::~TestWorld() = default;

tenancy::ServerScope TestWorld::server(std::int64_t id) {
  const ServerId server(id);
  if (!tenancy->servers().is_known(server)) {
    net::run_to_end(tenancy->servers().arrived(server, fmt::format("Server {}", id), clock.now()));
  }
  return *tenancy->scopes().for_operator(server);
}

std::string TestWorld::dump(const std::string& sql) const {
  auto session = store::SchemaSession::open(config.database_url, config.data_dir);
  if (!session) throw ErrorException(session.error());
  std::string text;
  for (const auto& row : session->query(sql)) text += fmt::format("{}\n", fmt::join(row, "|"));
  return text;
}

}  // namespace guildhall::test
