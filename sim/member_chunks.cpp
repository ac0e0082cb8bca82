#include "sim/member_chunks.h"

#include <algorithm>

#include "base/text.h"
#include "sim/discord_shapes.h"

namespace guildhall::sim {
namespace {

constexpr std::size_t kMostInChunk = 1'000;
constexpr std::size_t kMostFound = 100;
constexpr std::size_t kMostIds = 100;
constexpr std::size_t kLongestNonce = 32;  // bytes

/// What was asked for, and which of the ids nobody there has.
struct Found {
  std::vector<const Member*> members;
  json::Array missing;
};

Found find_by_ids(const Server& server, const json::Array& ids) {
  Found found;
  for (const json::Value& given : ids) {
    const auto id = json::id(json::Object{{"id", given}}, "id");
    const auto member = server.members.find(static_cast<Snowflake>(id.value_or(0)));
    if (member == server.members.end()) {
      found.missing.push_back(given);
    } else if (std::ranges::find(found.members, &member->second) == found.members.end()) {
      found.members.push_back(&member->second);
    }
  }
  return found;
}

Found find_by_name(const World& world, const Server& server, const MemberRequest& request) {
  const std::string wanted = to_lower_ascii(*request.query);
  const std::size_t asked = request.limit == 0 ? kMostFound : std::min(request.limit, kMostFound);
  const std::size_t most = request.everyone() ? server.members.size() : asked;
  Found found;
  for (const auto& [user, member] : server.members) {
    const bool named = to_lower_ascii(world.user(user)->username).starts_with(wanted) ||
                       to_lower_ascii(member.nick).starts_with(wanted);
    if (named && found.members.size() < most) found.members.push_back(&member);
  }
  return found;
}

}  // namespace

std::optional<MemberRequest> read_member_request(const json::Value& data) {
  MemberRequest request;
  request.server = static_cast<Snowflake>(json::id(data, "guild_id").value_or(0));
  request.query = json::text(data, "query");
  const auto limit = json::integer(data, "limit").value_or(0);
  request.limit = static_cast<std::size_t>(std::max<std::int64_t>(limit, 0));
  const json::Value* ids = json::find(data, "user_ids");
  if (ids != nullptr) request.user_ids = ids->is_array() ? ids->get_array() : json::Array{*ids};
  if (request.user_ids.size() > kMostIds) request.user_ids.resize(kMostIds);
  request.nonce = json::text_or(data, "nonce", "");
  if (request.nonce.size() > kLongestNonce) request.nonce.clear();
  if (request.server == 0 || (!request.query && ids == nullptr)) return std::nullopt;
  return request;
}

std::vector<json::Object> member_chunks(const World& world, const Server& server,
                                        const MemberRequest& request) {
  const Found found =
      request.query ? find_by_name(world, server, request) : find_by_ids(server, request.user_ids);
  const std::size_t count =
      std::max<std::size_t>(1, (found.members.size() + kMostInChunk - 1) / kMostInChunk);
  std::vector<json::Object> chunks;
  for (std::size_t index = 0; index < count; ++index) {
    json::Array members;
    const std::size_t end = std::min(found.members.size(), (index + 1) * kMostInChunk);
    for (std::size_t i = index * kMostInChunk; i < end; ++i)
      members.emplace_back(shapes::member(world, *found.members[i]));
    json::Object chunk{{"guild_id", std::to_string(server.id)},
                       {"members", std::move(members)},
                       {"chunk_index", index},
                       {"chunk_count", count}};
    if (!request.query) chunk["not_found"] = found.missing;
    if (!request.nonce.empty()) chunk["nonce"] = request.nonce;
    chunks.push_back(std::move(chunk));
  }
  return chunks;
}

}  // namespace guildhall::sim
