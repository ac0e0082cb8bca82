// One call of the HTTP API, before it is sent.
#pragma once

#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/json.h"
#include "net/http.h"
#include "platforms/discord/message.h"
#include "platforms/discord/rest_routes.h"
#include "platforms/discord/types.h"
#include "platforms/discord/upload.h"

namespace guildhall::discord {

/// What a call's turn depends on.
struct Lane {
  const RouteSpec* route = nullptr;
  std::string_view
      major;  // the channel, guild or webhook that has a limit of its own; outlives this; may be empty
  Urgency urgency = Urgency::background;
  std::uint64_t share = 0;  // whose part of the common limits it takes
};

/// What a call carries beside what its route says.
struct CallOptions {
  std::optional<json::Value> body = {};
  /// With a message. An edit lists in the body's `attachments` what is to stay.
  std::vector<Upload> files = {};
  std::size_t largest_file = kLargestFile;  // bytes
  net::Query query = {};
  std::string reason = {};  // for the audit log; of more than 512 characters the first
  std::optional<Urgency> urgency = {};
  /// Whose part of the common limits it takes; where nobody says, the path's channel or guild has one of its
  /// own.
  std::optional<ServerId> guild = {};
};

struct RestCall {
  Lane lane() const;
  /// Where it happens, as far as path and options tell. Channel 0: not in one.
  std::optional<ServerId> in_guild() const;
  DiscordChannelId in_channel() const;

  const RouteSpec* route = nullptr;
  std::string path = {};  // below /v10, filled in
  std::size_t major_begin = 0;
  std::size_t major_size = 0;
  std::optional<std::string> body = {};
  std::string content_type = "application/json";
  std::string reason = {};
  bool repeatable = false;
  Urgency urgency = Urgency::background;
  std::optional<ServerId> guild = {};
  Permissions needs = 0;  // without which it is always refused
};

/// `arguments` fill the route's braces, as many as there are; they are percent-encoded. `route` lives for
/// ever. A message in the body pings nobody unless it says whom (`allowed_mentions`). Error: `too_large`, a
/// text of more than kLongestMessage.
Result<RestCall> make_call(const RouteSpec& route, std::initializer_list<std::string_view> arguments,
                           CallOptions options);

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
