#include "tests/support/test_world.h"

#include <fmt/format.h>

#include "features/features.h"
#include "migrate/migrate.h"
#include "store/schema_session.h"
#include "web/sessions.h"

namespace guildhall::test {

TestWorld::TestWorld() : declarations(config) {
  config.data_dir = folder.path().string();
  tenancy::Tenancy::declare(declarations.statements, declarations.tables);
  bot::declare_bot(declarations);
  features::declare_all(declarations);
  web::Sessions::declare(declarations);
  declarations.rows.declare(declarations.statements, declarations.tables);
  place = *store::find_place(config);
  const auto migrated = migrate::prepare_schema(place, clock.now());
  if (!migrated) throw ErrorException(migrated.error());
  auto opened = tenancy::Tenancy::open(place, declarations.statements, declarations.tables, &metrics);
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
  auto session = store::open_schema_session(place);
  if (!session) throw ErrorException(session.error());
  std::string text;
  for (const auto& row : (*session)->query(sql)) text += fmt::format("{}\n", fmt::join(row, "|"));
  return text;
}

void TestWorld::execute(const std::string& sql, std::int64_t) {
  auto session = store::open_schema_session(place);
  if (!session) throw ErrorException(session.error());
  (*session)->execute(sql);
}

}  // namespace guildhall::test
