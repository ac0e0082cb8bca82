#include "platforms/discord/rest_call.h"

#include <charconv>

#include "base/text.h"

namespace guildhall::discord {
namespace {

constexpr std::size_t kLongestReason = 512;

}  // namespace

RestCall::RestCall(const RouteSpec& which, std::initializer_list<std::string_view> arguments)
    : route(&which), repeatable(which.repeatable), urgency(which.urgency) {
  path.reserve(which.path.size() + 24 * arguments.size());
  std::string_view rest = which.path;
  for (const std::string_view argument : arguments) {
    const auto brace = rest.find('{');
    path += rest.substr(0, brace);
    rest.remove_prefix(rest.find('}', brace) + 1);
    const std::size_t begin = path.size();
    path += net::percent_encode(argument);
    if (which.path[which.path.size() - rest.size() - 2] != '*') continue;
    if (major_size == 0) major_begin = begin;
    major_size = path.size() - major_begin;
  }
  path += rest;
}

Lane RestCall::lane() const {
  const std::string_view major = std::string_view(path).substr(major_begin, major_size);
  std::uint64_t share = 0;
  if (guild) {
    share = static_cast<std::uint64_t>(guild->value());
  } else {
    std::from_chars(major.data(), major.data() + major.size(), share);
  }
  return {route, major, urgency, share};
}

RestAddress::RestAddress(const std::string& api_url, const std::string& token, std::string agent)
    : base(api_url + "/v10"), authorization("Bot " + token), user_agent(std::move(agent)) {}

net::HttpRequest http_request(RestCall& call, const RestAddress& address) {
  net::HttpRequest request;
  request.method = call.route->method;
  request.url.reserve(address.base.size() + call.path.size());
  request.url.append(address.base).append(call.path);
  request.headers.reserve(4);
  request.headers.emplace_back("user-agent", address.user_agent);
  if (call.route->bot_token) request.headers.emplace_back("authorization", address.authorization);
  if (!call.audit_reason.empty()) {
    request.headers.emplace_back("x-audit-log-reason",
                                 net::percent_encode(shorten(call.audit_reason, kLongestReason)));
  }
  if (call.body) {
    request.headers.emplace_back("content-type", "application/json");
    request.body = *std::move(call.body);
  }
  return request;
}

}  // namespace guildhall::discord
