// Takes dispatches apart and hands them to the handler; knows which guilds the bot is in, because a
// GUILD_CREATE means three different things.
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "base/json.h"
#include "base/metrics.h"
#include "platforms/discord/gateway.h"

namespace guildhall::discord {

class EventRouter {
 public:
  /// `receipts` may be null: then nobody counts what is handled.
  EventRouter(GatewayHandler& handler, State& state, Shard shard, Metrics& metrics,
              std::shared_ptr<Receipts> receipts);

  /// Does anybody look at the data of such events?
  bool wants(std::string_view event) const;
  /// `data` is null for an event that nobody wants: it is counted. What the handler throws is logged.
  void route(std::string_view event, const json::Value* data, std::optional<std::int64_t> sequence = {});

  void intents_refused(Intents refused);

  /// A session from before a restart, and its guilds.
  void restore(std::string session, const std::vector<ServerId>& guilds) {
    session_ = std::move(session);
    guilds_.insert(guilds.begin(), guilds.end());
  }
  const std::unordered_set<ServerId>& guilds() const { return guilds_; }
  /// Of READY's list, not yet told of.
  std::size_t pending() const { return pending_.size(); }

 private:
  struct Event {
    std::string_view name;
    /// False: the event lacks what it cannot be used without.
    bool (EventRouter::*handle)(const json::Value& data);
  };
  static constexpr std::size_t kEventCount = 14;
  static const std::array<Event, kEventCount> kEvents;

  static const Event* find(std::string_view event);
  /// Runs `handle`; what it throws is logged and costs one event.
  template <class F>
  static bool guarded(std::string_view event, F handle);
  Receipt receipt() const;
  bool ready(const json::Value& data);
  bool guild_created(const json::Value& data);
  bool guild_updated(const json::Value& data);
  bool guild_deleted(const json::Value& data);
  bool member_joined(const json::Value& data);
  bool member_left(const json::Value& data);
  bool message_created(const json::Value& data);
  bool interaction_created(const json::Value& data);
  bool permissions_changed(const json::Value& data);
  bool member_updated(const json::Value& data);
  bool nothing_to_tell(const json::Value& data);

  GatewayHandler& handler_;
  State& state_;
  Shard shard_;
  std::shared_ptr<Receipts> receipts_;
  std::string session_;                   // its id
  std::optional<std::int64_t> sequence_;  // of the event that is told
  std::unordered_set<ServerId> guilds_;
  std::unordered_set<ServerId> pending_;
  std::array<Counter*, kEventCount> counters_;
  Counter& others_;
  Counter& unusable_;
};

}  // namespace guildhall::discord
