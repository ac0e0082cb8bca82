// The simulated Discord REST interface, version 10: token, user agent, rate limits, faults, then the
// route. Error bodies and codes as the documentation states them.
#pragma once

#include <expected>

#include "net/http.h"
#include "sim/discord.h"
#include "sim/rate_limits.h"
#include "sim/router.h"

namespace guildhall::sim {

class DiscordRest {
 public:
  explicit DiscordRest(Discord& discord);

  /// Answers one request to /api/v10/...
  net::HttpResponse answer(const net::HttpRequest& request);

 private:
  struct Endpoint {
    ApiAnswer (DiscordRest::*handler)(Call&) = nullptr;
    bool needs_token = true;
    bool limited = true;
  };
  /// A channel that the bot may use; `server` is null for a direct one.
  struct Place {
    Server* server = nullptr;
    Snowflake channel = 0;
    std::uint64_t permissions = 0;
  };

  void add_routes();
  std::optional<net::HttpResponse> strike();
  std::expected<json::Value, ApiError> body_of(const net::HttpRequest& request) const;
  net::HttpResponse run(const Endpoint& endpoint, Call& call);
  std::expected<Server*, ApiError> server_of(Snowflake id);
  std::expected<Place, ApiError> place_of(Snowflake channel);
  std::expected<Message*, ApiError> named_message(Call& call);
  ApiAnswer change_role(Call& call, bool add);

  ApiAnswer gateway(Call& call);
  ApiAnswer gateway_bot(Call& call);
  ApiAnswer own_user(Call& call);
  ApiAnswer own_servers(Call& call);
  ApiAnswer application(Call& call);
  ApiAnswer open_direct(Call& call);
  ApiAnswer read_server(Call& call);
  ApiAnswer read_channels(Call& call);
  ApiAnswer read_roles(Call& call);
  ApiAnswer read_members(Call& call);
  ApiAnswer read_member(Call& call);
  ApiAnswer add_member_role(Call& call);
  ApiAnswer remove_member_role(Call& call);
  ApiAnswer read_channel(Call& call);
  ApiAnswer read_messages(Call& call);
  ApiAnswer read_message(Call& call);
  ApiAnswer create_message(Call& call);
  ApiAnswer edit_message(Call& call);
  ApiAnswer delete_message(Call& call);
  ApiAnswer read_commands(Call& call);
  ApiAnswer overwrite_commands(Call& call);
  ApiAnswer create_command(Call& call);
  ApiAnswer delete_command(Call& call);
  ApiAnswer answer_interaction(Call& call);
  ApiAnswer read_answer(Call& call);
  ApiAnswer edit_answer(Call& call);
  ApiAnswer delete_answer(Call& call);
  ApiAnswer add_answer(Call& call);

  Discord& discord_;
  Stage& stage_;
  RateLimits limits_;
  Router<Endpoint> router_;
};

}  // namespace guildhall::sim
