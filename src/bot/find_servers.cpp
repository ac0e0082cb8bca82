#include "bot/find_servers.h"

#include "base/log.h"

namespace guildhall::bot {
namespace {

struct Search {
  tenancy::Tenancy& tenancy;
  const std::string reason;
  const TimePoint now;
  const FindServers find;
  std::vector<ServerId> found = {};
};

/// Halved when one of them is unusable, until that one is found.
Task<void> look_at(Search& search, std::vector<ServerId> servers) {
  std::string trouble;
  try {
    const store::ServerRange range{servers.front(), servers.back()};
    const auto rows = co_await search.tenancy.door().read(
        search.reason, search.now, range,
        [&search, range](store::CrossTx& tx) { return search.find(tx, range); });
    search.found.insert(search.found.end(), rows.begin(), rows.end());
  } catch (const store::DatabaseError& error) {
    if (error.code() != store::DbCode::server_unusable) throw;
    trouble = error.what();
  }
  if (trouble.empty()) co_return;
  if (servers.size() == 1) {
    log::error("a server cannot be read",
               {log::field("for", search.reason), log::field("server", servers.front().str()),
                log::field("error", trouble)});
    co_return;
  }
  const auto middle = servers.begin() + static_cast<std::ptrdiff_t>(servers.size() / 2);
  co_await look_at(search, {servers.begin(), middle});
  co_await look_at(search, {middle, servers.end()});
}

}  // namespace

Task<std::vector<ServerId>> find_servers(tenancy::Tenancy& tenancy, std::string reason, TimePoint now,
                                         FindServers find) {
  std::vector<ServerId> servers;
  for (const auto& server : tenancy.servers().list()) servers.push_back(server.discord_server_id);
  Search search{tenancy, std::move(reason), now, std::move(find)};
  if (!servers.empty()) co_await look_at(search, std::move(servers));
  co_return std::move(search.found);
}

}  // namespace guildhall::bot
