// Permission sets: 64 bits, in JSON a decimal string. Source: developer documentation, "Permissions".
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "platforms/discord/types.h"

namespace guildhall::discord {

constexpr Permissions permission_bit(int bit) { return Permissions{1} << bit; }

inline constexpr Permissions kCreateInvites = permission_bit(0);
inline constexpr Permissions kKickMembers = permission_bit(1);
inline constexpr Permissions kBanMembers = permission_bit(2);
inline constexpr Permissions kAdministrator = permission_bit(3);
inline constexpr Permissions kManageChannels = permission_bit(4);
inline constexpr Permissions kManageGuild = permission_bit(5);
inline constexpr Permissions kViewAuditLog = permission_bit(7);
inline constexpr Permissions kViewChannel = permission_bit(10);
inline constexpr Permissions kSendMessages = permission_bit(11);
inline constexpr Permissions kSendTtsMessages = permission_bit(12);
inline constexpr Permissions kManageMessages = permission_bit(13);
inline constexpr Permissions kEmbedLinks = permission_bit(14);
inline constexpr Permissions kAttachFiles = permission_bit(15);
inline constexpr Permissions kReadMessageHistory = permission_bit(16);
inline constexpr Permissions kMentionEveryone = permission_bit(17);
inline constexpr Permissions kConnect = permission_bit(20);
inline constexpr Permissions kManageRoles = permission_bit(28);
inline constexpr Permissions kManageWebhooks = permission_bit(29);
inline constexpr Permissions kUseCommands = permission_bit(31);
inline constexpr Permissions kManageThreads = permission_bit(34);
inline constexpr Permissions kCreatePublicThreads = permission_bit(35);
inline constexpr Permissions kSendMessagesInThreads = permission_bit(38);
inline constexpr Permissions kPinMessages = permission_bit(51);
/// Every bit that is assigned (0 to 52 without 47): what owners and administrators have.
inline constexpr Permissions kAllPermissions = (permission_bit(53) - 1) & ~permission_bit(47);
/// What a member in a timeout keeps.
inline constexpr Permissions kInTimeout = kViewChannel | kReadMessageHistory;

/// As Discord's own pages call them in English: `"View Channels" and "Send Messages"`.
std::string permission_names(Permissions permissions);

/// What a channel says otherwise, for a role or for one member.
struct Overwrite {
  std::int64_t id = 0;  // the role's or the member's; the guild's own id is @everyone
  bool of_member = false;
  Permissions allow = 0;
  Permissions deny = 0;
};

/// As far as permissions go. A thread has the overwrites of its parent.
enum class ChannelKind : std::uint8_t { text, voice, thread };

/// Whose permissions they are.
struct Holder {
  DiscordUserId user;
  std::span<const RoleId> roles;
  bool timed_out = false;
};

/// In the guild as a whole. `held`: the bits of @everyone and of the member's roles together.
constexpr Permissions guild_permissions(bool owner, Permissions held) {
  return owner || (held & kAdministrator) != 0 ? kAllPermissions : held;
}

/// In a channel: what the guild gives, changed by the overwrites of @everyone, then of the roles together
/// (an allowing one wins over a denying one), then of the member; in a timeout he may only read.
Permissions channel_permissions(Permissions in_guild, ServerId guild, const Holder& holder,
                                std::span<const Overwrite> overwrites);

/// Those of them that are of any use: who cannot see a channel can do nothing there, who cannot send neither
/// embeds nor attaches nor pings everyone. In a thread SEND_MESSAGES_IN_THREADS decides of SEND_MESSAGES.
Permissions usable_permissions(Permissions in_channel, ChannelKind kind);

/// What it takes in such a channel to do what takes `needed` in a text channel.
Permissions needed_in(ChannelKind kind, Permissions needed);

/// May run the guild: ADMINISTRATOR or MANAGE_GUILD.
constexpr bool may_manage(Permissions permissions) {
  return (permissions & (kAdministrator | kManageGuild)) != 0;
}

}  // namespace guildhall::discord
