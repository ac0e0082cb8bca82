// Discord's permission bits and who holds which where (documentation: "Permissions").
#pragma once

#include <cstdint>

#include "base/clock.h"
#include "sim/mint.h"

namespace guildhall::sim {

struct Server;
struct Channel;
struct Role;

namespace permission {
inline constexpr std::uint64_t kCreateInvite = 1ULL << 0;
inline constexpr std::uint64_t kKickMembers = 1ULL << 1;
inline constexpr std::uint64_t kBanMembers = 1ULL << 2;
inline constexpr std::uint64_t kAdministrator = 1ULL << 3;
inline constexpr std::uint64_t kManageChannels = 1ULL << 4;
inline constexpr std::uint64_t kManageGuild = 1ULL << 5;
inline constexpr std::uint64_t kAddReactions = 1ULL << 6;
inline constexpr std::uint64_t kViewAuditLog = 1ULL << 7;
inline constexpr std::uint64_t kViewChannel = 1ULL << 10;
inline constexpr std::uint64_t kSendMessages = 1ULL << 11;
inline constexpr std::uint64_t kManageMessages = 1ULL << 13;
inline constexpr std::uint64_t kEmbedLinks = 1ULL << 14;
inline constexpr std::uint64_t kAttachFiles = 1ULL << 15;
inline constexpr std::uint64_t kReadMessageHistory = 1ULL << 16;
inline constexpr std::uint64_t kMentionEveryone = 1ULL << 17;
inline constexpr std::uint64_t kManageNicknames = 1ULL << 27;
inline constexpr std::uint64_t kManageRoles = 1ULL << 28;
inline constexpr std::uint64_t kManageWebhooks = 1ULL << 29;
inline constexpr std::uint64_t kUseApplicationCommands = 1ULL << 31;
inline constexpr std::uint64_t kManageThreads = 1ULL << 34;
inline constexpr std::uint64_t kCreatePublicThreads = 1ULL << 35;
inline constexpr std::uint64_t kCreatePrivateThreads = 1ULL << 36;
inline constexpr std::uint64_t kSendInThreads = 1ULL << 38;
inline constexpr std::uint64_t kModerateMembers = 1ULL << 40;
inline constexpr std::uint64_t kPinMessages = 1ULL << 51;
inline constexpr std::uint64_t kAll = ((1ULL << 53) - 1) & ~(1ULL << 47);  // that one means nothing
}  // namespace permission

/// The bits that a member holds in a channel at that moment, in which he may be timed out; 0 for somebody
/// who is no member. A thread has the overwrites of the channel that it hangs on.
std::uint64_t effective_permissions(const Server& server, Snowflake user, const Channel& channel,
                                    TimePoint now);
/// The bits from roles alone.
std::uint64_t server_permissions(const Server& server, Snowflake user);
/// Does the one member stand above the other? The owner does, above everybody. Of two roles at one position
/// the older one is the higher.
bool is_above(const Server& server, Snowflake user, Snowflake other);
/// Does the member stand above a role?
bool is_above_role(const Server& server, Snowflake user, const Role& role);

}  // namespace guildhall::sim
