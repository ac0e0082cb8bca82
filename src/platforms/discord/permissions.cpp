#include "platforms/discord/permissions.h"

#include <algorithm>

namespace guildhall::discord {

Permissions guild_permissions(const GuildSnapshot& guild, DiscordUserId member,
                              std::span<const RoleId> roles) {
  if (guild.owner == member) return kAllPermissions;
  Permissions held = 0;
  for (const Role& role : guild.roles) {
    const bool everyone = role.id.value() == guild.id.value();
    if (everyone || std::ranges::find(roles, role.id) != roles.end()) held |= role.permissions;
  }
  return (held & kAdministrator) != 0 ? kAllPermissions : held;
}

}  // namespace guildhall::discord
