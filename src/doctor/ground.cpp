#include "doctor/ground.h"

#include "net/loops.h"
#include "web/sessions.h"

namespace guildhall::doctor {
namespace {

/// Every server reads the operator's defaults: the one under this key, which no setting has, is read by all
/// and used by none.
constexpr const char* kDefault = "isolation proof";

void put_default(tenancy::Tenancy& tenancy, const std::optional<std::string>& value, TimePoint now) {
  net::run_to_end(tenancy.global().transact(
      [value, now](store::GlobalTx& tx) { return bot::put_default_row(tx, kDefault, value, now); }));
}

}  // namespace

void plant(tenancy::Tenancy& tenancy, TimePoint now) {
  auto& servers = tenancy.servers();
  for (const ServerId server : {kFirstServer, kSecondServer}) {
    net::run_to_end(servers.arrived(server, "isolation proof", now));
    net::run_to_end(servers.left(server, now));
  }
  put_default(tenancy, "read by all, used by none", now);
}

void clear(tenancy::Tenancy& tenancy, const bot::Declarations& declarations, const Clock& clock) {
  put_default(tenancy, std::nullopt, clock.now());
  net::run_to_end(web::Sessions(tenancy.global(), clock).sign_out_all(web::kProof));
  net::run_to_end(tenancy.load());  // one of the two may be erased already
  const auto servers = tenancy.servers().list();
  for (const auto& channel : tenancy.channels().list()) {
    for (const auto& server : servers)
      net::run_to_end(tenancy.channels().unbind(server.discord_server_id, channel.platform));
    net::run_to_end(tenancy.channels().forget(channel.key()));
  }
  for (const auto& server : servers) {
    const auto scope = tenancy.scopes().for_operator(server.discord_server_id);
    if (scope) net::run_to_end(declarations.rows.erase(*scope, tenancy.global()));
  }
  net::run_to_end(tenancy.load());
}

}  // namespace guildhall::doctor
