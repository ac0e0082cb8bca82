// Permission sets: 64 bits, in JSON a decimal string. Source: developer documentation, "Permissions".
#pragma once

#include <span>

#include "platforms/discord/types.h"

namespace guildhall::discord {

inline constexpr Permissions kAdministrator = Permissions{1} << 3;
inline constexpr Permissions kManageGuild = Permissions{1} << 5;
/// Every bit that is assigned (0 to 52 without 47): what owners and administrators have.
inline constexpr Permissions kAllPermissions = ((Permissions{1} << 53) - 1) & ~(Permissions{1} << 47);

/// What a member may do in the guild, channel overwrites left aside: everything for the owner and for
/// who holds ADMINISTRATOR, otherwise the bits of @everyone and of his roles together.
Permissions guild_permissions(const GuildSnapshot& guild, DiscordUserId member,
                              std::span<const RoleId> roles);

/// May run the guild: ADMINISTRATOR or MANAGE_GUILD.
constexpr bool may_manage(Permissions permissions) {
  return (permissions & (kAdministrator | kManageGuild)) != 0;
}

}  // namespace guildhall::discord
