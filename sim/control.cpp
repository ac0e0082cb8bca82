#include "sim/control.h"

#include <fmt/format.h>

#include "sim/discord_shapes.h"

namespace guildhall::sim {
namespace {

int status_of(ErrorCode code) {
  switch (code) {
    case ErrorCode::not_found: return 404;
    case ErrorCode::conflict: return 409;
    case ErrorCode::forbidden: return 403;
    default: return 400;
  }
}

Snowflake id_in(const Call& call, std::string_view key) {
  return static_cast<Snowflake>(json::id(call.body, key).value_or(0));
}

std::string text_in(const Call& call, std::string_view key) { return json::text_or(call.body, key, ""); }

json::Value done() { return json::Object{{"ok", true}}; }

json::Value made(std::string_view what, std::string id) {
  return json::Object{{"ok", true}, {what, std::move(id)}};
}

Result<json::Value> done_or(const Result<void>& result) {
  if (!result) return std::unexpected(result.error());
  return done();
}

Result<json::Value> made_or(std::string_view what, const Result<Snowflake>& result) {
  if (!result) return std::unexpected(result.error());
  return made(what, std::to_string(*result));
}

}  // namespace

Control::Control(Stage& stage, Discord& discord, Kick& kick, KickWebhooks& webhooks, KickOAuth& oauth,
                 KickSocket& socket, Members& members)
    : stage_(stage),
      discord_(discord),
      kick_(kick),
      webhooks_(webhooks),
      oauth_(oauth),
      socket_(socket),
      members_(members) {
  add_routes();
}

void Control::add_routes() {
  const auto add = [&](const char* method, const char* path, Handler handler) {
    router_.add(method, path, handler);
  };
  add("GET", "healthz", &Control::health);
  add("GET", "world", &Control::world);
  add("GET", "witness", &Control::witness);
  add("GET", "faults", &Control::read_faults);
  add("POST", "faults", &Control::set_faults);
  add("POST", "members/start", &Control::start_members);
  add("POST", "members/stop", &Control::stop_members);
  add("POST", "discord/member-join", &Control::member_join);
  add("POST", "discord/member-leave", &Control::member_leave);
  add("POST", "discord/member-update", &Control::member_update);
  add("POST", "discord/time-out", &Control::time_out);
  add("POST", "discord/kick", &Control::kick_member);
  add("POST", "discord/ban", &Control::ban_member);
  add("POST", "discord/message", &Control::message);
  add("POST", "discord/command", &Control::command);
  add("POST", "discord/type", &Control::type);
  add("POST", "discord/click", &Control::click);
  add("POST", "discord/submit", &Control::submit);
  add("POST", "discord/role-create", &Control::role_create);
  add("POST", "discord/role-rename", &Control::role_rename);
  add("POST", "discord/role-delete", &Control::role_delete);
  add("POST", "discord/role-permissions", &Control::role_permissions);
  add("POST", "discord/overwrite", &Control::overwrite);
  add("POST", "discord/invite", &Control::invite);
  add("POST", "discord/invite-delete", &Control::invite_delete);
  add("POST", "discord/vanity", &Control::vanity);
  add("POST", "discord/guild-update", &Control::guild_update);
  add("POST", "discord/guild-join", &Control::guild_join);
  add("POST", "discord/guild-leave", &Control::guild_leave);
  add("POST", "discord/outage", &Control::outage);
  add("POST", "discord/outage-end", &Control::outage_end);
  add("POST", "discord/gateway", &Control::gateway);
  add("POST", "discord/interactions-url", &Control::set_interactions_url);
  add("GET", "discord/interactions-url", &Control::read_interactions_url);
  add("POST", "discord/redirect-uris", &Control::set_redirect_uris);
  add("GET", "discord/redirect-uris", &Control::read_redirect_uris);
  add("GET", "discord/messages", &Control::read_messages);
  add("GET", "discord/interactions", &Control::read_interactions);
  add("GET", "discord/commands", &Control::read_commands);
  add("GET", "discord/answers", &Control::read_answers);
  add("POST", "discord/command-permissions", &Control::command_permissions);
  add("POST", "kick/chat", &Control::kick_chat);
  add("POST", "kick/gift", &Control::kick_gift);
  add("POST", "kick/subscribe", &Control::kick_subscribe);
  add("POST", "kick/follow", &Control::kick_follow);
  add("POST", "kick/kicks", &Control::kick_kicks);
  add("POST", "kick/redeem", &Control::kick_redeem);
  add("POST", "kick/redemption", &Control::kick_redemption);
  add("POST", "kick/live", &Control::kick_live);
  add("POST", "kick/offline", &Control::kick_offline);
  add("POST", "kick/retitle", &Control::kick_retitle);
  add("POST", "kick/moderator", &Control::kick_moderator);
  add("POST", "kick/ban", &Control::kick_ban);
  add("POST", "kick/rename", &Control::kick_rename);
  add("POST", "kick/webhook", &Control::kick_webhook);
  add("POST", "kick/end-access", &Control::kick_end_access);
  add("POST", "kick/take-back", &Control::kick_take_back);
  add("GET", "kick/consents", &Control::read_kick_consents);
  add("GET", "kick/secrets", &Control::read_kick_secrets);
  add("GET", "kick/chat", &Control::read_kick_chat);
  add("POST", "kick/socket", &Control::kick_socket);
  add("GET", "kick/socket", &Control::read_kick_socket);
}

net::HttpResponse Control::answer(const net::HttpRequest& request) {
  auto match = router_.find(request.method, request.url);
  if (match.route == nullptr) {
    return json_response(match.path_known ? 405 : 404, json::Object{{"error", "there is no such address"}});
  }
  Call call{request, std::move(match.arguments)};
  if (!request.body.empty()) {
    auto body = json::parse(request.body);
    if (!body) return json_response(400, json::Object{{"error", body.error().message}});
    call.body = std::move(*body);
  }
  const Answer answer = (this->*match.route->handler)(call);
  if (!answer)
    return json_response(status_of(answer.error().code), json::Object{{"error", answer.error().message}});
  return json_response(200, *answer);
}

// The whole -----------------------------------------------------------------------------------------

Control::Answer Control::health(Call&) {
  return json::Object{{"ok", true},
                      {"gateway_connections", discord_.gateway.connections()},
                      {"shards_served_twice", discord_.gateway.served_twice()},
                      {"webhooks_waiting", webhooks_.waiting()}};
}

Control::Answer Control::world(Call&) {
  json::Array servers;
  for (const Server& server : stage_.world.servers) servers.emplace_back(describe(server));
  json::Array channels;
  for (const KickChannel& channel : stage_.world.kick_channels) channels.emplace_back(describe(channel));
  json::Array users;
  for (const auto& [id, user] : stage_.world.users) {
    users.push_back(json::Object{{"id", std::to_string(id)},
                                 {"username", user.username},
                                 {"bot", user.bot},
                                 {"closed_messages", user.closed_messages}});
  }
  return json::Object{{"now", format_rfc3339(stage_.clock.now())},
                      {"bot", std::to_string(stage_.world.bot.id)},
                      {"kick_bot", std::to_string(stage_.world.kick_bot.id)},
                      {"servers", std::move(servers)},
                      {"users", std::move(users)},
                      {"kick_channels", std::move(channels)}};
}

json::Object Control::describe(const Server& server) const {
  json::Array channels;
  for (const Channel& channel : server.channels) {
    channels.push_back(
        json::Object{{"id", std::to_string(channel.id)}, {"name", channel.name}, {"type", channel.type}});
  }
  json::Array roles;
  for (const Role& role : server.roles) {
    roles.push_back(json::Object{{"id", std::to_string(role.id)}, {"name", role.name}});
  }
  json::Array members;
  for (const auto& [id, member] : server.members) {
    json::Array held;
    for (const Snowflake role : member.roles) held.emplace_back(std::to_string(role));
    members.push_back(json::Object{{"id", std::to_string(id)},
                                   {"username", stage_.world.user(id)->username},
                                   {"nick", member.nick},
                                   {"roles", std::move(held)}});
  }
  return {{"id", std::to_string(server.id)},
          {"name", server.name},
          {"owner", std::to_string(server.owner)},
          {"bot_present", server.bot_present},
          {"outage", server.outage},
          {"suggested_kick_channel", server.suggested_channel},
          {"channels", std::move(channels)},
          {"roles", std::move(roles)},
          {"members", std::move(members)}};
}

json::Object Control::describe(const KickChannel& channel) const {
  json::Array viewers;
  for (const Viewer& viewer : channel.viewers) {
    const KickUser& user = *stage_.world.kick_user(viewer.user);
    viewers.push_back(json::Object{{"id", std::to_string(user.id)},
                                   {"username", user.username},
                                   {"slug", user.slug},
                                   {"subscriber_months", viewer.subscriber_months},
                                   {"moderator", viewer.moderator},
                                   {"bot", viewer.bot}});
  }
  const auto since = channel.live_since ? parse_rfc3339(*channel.live_since) : fail(ErrorCode::not_found, "");
  return {{"broadcaster_user_id", std::to_string(channel.broadcaster)},
          {"slug", channel.slug},
          {"title", channel.title},
          {"category", channel.category},
          {"live_since", since ? json::Value(format_rfc3339(*since)) : json::Value(nullptr)},
          {"viewers", std::move(viewers)}};
}

Control::Answer Control::witness(Call&) { return stage_.witness.report(stage_.world); }

Control::Answer Control::read_faults(Call&) { return stage_.faults.list(); }

Control::Answer Control::set_faults(Call& call) {
  if (const auto set = stage_.faults.set(call.body); !set) return std::unexpected(set.error());
  return stage_.faults.list();
}

Control::Answer Control::start_members(Call&) {
  members_.start();
  return done();
}

Control::Answer Control::stop_members(Call&) {
  members_.stop();
  return done();
}

// Discord -------------------------------------------------------------------------------------------

Control::Answer Control::member_join(Call& call) {
  const Snowflake server = id_in(call, "guild");
  Snowflake user = id_in(call, "user");
  if (const auto outsiders = discord_.outsiders(server); user == 0 && !outsiders.empty())
    user = outsiders.front();
  const auto joined = discord_.join(server, user, text_in(call, "invite"));
  if (!joined) return std::unexpected(joined.error());
  return made("user", std::to_string(user));
}

Control::Answer Control::member_leave(Call& call) {
  return done_or(discord_.leave(id_in(call, "guild"), id_in(call, "user")));
}

Control::Answer Control::member_update(Call& call) {
  std::optional<std::vector<Snowflake>> roles;
  if (json::find(call.body, "roles") != nullptr) {
    roles.emplace();
    for (const json::Value& role : json::array(call.body, "roles")) {
      roles->push_back(role.is_string() ? number_of(role.get_string()).value_or(0) : 0);
    }
  }
  return done_or(discord_.update_member(id_in(call, "guild"), id_in(call, "user"),
                                        json::text(call.body, "nick"), roles));
}

Discord::Deed Control::deed_of(const Call& call) const {
  const Server* server = stage_.world.server(id_in(call, "guild"));
  const Snowflake owner = server == nullptr ? 0 : server->owner;
  const bool named = json::find(call.body, "by") != nullptr;
  return {named ? id_in(call, "by") : owner, text_in(call, "reason")};
}

Control::Answer Control::time_out(Call& call) {
  const auto seconds = json::integer(call.body, "seconds").value_or(0);
  const TimePoint until = stage_.clock.now() + std::chrono::seconds(seconds);
  return done_or(
      discord_.time_out(id_in(call, "guild"), id_in(call, "user"), seconds > 0 ? until : TimePoint{}));
}

Control::Answer Control::kick_member(Call& call) {
  return done_or(discord_.kick(id_in(call, "guild"), id_in(call, "user"), deed_of(call)));
}

Control::Answer Control::ban_member(Call& call) {
  return done_or(discord_.ban(id_in(call, "guild"), id_in(call, "user"), deed_of(call)));
}

Control::Answer Control::role_permissions(Call& call) {
  return done_or(discord_.change_role_permissions(id_in(call, "guild"), id_in(call, "role"),
                                                  id_in(call, "permissions")));
}

Control::Answer Control::overwrite(Call& call) {
  const auto channel = channel_of(call);
  if (!channel) return std::unexpected(channel.error());
  const Server* server = stage_.world.server(id_in(call, "guild"));
  const Snowflake whose = id_in(call, "id");
  const bool is_member = server != nullptr && server->members.contains(whose);
  return done_or(discord_.set_overwrite(id_in(call, "guild"), *channel,
                                        {whose, is_member, id_in(call, "allow"), id_in(call, "deny")}));
}

Control::Answer Control::invite(Call& call) {
  const auto channel = channel_of(call);
  if (!channel) return std::unexpected(channel.error());
  Invite wanted;
  wanted.channel = *channel;
  wanted.max_uses = static_cast<int>(json::integer(call.body, "max_uses").value_or(0));
  wanted.max_age = json::integer(call.body, "max_age").value_or(wanted.max_age);
  const auto code = discord_.create_invite(id_in(call, "guild"), wanted, deed_of(call));
  if (!code) return std::unexpected(code.error());
  return made("invite", *code);
}

Control::Answer Control::invite_delete(Call& call) {
  return done_or(discord_.delete_invite(id_in(call, "guild"), text_in(call, "invite"), deed_of(call)));
}

Control::Answer Control::vanity(Call& call) {
  Server* server = stage_.world.server(id_in(call, "guild"));
  if (server == nullptr) return fail(ErrorCode::not_found, "there is no such server");
  server->vanity_code = text_in(call, "code");
  return done();
}

Control::Answer Control::guild_update(Call& call) {
  return done_or(discord_.update_server(id_in(call, "guild"), text_in(call, "name"), id_in(call, "owner")));
}

Result<Snowflake> Control::channel_of(const Call& call) const {
  if (json::find(call.body, "channel") != nullptr) return id_in(call, "channel");
  const Server* server = stage_.world.server(id_in(call, "guild"));
  if (server == nullptr) return fail(ErrorCode::not_found, "there is no such server");
  return server->chat().id;
}

Control::Answer Control::message(Call& call) {
  const auto channel = channel_of(call);
  if (!channel) return std::unexpected(channel.error());
  return made_or("message",
                 discord_.say(id_in(call, "guild"), *channel, id_in(call, "user"), text_in(call, "content")));
}

Discord::CommandWords Control::words_of(const Call& call) {
  const json::Value* options = json::find(call.body, "options");
  Discord::CommandWords words{text_in(call, "name")};
  if (options != nullptr && options->is_object()) words.options = options->get_object();
  words.target = id_in(call, "target");
  words.focused = text_in(call, "focused");
  return words;
}

Control::Answer Control::command(Call& call) {
  const auto channel = channel_of(call);
  if (!channel) return std::unexpected(channel.error());
  return made_or("interaction",
                 discord_.command(id_in(call, "guild"), *channel, id_in(call, "user"), words_of(call)));
}

Control::Answer Control::type(Call& call) {
  const auto channel = channel_of(call);
  if (!channel) return std::unexpected(channel.error());
  return made_or("interaction",
                 discord_.type(id_in(call, "guild"), *channel, id_in(call, "user"), words_of(call)));
}

Control::Answer Control::click(Call& call) {
  return made_or("interaction",
                 discord_.click(id_in(call, "guild"), id_in(call, "message"), id_in(call, "user"),
                                text_in(call, "custom_id"), json::array(call.body, "values"),
                                json::boolean(call.body, "forged").value_or(false)));
}

Control::Answer Control::submit(Call& call) {
  Discord::FormWords words{id_in(call, "opened_by")};
  const json::Value* fields = json::find(call.body, "fields");
  if (fields != nullptr && fields->is_object()) words.fields = fields->get_object();
  words.forged_id = text_in(call, "custom_id");
  return made_or("interaction", discord_.submit(id_in(call, "guild"), id_in(call, "user"), words));
}

Control::Answer Control::role_create(Call& call) {
  const auto permissions = static_cast<std::uint64_t>(json::id(call.body, "permissions").value_or(0));
  return made_or("role", discord_.create_role(id_in(call, "guild"), text_in(call, "name"), permissions));
}

Control::Answer Control::role_rename(Call& call) {
  return done_or(discord_.rename_role(id_in(call, "guild"), id_in(call, "role"), text_in(call, "name")));
}

Control::Answer Control::role_delete(Call& call) {
  return done_or(discord_.delete_role(id_in(call, "guild"), id_in(call, "role")));
}

Control::Answer Control::guild_join(Call& call) { return done_or(discord_.bot_joins(id_in(call, "guild"))); }
Control::Answer Control::guild_leave(Call& call) {
  return done_or(discord_.bot_leaves(id_in(call, "guild")));
}
Control::Answer Control::outage(Call& call) { return done_or(discord_.outage(id_in(call, "guild"), true)); }
Control::Answer Control::outage_end(Call& call) {
  return done_or(discord_.outage(id_in(call, "guild"), false));
}

Control::Answer Control::gateway(Call& call) {
  const std::string act = text_in(call, "do");
  const auto code = json::integer(call.body, "code").value_or(0);
  if (act == "reconnect") {
    discord_.gateway.ask_reconnect();
  } else if (act == "invalid-session" || act == "resumable-invalid-session") {
    discord_.gateway.invalidate(act != "invalid-session");
  } else if (act == "heartbeat") {
    discord_.gateway.ask_heartbeat();
  } else if (act == "zombie") {
    discord_.gateway.fall_silent();
  } else if (act == "close" && (code == 0 || (code >= 1000 && code < 5000))) {
    discord_.gateway.close_all(static_cast<std::uint16_t>(code));
  } else {
    return fail(ErrorCode::invalid,
                "do: reconnect, invalid-session, resumable-invalid-session, heartbeat, zombie or close");
  }
  return done();
}

Control::Answer Control::set_interactions_url(Call& call) {
  discord_.interactions.endpoint().set(text_in(call, "url"));
  return done();
}

Control::Answer Control::read_interactions_url(Call&) { return discord_.interactions.endpoint().describe(); }

Control::Answer Control::set_redirect_uris(Call& call) {
  const json::Value* uris = json::find(call.body, "uris");
  if (uris == nullptr || !uris->is_array()) return fail(ErrorCode::invalid, "uris: a list is needed");
  return done_or(discord_.oauth.set_redirect_uris(uris->get_array()));
}

Control::Answer Control::read_redirect_uris(Call&) {
  return json::Object{{"uris", discord_.oauth.redirect_uris()}};
}

Control::Answer Control::read_messages(Call& call) {
  std::vector<Snowflake> channels;
  if (const auto user = call.query_number("user")) channels.push_back(discord_.direct_channel(*user));
  if (const Server* server = stage_.world.server(call.query_number("guild").value_or(0))) {
    for (const Channel& channel : server->channels) channels.push_back(channel.id);
    for (const Channel& thread : server->threads) channels.push_back(thread.id);
  }
  const auto only = call.query_number("channel");
  json::Array out;
  for (const Snowflake channel : channels) {
    if (only && *only != channel) continue;
    for (const Message& message : discord_.messages.of(channel)) {
      json::Object body = message.body;
      body["ephemeral"] = message.ephemeral;
      out.emplace_back(std::move(body));
    }
  }
  return out;
}

Control::Answer Control::read_interactions(Call& call) {
  return discord_.interactions.list(call.query_number("id"));
}

Control::Answer Control::read_commands(Call&) { return discord_.commands.all(); }

Control::Answer Control::read_answers(Call&) {
  json::Object out;
  for (const auto& [status, count] : discord_.answered) out[std::to_string(status)] = count;
  return out;
}

Control::Answer Control::command_permissions(Call& call) {
  discord_.commands.set_permissions(id_in(call, "guild"), json::array(call.body, "permissions"));
  return done();
}

// Kick ----------------------------------------------------------------------------------------------

Result<KickId> Control::viewer_of(const Call& call, std::string_view key) const {
  const auto id = json::id(call.body, key);
  const KickUser* user = id ? stage_.world.kick_user(*id) : stage_.world.kick_user(text_in(call, key));
  if (user == nullptr) return fail(ErrorCode::not_found, "there is no such viewer");
  return user->id;
}

Control::Answer Control::kick_chat(Call& call) {
  const auto user = viewer_of(call);
  if (!user) return std::unexpected(user.error());
  const auto message = kick_.chat(text_in(call, "slug"), *user, text_in(call, "content"));
  if (!message) return std::unexpected(message.error());
  return made("message", *message);
}

Control::Answer Control::kick_gift(Call& call) {
  std::optional<KickId> gifter;
  if (json::find(call.body, "user") != nullptr) {
    const auto user = viewer_of(call);
    if (!user) return std::unexpected(user.error());
    gifter = *user;
  }
  const auto count = std::clamp<std::int64_t>(json::integer(call.body, "count").value_or(1), 1, 100);
  return done_or(kick_.gift(text_in(call, "slug"), gifter, static_cast<std::size_t>(count)));
}

Control::Answer Control::kick_subscribe(Call& call) {
  const auto user = viewer_of(call);
  if (!user) return std::unexpected(user.error());
  return done_or(kick_.subscribe(text_in(call, "slug"), *user));
}

Control::Answer Control::kick_follow(Call& call) {
  const auto user = viewer_of(call);
  if (!user) return std::unexpected(user.error());
  return done_or(kick_.follow(text_in(call, "slug"), *user));
}

Control::Answer Control::kick_kicks(Call& call) {
  const auto user = viewer_of(call);
  if (!user) return std::unexpected(user.error());
  const auto amount =
      std::clamp<std::int64_t>(json::integer(call.body, "amount").value_or(100), 1, 1'000'000);
  return done_or(kick_.give_kicks(text_in(call, "slug"), *user, static_cast<int>(amount)));
}

Control::Answer Control::kick_redeem(Call& call) {
  const auto user = viewer_of(call);
  if (!user) return std::unexpected(user.error());
  const auto cost = json::integer(call.body, "cost").value_or(100);
  const std::string title = text_in(call, "title");
  if (title.empty() || cost < 1 || cost > 1'000'000)
    return fail(ErrorCode::invalid, "a title and a cost from 1 to 1,000,000 are needed");
  const auto redemption =
      kick_.redeem(text_in(call, "slug"), *user, {title, static_cast<int>(cost)}, text_in(call, "input"));
  if (!redemption) return std::unexpected(redemption.error());
  return made("redemption", *redemption);
}

Control::Answer Control::kick_redemption(Call& call) {
  return done_or(
      kick_.settle_redemption(text_in(call, "id"), json::boolean(call.body, "accepted").value_or(true)));
}

Control::Answer Control::kick_live(Call& call) {
  return done_or(kick_.go_live(text_in(call, "slug"), text_in(call, "title")));
}

Control::Answer Control::kick_offline(Call& call) { return done_or(kick_.go_offline(text_in(call, "slug"))); }

Control::Answer Control::kick_retitle(Call& call) {
  return done_or(kick_.retitle(text_in(call, "slug"), text_in(call, "title"), text_in(call, "category")));
}

Control::Answer Control::kick_moderator(Call& call) {
  const auto user = viewer_of(call);
  if (!user) return std::unexpected(user.error());
  const bool moderator = json::boolean(call.body, "moderator").value_or(true);
  return done_or(kick_.set_moderator(text_in(call, "slug"), *user, moderator));
}

Control::Answer Control::kick_ban(Call& call) {
  const auto user = viewer_of(call);
  if (!user) return std::unexpected(user.error());
  const auto by = viewer_of(call, "by");
  if (!by) return std::unexpected(by.error());
  Kick::Ban ban{*by, *user, std::nullopt, text_in(call, "reason")};
  if (const auto minutes = json::integer(call.body, "minutes")) ban.length = std::chrono::minutes(*minutes);
  return done_or(kick_.ban(text_in(call, "slug"), std::move(ban)));
}

Control::Answer Control::kick_rename(Call& call) {
  const auto user = viewer_of(call);
  if (!user) return std::unexpected(user.error());
  const std::string username = text_in(call, "username");
  if (username.empty()) return fail(ErrorCode::invalid, "username: a name is needed");
  return done_or(kick_.rename(*user, username));
}

Control::Answer Control::kick_webhook(Call& call) {
  kick_.set_webhook(text_in(call, "url"));
  return done();
}

Control::Answer Control::kick_end_access(Call& call) {
  const auto user = viewer_of(call);
  if (!user) return std::unexpected(user.error());
  oauth_.end_access(*user);
  return done();
}

Control::Answer Control::kick_take_back(Call& call) {
  const auto user = viewer_of(call);
  if (!user) return std::unexpected(user.error());
  oauth_.take_back(*user);
  return done();
}

Control::Answer Control::read_kick_consents(Call&) { return oauth_.consents(); }

Control::Answer Control::read_kick_secrets(Call&) { return oauth_.secrets(); }

Control::Answer Control::kick_socket(Call& call) {
  const std::string act = text_in(call, "do");
  const auto code = json::integer(call.body, "code").value_or(0);
  if (act == "say") {
    socket_.send_all(text_in(call, "frame"));
  } else if (act == "close" && code >= 1000 && code < 5000) {
    socket_.close_all(static_cast<std::uint16_t>(code));
  } else {
    return fail(ErrorCode::invalid, "do: say a frame, or close with a code");
  }
  return done();
}

Control::Answer Control::read_kick_socket(Call&) { return socket_.describe(); }

Control::Answer Control::read_kick_chat(Call& call) {
  const KickChannel* channel = stage_.world.kick_channel(call.query("slug").value_or(""));
  if (channel == nullptr) return fail(ErrorCode::not_found, "there is no such channel");
  json::Array out;
  for (const SentChat& sent : kick_.sent(channel->broadcaster)) {
    out.push_back(json::Object{{"message_id", sent.message_id},
                               {"type", sent.type},
                               {"content", sent.content},
                               {"reply_to", sent.reply_to},
                               {"at", format_rfc3339(sent.at)}});
  }
  return out;
}

}  // namespace guildhall::sim
