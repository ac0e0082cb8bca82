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

std::uint64_t effective_permissions(const Server& server, Snowflake user, const Channel& channel) {
  std::uint64_t bits = server_permissions(server, user);
  if (bits == 0 || bits == kAll) return bits;
  const auto& roles = server.members.at(user).roles;
  std::uint64_t allow = 0;
  std::uint64_t deny = 0;
  for (const Overwrite& overwrite : channel.overwrites) {
    if (overwrite.id == server.id) bits = (bits & ~overwrite.deny) | overwrite.allow;
    if (std::find(roles.begin(), roles.end(), overwrite.id) == roles.end()) continue;
    allow |= overwrite.allow;
    deny |= overwrite.deny;
  }
  bits = (bits & ~deny) | allow;
  for (const Overwrite& overwrite : channel.overwrites) {
    if (overwrite.is_member && overwrite.id == user) bits = (bits & ~overwrite.deny) | overwrite.allow;
  }
  if ((bits & kViewChannel) == 0) return 0;
  if ((bits & kSendMessages) == 0) bits &= ~(kMentionEveryone | kAttachFiles | kEmbedLinks);
  return bits;
}

int highest_position(const Server& server, Snowflake user) {
  const auto member = server.members.find(user);
  if (member == server.members.end()) return 0;
  int highest = 0;
  for (const Snowflake id : member->second.roles) {
    if (const Role* role = server.role(id)) highest = std::max(highest, role->position);
  }
  return highest;
}

}  // namespace guildhall::sim
