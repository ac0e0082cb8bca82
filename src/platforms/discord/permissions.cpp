#include "platforms/discord/permissions.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <string_view>
#include <utility>

namespace guildhall::discord {
namespace {

constexpr Permissions kOnlyWithSending = kMentionEveryone | kSendTtsMessages | kAttachFiles | kEmbedLinks;

/// Of those that our calls need; the words of Discord's English client.
constexpr auto kNames = std::to_array<std::pair<Permissions, std::string_view>>({
    {kCreateInvites, "Create Invite"},
    {kKickMembers, "Kick Members"},
    {kBanMembers, "Ban Members"},
    {kAdministrator, "Administrator"},
    {kManageChannels, "Manage Channels"},
    {kManageGuild, "Manage Server"},
    {kViewAuditLog, "View Audit Log"},
    {kViewChannel, "View Channels"},
    {kSendMessages, "Send Messages"},
    {kManageMessages, "Manage Messages"},
    {kEmbedLinks, "Embed Links"},
    {kAttachFiles, "Attach Files"},
    {kReadMessageHistory, "Read Message History"},
    {kConnect, "Connect"},
    {kManageRoles, "Manage Roles"},
    {kManageWebhooks, "Manage Webhooks"},
    {kUseCommands, "Use Application Commands"},
    {kManageThreads, "Manage Threads"},
    {kCreatePublicThreads, "Create Public Threads"},
    {kSendMessagesInThreads, "Send Messages in Threads"},
    {kPinMessages, "Pin Messages"},
});

std::string name_of(Permissions one) {
  const auto* known = std::ranges::find(kNames, one, &std::pair<Permissions, std::string_view>::first);
  if (known != kNames.end()) return fmt::format("\"{}\"", known->second);
  return fmt::format("the permission of bit {}", std::countr_zero(one));
}

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

std::string permission_names(Permissions permissions) {
  std::string names;
  for (Permissions rest = permissions; rest != 0; rest &= rest - 1) {
    const Permissions one = rest & ~(rest - 1);
    if (!names.empty()) names += one == rest ? " and " : ", ";
    names += name_of(one);
  }
  return names;
}

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

Permissions needed_in(ChannelKind kind, Permissions needed) {
  if (kind == ChannelKind::voice) return needed | kConnect;
  if (kind == ChannelKind::text) return needed;
  if ((needed & kSendMessages) != 0) needed = (needed & ~kSendMessages) | kSendMessagesInThreads;
  if ((needed & kManageChannels) != 0) needed = (needed & ~kManageChannels) | kManageThreads;
  return needed;
}

}  // namespace guildhall::discord
