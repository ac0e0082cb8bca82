#include "tenancy/registry.h"

#include <fmt/format.h>

#include <mutex>
#include <utility>

namespace guildhall::tenancy {
namespace {

using store::GlobalStatement;
using store::GlobalTx;
using store::NoParams;
using store::NoRow;
using store::TxTask;

struct ArrivedParams {
  ServerId id;
  std::string name;
  TimePoint now;
};
BOOST_DESCRIBE_STRUCT(ArrivedParams, (), (id, name, now))

struct IdParams {
  ServerId id;
};
BOOST_DESCRIBE_STRUCT(IdParams, (), (id))

struct StandingRow {
  std::string state;
  std::string name;
};
BOOST_DESCRIBE_STRUCT(StandingRow, (), (state, name))

struct LeftParams {
  ServerId id;
  TimePoint now;
};
BOOST_DESCRIBE_STRUCT(LeftParams, (), (id, now))

constexpr GlobalStatement<NoParams, ServerRow> kList{
    "tenancy.list_servers",
    "SELECT discord_server_id, name, state, joined_at, revision FROM servers ORDER BY discord_server_id"};

constexpr GlobalStatement<ArrivedParams, NoRow> kArrived{
    "tenancy.server_arrived",
    "INSERT INTO servers (discord_server_id, name, state, joined_at, left_at, revision) "
    "VALUES (:id, :name, 'active', :now, NULL, 1) "
    "ON CONFLICT (discord_server_id) DO UPDATE SET name = excluded.name, state = 'active', left_at = NULL"};

constexpr GlobalStatement<IdParams, StandingRow> kStanding{
    "tenancy.server_standing", "SELECT state, name FROM servers WHERE discord_server_id = :id"};

constexpr GlobalStatement<LeftParams, NoRow> kLeft{"tenancy.server_left",
                                                   "UPDATE servers SET state = 'inactive', left_at = :now "
                                                   "WHERE discord_server_id = :id AND state = 'active'"};

constexpr store::Statement<NoParams, NoRow> kBump{
    "tenancy.bump_revision", "UPDATE servers SET revision = revision + 1 WHERE discord_server_id = :server"};

}  // namespace

void ServerRegistry::declare(store::StatementRegistry& statements) {
  statements.add("tenancy", kList, kStanding, kArrived, kLeft, kBump, kLogCrossServerWork);
}

Task<std::vector<ServerRow>> ServerRegistry::read_all() const {
  co_return co_await global_.read(
      [](GlobalTx& tx) -> TxTask<std::vector<ServerRow>> { co_return co_await tx.all(kList); });
}

/// Decided in the transaction: a leaving that is under way may be ahead of us.
Task<Arrival> ServerRegistry::arrived(ServerId server, std::string name, TimePoint now) {
  if (!range_.contains(server)) {
    throw ErrorException({ErrorCode::usage, fmt::format("{} is no server's number", server.str()),
                          fmt::format("Numbers up to {} are reserved.", kReservedServers.last.str())});
  }
  const ArrivedParams params{server, std::move(name), now};
  const auto before = co_await global_.transact([params](GlobalTx& tx) -> TxTask<std::optional<StandingRow>> {
    const auto standing = co_await tx.one(kStanding, {params.id});
    if (!standing || standing->state != "active" || standing->name != params.name)
      co_await tx.change(kArrived, params);
    co_return standing;
  });
  // What was changed is read even when it is shown already: a reading from before may be on its way here.
  const bool changed = !before || before->state != "active" || before->name != params.name;
  const auto shown = find(server);
  if (changed || !shown || shown->state != "active" || shown->name != params.name) co_await load();
  if (!before) co_return Arrival::added;
  co_return before->state == "active" ? Arrival::known : Arrival::resumed;
}

Task<bool> ServerRegistry::left(ServerId server, TimePoint now) {
  const LeftParams params{server, now};
  const auto changed = co_await global_.transact(
      [params](GlobalTx& tx) -> TxTask<std::int64_t> { co_return co_await tx.change(kLeft, params); });
  co_await load();
  co_return changed > 0;
}

Task<void> ServerRegistry::load() {
  const auto ticket = ++tickets_;
  const auto rows = co_await read_all();
  const std::unique_lock lock(mutex_);
  if (ticket < shown_) co_return;  // somebody who began later was faster
  shown_ = ticket;
  servers_.clear();
  bool others = false;
  for (const ServerRow& row : rows) {
    if (range_.contains(row.discord_server_id)) {
      servers_[row.discord_server_id] = row;
    } else {
      others = true;
    }
  }
  has_others_ = others;
  std::erase_if(told_, [this](const auto& told) { return !servers_.contains(told.first); });
}

Task<std::vector<ServerId>> ServerRegistry::reload() {
  co_await load();
  std::vector<ServerId> changed;
  const std::unique_lock lock(mutex_);
  for (const auto& [server, row] : servers_) {
    const auto [told, is_new] = told_.emplace(server, row.revision);
    if (is_new || std::exchange(told->second, row.revision) != row.revision) changed.push_back(server);
  }
  co_return changed;
}

bool ServerRegistry::is_known(ServerId server) const { return find(server).has_value(); }

bool ServerRegistry::is_active(ServerId server) const {
  const auto found = find(server);
  return found && found->state == "active";
}

std::optional<ServerRow> ServerRegistry::find(ServerId server) const {
  const std::shared_lock lock(mutex_);
  const auto found = servers_.find(server);
  if (found == servers_.end()) return std::nullopt;
  return found->second;
}

std::vector<ServerRow> ServerRegistry::list() const {
  const std::shared_lock lock(mutex_);
  std::vector<ServerRow> rows;
  for (const auto& [id, row] : servers_) rows.push_back(row);
  return rows;
}

store::TxTask<void> bump_revision(store::Tx& tx) { co_await tx.change(kBump); }

}  // namespace guildhall::tenancy
