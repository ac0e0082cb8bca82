// Until when everything that Kick posts of a channel has reached us. What Kick could not deliver it does not
// keep: chat and gifts of such a time are lost, and only whether the stream is live can be asked afterwards.
// So the time itself is kept, as a gap that the servers are shown.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "tenancy/scope.h"

namespace guildhall::bot {

/// A time of which something may be missing.
struct ChannelGap {
  TimePoint from;
  std::optional<TimePoint> until;  // none: it goes on
  /// stopped: the bot did not run; unsubscribed: Kick had lost our subscriptions; silent: nothing came of a
  /// stream that is watched.
  std::string reason;
};

/// Why a channel is not, or perhaps not, heard.
inline constexpr const char* kUnsubscribed = "unsubscribed";
inline constexpr const char* kSilent = "silent";

class KickHearing {
 public:
  explicit KickHearing(tenancy::GlobalScope global) : global_(global) {}

  /// Now and then, at most a minute apart: all that nobody doubts was heard until now. The channels of which
  /// nothing was for longer than a restart takes; that is a gap.
  Task<std::vector<std::string>> hear(TimePoint now);
  /// Something of the channel may be missing since then. False: nobody listens to it, or it is doubted
  /// already.
  Task<bool> doubt(std::string broadcaster, TimePoint since, std::string reason);
  /// Everything of the channel is heard from now on; what was doubted is a gap. True: it was.
  Task<bool> trust(std::string broadcaster, TimePoint now);
  /// Nobody listens to any channel but these.
  Task<void> keep(std::vector<std::string> broadcasters);

  /// Of the last weeks, the newest first.
  Task<std::vector<ChannelGap>> gaps(std::string broadcaster) const;

 private:
  tenancy::GlobalScope global_;
};

store::TxTask<void> rehearse_kick_hearing(store::GlobalTx& tx, TimePoint now);

void declare_kick_hearing(store::StatementRegistry& statements);

}  // namespace guildhall::bot
