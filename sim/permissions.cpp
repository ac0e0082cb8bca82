#include "sim/permissions.h"

#include <algorithm>

#include "sim/world.h"

namespace guildhall::sim {

using namespace permission;  // NOLINT: a list of bits

std::uint64_t server_permissions(const Server& server, Snowflake user) {
  const auto member = server.members.find(user);
  if (member == server.members.end()) return 0;
  if (user == server.owner) return kAll;
  std::uint64_t bits = server.roles.front().permissions;
  for (const Snowflake id : member->second.roles) {
    if (const Role* role = server.role(id)) bits |= role->permissions;
  }
  return (bits & kAdministrator) != 0 ? kAll : bits;
}

namespace {

/// The overwrites of everyone, then of all roles together, then of the member.
std::uint64_t overwritten(std::uint64_t bits, const Server& server, const Member& member,
                          const Channel& channel) {
  std::uint64_t allow = 0;
  std::uint64_t deny = 0;
  for (const Overwrite& overwrite : channel.overwrites) {
    if (overwrite.id == server.id) bits = (bits & ~overwrite.deny) | overwrite.allow;
    if (std::ranges::find(member.roles, overwrite.id) == member.roles.end()) continue;
    allow |= overwrite.allow;
    deny |= overwrite.deny;
  }
  bits = (bits & ~deny) | allow;
  for (const Overwrite& overwrite : channel.overwrites) {
    if (overwrite.is_member && overwrite.id == member.user) bits = (bits & ~overwrite.deny) | overwrite.allow;
  }
  return bits;
}

/// {position, age}: the higher, the more. Everyone's role where there is no other.
std::pair<int, Snowflake> rank(const Role& role) { return {role.position, ~role.id}; }
std::pair<int, Snowflake> highest_rank(const Server& server, Snowflake user) {
  std::pair<int, Snowflake> highest = rank(server.roles.front());
  const auto member = server.members.find(user);
  if (member == server.members.end()) return highest;
  for (const Snowflake id : member->second.roles) {
    if (const Role* role = server.role(id)) highest = std::max(highest, rank(*role));
  }
  return highest;
}

}  // namespace

std::uint64_t effective_permissions(const Server& server, Snowflake user, const Channel& channel,
                                    TimePoint now) {
  std::uint64_t bits = server_permissions(server, user);
  const auto found = server.members.find(user);
  if (found == server.members.end() || bits == kAll) return bits;
  const Member& member = found->second;
  const bool thread = channel.is_thread();
  bits = overwritten(bits, server, member, thread ? *server.channel(channel.parent) : channel);
  if (thread) bits = (bits & kSendInThreads) != 0 ? bits | kSendMessages : bits & ~kSendMessages;
  if (member.timed_out_until > now) bits &= kViewChannel | kReadMessageHistory;
  if ((bits & kViewChannel) == 0) return 0;
  if ((bits & kSendMessages) == 0) bits &= ~(kMentionEveryone | kAttachFiles | kEmbedLinks);
  return bits;
}

bool is_above(const Server& server, Snowflake user, Snowflake other) {
  if (user == server.owner || other == server.owner) return user == server.owner && other != server.owner;
  return highest_rank(server, user) > highest_rank(server, other);
}

bool is_above_role(const Server& server, Snowflake user, const Role& role) {
  return user == server.owner || highest_rank(server, user) > rank(role);
}

}  // namespace guildhall::sim
