// Where a ServerScope comes from: these five places and no other. Each caller has proved something
// first; a test refuses a call of any of them from another file than the one named here.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "tenancy/channel_grants.h"
#include "tenancy/channels.h"
#include "tenancy/registry.h"
#include "tenancy/scope.h"
#include "tenancy/table.h"

namespace guildhall::tenancy {

/// What somebody may do with a server on the dashboard; each of these may do what those before it may.
enum class Access : std::uint8_t {
  none,
  member,         // is one there; sees nothing but what concerns himself
  viewer,         // looks
  moderator,      // as Discord's "Manage Server"
  administrator,  // changes the server
  owner,
};

/// What a signed-in person may open: one server, as far as `access` goes; the operator every server. Made by
/// web/rights.h for a valid session.
struct SessionRights {
  bool instance_owner = false;
  ServerId server = {};
  Access access = Access::none;

  Access at(ServerId wanted) const {
    if (instance_owner) return Access::owner;
    return wanted == server ? access : Access::none;
  }
};

class Scopes {
 public:
  Scopes(store::Database& database, const ServerRegistry& servers, const ChannelDirectory& channels)
      : database_(&database), servers_(&servers), channels_(&channels) {}

  /// 1. An event that Discord's gateway delivered for this server. Active servers only.
  std::optional<ServerScope> for_discord_event(ServerId server) const;
  /// 2. A verified webhook of a channel: every active server that is bound to it.
  std::vector<ServerScope> for_channel_event(const ChannelKey& channel) const;
  /// 3. A signed-in dashboard session with rights there. Error `not_found`, whether the server does
  /// not exist or is not theirs.
  Result<ServerScope> for_session(ServerId server, const SessionRights& rights) const;
  /// 4. A row of `jobs` that names the server. Active servers only.
  std::optional<ServerScope> for_job(ServerId server) const;
  /// 5. An operator's command that names the server; the command writes the audit row. 0 is no
  /// server: error `usage`; an unknown one: `not_found`.
  Result<ServerScope> for_operator(ServerId server) const;

 private:
  bool is_served(ServerId server) const;

  store::Database* database_;
  const ServerRegistry* servers_;
  const ChannelDirectory* channels_;
};

/// What may be asked for beyond the ordinary when the database is opened.
struct OpenOptions {
  /// Servers beyond these do not exist for this Tenancy.
  store::ServerRange servers = kAllServers;
  /// Is told of every statement.
  store::StatementObserver* observer = nullptr;
  /// In place of the gate (seal.h): for tests that plant what it refuses.
  store::StatementGate gate = {};
  /// False: the catalog gate (catalog.h) does not look; for tests that plant what it refuses.
  bool looks_at_catalog = true;
  /// For the layout with a file per server.
  store::FileOptions files = {};
  /// PostgreSQL: connections of each kind, at most; 0: as many as the layout thinks right.
  std::size_t connections = 0;
};

/// The room as one object: opens the database behind the gate and hands out the ways to it.
class Tenancy {
 public:
  /// `statements` and `tables` hold everything that the features declared; both outlive this object.
  static Result<std::unique_ptr<Tenancy>> open(const store::DatabasePlace& place,
                                               const store::StatementRegistry& statements,
                                               const TableCatalog& tables, Metrics* metrics,
                                               OpenOptions options = {});

  /// Reads servers and channels. Before anything else.
  Task<void> load();

  GlobalScope global() const { return GlobalScope(*database_); }
  CrossServerDoor door() const { return CrossServerDoor(*database_, global()); }
  ServerRegistry& servers() { return servers_; }
  ChannelDirectory& channels() { return channels_; }
  ChannelGrants& grants() { return grants_; }
  const Scopes& scopes() const { return scopes_; }

  /// Registers this room's own statements.
  static void declare(store::StatementRegistry& statements, TableCatalog& tables);

 private:
  Tenancy(std::unique_ptr<store::Database> database, store::ServerRange servers);

  std::unique_ptr<store::Database> database_;
  ServerRegistry servers_;
  ChannelDirectory channels_;
  ChannelGrants grants_;
  Scopes scopes_;
};

}  // namespace guildhall::tenancy
