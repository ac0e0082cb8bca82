#include "tests/support/test_world.h"

#include <fmt/format.h>

#include "features/features.h"
#include "web/sessions.h"

namespace guildhall::test {

TestWorld::TestWorld(store::Layout layout) : declarations(config) {
  config.data_dir = folder.path().string();
  tenancy::Tenancy::declare(declarations.statements, declarations.tables);
  bot::declare_bot(declarations);
  features::declare_all(declarations);
  web::Sessions::declare(declarations.statements);
  database.emplace(config, declarations.tables, clock.now(), layout);
  open();
}

TestWorld::~TestWorld() = default;

void TestWorld::open() {
  tenancy.reset();
  auto opened =
      tenancy::Tenancy::open(database->place(), declarations.statements, declarations.tables, &metrics);
  if (!opened) throw ErrorException(opened.error());
  tenancy = std::move(*opened);
  net::run_to_end(tenancy->load());
}

void TestWorld::close(net::Loops& loops) {
  loops.stop();
  tenancy.reset();
}

tenancy::ServerScope TestWorld::server(std::int64_t id) {
  const ServerId server(id);
  if (!tenancy->servers().is_known(server)) {
    net::run_to_end(tenancy->servers().arrived(server, fmt::format("Server {}", id), clock.now()));
  }
  return *tenancy->scopes().for_operator(server);
}

}  // namespace guildhall::test
