// Attempts to connect a stream channel that somebody else has connected. Whoever comes so far can sign in to
// the streamer's account at the platform, so each of them is a security event: the operator's log keeps who
// it was, from which address and of which channel (as a hash that only this installation can make). The third
// within a day is an alarm for whoever listens to the channel, once a day.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/secrets.h"
#include "tenancy/channels.h"

namespace guildhall::bot {

/// Safe to use from any thread. `secrets` and `clock` outlive it.
class ChannelAttempts {
 public:
  ChannelAttempts(tenancy::GlobalScope global, const Secrets& secrets, const Clock& clock)
      : global_(global), secrets_(secrets), clock_(clock) {}

  struct Noted {
    std::int64_t attempts = 0;  // of this channel within a day
    bool alarm = false;         // now is the time to tell who listens
  };
  Task<Noted> note(tenancy::ChannelKey channel, std::string principal, std::string address);

  /// Takes over what was noted of these channels, by an earlier run too.
  Task<void> load(std::vector<tenancy::Channel> channels);
  /// What is to be read where the channel is listened to, for a day after an alarm; empty: nothing.
  std::string warning(const tenancy::ChannelKey& channel) const;

 private:
  struct Alarm {
    TimePoint at;
    std::string attempts;
  };

  std::string hash_of(const tenancy::ChannelKey& channel) const;

  tenancy::GlobalScope global_;
  const Secrets& secrets_;
  const Clock& clock_;
  mutable std::mutex mutex_;
  std::map<tenancy::ChannelKey, Alarm> alarms_;
};

store::TxTask<void> rehearse_channel_attempts(store::GlobalTx& tx, TimePoint now);
void declare_channel_attempts(store::StatementRegistry& statements);

}  // namespace guildhall::bot
