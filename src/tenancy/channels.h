// Which stream channel feeds which servers. A channel is its streamer's own and belongs to no server
// (class G); a server listens to at most one channel per platform, by the streamer's consent
// (channel_grants.h); several servers may listen to one.
// A viewer's identity is something else: it lives per server (bot/persons.h).
#pragma once

#include <atomic>
#include <compare>
#include <map>
#include <optional>
#include <shared_mutex>
#include <string>
#include <vector>

#include "base/clock.h"
#include "tenancy/scope.h"

namespace guildhall::tenancy {

struct ChannelKey {
  std::string platform;          // "kick"
  std::string platform_user_id;  // of the streamer
  auto operator<=>(const ChannelKey&) const = default;
};

struct Channel {
  std::string platform;
  std::string platform_user_id;
  std::string slug;
  std::string name;
  std::string live;  // unknown, live, offline: by the platform's word
  std::optional<TimePoint> live_since;
  std::string token_state;  // none, connected, needs_reauth
  std::string grant_end;    // why it needs that (channel_grants.h)
  TimePoint token_renewed_at;
  ChannelKey key() const { return {platform, platform_user_id}; }
};
BOOST_DESCRIBE_STRUCT(Channel, (),
                      (platform, platform_user_id, slug, name, live, live_since, token_state, grant_end,
                       token_renewed_at))

/// What people are told of a channel's consent: none, connected, expiring (the platform has renewed it for
/// days no more), needs_reauth, revoked.
std::string_view consent_of(const Channel& channel, TimePoint now);

/// Thread-safe, like the registry of servers; like it, it knows one range of numbers only: a channel whose
/// platform_user_id lies among the reserved ones belongs to the isolation proof.
class ChannelDirectory {
 public:
  explicit ChannelDirectory(GlobalScope global, store::ServerRange range = kAllServers)
      : global_(global), range_(range) {}

  static void declare(store::StatementRegistry& statements);

  Task<void> load();

  /// Makes the channel known, or takes over its present slug and name.
  Task<void> know(ChannelKey key, std::string slug, std::string name, TimePoint now);
  /// The server listens to no channel of the platform any more.
  Task<void> unbind(ServerId server, std::string platform);
  /// Drops the channel with its tokens; no server listens to it any more.
  Task<void> forget(ChannelKey key);
  Task<void> set_live(ChannelKey key, bool live, std::optional<TimePoint> since, TimePoint now);

  std::optional<Channel> find(const ChannelKey& key) const;
  std::optional<Channel> of_server(ServerId server, const std::string& platform) const;
  std::vector<ServerId> servers_of(const ChannelKey& key) const;
  std::vector<Channel> list() const;

 private:
  GlobalScope global_;
  store::ServerRange range_;
  std::atomic<std::uint64_t> tickets_ = 0;
  mutable std::shared_mutex mutex_;
  std::uint64_t shown_ = 0;  // the ticket of the reading that is shown
  std::map<ChannelKey, Channel> channels_;
  std::map<ChannelKey, std::vector<ServerId>> bindings_;
};

}  // namespace guildhall::tenancy
