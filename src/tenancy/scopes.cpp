#include "tenancy/scopes.h"

#include <fmt/format.h>

#include "base/mutation.h"
#include "tenancy/audit.h"
#include "tenancy/catalog.h"
#include "tenancy/counters.h"
#include "tenancy/seal.h"

namespace guildhall::tenancy {

bool Scopes::is_served(ServerId server) const {
  return servers_->is_active(server) || (mutated(Mutation::inactive_served) && servers_->is_known(server));
}

std::optional<ServerScope> Scopes::for_discord_event(ServerId server) const {
  if (!is_served(server)) return std::nullopt;
  if (mutated(Mutation::scope_swapped))
    return ServerScope(*database_, servers_->list().front().discord_server_id);
  return ServerScope(*database_, server);
}

std::vector<ServerScope> Scopes::for_channel_event(const ChannelKey& channel) const {
  std::vector<ServerScope> scopes;
  if (mutated(Mutation::channel_of_all)) {
    for (const ServerRow& server : servers_->list())
      scopes.push_back(ServerScope(*database_, server.discord_server_id));
    return scopes;
  }
  for (const ServerId server : channels_->servers_of(channel)) {
    if (is_served(server)) scopes.push_back(ServerScope(*database_, server));
  }
  return scopes;
}

Result<ServerScope> Scopes::for_session(ServerId server, const SessionRights& rights) const {
  const bool allowed = rights.at(server) != Access::none || mutated(Mutation::session_unchecked);
  if (!allowed || !servers_->is_known(server)) {
    return fail(ErrorCode::not_found, fmt::format("there is no server {}", server.str()));
  }
  return ServerScope(*database_, server);
}

std::optional<ServerScope> Scopes::for_job(ServerId server) const {
  if (!is_served(server)) return std::nullopt;
  return ServerScope(*database_, server);
}

Result<ServerScope> Scopes::for_operator(ServerId server) const {
  if (server == ServerId{})
    return fail(ErrorCode::usage, "0 is no server", "Name one: `guildhall server list`.");
  if (!servers_->is_known(server)) {
    return fail(ErrorCode::not_found, fmt::format("there is no server {}", server.str()),
                "`guildhall server list` shows the servers.");
  }
  return ServerScope(*database_, server);
}

namespace {

std::set<std::string, std::less<>> announced(const TableCatalog& tables) {
  std::set<std::string, std::less<>> names;
  for (const auto& [name, table] : tables.all()) {
    if (table.held) names.insert(name);
  }
  return names;
}

using Preparation = std::function<Result<void>(store::SchemaSession&)>;

/// A server's own file passes the catalog gate when it is first used: its fault stops that server alone.
Preparation with_gate(Preparation prepare, const TableCatalog& tables) {
  if (!prepare) return prepare;
  return [prepare = std::move(prepare), &tables](store::SchemaSession& file) -> Result<void> {
    if (auto prepared = prepare(file); !prepared) return prepared;
    return refuse_faults(file.name(), find_sqlite_faults(file, tables));
  };
}

}  // namespace

Tenancy::Tenancy(std::unique_ptr<store::Database> database, store::ServerRange servers)
    : database_(std::move(database)),
      servers_(GlobalScope(*database_), servers),
      channels_(GlobalScope(*database_), servers),
      grants_(GlobalScope(*database_), channels_),
      scopes_(*database_, servers_, channels_) {}

Result<std::unique_ptr<Tenancy>> Tenancy::open(const store::DatabasePlace& place,
                                               const store::StatementRegistry& statements,
                                               const TableCatalog& tables, Metrics* metrics,
                                               OpenOptions options) {
  if (options.looks_at_catalog && !mutated(Mutation::catalog_unread)) {
    const auto faults = find_catalog_faults(place, tables);
    if (!faults) return std::unexpected(faults.error());
    if (auto sealed = refuse_faults(place.name(), *faults); !sealed) return std::unexpected(sealed.error());
    options.files.prepare = with_gate(std::move(options.files.prepare), tables);
  }
  if (!options.gate) {
    options.gate = [&tables](const store::StatementInfo& info, const store::StatementFacts& facts) {
      return refuse_statement(tables, info, facts);
    };
  }
  store::DatabaseOptions database_options{place, &statements, std::move(options.gate)};
  database_options.tables = tables.homes();
  database_options.announced = announced(tables);
  database_options.files = std::move(options.files);
  database_options.metrics = metrics;
  database_options.observer = options.observer;
  database_options.connections = options.connections;
  auto database = store::open_database(std::move(database_options));
  if (!database) return std::unexpected(database.error());
  if (mutated(Mutation::reserved_known)) options.servers.first = kReservedServers.first;
  return std::unique_ptr<Tenancy>(new Tenancy(std::move(*database), options.servers));
}

Task<void> Tenancy::load() {
  co_await servers_.reload();
  co_await channels_.load();
}

void Tenancy::declare(store::StatementRegistry& statements, TableCatalog& tables) {
  declare_core_tables(tables);
  ServerRegistry::declare(statements);
  ChannelDirectory::declare(statements);
  ChannelGrants::declare(statements);
  declare_counters(statements);
  declare_audit(statements);
}

}  // namespace guildhall::tenancy
