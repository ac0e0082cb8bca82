// Asks for all members of guilds of which GUILD_CREATE tells only some: the answers, GUILD_MEMBERS_CHUNK with
// 1,000 members at most, go to the state like every other event, so nobody holds a whole list. A few guilds
// at a time, each once in 30 s, and whatever came when Discord keeps the rest for itself. Source: gateway
// documentation, "Request Guild Members".
//
// Knows no clock and no connection: the gateway passes the time in and sends what `next` gives.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.h"
#include "base/json.h"
#include "base/metrics.h"
#include "platforms/discord/timing.h"

namespace guildhall::discord {

class MemberRequests {
 public:
  /// `metrics` outlives it.
  explicit MemberRequests(Metrics& metrics);

  /// An event has come that the state has taken over.
  void follow(std::string_view event, const json::Value& data, SteadyTime now);
  /// For so long nothing was read: what was asked for may have come in that time.
  void wait_longer(std::chrono::nanoseconds time);
  /// What was asked for may never come now. It is asked for again.
  void connection_lost(SteadyTime now);

  /// When `next` has something to do; SteadyTime::max(): never.
  SteadyTime due() const;
  /// The frame that asks for the next guild, if it is time for one.
  std::optional<std::string> next(SteadyTime now);

 private:
  struct Wanted {
    ServerId guild;
    int tries = 0;  // that brought less than everybody
  };
  struct Asked {
    Wanted what;
    std::string nonce;
    SteadyTime at;
    SteadyTime deadline;         // for the next chunk
    std::vector<bool> received;  // by index; empty: the first chunk has not come
  };

  void guild_came(const json::Value& guild, SteadyTime now);
  void chunk_came(const json::Value& chunk, SteadyTime now);
  void refused(const json::Value& refusal, SteadyTime now);
  void forget(ServerId guild);
  void forget_all();
  void give_up_late_ones(SteadyTime now);
  void want(Wanted what, SteadyTime from);
  /// Discord lists a guild once in a while only.
  SteadyTime allowed_from(ServerId guild, SteadyTime now) const;
  Asked* asked_by(std::string_view nonce);
  Asked take_back(const Asked& asked);

  std::multimap<SteadyTime, Wanted> waiting_;  // by when it may be asked for
  std::vector<Asked> asked_;
  std::vector<std::pair<ServerId, SteadyTime>> recent_;  // when each was asked for, the oldest first
  std::uint64_t nonces_ = 0;
  Counter& complete_;
  Counter& incomplete_;
};

}  // namespace guildhall::discord
