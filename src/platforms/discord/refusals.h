// What Discord has said no to and would say no to again: it is not asked, because every such answer brings
// this machine's address closer to a ban. A channel that the bot cannot see or write in rests for a
// minute, twice as long each time that it is still so, up to an hour, or until somebody's permissions change;
// a deleted webhook for ever.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "platforms/discord/rest_call.h"
#include "platforms/discord/timing.h"

namespace guildhall::discord {

class Refusals {
 public:
  /// The error that this call would meet again; `forbidden` names the channel.
  Result<void> check(const RestCall& call, SteadyTime now);

  /// Takes over what an answer says.
  void learn(const RestCall& call, const net::HttpResponse& answer, SteadyTime now);

  /// Channels of this guild are tried again.
  void lift(ServerId guild);

 private:
  /// A channel, and for which guild it was called: one that calls for another's channel closes it for nobody
  /// else.
  using Place = std::pair<std::string, std::optional<ServerId>>;
  /// Shut to each call that needs all of this: who may not send may neither reply nor attach.
  struct Door {
    const RouteSpec* route = nullptr;  // of this one alone, where nobody knows what it needs
    Permissions needs = 0;
    SteadyTime until{};
    std::chrono::nanoseconds rest{};
    Error error{};

    bool bars(const RestCall& call) const;
  };

  static Place place_of(const RestCall& call);
  void close(const RestCall& call, Door door, SteadyTime now);
  void open(const RestCall& call);
  void sweep(SteadyTime now);

  std::map<Place, std::vector<Door>> closed_;
  std::set<std::string> gone_;  // webhooks
};

}  // namespace guildhall::discord
