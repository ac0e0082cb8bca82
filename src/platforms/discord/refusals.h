// What Discord has said no to and would say no to again: it is not asked, because every such answer brings
// this machine's address closer to a ban. A channel that the bot cannot see or write in rests for a
// minute, twice as long each time that it is still so, up to an hour, or until somebody's permissions change;
// a deleted webhook for ever.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <tuple>

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
  /// Which channel, and which calls there: of a route, and with what they need (files and replies need more
  /// than a text); without a route, all.
  using Door = std::tuple<std::string, const RouteSpec*, Permissions>;
  struct Closed {
    SteadyTime until;
    std::chrono::nanoseconds rest;
    Error error;
    std::optional<ServerId> guild;
  };

  const Closed* find(const Door& door, SteadyTime now);
  void close(Door door, const RestCall& call, Error error, SteadyTime now);
  void open(const RestCall& call);

  std::map<Door, Closed> closed_;
  std::set<std::string> gone_;  // webhooks
};

}  // namespace guildhall::discord
