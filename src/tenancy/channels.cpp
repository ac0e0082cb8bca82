#include "tenancy/channels.h"

#include <algorithm>
#include <mutex>

#include "tenancy/channel_grants.h"

namespace guildhall::tenancy {
namespace {

using store::GlobalStatement;
using store::GlobalTx;
using store::NoParams;
using store::NoRow;
using store::TxTask;

struct KeyParams {
  std::string platform;
  std::string user;
};
BOOST_DESCRIBE_STRUCT(KeyParams, (), (platform, user))

struct KnowParams {
  std::string platform;
  std::string user;
  std::string slug;
  std::string name;
  TimePoint now;
};
BOOST_DESCRIBE_STRUCT(KnowParams, (), (platform, user, slug, name, now))

struct UnbindParams {
  std::string platform;
  ServerId bound;
};
BOOST_DESCRIBE_STRUCT(UnbindParams, (), (platform, bound))

struct LiveParams {
  std::string platform;
  std::string user;
  std::string live;
  std::optional<TimePoint> since;
  TimePoint now;
};
BOOST_DESCRIBE_STRUCT(LiveParams, (), (platform, user, live, since, now))

struct BindingRow {
  std::string platform;
  std::string platform_user_id;
  ServerId bound_server_id;
};
BOOST_DESCRIBE_STRUCT(BindingRow, (), (platform, platform_user_id, bound_server_id))

constexpr GlobalStatement<NoParams, Channel> kListChannels{
    "tenancy.list_channels",
    "SELECT platform, platform_user_id, slug, name, live, live_since, token_state, grant_end, "
    "CASE WHEN token_renewed_at = 0 THEN COALESCE(token_expires_at, 0) ELSE token_renewed_at END AS "
    "token_renewed_at FROM channels"};

constexpr GlobalStatement<NoParams, BindingRow> kListBindings{
    "tenancy.list_bindings",
    "SELECT platform, platform_user_id, bound_server_id FROM channel_bindings ORDER BY bound_server_id"};

constexpr GlobalStatement<KnowParams, NoRow> kKnow{
    "tenancy.know_channel",
    "INSERT INTO channels (platform, platform_user_id, slug, name, live, token_state, updated_at) "
    "VALUES (:platform, :user, :slug, :name, 'unknown', 'none', :now) "
    "ON CONFLICT (platform, platform_user_id) DO UPDATE "
    "SET slug = excluded.slug, name = excluded.name, updated_at = excluded.updated_at"};

constexpr GlobalStatement<UnbindParams, NoRow> kUnbind{
    "tenancy.unbind_channel",
    "DELETE FROM channel_bindings WHERE platform = :platform AND bound_server_id = :bound"};

constexpr GlobalStatement<LiveParams, NoRow> kSetLive{
    "tenancy.set_channel_live",
    "UPDATE channels SET live = :live, live_since = :since, updated_at = :now "
    "WHERE platform = :platform AND platform_user_id = :user"};

constexpr GlobalStatement<KeyParams, NoRow> kForget{
    "tenancy.forget_channel", "DELETE FROM channels WHERE platform = :platform AND platform_user_id = :user"};

/// Real ones may have names for ids; the reserved ones have numbers.
bool is_in(const store::ServerRange& range, const std::string& platform_user_id) {
  const auto number = ServerId::parse(platform_user_id);
  return range.contains(number.value_or(kAllServers.last));
}

/// Tokens are renewed daily.
constexpr Duration kOverdue = std::chrono::hours(48);

}  // namespace

std::string_view consent_of(const Channel& channel, TimePoint now) {
  if (channel.grant_end == kWithdrawn) return "none";
  if (channel.grant_end == kRevoked) return kRevoked;
  if (channel.token_state != "connected") return channel.token_state;
  return now - channel.token_renewed_at > kOverdue ? "expiring" : "connected";
}

void ChannelDirectory::declare(store::StatementRegistry& statements) {
  statements.add("tenancy", kListChannels, kListBindings, kKnow, kUnbind, kSetLive, kForget);
}

Task<void> ChannelDirectory::load() {
  struct Everything {
    std::vector<Channel> channels;
    std::vector<BindingRow> bindings;
  };
  const auto ticket = ++tickets_;
  const Everything read = co_await global_.read([](GlobalTx& tx) -> TxTask<Everything> {
    Everything all;
    all.channels = co_await tx.all(kListChannels);
    all.bindings = co_await tx.all(kListBindings);
    co_return all;
  });
  const std::unique_lock lock(mutex_);
  if (ticket < shown_) co_return;  // somebody who began later was faster
  shown_ = ticket;
  channels_.clear();
  bindings_.clear();
  for (const Channel& channel : read.channels) {
    if (is_in(range_, channel.platform_user_id)) channels_[channel.key()] = channel;
  }
  for (const BindingRow& row : read.bindings) {
    if (!range_.contains(row.bound_server_id)) continue;
    bindings_[{row.platform, row.platform_user_id}].push_back(row.bound_server_id);
  }
}

Task<void> ChannelDirectory::know(ChannelKey key, std::string slug, std::string name, TimePoint now) {
  const KnowParams params{key.platform, key.platform_user_id, std::move(slug), std::move(name), now};
  co_await global_.transact([params](GlobalTx& tx) -> TxTask<void> { co_await tx.change(kKnow, params); });
  co_await load();
}

Task<void> ChannelDirectory::unbind(ServerId server, std::string platform) {
  const UnbindParams params{std::move(platform), server};
  co_await global_.transact([params](GlobalTx& tx) -> TxTask<void> { co_await tx.change(kUnbind, params); });
  co_await load();
}

Task<void> ChannelDirectory::forget(ChannelKey key) {
  const KeyParams params{std::move(key.platform), std::move(key.platform_user_id)};
  co_await global_.transact([params](GlobalTx& tx) -> TxTask<void> { co_await tx.change(kForget, params); });
  co_await load();
}

Task<void> ChannelDirectory::set_live(ChannelKey key, bool live, std::optional<TimePoint> since,
                                      TimePoint now) {
  const LiveParams params{key.platform, key.platform_user_id, live ? "live" : "offline", since, now};
  co_await global_.transact([params](GlobalTx& tx) -> TxTask<void> { co_await tx.change(kSetLive, params); });
  co_await load();
}

std::optional<Channel> ChannelDirectory::find(const ChannelKey& key) const {
  const std::shared_lock lock(mutex_);
  const auto found = channels_.find(key);
  if (found == channels_.end()) return std::nullopt;
  return found->second;
}

std::optional<Channel> ChannelDirectory::of_server(ServerId server, const std::string& platform) const {
  const std::shared_lock lock(mutex_);
  for (const auto& [key, servers] : bindings_) {
    if (key.platform != platform || std::find(servers.begin(), servers.end(), server) == servers.end())
      continue;
    if (const auto found = channels_.find(key); found != channels_.end()) return found->second;
  }
  return std::nullopt;
}

std::vector<ServerId> ChannelDirectory::servers_of(const ChannelKey& key) const {
  const std::shared_lock lock(mutex_);
  const auto found = bindings_.find(key);
  return found == bindings_.end() ? std::vector<ServerId>{} : found->second;
}

std::vector<Channel> ChannelDirectory::list() const {
  const std::shared_lock lock(mutex_);
  std::vector<Channel> all;
  for (const auto& [key, channel] : channels_) all.push_back(channel);
  return all;
}

}  // namespace guildhall::tenancy
