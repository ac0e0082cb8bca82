// One call of the HTTP API, before it is sent.
#pragma once

#include <optional>
#include <string>

#include "net/http.h"
#include "platforms/discord/types.h"

namespace guildhall::discord {

/// What a call's rate limit depends on.
struct Lane {
  std::string method;
  std::string route;   // the path with its ids left open: "/channels/{}/messages"
  std::string major;   // the channel, guild or webhook that has a limit of its own; empty: none
  bool global = true;  // counts towards the bot's requests per second
};

struct RestCall {
  Lane lane;
  std::string path;                 // below /v10, filled in, with its query
  std::optional<std::string> body;  // JSON
  std::string audit_reason;         // shown in the guild's audit log; at most 512 characters
  /// False: the path carries a secret of its own.
  bool bot_token = true;
  /// May be sent again when nobody knows whether it arrived.
  bool repeatable = false;
  /// An interaction's first answer: outside all limits, and sent once whatever happens.
  bool callback = false;
};

struct RestAddress {
  std::string api_url;     // without the version
  std::string token;       // without "Bot "
  std::string user_agent;  // "DiscordBot (url, version)": anything else may be turned away by the edge
};

net::HttpRequest http_request(const RestCall& call, const RestAddress& address);

}  // namespace guildhall::discord
