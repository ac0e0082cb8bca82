#include "platforms/discord/rest_call.h"

#include <fmt/format.h>

#include "base/text.h"

namespace guildhall::discord {
namespace {

constexpr std::size_t kLongestReason = 512;

}  // namespace

net::HttpRequest http_request(const RestCall& call, const RestAddress& address) {
  net::HttpRequest request;
  request.method = call.lane.method;
  request.url = fmt::format("{}/v10{}", address.api_url, call.path);
  request.headers.emplace_back("user-agent", address.user_agent);
  if (call.bot_token) request.headers.emplace_back("authorization", "Bot " + address.token);
  if (!call.audit_reason.empty()) {
    request.headers.emplace_back("x-audit-log-reason",
                                 net::percent_encode(shorten(call.audit_reason, kLongestReason)));
  }
  if (call.body) {
    request.headers.emplace_back("content-type", "application/json");
    request.body = *call.body;
  }
  return request;
}

}  // namespace guildhall::discord
