#include "sim/discord_rest.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "base/text.h"
#include "sim/discord_checks.h"
#include "sim/discord_shapes.h"
#include "sim/multipart.h"
#include "sim/permissions.h"

namespace guildhall::sim {
namespace {

constexpr std::string_view kApi = "/api/";
constexpr std::string_view kPrefix = "/api/v10/";
constexpr double kForcedPause = 0.35;  // seconds, of a 429 that a fault asks for

net::HttpResponse error_response(const ApiError& error) { return json_response(error.status, error.body()); }

net::HttpResponse too_many(double retry_after, bool global, std::string_view scope, net::Headers headers) {
  auto response = json_response(429, json::Object{{"message", "You are being rate limited."},
                                                  {"retry_after", std::round(retry_after * 1000) / 1000},
                                                  {"global", global}});
  response.headers.insert(response.headers.end(), headers.begin(), headers.end());
  response.headers.emplace_back("Retry-After", std::to_string(static_cast<int>(std::ceil(retry_after))));
  response.headers.emplace_back("X-RateLimit-Scope", scope);
  if (global) response.headers.emplace_back("X-RateLimit-Global", "true");
  return response;
}

net::HttpResponse cdn_refusal() {
  auto response = net::make_response(
      429, "text/html; charset=UTF-8",
      "<!DOCTYPE html><html><head><title>Access denied</title></head><body>1015</body></html>");
  response.headers.emplace_back("Retry-After", "1");
  return response;
}

/// What the edge in front of the interface answers when that one does not.
net::HttpResponse edge_page(int status) {
  auto response = net::make_response(
      status, "text/html; charset=UTF-8",
      fmt::format("<!DOCTYPE html>\n<html><head><title>discord.com | {0}</title></head><body><h1>Error {0}"
                  "</h1><p>The web server reported an error.</p></body></html>",
                  status));
  response.headers.emplace_back("Server", "cloudflare");
  return response;
}

/// The ids by which limits of one route family are told apart.
std::string major_of(std::string_view pattern, const std::vector<std::string>& arguments) {
  if (arguments.empty()) return "";
  if (pattern.starts_with("webhooks/"))
    return arguments[0] + (arguments.size() > 1 ? "/" + arguments[1] : "");
  if (pattern.starts_with("applications/{}/guilds/")) return arguments[1];
  const bool major = pattern.starts_with("guilds/") || pattern.starts_with("channels/");
  return major ? arguments[0] : "";
}

/// Does it change what Discord lets change twice in ten minutes only?
bool renames(const net::HttpRequest& request, std::string_view pattern) {
  if (request.method != "PATCH" || pattern != "channels/{}") return false;
  const auto body = json::parse(request.body);
  return body && body->is_object() &&
         (body->get_object().contains("name") || body->get_object().contains("topic"));
}

/// Only "DiscordBot (url, version)" is documented, but oceanic.js gets on with a name of its own.
bool is_unwelcome(std::string_view agent) { return agent.empty() || agent.starts_with("Mozilla"); }

/// "Sun, 06 Nov 1994 08:49:37 GMT"
std::string http_date(TimePoint at) {
  return fmt::format("{:%a, %d %b %Y %H:%M:%S} GMT",
                     fmt::gmtime(std::chrono::system_clock::to_time_t(
                         std::chrono::time_point_cast<std::chrono::system_clock::duration>(at))));
}

/// What an address below /api/ asks for; none: there is no such version. Tokens are asked for without one.
std::optional<std::string_view> endpoint_of(std::string_view path) {
  if (path.starts_with(kPrefix)) return path.substr(kPrefix.size());
  path.remove_prefix(kApi.size());
  if (DiscordOAuth::serves(path)) return path;
  return std::nullopt;
}

bool is_json(const net::HttpRequest& request) {
  return request.header("content-type").value_or("").starts_with("application/json");
}

}  // namespace

DiscordRest::DiscordRest(Discord& discord) : discord_(discord), stage_(discord.stage) { add_routes(); }

void DiscordRest::add_routes() {
  using Rest = DiscordRest;
  const auto add = [&](std::string method, std::string pattern, ApiAnswer (Rest::*handler)(Call&)) {
    router_.add(std::move(method), std::move(pattern), {handler, true, true});
  };
  const auto add_open = [&](std::string method, std::string pattern, ApiAnswer (Rest::*handler)(Call&),
                            bool limited) {
    router_.add(std::move(method), std::move(pattern), {handler, false, limited});
  };
  person_router_.add("GET", "users/@me", {&Rest::person, "identify"});
  person_router_.add("GET", "users/@me/guilds", {&Rest::servers_of_person, "guilds"});
  person_router_.add("GET", "oauth2/@me", {&Rest::authorization, ""});
  add_open("GET", "gateway", &Rest::gateway, true);
  add("GET", "gateway/bot", &Rest::gateway_bot);
  add("GET", "users/@me", &Rest::own_user);
  add("GET", "users/@me/guilds", &Rest::own_servers);
  add("DELETE", "users/@me/guilds/{}", &Rest::leave_server);
  add("POST", "users/@me/channels", &Rest::open_direct);
  add("GET", "applications/@me", &Rest::application);
  add("GET", "oauth2/applications/@me", &Rest::application);
  add("GET", "guilds/{}", &Rest::read_server);
  add("GET", "guilds/{}/channels", &Rest::read_channels);
  add("POST", "guilds/{}/channels", &Rest::create_channel);
  add("GET", "guilds/{}/roles", &Rest::read_roles);
  add("POST", "guilds/{}/roles", &Rest::create_role);
  add("GET", "guilds/{}/roles/member-counts", &Rest::count_roles);
  add("GET", "guilds/{}/vanity-url", &Rest::read_vanity_url);
  add("PATCH", "guilds/{}/roles/{}", &Rest::modify_role);
  add("DELETE", "guilds/{}/roles/{}", &Rest::delete_role);
  add("GET", "guilds/{}/audit-logs", &Rest::read_audit_log);
  add("GET", "guilds/{}/invites", &Rest::read_invites);
  add("DELETE", "invites/{}", &Rest::delete_invite);
  add("GET", "guilds/{}/members", &Rest::read_members);
  add("GET", "guilds/{}/members/search", &Rest::search_members);
  add("GET", "guilds/{}/members/{}", &Rest::read_member);
  add("PATCH", "guilds/{}/members/{}", &Rest::modify_member);
  add("DELETE", "guilds/{}/members/{}", &Rest::kick);
  add("PUT", "guilds/{}/bans/{}", &Rest::ban);
  add("DELETE", "guilds/{}/bans/{}", &Rest::unban);
  add("PUT", "guilds/{}/members/{}/roles/{}", &Rest::add_member_role);
  add("DELETE", "guilds/{}/members/{}/roles/{}", &Rest::remove_member_role);
  add("GET", "channels/{}", &Rest::read_channel);
  add("PATCH", "channels/{}", &Rest::modify_channel);
  add("DELETE", "channels/{}", &Rest::delete_channel);
  add("PUT", "channels/{}/permissions/{}", &Rest::set_overwrite);
  add("DELETE", "channels/{}/permissions/{}", &Rest::delete_overwrite);
  add("POST", "channels/{}/invites", &Rest::create_invite);
  add("POST", "channels/{}/threads", &Rest::start_thread);
  add("POST", "channels/{}/messages/{}/threads", &Rest::start_thread_at);
  add("GET", "channels/{}/webhooks", &Rest::read_webhooks);
  add("POST", "channels/{}/webhooks", &Rest::create_webhook);
  add("DELETE", "webhooks/{}", &Rest::delete_webhook);
  add("POST", "channels/{}/messages/bulk-delete", &Rest::bulk_delete);
  add("PUT", "channels/{}/messages/pins/{}", &Rest::pin);
  add("DELETE", "channels/{}/messages/pins/{}", &Rest::unpin);
  add("PUT", "channels/{}/messages/{}/reactions/{}/@me", &Rest::react);
  add("DELETE", "channels/{}/messages/{}/reactions/{}/@me", &Rest::unreact);
  add("GET", "channels/{}/messages", &Rest::read_messages);
  add("POST", "channels/{}/messages", &Rest::create_message);
  add("GET", "channels/{}/messages/{}", &Rest::read_message);
  add("PATCH", "channels/{}/messages/{}", &Rest::edit_message);
  add("DELETE", "channels/{}/messages/{}", &Rest::delete_message);
  for (const std::string scope : {"applications/{}/commands", "applications/{}/guilds/{}/commands"}) {
    add("GET", scope, &Rest::read_commands);
    add("PUT", scope, &Rest::overwrite_commands);
    add("POST", scope, &Rest::create_command);
    add("DELETE", scope + "/{}", &Rest::delete_command);
  }
  add("GET", "applications/{}/emojis", &Rest::application_emojis);
  add("GET", "applications/{}/guilds/{}/commands/permissions", &Rest::read_command_permissions);
  add_open("POST", "interactions/{}/{}/callback", &Rest::answer_interaction, false);
  add_open("POST", "webhooks/{}/{}", &Rest::add_answer, true);
  add_open("DELETE", "webhooks/{}/{}", &Rest::delete_webhook_by_token, true);
  add_open("GET", "webhooks/{}/{}/messages/{}", &Rest::read_answer, true);
  add_open("PATCH", "webhooks/{}/{}/messages/{}", &Rest::edit_answer, true);
  add_open("DELETE", "webhooks/{}/{}/messages/{}", &Rest::delete_answer, true);
}

// The way in ----------------------------------------------------------------------------------------

net::HttpResponse DiscordRest::answer(const net::HttpRequest& request) {
  if (request.url == "/oauth2/authorize") return consent(request);
  auto response = respond(request);
  ++discord_.answered[response.status];
  response.headers.emplace_back("Date", http_date(stage_.clock.now()));
  return response;
}

net::HttpResponse DiscordRest::consent(const net::HttpRequest& request) {
  if (stage_.faults.on(Fault::discord_down)) return edge_page(503);
  if (request.method != "GET") return error_response({405, 0, "405: Method Not Allowed"});
  return discord_.oauth.authorize(request);
}

net::HttpResponse DiscordRest::respond(const net::HttpRequest& request) {
  if (!request.url.starts_with(kApi)) return error_response({404, 0, "404: Not Found"});
  const auto endpoint = endpoint_of(request.url);
  if (!endpoint) return error_response({400, 50041, "Invalid API version provided"});
  if (is_unwelcome(request.header("user-agent").value_or("")))
    return error_response({403, 40333, "internal network error"});
  if (auto struck = strike()) return *struck;
  if (DiscordOAuth::serves(*endpoint)) return discord_.oauth.answer(*endpoint, request);
  if (auto response = respond_to_person(request, *endpoint)) return *response;
  return respond_to_bot(request, *endpoint);
}

std::optional<net::HttpResponse> DiscordRest::respond_to_person(const net::HttpRequest& request,
                                                                std::string_view endpoint) {
  if (!request.header("authorization").value_or("").starts_with("Bearer ")) return std::nullopt;
  const auto* route = person_router_.find(request.method, endpoint).route;
  if (route == nullptr) return std::nullopt;
  const auto [handler, scope] = route->handler;
  const auto grant = discord_.oauth.grant_of(request);
  // Discord does not tell a token without the scope from one that has ended.
  if (!grant || (!scope.empty() && !grant->has_scope(scope)))
    return error_response({401, 0, "401: Unauthorized"});
  const auto verdict = limits_.take("Bearer " + route->pattern, std::to_string(grant->user), false,
                                    std::chrono::steady_clock::now());
  if (!verdict.allowed) return too_many(verdict.retry_after, false, "user", verdict.headers);
  auto response = json_response(200, (this->*handler)(*grant));
  response.headers.insert(response.headers.end(), verdict.headers.begin(), verdict.headers.end());
  return response;
}

net::HttpResponse DiscordRest::respond_to_bot(const net::HttpRequest& request, std::string_view path) {
  auto match = router_.find(request.method, path);
  if (match.route == nullptr) {
    return match.path_known ? error_response({405, 0, "405: Method Not Allowed"})
                            : error_response({404, 0, "404: Not Found"});
  }
  const Endpoint& endpoint = match.route->handler;
  if (endpoint.needs_token && request.header("authorization") != "Bot " + discord_.token()) {
    return error_response({401, 0, "401: Unauthorized"});
  }
  RateLimits::Verdict verdict;
  if (endpoint.limited) {
    const std::string route = request.method + " " + match.route->pattern;
    const std::string major = major_of(match.route->pattern, match.arguments);
    const auto now = std::chrono::steady_clock::now();
    verdict = limits_.take(route, major, endpoint.needs_token, now);
    if (verdict.allowed && renames(request, match.route->pattern)) limits_.take_rename(major, now, verdict);
  }
  if (!verdict.allowed) {
    return too_many(verdict.retry_after, verdict.global, verdict.global ? "global" : "user", verdict.headers);
  }
  Call call{request, std::move(match.arguments)};
  auto response = run(endpoint, call);
  const bool posted = request.method == "POST" && match.route->pattern == "channels/{}/messages";
  if (posted && stage_.faults.strikes(Fault::discord_posted_5xx)) return edge_page(502);
  response.headers.insert(response.headers.end(), verdict.headers.begin(), verdict.headers.end());
  return response;
}

/// What a fault answers instead of the route.
std::optional<net::HttpResponse> DiscordRest::strike() {
  Faults& faults = stage_.faults;
  if (faults.on(Fault::discord_down)) return edge_page(503);
  if (faults.strikes(Fault::discord_cdn_429)) return cdn_refusal();
  if (faults.strikes(Fault::discord_cdn_403)) return edge_page(403);
  if (faults.strikes(Fault::discord_global_429)) return too_many(kForcedPause, true, "global", {});
  if (faults.strikes(Fault::discord_user_429)) return too_many(kForcedPause, false, "user", {});
  if (faults.strikes(Fault::discord_shared_429)) return too_many(kForcedPause, false, "shared", {});
  if (faults.strikes(Fault::discord_5xx)) {
    constexpr std::array kStatuses = {500, 502, 503, 520};
    const auto turn = static_cast<std::size_t>(faults.value(Fault::discord_5xx)) % kStatuses.size();
    if (kStatuses[turn] == 500) return error_response({500, 0, "500: Internal Server Error"});
    return edge_page(kStatuses[turn]);
  }
  return std::nullopt;
}

std::expected<json::Value, ApiError> DiscordRest::body_of(const net::HttpRequest& request) const {
  if (request.body.empty()) return json::Value(nullptr);
  if (const auto form = read_form(request.header("content-type").value_or(""), request.body)) {
    auto message = message_of_form(*form, stage_.mint);
    if (message) return std::move(*message);
    return api_error::make(400, 50109, "The request body contains invalid JSON.");
  }
  if (!is_json(request)) {
    Complaints complaints;
    complaints.add("", "CONTENT_TYPE_INVALID",
                   "Expected \"Content-Type\" header to be one of {'application/json'}.");
    return complaints.refuse();
  }
  auto body = json::parse(request.body);
  if (!body) return api_error::make(400, 50109, "The request body contains invalid JSON.");
  return std::move(*body);
}

net::HttpResponse DiscordRest::run(const Endpoint& endpoint, Call& call) {
  auto body = body_of(call.request);
  if (!body) return error_response(body.error());
  call.body = std::move(*body);
  const ApiAnswer answer = (this->*endpoint.handler)(call);
  if (!answer) return error_response(answer.error());
  if (answer->status == 204) return {204, {}, "", {}};
  return json_response(answer->status, answer->body);
}

// Application and users -----------------------------------------------------------------------------

ApiAnswer DiscordRest::gateway(Call&) { return ApiReply{200, json::Object{{"url", discord_.gateway.url()}}}; }

ApiAnswer DiscordRest::gateway_bot(Call&) {
  return ApiReply{200, json::Object{{"url", discord_.gateway.url()},
                                    {"shards", discord_.gateway.shards()},
                                    {"session_start_limit", discord_.gateway.start_limit()}}};
}

ApiAnswer DiscordRest::own_user(Call&) { return ApiReply{200, shapes::own_user(stage_.world.bot)}; }

ApiAnswer DiscordRest::own_servers(Call&) {
  json::Array out;
  for (const Server& server : stage_.world.servers) {
    if (server.bot_present) out.emplace_back(shapes::own_guild(server, stage_.world.bot.id));
  }
  return ApiReply{200, std::move(out)};
}

ApiAnswer DiscordRest::application(Call&) {
  json::Object out = shapes::application(stage_.world);
  if (stage_.faults.on(Fault::gateway_no_privileged)) out["flags"] = 0;
  const InteractionEndpoint& endpoint = discord_.interactions.endpoint();
  out["verify_key"] = endpoint.public_key();
  out["redirect_uris"] = discord_.oauth.redirect_uris();
  if (endpoint.counts()) out["interactions_endpoint_url"] = endpoint.describe().at("url");
  return ApiReply{200, std::move(out)};
}

ApiAnswer DiscordRest::application_emojis(Call&) {
  return ApiReply{200, json::Object{{"items", shapes::application_emojis(stage_.world)}}};
}

json::Value DiscordRest::person(const DiscordGrant& grant) const {
  return shapes::own_user(*stage_.world.user(grant.user));
}

json::Value DiscordRest::servers_of_person(const DiscordGrant& grant) const {
  json::Array out;
  for (const Server& server : stage_.world.servers) {
    if (server.members.contains(grant.user)) out.emplace_back(shapes::own_guild(server, grant.user));
  }
  return out;
}

json::Value DiscordRest::authorization(const DiscordGrant& grant) const {
  json::Object application = shapes::partial_application(stage_.world);
  application["verify_key"] = discord_.interactions.endpoint().public_key();
  json::Array scopes;
  for (const std::string_view scope : split_words(grant.scope)) scopes.emplace_back(scope);
  json::Object out{{"application", std::move(application)},
                   {"scopes", std::move(scopes)},
                   {"expires", shapes::iso_time(grant.expires_at)}};
  if (grant.has_scope("identify")) out["user"] = shapes::user(*stage_.world.user(grant.user));
  return out;
}

ApiAnswer DiscordRest::open_direct(Call& call) {
  const auto user = static_cast<Snowflake>(json::id(call.body, "recipient_id").value_or(0));
  const DiscordUser* known = stage_.world.user(user);
  if (known == nullptr) return api_error::make(400, 50033, "Invalid Recipient(s)");
  return ApiReply{200, json::Object{{"id", std::to_string(discord_.direct_channel(user))},
                                    {"type", 1},
                                    {"flags", 0},
                                    {"last_message_id", nullptr},
                                    {"recipients", json::Array{shapes::user(*known)}}}};
}

// Servers -------------------------------------------------------------------------------------------

std::expected<Server*, ApiError> DiscordRest::server_of(Snowflake id) {
  Server* server = stage_.world.server(id);
  if (server == nullptr || !server->bot_present) return api_error::unknown_guild();
  return server;
}

ApiAnswer DiscordRest::read_server(Call& call) {
  const auto server = server_of(call.number(0));
  if (!server) return std::unexpected(server.error());
  json::Object out = shapes::guild(**server);
  if (call.query("with_counts") == "true") {
    out["approximate_member_count"] = (*server)->members.size();
    out["approximate_presence_count"] = (*server)->members.size() / 2;
  }
  return ApiReply{200, std::move(out)};
}

ApiAnswer DiscordRest::read_channels(Call& call) {
  const auto server = server_of(call.number(0));
  if (!server) return std::unexpected(server.error());
  json::Array out;
  for (const Channel& channel : (*server)->channels) out.emplace_back(shapes::channel(**server, channel));
  return ApiReply{200, std::move(out)};
}

ApiAnswer DiscordRest::read_roles(Call& call) {
  const auto server = server_of(call.number(0));
  if (!server) return std::unexpected(server.error());
  json::Array out;
  for (const Role& role : (*server)->roles) out.emplace_back(shapes::role(role));
  return ApiReply{200, std::move(out)};
}

ApiAnswer DiscordRest::read_members(Call& call) {
  const auto server = server_of(call.number(0));
  if (!server) return std::unexpected(server.error());
  // The switch of the intent counts here too, whatever the gateway was asked for.
  if (stage_.faults.on(Fault::gateway_no_privileged)) return api_error::missing_access();
  const std::uint64_t limit = call.query("limit") ? call.query_number("limit").value_or(0) : 1;
  if (limit < 1 || limit > 1'000) {
    Complaints complaints;
    complaints.add("limit", "NUMBER_TYPE_MAX", "int value should be between 1 and 1000.");
    return complaints.refuse();
  }
  json::Array out;
  const auto& members = (*server)->members;
  for (auto it = members.upper_bound(call.query_number("after").value_or(0)); it != members.end(); ++it) {
    if (out.size() == limit) break;
    out.emplace_back(shapes::member(stage_.world, it->second));
  }
  return ApiReply{200, std::move(out)};
}

ApiAnswer DiscordRest::read_member(Call& call) {
  const auto server = server_of(call.number(0));
  if (!server) return std::unexpected(server.error());
  const auto member = (*server)->members.find(call.number(1));
  if (member == (*server)->members.end()) return api_error::unknown_member();
  return ApiReply{200, shapes::member(stage_.world, member->second)};
}

ApiAnswer DiscordRest::add_member_role(Call& call) { return change_role(call, true); }
ApiAnswer DiscordRest::remove_member_role(Call& call) { return change_role(call, false); }

ApiAnswer DiscordRest::change_role(Call& call, bool add) {
  const auto server = server_of(call.number(0));
  if (!server) return std::unexpected(server.error());
  const auto member = (*server)->members.find(call.number(1));
  if (member == (*server)->members.end()) return api_error::unknown_member();
  const Role* role = (*server)->role(call.number(2));
  if (role == nullptr) return api_error::unknown_role();
  const Snowflake bot = stage_.world.bot.id;
  const bool may = (server_permissions(**server, bot) & permission::kManageRoles) != 0 && !role->managed &&
                   role->position > 0 && is_above_role(**server, bot, *role);
  if (!may) return api_error::missing_permissions();
  std::vector<Snowflake> roles = member->second.roles;
  const bool has = std::find(roles.begin(), roles.end(), role->id) != roles.end();
  if (has == add) return ApiReply{204};
  if (add) roles.push_back(role->id);
  if (!add) std::erase(roles, role->id);
  (void)discord_.update_member((*server)->id, member->first, std::nullopt, std::move(roles));
  audit(**server, audit_action::kMemberRoleUpdate, member->first, call);
  return ApiReply{204};
}

// Channels and messages -----------------------------------------------------------------------------

std::expected<DiscordRest::Place, ApiError> DiscordRest::place_of(Snowflake id) {
  if (discord_.direct_user(id)) return Place{nullptr, id, permission::kAll};
  Server* server = stage_.world.server_of_channel(id);
  if (server == nullptr || !server->bot_present) return api_error::unknown_channel();
  const std::uint64_t bits =
      effective_permissions(*server, stage_.world.bot.id, *server->channel(id), stage_.clock.now());
  if ((bits & permission::kViewChannel) == 0) return api_error::missing_access();
  return Place{server, id, bits};
}

ApiAnswer DiscordRest::read_channel(Call& call) {
  const auto place = place_of(call.number(0));
  if (!place) return std::unexpected(place.error());
  if (place->server == nullptr) {
    const DiscordUser& user = *stage_.world.user(*discord_.direct_user(place->channel));
    return ApiReply{200, json::Object{{"id", call.arguments[0]},
                                      {"type", 1},
                                      {"flags", 0},
                                      {"recipients", json::Array{shapes::user(user)}}}};
  }
  return ApiReply{200, shapes::channel(*place->server, *place->server->channel(place->channel))};
}

ApiAnswer DiscordRest::read_messages(Call& call) {
  const auto place = place_of(call.number(0));
  if (!place) return std::unexpected(place.error());
  json::Array out;
  if ((place->permissions & permission::kReadMessageHistory) == 0) return ApiReply{200, std::move(out)};
  const std::size_t limit = std::clamp<std::uint64_t>(call.query_number("limit").value_or(50), 1, 100);
  const Snowflake before = call.query_number("before").value_or(UINT64_MAX);
  const Snowflake after = call.query_number("after").value_or(0);
  const auto& messages = discord_.messages.of(place->channel);
  for (auto it = messages.rbegin(); it != messages.rend() && out.size() < limit; ++it) {
    if (!it->ephemeral && it->id < before && it->id > after) out.emplace_back(it->body);
  }
  return ApiReply{200, std::move(out)};
}

ApiAnswer DiscordRest::create_message(Call& call) {
  const auto place = place_of(call.number(0));
  if (!place) return std::unexpected(place.error());
  if ((place->permissions & permission::kSendMessages) == 0) return api_error::missing_permissions();
  if (const auto user = discord_.direct_user(place->channel);
      user && stage_.world.user(*user)->closed_messages) {
    return api_error::make(403, 50007, "Cannot send messages to this user");
  }
  if (const auto may = check_rights(*place, call.body); !may) return std::unexpected(may.error());
  if (const auto checked = check_message(call.body, false); !checked) return std::unexpected(checked.error());
  const std::string nonce = json::text_or(call.body, "nonce", "");
  if (json::boolean(call.body, "enforce_nonce").value_or(false) && !nonce.empty()) {
    const Message* earlier = discord_.messages.find_nonce(place->channel, stage_.world.bot.id, nonce);
    if (earlier != nullptr) return ApiReply{200, earlier->body};
  }
  if (const json::Value* reference = json::find(call.body, "message_reference")) {
    const auto target = static_cast<Snowflake>(json::id(*reference, "message_id").value_or(0));
    const bool must_exist = json::boolean(*reference, "fail_if_not_exists").value_or(true);
    if (must_exist && discord_.messages.find(place->channel, target) == nullptr) {
      Complaints complaints;
      complaints.add("message_reference", "MESSAGE_REFERENCE_UNKNOWN_MESSAGE", "Unknown message");
      return complaints.refuse();
    }
  }
  MessageDraft draft;
  draft.channel = place->channel;
  draft.server = place->server == nullptr ? 0 : place->server->id;
  draft.author = stage_.world.bot.id;
  draft.fields = call.body;
  const Message& message = discord_.messages.add(std::move(draft));
  stage_.witness.posted(message.server, message.channel, json::text_or(call.body, "content", ""),
                        stage_.clock.now());
  discord_.gateway.dispatch("MESSAGE_CREATE", message.server, message_event(stage_.world, message));
  return ApiReply{200, message.body};
}

std::expected<void, ApiError> DiscordRest::check_rights(const Place& place, const json::Value& body) {
  const bool with_files = !json::array(body, "attachments").empty();
  if (with_files && (place.permissions & permission::kAttachFiles) == 0)
    return api_error::missing_permissions();
  const bool with_embeds = !json::array(body, "embeds").empty();
  if (with_embeds && (place.permissions & permission::kEmbedLinks) == 0)
    return api_error::missing_permissions();
  const bool reply = json::find(body, "message_reference") != nullptr;
  if (reply && (place.permissions & permission::kReadMessageHistory) == 0) {
    return api_error::make(403, 160002, "Cannot reply without permission to read message history");
  }
  if (place.server != nullptr && place.server->channel(place.channel)->archived)
    return api_error::make(400, 50083, "Thread is archived");
  return {};
}

std::expected<Message*, ApiError> DiscordRest::named_message(Call& call) {
  const auto place = place_of(call.number(0));
  if (!place) return std::unexpected(place.error());
  Message* message = discord_.messages.find(place->channel, call.number(1));
  if (message == nullptr) return api_error::unknown_message();
  return message;
}

ApiAnswer DiscordRest::read_message(Call& call) {
  const auto message = named_message(call);
  if (!message) return std::unexpected(message.error());
  const auto place = place_of(call.number(0));
  if ((place->permissions & permission::kReadMessageHistory) == 0) return api_error::missing_permissions();
  if ((*message)->ephemeral) return api_error::unknown_message();
  return ApiReply{200, (*message)->body};
}

ApiAnswer DiscordRest::edit_message(Call& call) {
  const auto message = named_message(call);
  if (!message) return std::unexpected(message.error());
  if ((*message)->author != stage_.world.bot.id) {
    return api_error::make(403, 50005, "Cannot edit a message authored by another user");
  }
  if (const auto checked = check_message(call.body, true); !checked) return std::unexpected(checked.error());
  discord_.messages.edit(**message, call.body);
  discord_.gateway.dispatch("MESSAGE_UPDATE", (*message)->server, message_event(stage_.world, **message));
  return ApiReply{200, (*message)->body};
}

ApiAnswer DiscordRest::delete_message(Call& call) {
  const auto message = named_message(call);
  if (!message) return std::unexpected(message.error());
  const auto place = place_of(call.number(0));
  const bool may = (*message)->author == stage_.world.bot.id ||
                   (place->server != nullptr && (place->permissions & permission::kManageMessages) != 0);
  if (!may) return api_error::missing_permissions();
  const Snowflake server = (*message)->server;
  json::Object event{{"id", call.arguments[1]}, {"channel_id", call.arguments[0]}};
  if (server != 0) event["guild_id"] = std::to_string(server);
  if (server != 0 && (*message)->author != stage_.world.bot.id) {
    audit(*place->server, audit_action::kMessageDelete, (*message)->author, call);
  }
  discord_.messages.erase(call.number(0), call.number(1));
  discord_.gateway.dispatch("MESSAGE_DELETE", server, event);
  return ApiReply{204};
}

// Commands and interactions -------------------------------------------------------------------------

namespace {

/// The scope of a command route: a server, or 0 for the global ones. `more`: an id follows.
Snowflake scope_of(const Call& call, bool more) {
  const bool of_server = call.arguments.size() == (more ? 3 : 2);
  return of_server ? call.number(1) : 0;
}

std::optional<Snowflake> message_argument(const Call& call) {
  if (call.arguments[2] == "@original") return std::nullopt;
  return call.number(2);
}

}  // namespace

ApiAnswer DiscordRest::read_commands(Call& call) {
  return discord_.commands.list(scope_of(call, false), call.query("with_localizations") == "true");
}

ApiAnswer DiscordRest::read_command_permissions(Call& call) {
  const auto server = server_of(call.number(1));
  if (!server) return std::unexpected(server.error());
  return discord_.commands.permissions((*server)->id);
}

ApiAnswer DiscordRest::overwrite_commands(Call& call) {
  return discord_.commands.overwrite(scope_of(call, false), call.body);
}

ApiAnswer DiscordRest::create_command(Call& call) {
  return discord_.commands.upsert(scope_of(call, false), call.body);
}

ApiAnswer DiscordRest::delete_command(Call& call) {
  const auto id = number_of(call.arguments.back()).value_or(0);
  return discord_.commands.erase(scope_of(call, true), id);
}

ApiAnswer DiscordRest::answer_interaction(Call& call) {
  const bool with_response = call.query("with_response") == "true";
  return discord_.interactions.callback(call.number(0), call.arguments[1], call.body, with_response);
}

ApiAnswer DiscordRest::read_answer(Call& call) {
  return discord_.interactions.read(call.arguments[1], message_argument(call));
}

ApiAnswer DiscordRest::edit_answer(Call& call) {
  if (!is_interaction(call)) return edit_webhook_message(call);
  return discord_.interactions.edit(call.arguments[1], message_argument(call), call.body);
}

ApiAnswer DiscordRest::delete_answer(Call& call) {
  if (!is_interaction(call)) return delete_webhook_message(call);
  return discord_.interactions.erase(call.arguments[1], message_argument(call));
}

ApiAnswer DiscordRest::add_answer(Call& call) {
  if (!is_interaction(call)) return execute_webhook(call);
  return discord_.interactions.followup(call.arguments[1], call.body);
}

}  // namespace guildhall::sim
