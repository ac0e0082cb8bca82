// One call of the HTTP API, before it is sent.
#pragma once

#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

#include "net/http.h"
#include "platforms/discord/rest_routes.h"
#include "platforms/discord/types.h"

namespace guildhall::discord {

/// What a call's turn depends on.
struct Lane {
  const RouteSpec* route = nullptr;
  std::string_view
      major;  // the channel, guild or webhook that has a limit of its own; outlives this; may be empty
  Urgency urgency = Urgency::background;
  std::uint64_t share = 0;  // whose part of the common limits it takes
};

struct RestCall {
  /// `arguments` fill the route's braces, as many as there are. They are percent-encoded; `route` lives for
  /// ever.
  RestCall(const RouteSpec& route, std::initializer_list<std::string_view> arguments);

  Lane lane() const;

  const RouteSpec* route;
  std::string path;  // below /v10, filled in; a query may be added
  std::size_t major_begin = 0;
  std::size_t major_size = 0;
  std::optional<std::string> body = {};  // JSON
  std::string audit_reason = {};         // shown in the guild's audit log; at most 512 characters
  bool repeatable;                       // as the route says, or made so by a nonce
  Urgency urgency;                       // as the route says, or said otherwise
  /// For whom it is; where nobody says, that is the channel or guild of the path.
  std::optional<ServerId> guild = {};
};

/// What every request carries.
struct RestAddress {
  /// `api_url` has no version and `token` no "Bot "; `user_agent` reads "DiscordBot (url, version)":
  /// anything else may be turned away by the edge.
  RestAddress(const std::string& api_url, const std::string& token, std::string user_agent);

  std::string base;
  std::string authorization;
  std::string user_agent;
};

/// Takes the body out of the call.
net::HttpRequest http_request(RestCall& call, const RestAddress& address);

}  // namespace guildhall::discord
