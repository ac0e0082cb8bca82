#include "bot/discord_checkup.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <ctime>
#include <set>

#include "base/text.h"
#include "bot/discord_bridge.h"
#include "bot/discord_commands.h"
#include "bot/discord_needs.h"
#include "platforms/discord/parse.h"
#include "platforms/discord/permissions.h"
#include "platforms/discord/rest_errors.h"

namespace guildhall::bot {
namespace {

using Level = Finding::Level;
using discord::Permissions;

/// Beyond this the difference is more than what a Date header and the way can be off.
constexpr Duration kTold = std::chrono::seconds(5);
/// Signed requests that are older than some minutes are refused, here and on other platforms.
constexpr Duration kTooMuch = std::chrono::minutes(2);

/// The moment of a Date header, to the second. Source: RFC 9110, section 5.6.7.
std::optional<TimePoint> read_http_date(const std::string& text) {
  std::tm parts{};
  const char* end = strptime(text.c_str(), "%a, %d %b %Y %H:%M:%S GMT", &parts);
  if (end == nullptr || *end != '\0') return std::nullopt;
  return TimePoint(std::chrono::seconds(timegm(&parts)));
}

/// What it takes to post to a channel of the server, and to answer there: replies go without what they refer
/// to where that is what lacks.
constexpr Permissions kToPost = discord::kViewChannel | discord::routes::kCreateMessage.needs;

/// Can messages stand in such a channel? Source: developer documentation, "Channel Types": text, voice,
/// announcements, stage, and threads.
bool is_posted_to(int type) {
  return type == 0 || type == 2 || type == 5 || type == 13 || (type >= 10 && type <= 12);
}

bool is_written_in(const discord::ChannelInfo& channel) { return channel.type == 0 || channel.type == 5; }

std::string shown(const discord::CommandDefinition& command) {
  return command.kind == discord::CommandKind::slash ? "/" + command.name
                                                     : fmt::format("\"{}\"", command.name);
}

std::string shown(const json::Value& command) {
  const bool slash = json::integer(command, "type").value_or(1) == 1;
  const std::string name = json::text_or(command, "name", "");
  return slash ? "/" + name : fmt::format("\"{}\"", name);
}

/// The element with that id; null: there is none.
const json::Value* with_id(const json::Array& list, std::int64_t id) {
  const auto* found = std::ranges::find_if(list, [&](const auto& one) { return json::id(one, "id") == id; });
  return found == list.end() ? nullptr : found;
}

/// The highest role that the bot itself has, by name; empty: none.
std::string highest_role(const json::Value& guild, const std::vector<discord::RoleId>& own) {
  std::string name;
  std::int64_t height = 0;
  for (const json::Value& role : json::array(guild, "roles")) {
    const auto id = discord::read_id<discord::RoleId>(role, "id");
    const auto position = json::integer(role, "position").value_or(0);
    if (!id || std::ranges::find(own, *id) == own.end() || position < height) continue;
    height = position;
    name = json::text_or(role, "name", "");
  }
  return name;
}

}  // namespace

std::string invite_link(discord::ApplicationId application) {
  return fmt::format(
      "https://discord.com/oauth2/authorize?client_id={}&scope=bot+applications.commands&permissions={}",
      application.str(), kBotPermissions);
}

DiscordCheckup::DiscordCheckup(boost::asio::io_context& loop, const Declarations& declarations,
                               net::HttpClient& http, const Clock& clock, Metrics& metrics)
    : declarations_(declarations),
      clock_(clock),
      metrics_(metrics),
      rest_(
          loop, rest_options(*declarations.config),
          [this, &http](const net::HttpRequest& request) { return exchange(http, request); },
          discord::system_timing(), metrics) {}

Task<Checkup> DiscordCheckup::run(std::vector<CheckedServer> servers) {
  const bool accepted = co_await check_token();
  if (accepted) {
    co_await check_application();
    co_await check_sessions();
    if (knows_application()) co_await check_commands();
    for (CheckedServer& server : servers) co_await check_server(std::move(server));
  }
  check_clock();
  co_return std::move(report_);
}

// The report ---------------------------------------------------------------------------------------------

void DiscordCheckup::add(std::string topic, Level level, std::string text, std::string hint) {
  report_.findings.push_back({std::move(topic), level, std::move(text), std::move(hint)});
}

void DiscordCheckup::add(ServerId server, std::string topic, Level level, std::string text,
                         std::string hint) {
  add(std::move(topic), level, std::move(text), std::move(hint));
  report_.findings.back().server = server;
}

void DiscordCheckup::add_failure(std::string topic, const Error& error, std::optional<ServerId> server) {
  add(std::move(topic), Level::problem, error.message, error.hint);
  report_.findings.back().server = server;
  report_.findings.back().code = error.code;
}

// The bot as a whole -------------------------------------------------------------------------------------

/// One exchange, of which the Date header tells what Discord's clock shows.
Task<Result<net::HttpResponse>> DiscordCheckup::exchange(net::HttpClient& http,
                                                         const net::HttpRequest& request) {
  const TimePoint begun = clock_.now();
  auto response = co_await http.exchange(request);
  const Duration taken = clock_.now() - begun;
  const auto date = response ? read_http_date(response->header("date").value_or("")) : std::nullopt;
  if (date && taken < quickest_) {
    quickest_ = taken;
    // A date has no fraction, so that it is half a second behind as a rule.
    skew_ = begun + taken / 2 - (*date + std::chrono::milliseconds(500));
  }
  co_return response;
}

Task<bool> DiscordCheckup::check_token() {
  const auto self = co_await rest_.self();
  if (self) {
    known_.self = self->id;
    add("token", Level::ok, fmt::format("Discord knows the bot as {}", self->name));
    co_return true;
  }
  const bool refused = self.error().code == ErrorCode::unauthenticated;
  if (!refused) {
    add_failure("token", self.error());
    co_return false;
  }
  add_failure("token",
              {ErrorCode::token_refused, "Discord does not accept discord.token",
               "Developer portal > the application > Bot > Reset Token, and put the new one into the "
               "configuration: the token alone, without \"Bot\" before it; the client secret is "
               "something else."});
  co_return false;
}

Task<void> DiscordCheckup::check_application() {
  const auto application = co_await rest_.application();
  if (!application) co_return add_failure("intents", application.error());
  known_.application = application->id;
  report_.invite = invite_link(application->id);
  check_interactions(*application);
  check_sign_in(*application);
  const discord::Intents needed = discord_intents_for(declarations_) & discord::kPrivilegedIntents;
  const discord::Intents missing = needed & ~discord::switched_on(application->flags);
  if (missing == 0) co_return add("intents", Level::ok, discord::privileged_names(needed) + " are on");
  add("intents", Level::problem, fmt::format("switched off: {}", discord::privileged_names(missing)),
      "Developer portal > the application > Bot > Privileged Gateway Intents, switch on, Save Changes; then "
      "start the bot again. Without Message Content Intent it does not read commands in messages, without "
      "Server Members Intent it does not notice who joins and leaves.");
}

/// Over the gateway, or posted to an address where the key is known that they are signed with.
void DiscordCheckup::check_interactions(const discord::Application& application) {
  const std::string key = to_lower_ascii(declarations_.config->discord_public_key);
  const std::string& url = application.interactions_url;
  if (url.empty() && key.empty())
    return add("interactions", Level::ok, "commands and buttons come over the bot's own connection");
  if (url.empty()) {
    return add("interactions", Level::warning,
               "discord.public_key is set, but the application posts nothing: commands and buttons come over "
               "the bot's own connection",
               "Developer portal > the application > General Information > Interactions Endpoint URL, enter "
               "https://YOUR-HOST/webhooks/discord/interactions; or take discord.public_key out.");
  }
  if (key.empty()) {
    return add("interactions", Level::problem,
               fmt::format("commands and buttons are posted to {}, and without discord.public_key the bot "
                           "believes none of them",
                           url),
               "Copy Public Key from the developer portal > the application > General Information into "
               "discord.public_key and start the bot again; or empty Interactions Endpoint URL there.");
  }
  if (!application.public_key.empty() && key != to_lower_ascii(application.public_key)) {
    return add("interactions", Level::problem,
               "discord.public_key is not this application's: the bot believes nothing that Discord posts",
               "Copy Public Key anew from the developer portal > the application > General Information.");
  }
  add("interactions", Level::ok, fmt::format("commands and buttons come over HTTP, to {}", url));
}

void DiscordCheckup::check_sign_in(const discord::Application& application) {
  const Config& config = *declarations_.config;
  if (config.discord_client_secret.empty())
    return add("sign-in", Level::ok,
               "members cannot sign in to the dashboard: discord.client_secret is not set");
  const std::string callback = sign_in_callback(config);
  if (std::ranges::find(application.redirects, callback) == application.redirects.end())
    return add(
        "sign-in", Level::problem,
        fmt::format(
            "nobody can sign in to the dashboard: {} is not one of the application's redirect addresses",
            callback),
        "Add it in Discord's developer portal, on the application's page OAuth2, under Redirects; if "
        "browsers reach the dashboard at another address, set web.public_url.");
  add("sign-in", Level::ok, fmt::format("members sign in to the dashboard and come back to {}", callback));
}

Task<void> DiscordCheckup::check_sessions() {
  const auto info = co_await rest_.gateway_info();
  if (!info) co_return add_failure("sessions", info.error());
  if (!info->identifies) co_return;
  const discord::IdentifyLimit& limit = *info->identifies;
  const std::string text = fmt::format("{} of {} sessions are left; {} are needed for a start", limit.left,
                                       limit.total, info->shards);
  if (limit.left >= info->shards) co_return add("sessions", Level::ok, text);
  const auto hours = std::chrono::ceil<std::chrono::hours>(limit.resets_after).count();
  add("sessions", Level::problem, text,
      fmt::format(
          "Wait: within {} hours there are {} again. Then find out what connects anew again and again; "
          "only one bot may use a token.",
          hours, limit.total));
}

Task<void> DiscordCheckup::check_commands() {
  const auto registered = co_await rest_.commands(known_.application);
  if (!registered) co_return add_failure("commands", registered.error());
  const auto definitions = command_definitions(declarations_);
  std::set<std::string> names;
  if (registered->is_array()) {
    for (const json::Value& command : registered->get_array()) {
      names.insert(shown(command));
      command_names_.emplace(json::id(command, "id").value_or(0), shown(command));
    }
  }
  std::vector<std::string> missing;
  for (const auto& command : definitions) {
    if (!names.contains(shown(command))) missing.push_back(shown(command));
  }
  if (!missing.empty()) {
    co_return add(
        "commands", Level::problem, fmt::format("not registered: {}", fmt::join(missing, ", ")),
        "The bot registers its commands when it starts: start it, and look for \"commands\" in its log. "
        "Reload Discord (Ctrl+R) to see them.");
  }
  if (discord::normal_form(*registered) != discord::normal_form(discord::commands_json(definitions))) {
    co_return add("commands", Level::warning, "what is registered is not what this version has",
                  "The bot mends it when it starts next. If it does not stay so, another program registers "
                  "commands with the same token.");
  }
  add("commands", Level::ok, fmt::format("all {} are registered", definitions.size()));
}

void DiscordCheckup::check_clock() {
  if (!skew_) return;
  const auto seconds = std::chrono::round<std::chrono::seconds>(*skew_).count();
  const Duration off = std::chrono::abs(*skew_);
  if (off <= kTold) return add("clock", Level::ok, "this machine's clock agrees with Discord's");
  add("clock", off > kTooMuch ? Level::problem : Level::warning,
      fmt::format("this machine's clock is {} s {} Discord's", std::abs(seconds),
                  seconds > 0 ? "ahead of" : "behind"),
      "Let it be set by the network: timedatectl set-ntp true. Signed messages of the platforms are refused "
      "when the clock is minutes off, and times are stored wrong.");
}

// One server ---------------------------------------------------------------------------------------------

Task<void> DiscordCheckup::check_server(CheckedServer server) {
  const auto look = co_await look_at(server.id);
  if (!look) {
    const ErrorCode code = look.error().code;
    const bool outside = code == ErrorCode::not_found || code == ErrorCode::forbidden;
    if (!outside) co_return add_failure("server", look.error(), server.id);
    co_return add(server.id, "server", Level::problem, fmt::format("the bot is not in {}", server.name),
                  "Whoever manages the server adds it with the address below.");
  }
  discord::State state({.channels = true}, metrics_);
  state.session_began(known_.self, {}, {server.id});
  json::Object guild = look->guild.get_object();
  guild["channels"] = look->channels;
  guild["members"] = json::Array{look->self};
  state.put_guild(guild);
  check_permissions(server, state);
  for (const DiscordChannelId channel : server.channels) check_channel(server.id, channel, state);
  for (const discord::RoleId role : server.roles) check_role(server.id, role, *look, state);
  co_await check_visibility(server, look->guild);
}

Task<Result<DiscordCheckup::Look>> DiscordCheckup::look_at(ServerId server) {
  Look look;
  auto guild = co_await rest_.guild(server);
  if (!guild) co_return std::unexpected(guild.error());
  look.guild = *std::move(guild);
  auto channels = co_await rest_.call(discord::routes::kChannels, {.guild = server}, server);
  if (!channels) co_return std::unexpected(channels.error());
  look.channels = *std::move(channels);
  auto self = co_await rest_.call(discord::routes::kMember, {.guild = server}, server, known_.self);
  if (!self) co_return std::unexpected(self.error());
  look.self = *std::move(self);
  co_return look;
}

void DiscordCheckup::check_permissions(const CheckedServer& server, const discord::State& state) {
  const bool timed_out = state.is_timed_out(server.id, clock_.now());
  if (timed_out)
    add(server.id, "permissions", Level::problem, "the bot is in a timeout, and may only read",
        "In Discord: right click on the bot > Remove Timeout.");
  std::size_t all = 0;
  std::size_t open = 0;
  for (const discord::ChannelInfo& channel : state.channels(server.id)) {
    if (!is_written_in(channel)) continue;
    ++all;
    if (state.own_lacks(server.id, channel.id, kToPost) == 0) ++open;
  }
  const std::string text =
      fmt::format("the bot can answer commands in {} of the {} text channels of {}", open, all, server.name);
  const Permissions missing = state.own_lacks(server.id, DiscordChannelId(), kBotPermissions);
  if (missing == 0 && open > 0) {
    if (!timed_out) add(server.id, "permissions", Level::ok, text);
    return;
  }
  add(server.id, "permissions", open == 0 ? Level::problem : Level::warning,
      missing == 0 ? text
                   : fmt::format("{}; as a whole it lacks {}", text, discord::permission_names(missing)),
      "In Discord: Server Settings > Roles > the bot's role > Permissions; and where a channel has its own, "
      "Edit Channel > Permissions.");
}

void DiscordCheckup::check_channel(ServerId server, DiscordChannelId channel, const discord::State& state) {
  const auto channels = state.channels(server);
  const auto known = std::ranges::find(channels, channel, &discord::ChannelInfo::id);
  if (known == channels.end()) {
    return add(server, "permissions", Level::warning,
               fmt::format("channel {}, which the settings name, is no channel of the server", channel.str()),
               "Was it deleted? `guildhall settings set` names another one. A thread cannot be looked at.");
  }
  if (!is_posted_to(known->type)) {
    return add(server, "permissions", Level::problem,
               fmt::format("no messages stand in #{}, which the settings name", known->name),
               "It is a category or a forum. `guildhall settings set` names a text channel.");
  }
  const Permissions missing = state.own_lacks(server, channel, kToPost);
  if (missing == 0) {
    if (!state.is_timed_out(server, clock_.now()))
      add(server, "permissions", Level::ok, fmt::format("the bot can post to #{}", known->name));
    return;
  }
  const std::string names = discord::permission_names(missing);
  add(server, "permissions", Level::problem,
      fmt::format("the bot lacks {} in #{}, which the settings name", names, known->name),
      fmt::format("In Discord: Edit Channel > Permissions, allow {} for the bot's role.", names));
}

void DiscordCheckup::check_role(ServerId server, discord::RoleId role, const Look& look,
                                const discord::State& state) {
  const json::Value* known = with_id(json::array(look.guild, "roles"), role.value());
  if (known == nullptr)
    return add(server, "role", Level::problem, fmt::format("there is no role {}", role.str()),
               "In Discord: Server Settings > Roles, right click on the role > Copy Role ID.");
  const std::string name = json::text_or(*known, "name", "");
  const Permissions missing = state.own_lacks(server, DiscordChannelId(), discord::kManageRoles);
  if (missing != 0) {
    add(server, "role", Level::problem,
        fmt::format("the bot cannot give \"{}\": it lacks {}", name, discord::permission_names(missing)),
        "In Discord: Server Settings > Roles > the bot's role > Permissions, switch it on.");
  }
  if (state.is_assignable(server, role).value_or(true)) {
    if (missing == 0) add(server, "role", Level::ok, fmt::format("the bot can give \"{}\"", name));
    return;
  }
  if (role.value() == server.value() || json::boolean(*known, "managed").value_or(false)) {
    return add(server, "role", Level::problem,
               fmt::format("nobody can give \"{}\": it is Discord's own", name),
               "Roles of integrations, of boosters and @everyone are not given. Choose another one.");
  }
  add(server, "role", Level::problem,
      fmt::format("\"{}\" does not stand below the bot's highest role, \"{}\"", name,
                  highest_role(look.guild, discord::read_role_ids(look.self))),
      "In Discord: Server Settings > Roles, drag the bot's role above it.");
}

// Who sees the commands ----------------------------------------------------------------------------------

Task<void> DiscordCheckup::check_visibility(CheckedServer server, json::Value guild) {
  const json::Value* everyone = with_id(json::array(guild, "roles"), server.id.value());
  const Permissions may = everyone == nullptr ? 0 : discord::read_permissions(*everyone, "permissions");
  if ((may & (discord::kUseCommands | discord::kAdministrator)) == 0) {
    add(server.id, "commands", Level::warning,
        fmt::format("members of {} see no commands: @everyone lacks {}", server.name,
                    discord::permission_names(discord::kUseCommands)),
        "In Discord: Server Settings > Roles > Default Permissions, switch it on, unless other roles have "
        "it.");
  }
  if (!knows_application()) co_return;
  const auto changed = co_await rest_.call(discord::routes::kCommandPermissions, {.guild = server.id},
                                           known_.application, server.id);
  if (!changed && discord::api_code::of(changed.error()) == discord::api_code::kMissingAccess) {
    co_return add(
        server.id, "commands", Level::problem,
        fmt::format("{} shows no commands: the bot was added without applications.commands", server.name),
        "Whoever manages the server adds it once more with the address below; nothing is lost.");
  }
  if (!changed) co_return add_failure("commands", changed.error(), server.id);
  if (!changed->is_array()) co_return;
  for (const json::Value& command : changed->get_array()) check_hidden(server.id, command);
}

/// Has the server taken this command from everybody, or from every channel? Source: developer documentation,
/// "Application Command Permissions": the server's id is @everyone, one less all channels.
void DiscordCheckup::check_hidden(ServerId server, const json::Value& command) {
  const auto denied = [&](std::int64_t id) {
    const json::Value* entry = with_id(json::array(command, "permissions"), id);
    return entry != nullptr && !json::boolean(*entry, "permission").value_or(true);
  };
  const bool everybody = denied(server.value());
  if (!everybody && !denied(server.value() - 1)) return;
  const std::int64_t id = json::id(command, "id").value_or(0);
  const auto name = command_names_.find(id);
  const bool all = id == known_.application.value();
  if (!all && name == command_names_.end()) return;  // of a command that is not registered any more
  add(server, "commands", Level::warning,
      fmt::format("{} hidden from {}, but for what is allowed beside it",
                  all ? "all commands are" : name->second + " is", everybody ? "everyone" : "all channels"),
      "In Discord: Server Settings > Integrations > the bot, where roles, members and channels of commands "
      "are chosen.");
}

}  // namespace guildhall::bot
