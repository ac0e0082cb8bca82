#include "sim/discord_shapes.h"

#include <fmt/format.h>

#include "sim/permissions.h"

namespace guildhall::sim::shapes {
namespace {

std::string id(Snowflake value) { return std::to_string(value); }

json::Value text_or_null(const std::string& text) {
  return text.empty() ? json::Value(nullptr) : json::Value(text);
}

json::Value time_or_null(TimePoint at) {
  return at == TimePoint{} ? json::Value(nullptr) : json::Value(iso_time(at));
}

json::Object unannounced(json::Object object) {
  object["unannounced_field"] = json::Object{{"level", 3}, {"of", nullptr}};
  return object;
}

json::Array ids(const std::vector<Snowflake>& list) {
  json::Array out;
  for (const Snowflake value : list) out.emplace_back(id(value));
  return out;
}

json::Array roles(const Server& server) {
  json::Array out;
  for (const Role& entry : server.roles) out.emplace_back(role(entry));
  return out;
}

}  // namespace

std::string iso_time(TimePoint at) {
  const auto whole = std::chrono::floor<std::chrono::seconds>(at);
  std::string text = format_rfc3339(whole);
  text.pop_back();  // Z
  return fmt::format("{}.{:06}+00:00", text, (at - whole).count());
}

json::Object user(const DiscordUser& user) {
  return unannounced({{"id", id(user.id)},
                      {"username", user.username},
                      {"global_name", text_or_null(user.display_name)},
                      {"discriminator", user.bot ? "0420" : "0"},
                      {"avatar", nullptr},
                      {"bot", user.bot},
                      {"public_flags", 0},
                      {"flags", 0},
                      {"primary_guild", nullptr},
                      {"collectibles", nullptr},
                      {"avatar_decoration_data", nullptr}});
}

json::Object own_user(const DiscordUser& own) {
  json::Object out = user(own);
  out["mfa_enabled"] = false;
  out["locale"] = "en-US";
  return out;
}

json::Object member_core(const Member& member) {
  return unannounced({{"roles", ids(member.roles)},
                      {"nick", text_or_null(member.nick)},
                      {"avatar", nullptr},
                      {"banner", nullptr},
                      {"joined_at", iso_time(member.joined_at)},
                      {"premium_since", nullptr},
                      {"communication_disabled_until", time_or_null(member.timed_out_until)},
                      {"deaf", false},
                      {"mute", false},
                      {"pending", false},
                      {"flags", 0}});
}

json::Object member(const World& world, const Member& member) {
  json::Object out = member_core(member);
  out["user"] = user(*world.user(member.user));
  return out;
}

json::Object role(const Role& role) {
  return unannounced(
      {{"id", id(role.id)},
       {"name", role.name},
       {"permissions", std::to_string(role.permissions)},
       {"position", role.position},
       {"managed", role.managed},
       {"color", 0},
       {"colors", {{"primary_color", 0}, {"secondary_color", nullptr}, {"tertiary_color", nullptr}}},
       {"hoist", false},
       {"icon", nullptr},
       {"unicode_emoji", nullptr},
       {"mentionable", false},
       {"flags", 0},
       {"tags", json::Object{}}});
}

namespace {

json::Object thread(const Server& server, const Channel& thread) {
  return unannounced({{"id", id(thread.id)},
                      {"guild_id", id(server.id)},
                      {"type", thread.type},
                      {"name", thread.name},
                      {"parent_id", id(thread.parent)},
                      {"owner_id", id(thread.starter)},
                      {"last_message_id", nullptr},
                      {"rate_limit_per_user", 0},
                      {"message_count", 0},
                      {"member_count", 1},
                      {"total_message_sent", 0},
                      {"thread_metadata",
                       {{"archived", thread.archived},
                        {"archive_timestamp", iso_time(thread.archive_changed_at)},
                        {"auto_archive_duration", 1'440},
                        {"locked", false}}},
                      {"flags", 0}});
}

/// What an invite shows of a server to those who are not in it.
json::Object invited_to(const Server& server) {
  return {{"id", id(server.id)},
          {"name", server.name},
          {"splash", nullptr},
          {"banner", nullptr},
          {"description", nullptr},
          {"icon", nullptr},
          {"features", json::Array{"COMMUNITY"}},
          {"verification_level", 1},
          {"vanity_url_code", text_or_null(server.vanity_code)},
          {"nsfw_level", 0},
          {"nsfw", false},
          {"premium_subscription_count", 0}};
}

}  // namespace

json::Object invite(const World& world, const Server& server, const Invite& invite) {
  const Channel* channel = server.channel(invite.channel);
  const std::string name = channel == nullptr ? "" : channel->name;
  json::Value ends = nullptr;
  if (invite.max_age > 0) ends = iso_time(invite.created_at + std::chrono::seconds(invite.max_age));
  json::Object out = unannounced({{"type", 0},
                                  {"code", invite.code},
                                  {"guild", invited_to(server)},
                                  {"guild_id", id(server.id)},
                                  {"channel", {{"id", id(invite.channel)}, {"type", 0}, {"name", name}}},
                                  {"created_at", iso_time(invite.created_at)},
                                  {"expires_at", std::move(ends)},
                                  {"uses", invite.uses},
                                  {"max_uses", invite.max_uses},
                                  {"max_age", invite.max_age},
                                  {"temporary", false},
                                  {"flags", 0}});
  if (const DiscordUser* inviter = world.user(invite.inviter)) out["inviter"] = user(*inviter);
  return out;
}

json::Object audit_entry(const AuditEntry& entry) {
  json::Object out = unannounced({{"id", id(entry.id)},
                                  {"action_type", entry.action},
                                  {"user_id", id(entry.user)},
                                  {"target_id", id(entry.target)}});
  if (!entry.reason.empty()) out["reason"] = entry.reason;
  return out;
}

json::Object channel(const Server& server, const Channel& channel) {
  if (channel.is_thread()) return thread(server, channel);
  json::Array overwrites;
  for (const Overwrite& overwrite : channel.overwrites) {
    overwrites.push_back(json::Object{{"id", id(overwrite.id)},
                                      {"type", overwrite.is_member ? 1 : 0},
                                      {"allow", std::to_string(overwrite.allow)},
                                      {"deny", std::to_string(overwrite.deny)}});
  }
  return unannounced({{"id", id(channel.id)},
                      {"guild_id", id(server.id)},
                      {"type", channel.type},
                      {"name", channel.name},
                      {"position", channel.position},
                      {"permission_overwrites", std::move(overwrites)},
                      {"parent_id", nullptr},
                      {"topic", text_or_null(channel.topic)},
                      {"nsfw", false},
                      {"rate_limit_per_user", 0},
                      {"last_message_id", nullptr},
                      {"flags", 0}});
}

json::Object guild(const Server& server) {
  return unannounced({{"id", id(server.id)},
                      {"name", server.name},
                      {"owner_id", id(server.owner)},
                      {"icon", nullptr},
                      {"splash", nullptr},
                      {"discovery_splash", nullptr},
                      {"description", nullptr},
                      {"banner", nullptr},
                      {"roles", roles(server)},
                      {"emojis", json::Array{}},
                      {"stickers", json::Array{}},
                      {"features", json::Array{"COMMUNITY"}},
                      {"preferred_locale", "en-US"},
                      {"system_channel_id", id(server.chat().id)},
                      {"system_channel_flags", 0},
                      {"rules_channel_id", nullptr},
                      {"public_updates_channel_id", nullptr},
                      {"safety_alerts_channel_id", nullptr},
                      {"vanity_url_code", text_or_null(server.vanity_code)},
                      {"verification_level", 1},
                      {"home_header", nullptr},
                      {"widget_enabled", false},
                      {"widget_channel_id", nullptr},
                      {"max_presences", nullptr},
                      {"max_stage_video_channel_users", 50},
                      {"max_video_channel_users", 25},
                      {"nsfw", false},
                      {"incidents_data", nullptr},
                      {"default_message_notifications", 1},
                      {"explicit_content_filter", 2},
                      {"mfa_level", 0},
                      {"nsfw_level", 0},
                      {"premium_tier", 0},
                      {"premium_subscription_count", 0},
                      {"premium_progress_bar_enabled", false},
                      {"afk_channel_id", nullptr},
                      {"afk_timeout", 300},
                      {"application_id", nullptr},
                      {"max_members", 500'000},
                      {"region", "deprecated"}});
}

json::Object own_guild(const Server& server, Snowflake user) {
  return unannounced({{"id", id(server.id)},
                      {"name", server.name},
                      {"icon", nullptr},
                      {"banner", nullptr},
                      {"owner", server.owner == user},
                      {"permissions", std::to_string(server_permissions(server, user))},
                      {"features", json::Array{}}});
}

json::Object guild_create(const World& world, const Server& server) {
  json::Object out = guild(server);
  out["joined_at"] = iso_time(server.bot_joined_at);
  out["large"] = server.members.size() > 250;
  out["unavailable"] = false;
  out["member_count"] = server.members.size();
  json::Array members;
  if (const auto bot = server.members.find(world.bot.id); bot != server.members.end()) {
    members.emplace_back(member(world, bot->second));
  }
  out["members"] = std::move(members);
  json::Array channels;
  for (const Channel& entry : server.channels) {
    json::Object shape = channel(server, entry);
    shape.erase("guild_id");  // not repeated inside the guild
    channels.emplace_back(std::move(shape));
  }
  out["channels"] = std::move(channels);
  json::Array threads;
  for (const Channel& entry : server.threads) {
    if (!entry.archived) threads.emplace_back(channel(server, entry));
  }
  out["threads"] = std::move(threads);
  for (const char* key :
       {"voice_states", "presences", "stage_instances", "guild_scheduled_events", "soundboard_sounds"}) {
    out[key] = json::Array{};
  }
  return out;
}

json::Object partial_application(const World& world) {
  return unannounced({{"id", id(world.bot.id)},
                      {"name", "Guildhall"},
                      {"icon", nullptr},
                      {"description", ""},
                      {"type", nullptr},
                      {"bot_public", true},
                      {"bot_require_code_grant", false},
                      {"verify_key", std::string(64, '0')},
                      {"flags", kApplicationFlags},
                      {"flags_new", std::to_string(kApplicationFlags)}});
}

/// Two, of which one moves.
json::Array application_emojis(const World& world) {
  json::Array out;
  for (const auto& [name, number, animated] :
       {std::tuple{"live", 1, true}, std::tuple{"guildhall", 2, false}}) {
    out.emplace_back(json::Object{{"id", id(world.bot.id + number)},
                                  {"name", name},
                                  {"roles", json::Array{}},
                                  {"user", user(world.bot)},
                                  {"require_colons", true},
                                  {"managed", false},
                                  {"animated", animated},
                                  {"available", true}});
  }
  return out;
}

json::Object application(const World& world) {
  json::Object out = partial_application(world);
  out["redirect_uris"] = json::Array{};
  out["interactions_endpoint_url"] = nullptr;
  out["role_connections_verification_url"] = nullptr;
  out["approximate_user_install_count"] = 0;
  out["approximate_user_authorization_count"] = 0;
  out["explicit_content_filter"] = 0;
  out["eligible_oauth2_scopes"] = json::Array{};
  out["owner"] = user(world.users.begin()->second);
  out["team"] = nullptr;
  out["bot"] = user(world.bot);
  out["approximate_guild_count"] = world.servers.size();
  return out;
}

}  // namespace guildhall::sim::shapes
