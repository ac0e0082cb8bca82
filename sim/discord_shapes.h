// Discord's objects as JSON. Every object carries a field that no documentation names, as the real
// ones do: readers have to ignore it.
#pragma once

#include <string>

#include "base/clock.h"
#include "base/json.h"
#include "sim/world.h"

namespace guildhall::sim::shapes {

inline constexpr std::int64_t kApplicationFlags = (1 << 15) | (1 << 19);  // limited privileged intents

/// "2026-02-01T03:45:06.206000+00:00"
std::string iso_time(TimePoint at);

json::Object user(const DiscordUser& user);
/// As the user is told of himself, without the e-mail address, which takes a scope of its own.
json::Object own_user(const DiscordUser& user);
/// Without the user, as in MESSAGE_CREATE.
json::Object member_core(const Member& member);
json::Object member(const World& world, const Member& member);
json::Object role(const Role& role);
/// A channel or a thread.
json::Object channel(const Server& server, const Channel& channel);
/// With its uses, which not everybody is shown.
json::Object invite(const World& world, const Server& server, const Invite& invite);
json::Object audit_entry(const AuditEntry& entry);
/// The guild object of REST and GUILD_UPDATE.
json::Object guild(const Server& server);
/// One of a user's own servers.
json::Object own_guild(const Server& server, Snowflake user);
/// GUILD_CREATE: the members it lists are the bot alone, as without GUILD_PRESENCES.
json::Object guild_create(const World& world, const Server& server);
/// What everybody is told of it.
json::Object partial_application(const World& world);
json::Object application(const World& world);
json::Array application_emojis(const World& world);

}  // namespace guildhall::sim::shapes
