#include "tests/support/test_world.h"

#include <fmt/format.h>

#include "features/features.h"
#include "migrate/migrate.h"
#include "web/accounts.h"
#include "web/sessions.h"

namespace guildhall::test {

TestWorld::TestWorld(store::Layout layout) : declarations(config) {
  config.data_dir = folder.path().string();
  tenancy::Tenancy::declare(declarations.statements, declarations.tables);
  bot::declare_bot(declarations);
  features::declare_all(declarations);
  web::Accounts::declare(declarations);
  web::Sessions::declare(declarations);
  declarations.rows.declare(declarations.statements, declarations.tables);
  database.emplace(config, declarations.tables, layout);
  reopen();
}

TestWorld::~TestWorld() = default;

void TestWorld::reopen(store::FileOptions files) {
  tenancy::OpenOptions options;
  options.files = std::move(files);
  reopen_with(std::move(options));
}

void TestWorld::reopen_with(tenancy::OpenOptions options) {
  tenancy.reset();
  auto opened = tenancy::Tenancy::open(place(), declarations.statements, declarations.tables, &metrics,
                                       std::move(options));
  if (!opened) throw ErrorException(opened.error());
  tenancy = std::move(*opened);
  net::run_to_end(tenancy->load());
}

void TestWorld::close(net::Loops& loops) {
  loops.stop();
  tenancy.reset();
}

std::unique_ptr<tenancy::Tenancy> TestWorld::beside(store::StatementGate gate) {
  tenancy::OpenOptions options;
  options.gate = std::move(gate);
  options.files.prepare = file_preparation();
  auto opened = tenancy::Tenancy::open(place(), declarations.statements, declarations.tables, nullptr,
                                       std::move(options));
  if (!opened) throw ErrorException(opened.error());
  net::run_to_end((*opened)->load());
  return std::move(*opened);
}

std::function<Result<void>(store::SchemaSession&)> TestWorld::file_preparation() const {
  return migrate::file_preparation();
}

tenancy::ServerScope TestWorld::server(std::int64_t id) {
  const ServerId server(id);
  if (!tenancy->servers().is_known(server)) {
    net::run_to_end(tenancy->servers().arrived(server, fmt::format("Server {}", id), clock.now()));
  }
  return *tenancy->scopes().for_operator(server);
}

void TestWorld::listen(std::int64_t id, const std::string& broadcaster, const std::string& slug) {
  const tenancy::ChannelKey channel{"kick", broadcaster};
  server(id);
  net::run_to_end(tenancy->channels().know(channel, slug, "Name", clock.now()));
  net::run_to_end(
      tenancy->grants().grant(channel, {"discord:1"}, "chat:write", {}, ServerId(id), clock.now()));
}

void TestWorld::execute(const std::string& sql, std::int64_t id) {
  if (id != 0) touch(id);
  database->execute(sql, id);
}

void TestWorld::touch(std::int64_t id) {
  in(id, [](store::Tx&) -> store::TxTask<void> { co_return; });
}

}  // namespace guildhall::test
