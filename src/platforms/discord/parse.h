// Discord's JSON into types.h. Ids may be strings or numbers, unknown keys are ignored. An empty
// answer means that the object lacks what it cannot be used without (its ids).
#pragma once

#include <optional>

#include "base/json.h"
#include "platforms/discord/types.h"

namespace guildhall::discord {

template <class Id>
std::optional<Id> read_id(const json::Value& object, std::string_view key) {
  const auto number = json::id(object, key);
  return number ? std::optional<Id>(Id(*number)) : std::nullopt;
}

/// A decimal text of 64 bits; 0 where there is none.
Permissions read_permissions(const json::Value& object, std::string_view key);
/// Of a member.
std::vector<RoleId> read_role_ids(const json::Value& member);
/// Also for a guild of which only id and `unavailable` are known.
std::optional<GuildSnapshot> read_guild(const json::Value& guild);
/// `member` may be null: outside a guild.
std::optional<User> read_user(const json::Value& user, const json::Value* member = nullptr);
std::optional<MemberJoin> read_member_join(const json::Value& event);
/// Without its `event_id`, which the event itself does not hold.
std::optional<MemberLeave> read_member_leave(const json::Value& event);
std::optional<Message> read_message(const json::Value& event);
std::optional<Interaction> read_interaction(const json::Value& event);
std::optional<Ready> read_ready(const json::Value& event);
/// The answer of GET /gateway/bot.
std::optional<GatewayInfo> read_gateway_info(const json::Value& answer);

}  // namespace guildhall::discord
