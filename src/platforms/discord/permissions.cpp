#include "platforms/discord/permissions.h"

#include <algorithm>

namespace guildhall::discord {
namespace {

constexpr Permissions kOnlyWithSending = kMentionEveryone | kSendTtsMessages | kAttachFiles | kEmbedLinks;
constexpr Permissions kInTimeout = kViewChannel | kReadMessageHistory;

Permissions changed(Permissions before, Permissions deny, Permissions allow) {
  return (before & ~deny) | allow;
}

Permissions overwritten(Permissions permissions, ServerId guild, const Holder& holder,
                        std::span<const Overwrite> overwrites) {
  Overwrite everyone;
  Overwrite roles;
  Overwrite member;
  for (const Overwrite& one : overwrites) {
    if (one.of_member) {
      if (one.id == holder.user.value()) member = one;
    } else if (one.id == guild.value()) {
      everyone = one;
    } else if (std::ranges::find(holder.roles, RoleId(one.id)) != holder.roles.end()) {
      roles.deny |= one.deny;
      roles.allow |= one.allow;
    }
  }
  permissions = changed(permissions, everyone.deny, everyone.allow);
  permissions = changed(permissions, roles.deny, roles.allow);
  return changed(permissions, member.deny, member.allow);
}

}  // namespace

Permissions channel_permissions(Permissions in_guild, ServerId guild, const Holder& holder,
                                std::span<const Overwrite> overwrites) {
  if ((in_guild & kAdministrator) != 0) return kAllPermissions;
  const Permissions permissions = overwritten(in_guild, guild, holder, overwrites);
  return holder.timed_out ? permissions & kInTimeout : permissions;
}

Permissions usable_permissions(Permissions in_channel, ChannelKind kind) {
  if ((in_channel & kViewChannel) == 0) return 0;
  if (kind == ChannelKind::voice && (in_channel & kConnect) == 0) return kViewChannel;
  if (kind == ChannelKind::thread) {
    const bool may_send = (in_channel & kSendMessagesInThreads) != 0;
    in_channel = may_send ? in_channel | kSendMessages : in_channel & ~kSendMessages;
  }
  return (in_channel & kSendMessages) == 0 ? in_channel & ~kOnlyWithSending : in_channel;
}

}  // namespace guildhall::discord
