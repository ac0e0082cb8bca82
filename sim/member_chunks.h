// REQUEST_GUILD_MEMBERS and the chunks that answer it. Source: developer documentation, "Gateway Events".
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "sim/world.h"

namespace guildhall::sim {

struct MemberRequest {
  Snowflake server = 0;
  std::optional<std::string> query;  // how a username or nickname begins
  std::size_t limit = 0;             // 0: as many as are given out at all
  json::Array user_ids;              // as they were written
  std::string nonce;                 // empty: none was given, or one that is too long

  /// The full list, which needs an intent and may be asked for seldom.
  bool everyone() const { return query == "" && limit == 0; }
};

/// None where neither a query nor ids are given, or no server.
std::optional<MemberRequest> read_member_request(const json::Value& data);

/// The bodies of GUILD_MEMBERS_CHUNK, at least one: at most 1,000 members each. All that have no bound of
/// their own end at 100.
std::vector<json::Object> member_chunks(const World& world, const Server& server,
                                        const MemberRequest& request);

}  // namespace guildhall::sim
