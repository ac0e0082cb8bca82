#include "platforms/discord/rest_call.h"

#include <fmt/format.h>

#include <charconv>

#include "base/text.h"

namespace guildhall::discord {
namespace {

constexpr std::size_t kLongestReason = 512;
constexpr int kMessageCallback = 4;
constexpr int kUpdateCallback = 7;

/// The number that text begins with; 0: none.
std::int64_t leading_number(std::string_view text) {
  std::int64_t number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

void fill_path(RestCall& call, std::initializer_list<std::string_view> arguments) {
  const std::string_view pattern = call.route->path;
  call.path.reserve(pattern.size() + 24 * arguments.size());
  std::string_view rest = pattern;
  for (const std::string_view argument : arguments) {
    const auto brace = rest.find('{');
    const bool major = rest[brace + 1] == '*';
    call.path += rest.substr(0, brace);
    rest.remove_prefix(rest.find('}', brace) + 1);
    const std::size_t begin = call.path.size();
    call.path += net::percent_encode(argument);
    if (!major) continue;
    if (call.major_size == 0) call.major_begin = begin;
    call.major_size = call.path.size() - call.major_begin;
  }
  call.path += rest;
}

/// The message in the body of a call; null when it carries none.
json::Value* message_in(json::Value& body, Text where) {
  const auto member = [&](std::string_view key) {
    return body.is_object() ? body.get_object().if_contains(key) : nullptr;
  };
  switch (where) {
    case Text::none: return nullptr;
    case Text::body: return &body;
    case Text::message: return member("message");
    case Text::data: break;
  }
  const auto type = json::integer(body, "type");
  return type == kMessageCallback || type == kUpdateCallback ? member("data") : nullptr;
}

Permissions needs_of(const RouteSpec& route, CallOptions& options) {
  if (!route.in_channel()) return route.needs;
  Permissions needs = route.needs | kViewChannel;
  if (!options.files.empty()) needs |= kAttachFiles;
  if (!options.body) return needs;
  if (json::find(*options.body, "message_reference") != nullptr) needs |= kReadMessageHistory;
  const json::Value* message = message_in(*options.body, route.text);
  const bool sends = message != nullptr && (route.needs & kSendMessages) != 0;
  return sends && !json::array(*message, "embeds").empty() ? needs | kEmbedLinks : needs;
}

/// Every text that is sent to people comes by here, so that none can ping anybody by chance.
Result<void> settle_message(json::Value* message, const CallOptions& options) {
  if (message == nullptr || !message->is_object()) return {};
  json::Object& fields = message->get_object();
  if (!fields.contains("allowed_mentions")) {
    fields["allowed_mentions"] = json::Object{{"parse", json::Array{}}};
  }
  const auto content = json::text(*message, "content");
  if (content && utf16_length(*content) > kLongestMessage) {
    return fail(ErrorCode::too_large,
                fmt::format("a Discord message has at most {} characters", kLongestMessage));
  }
  return options.files.empty() ? Result<void>{} : attach(fields, options.files, options.largest_file);
}

Result<void> fill_body(RestCall& call, CallOptions& options) {
  if (call.route->has_body && !options.body) options.body = json::Object{};
  if (!options.body) return {};
  auto settled = settle_message(message_in(*options.body, call.route->text), options);
  if (!settled) return settled;
  call.body = json::write(*options.body);
  if (options.files.empty()) return {};
  auto form = multipart(*call.body, options.files);
  call.body = std::move(form.body);
  call.content_type = std::move(form.content_type);
  return {};
}

}  // namespace

Lane RestCall::lane() const {
  const std::string_view major = std::string_view(path).substr(major_begin, major_size);
  const std::int64_t share = guild ? guild->value() : leading_number(major);
  return {route, major, urgency, static_cast<std::uint64_t>(share)};
}

std::optional<ServerId> RestCall::in_guild() const {
  if (guild || !route->in_guild()) return guild;
  return ServerId(leading_number(lane().major));
}

DiscordChannelId RestCall::in_channel() const {
  return DiscordChannelId(route->in_channel() ? leading_number(lane().major) : 0);
}

Result<RestCall> make_call(const RouteSpec& route, std::initializer_list<std::string_view> arguments,
                           CallOptions options) {
  RestCall call;
  call.route = &route;
  fill_path(call, arguments);
  if (!options.query.empty()) {
    call.path += call.path.find('?') == std::string::npos ? '?' : '&';
    call.path += net::write_query(options.query);
  }
  auto filled = fill_body(call, options);
  if (!filled) return std::unexpected(std::move(filled.error()));
  const bool once_by_nonce = options.body && json::boolean(*options.body, "enforce_nonce").value_or(false);
  call.repeatable = route.again == Again::yes || once_by_nonce;
  call.reason = std::move(options.reason);
  call.urgency = options.urgency.value_or(route.urgency);
  call.guild = options.guild;
  call.needs = needs_of(route, options);
  return call;
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
  if (call.route->with_token()) request.headers.emplace_back("authorization", address.authorization);
  if (call.route->audited && !call.reason.empty()) {
    request.headers.emplace_back("x-audit-log-reason",
                                 net::percent_encode(shorten(call.reason, kLongestReason)));
  }
  if (call.body) {
    request.headers.emplace_back("content-type", std::move(call.content_type));
    request.body = *std::move(call.body);
  }
  return request;
}

}  // namespace guildhall::discord
