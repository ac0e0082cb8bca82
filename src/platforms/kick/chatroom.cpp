#include "platforms/kick/chatroom.h"

#include <fmt/format.h>

#include "base/json.h"

namespace guildhall::kick {
namespace {

ErrorCode code_of(int status) {
  switch (status) {
    case 403: return ErrorCode::forbidden;
    case 404: return ErrorCode::not_found;
    case 429: return ErrorCode::rate_limited;
    default: return ErrorCode::unavailable;
  }
}

}  // namespace

Task<Result<std::int64_t>> find_chatroom(Client::Send send, std::string site_url, std::string slug,
                                         std::string broadcaster_id) {
  net::HttpRequest request;
  request.url = site_url + "/api/v2/channels/" + net::percent_encode(slug);
  request.headers.emplace_back("accept", "application/json");
  const auto response = co_await send(std::move(request));
  if (!response) co_return std::unexpected(response.error());
  if (response->status != 200)
    co_return fail(code_of(response->status), fmt::format("Kick's site answers {}", response->status));
  const auto channel = json::parse(response->body);
  const auto owner = channel ? json::id(*channel, "user_id") : std::nullopt;
  const json::Value* chatroom = channel ? json::find(*channel, "chatroom") : nullptr;
  const auto number = chatroom == nullptr ? std::nullopt : json::id(*chatroom, "id");
  if (!owner || !number || *number <= 0)
    co_return fail(ErrorCode::unavailable, "Kick's site does not answer as it used to");
  if (fmt::format("{}", *owner) != broadcaster_id)
    co_return fail(ErrorCode::conflict, "on Kick's site the channel is somebody else's");
  co_return *number;
}

}  // namespace guildhall::kick
