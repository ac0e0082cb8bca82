// The simulated Discord REST interface, version 10: token, user agent, rate limits, faults, then the
// route. What the token of a person reaches (discord_oauth.h) has routes and limits of its own. Error
// bodies and codes as the documentation states them. The handlers stand in discord_rest.cpp,
// discord_rest_servers.cpp, discord_rest_messages.cpp and discord_rest_threads.cpp.
#pragma once

#include <expected>
#include <map>
#include <string>

#include "net/http.h"
#include "sim/discord.h"
#include "sim/rate_limits.h"
#include "sim/router.h"

namespace guildhall::sim {

class DiscordRest {
 public:
  explicit DiscordRest(Discord& discord);

  /// Answers one request to /api/v10/..., or to /oauth2/authorize, which is a browser's.
  net::HttpResponse answer(const net::HttpRequest& request);

 private:
  struct Endpoint {
    ApiAnswer (DiscordRest::*handler)(Call&) = nullptr;
    bool needs_token = true;
    bool limited = true;
  };
  /// What the token of a person reaches, if it was given that scope (empty: any).
  struct PersonEndpoint {
    json::Value (DiscordRest::*handler)(const DiscordGrant&) const = nullptr;
    std::string_view scope;
  };
  /// A channel that the bot may use; `server` is null for a direct one.
  struct Place {
    Server* server = nullptr;
    Snowflake channel = 0;
    std::uint64_t permissions = 0;
  };

  struct Webhook {
    Snowflake server = 0;
    Snowflake channel = 0;
    std::string name;
    std::string token;
  };

  void add_routes();
  net::HttpResponse consent(const net::HttpRequest& request);
  net::HttpResponse respond(const net::HttpRequest& request);
  /// None: the call is not a person's.
  std::optional<net::HttpResponse> respond_to_person(const net::HttpRequest& request,
                                                     std::string_view endpoint);
  net::HttpResponse respond_to_bot(const net::HttpRequest& request, std::string_view path);
  std::optional<net::HttpResponse> strike();
  std::expected<json::Value, ApiError> body_of(const net::HttpRequest& request) const;
  net::HttpResponse run(const Endpoint& endpoint, Call& call);
  std::expected<Server*, ApiError> server_of(Snowflake id);
  std::expected<Place, ApiError> place_of(Snowflake channel);
  std::expected<Message*, ApiError> named_message(Call& call);
  ApiAnswer change_role(Call& call, bool add);
  /// The server or channel that the path begins with, where the bot holds all of `bits`.
  std::expected<Server*, ApiError> server_with(Call& call, std::uint64_t bits);
  std::expected<Place, ApiError> place_with(Call& call, std::uint64_t bits);
  static bool is_thread(const Place& place);
  /// The member or role of the second argument, which must stand below the bot.
  std::expected<Snowflake, ApiError> lesser_member(const Server& server, Call& call) const;
  std::expected<const Role*, ApiError> lesser_role(const Server& server, Call& call) const;
  /// Is a path below webhooks/ one of the application's own, which belong to interactions?
  bool is_interaction(const Call& call) const;
  /// The webhook of a path with its secret, and a message that it wrote.
  std::expected<const Webhook*, ApiError> webhook_of(Call& call) const;
  std::expected<Message*, ApiError> webhook_message(Call& call);
  /// What a message asks for beyond the permission to write it.
  std::expected<void, ApiError> check_rights(const Place& place, const json::Value& body);
  /// The bot, with the reason that the request gave.
  Discord::Deed deed_of(const Call& call) const;
  void audit(Server& server, int action, Snowflake target, const Call& call);

  ApiAnswer gateway(Call& call);
  ApiAnswer gateway_bot(Call& call);
  ApiAnswer own_user(Call& call);
  ApiAnswer own_servers(Call& call);
  ApiAnswer application(Call& call);
  ApiAnswer application_emojis(Call& call);
  json::Value person(const DiscordGrant& grant) const;
  json::Value servers_of_person(const DiscordGrant& grant) const;
  json::Value authorization(const DiscordGrant& grant) const;
  ApiAnswer open_direct(Call& call);
  ApiAnswer read_server(Call& call);
  ApiAnswer read_channels(Call& call);
  ApiAnswer read_roles(Call& call);
  ApiAnswer read_members(Call& call);
  ApiAnswer read_member(Call& call);
  ApiAnswer modify_member(Call& call);
  /// May the bot change of that member what the body names? The close reasons stand in the answer.
  std::expected<void, ApiError> check_member_change(const Server& server, const Member& member,
                                                    const json::Value& change) const;
  ApiAnswer add_member_role(Call& call);
  ApiAnswer remove_member_role(Call& call);
  // discord_rest_servers.cpp
  ApiAnswer leave_server(Call& call);
  ApiAnswer search_members(Call& call);
  ApiAnswer kick(Call& call);
  ApiAnswer ban(Call& call);
  ApiAnswer unban(Call& call);
  ApiAnswer count_roles(Call& call);
  ApiAnswer create_role(Call& call);
  ApiAnswer modify_role(Call& call);
  ApiAnswer delete_role(Call& call);
  ApiAnswer read_audit_log(Call& call);
  ApiAnswer create_channel(Call& call);
  ApiAnswer modify_channel(Call& call);
  ApiAnswer delete_channel(Call& call);
  ApiAnswer set_overwrite(Call& call);
  ApiAnswer delete_overwrite(Call& call);
  ApiAnswer read_invites(Call& call);
  ApiAnswer create_invite(Call& call);
  ApiAnswer delete_invite(Call& call);
  ApiAnswer read_vanity_url(Call& call);
  // discord_rest_threads.cpp
  ApiAnswer start_thread(Call& call);
  ApiAnswer start_thread_at(Call& call);
  ApiAnswer open_thread(Call& call, const Place& place, int type, Snowflake id);
  ApiAnswer modify_thread(Call& call, const Place& place);
  ApiAnswer delete_thread(Call& call, const Place& place);
  // discord_rest_messages.cpp
  ApiAnswer bulk_delete(Call& call);
  ApiAnswer pin(Call& call);
  ApiAnswer unpin(Call& call);
  ApiAnswer set_pinned(Call& call, bool pinned);
  ApiAnswer react(Call& call);
  ApiAnswer unreact(Call& call);
  ApiAnswer set_reaction(Call& call, bool add);
  ApiAnswer create_webhook(Call& call);
  ApiAnswer read_webhooks(Call& call);
  ApiAnswer delete_webhook(Call& call);
  ApiAnswer delete_webhook_by_token(Call& call);
  ApiAnswer execute_webhook(Call& call);
  ApiAnswer edit_webhook_message(Call& call);
  ApiAnswer delete_webhook_message(Call& call);

  ApiAnswer read_channel(Call& call);
  ApiAnswer read_messages(Call& call);
  ApiAnswer read_message(Call& call);
  ApiAnswer create_message(Call& call);
  ApiAnswer edit_message(Call& call);
  ApiAnswer delete_message(Call& call);
  ApiAnswer read_commands(Call& call);
  ApiAnswer read_command_permissions(Call& call);
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
  std::map<Snowflake, Webhook> webhooks_;
  Router<Endpoint> router_;
  Router<PersonEndpoint> person_router_;
};

}  // namespace guildhall::sim
