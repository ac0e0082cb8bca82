// The tokens with which the bot speaks in a channel: sealed as they come, renewed before they end and daily
// where nobody needs them (Kick lets them die after thirty days), and by one process at a time. A pair that
// Kick has given is kept before it is used. When this dies between Kick's answer and the commit, the pair
// before it is still there, and Kick takes that once more.
#pragma once

#include <functional>
#include <string>

#include "base/clock.h"
#include "base/metrics.h"
#include "base/secrets.h"
#include "platforms/kick/client.h"
#include "tenancy/channel_grants.h"

namespace guildhall::bot {

class KickTokens {
 public:
  /// `ended` is told which channel's grant is of no use any more. All of it outlives this.
  KickTokens(kick::Client& client, tenancy::ChannelGrants& grants, const Secrets& secrets, const Clock& clock,
             Metrics& metrics, std::function<void(tenancy::ChannelKey)> ended);

  /// As they are kept for that channel.
  tenancy::SealedTokens seal(const tenancy::ChannelKey& channel, const kick::Tokens& tokens) const;

  /// An access token that is good for a while. `refused`: one that Kick has just refused. Errors:
  /// `unauthenticated` (the streamer has to connect the channel), `unavailable`, `timeout`, `configuration`.
  Task<Result<std::string>> access(tenancy::ChannelKey channel, std::string refused = {});

  /// Does Kick still take them? It is asked now; while it cannot be, they are taken for good.
  Task<bool> are_good(tenancy::ChannelKey channel);

  /// Renews what nobody has renewed for most of a day.
  Task<void> renew_idle();
  /// Tells Kick of what its owners have withdrawn, and keeps nothing of it then.
  Task<void> end_withdrawn();

 private:
  Result<std::string> open(const tenancy::ChannelGrant& grant, bool access) const;
  bool is_good(const tenancy::ChannelGrant& grant, Duration at_least) const;
  /// By whoever may. Nothing: the grant is another by now.
  Task<Result<std::optional<std::string>>> renew(tenancy::ChannelGrant grant);
  Task<bool> keep(const tenancy::ChannelGrant& grant, tenancy::SealedTokens tokens);
  Task<void> renew_idle_one(const tenancy::ChannelGrant& grant);
  Task<void> give_back(tenancy::ChannelKey channel, kick::Tokens tokens);
  Task<void> note_refusal(const tenancy::ChannelGrant& grant);

  kick::Client& client_;
  tenancy::ChannelGrants& grants_;
  const Secrets& secrets_;
  const Clock& clock_;
  std::function<void(tenancy::ChannelKey)> ended_;
  Counter& renewed_;
  Counter& refused_;
};

}  // namespace guildhall::bot
