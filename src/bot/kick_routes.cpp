#include "bot/kick_routes.h"

#include <set>

#include "bot/persons.h"

namespace guildhall::bot {
namespace {

using store::GlobalStatement;
using store::GlobalTx;
using store::NoRow;
using store::TxTask;

struct OfPlatform {
  std::string platform = kKick;
};
BOOST_DESCRIBE_STRUCT(OfPlatform, (), (platform))
struct OfSubscription {
  std::string platform;
  std::string subscription;
};
BOOST_DESCRIBE_STRUCT(OfSubscription, (), (platform, subscription))
struct RouteParams {
  std::string platform;
  std::string subscription;
  std::string user;
  std::string event;
};
BOOST_DESCRIBE_STRUCT(RouteParams, (), (platform, subscription, user, event))

struct RouteRow {
  std::string subscription_id;
  std::string platform_user_id;
  std::string event;
};
BOOST_DESCRIBE_STRUCT(RouteRow, (), (subscription_id, platform_user_id, event))

constexpr GlobalStatement<OfPlatform, RouteRow> kRoutes{
    "kick_routes.list",
    "SELECT subscription_id, platform_user_id, event FROM channel_subscriptions WHERE platform = :platform"};

constexpr GlobalStatement<RouteParams, NoRow> kAdd{
    "kick_routes.add",
    "INSERT INTO channel_subscriptions (platform, subscription_id, platform_user_id, event) "
    "VALUES (:platform, :subscription, :user, :event) ON CONFLICT (platform, subscription_id) DO NOTHING"};

constexpr GlobalStatement<OfSubscription, NoRow> kRemove{
    "kick_routes.remove",
    "DELETE FROM channel_subscriptions WHERE platform = :platform AND subscription_id = :subscription"};

using Routes = std::map<std::string, kick::Subscription>;

TxTask<Routes> read(GlobalTx& tx) {
  Routes routes;
  for (const RouteRow& row : co_await tx.all(kRoutes, {}))
    routes[row.subscription_id] = {row.subscription_id, row.platform_user_id, row.event};
  co_return routes;
}

/// What is held as well. `alone`: and nothing else.
TxTask<Routes> write(GlobalTx& tx, std::vector<kick::Subscription> held, bool alone) {
  Routes routes = co_await read(tx);
  std::set<std::string> ids;
  for (const kick::Subscription& one : held) {
    ids.insert(one.id);
    if (!routes.emplace(one.id, one).second) continue;
    co_await tx.change(kAdd, {kKick, one.id, one.broadcaster_user_id, one.event});
  }
  if (!alone) co_return routes;
  std::vector<std::string> gone;
  for (const auto& [id, route] : routes)
    if (!ids.contains(id)) gone.push_back(id);
  for (const std::string& id : gone) {
    routes.erase(id);
    co_await tx.change(kRemove, {kKick, id});
  }
  co_return routes;
}

}  // namespace

Task<void> KickRoutes::load() {
  by_id_ = co_await global_.read([](GlobalTx& tx) { return read(tx); });
  loaded_ = true;
}

Task<void> KickRoutes::add(std::vector<kick::Subscription> held) {
  by_id_ = co_await global_.transact([held](GlobalTx& tx) { return write(tx, held, false); });
  loaded_ = true;
}

Task<void> KickRoutes::keep(std::vector<kick::Subscription> held) {
  by_id_ = co_await global_.transact([held](GlobalTx& tx) { return write(tx, held, true); });
  loaded_ = true;
}

std::optional<kick::Subscription> KickRoutes::find(const std::string& id) const {
  const auto found = by_id_.find(id);
  return found == by_id_.end() ? std::nullopt : std::optional(found->second);
}

TxTask<void> rehearse_kick_routes(GlobalTx& tx, TimePoint) {
  co_await tx.change(kAdd, {kKick, "a rehearsal", "1", "chat.message.sent"});
  co_await tx.all(kRoutes, {});
  co_await tx.change(kRemove, {kKick, "a rehearsal"});
}

void declare_kick_routes(store::StatementRegistry& statements) {
  statements.add("kick_routes", kRoutes, kAdd, kRemove);
}

}  // namespace guildhall::bot
