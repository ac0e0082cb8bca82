#include "platforms/discord/sign_in.h"

#include <fmt/format.h>

#include "platforms/discord/parse.h"
#include "platforms/discord/rest_errors.h"

namespace guildhall::discord {
namespace {

constexpr const char* kScopes = "identify guilds";

/// The pages for people stand beside the API.
std::string origin_of(std::string_view api_url) {
  while (api_url.ends_with('/')) api_url.remove_suffix(1);
  if (api_url.ends_with("/api")) api_url.remove_suffix(4);
  return std::string(api_url);
}

/// Of the token's endpoint, whose errors are OAuth's own (RFC 6749 section 5.2).
Error token_error(const net::HttpResponse& response) {
  const auto body = json::parse(response.body);
  const std::string said = body ? json::text_or(*body, "error", "") : "";
  if (said == "invalid_client")
    return {ErrorCode::configuration, "Discord does not know discord.client_secret",
            "Copy it anew from the application's page OAuth2 in Discord's developer portal."};
  if (response.status == 429) return {ErrorCode::rate_limited, "Discord takes no sign-in just now"};
  if (response.status >= 400 && response.status < 500)
    return {ErrorCode::invalid, fmt::format("Discord refused the sign-in ({})", said.empty() ? "?" : said)};
  return {ErrorCode::unavailable, fmt::format("Discord answered {} to a sign-in", response.status)};
}

}  // namespace

std::string sign_in_address(const SignInOptions& options, ApplicationId client, std::string_view redirect_uri,
                            std::string_view state, std::string_view challenge) {
  // Who has agreed before is not asked again.
  const net::Query query{{"response_type", "code"},
                         {"client_id", client.str()},
                         {"scope", kScopes},
                         {"redirect_uri", std::string(redirect_uri)},
                         {"state", std::string(state)},
                         {"code_challenge", std::string(challenge)},
                         {"code_challenge_method", "S256"},
                         {"prompt", "none"}};
  return origin_of(options.api_url) + "/oauth2/authorize?" + net::write_query(query);
}

Task<Result<SignedIn>> SignInClient::finish(ApplicationId client, Proof proof) {
  const auto token = co_await exchange(client, std::move(proof));
  if (!token) co_return std::unexpected(token.error());
  co_return co_await read(*token);
}

Task<Result<SignedIn>> SignInClient::read(std::string token) {
  const auto self = co_await get("/v10/users/@me", token);
  if (!self) co_return std::unexpected(self.error());
  const auto user = read_user(*self);
  if (!user) co_return fail(ErrorCode::unavailable, "Discord did not say who signed in");
  const auto guilds = co_await get("/v10/users/@me/guilds", token);
  if (!guilds) co_return std::unexpected(guilds.error());
  SignedIn signed_in{*user, {}};
  if (!guilds->is_array())
    co_return fail(ErrorCode::unavailable, "Discord did not say which servers those are");
  for (const json::Value& guild : guilds->get_array()) {
    if (const auto id = read_id<ServerId>(guild, "id")) signed_in.servers.push_back(*id);
  }
  co_return signed_in;
}

net::HttpRequest SignInClient::request_to(std::string_view path) const {
  net::HttpRequest request;
  request.url = fmt::format("{}/api{}", origin_of(options_.api_url), path);
  request.headers.emplace_back("user-agent",
                               fmt::format("DiscordBot ({}, {})", options_.project_url, GUILDHALL_VERSION));
  return request;
}

/// What the code is worth: an access token.
Task<Result<std::string>> SignInClient::exchange(ApplicationId client, Proof proof) {
  const net::Query form{
      {"grant_type", "authorization_code"},         {"client_id", client.str()},
      {"client_secret", options_.client_secret},    {"code", std::move(proof.code)},
      {"code_verifier", std::move(proof.verifier)}, {"redirect_uri", std::move(proof.redirect_uri)}};
  net::HttpRequest request = request_to("/oauth2/token");
  request.method = "POST";
  request.headers.emplace_back("content-type", "application/x-www-form-urlencoded");
  request.body = net::write_query(form);
  const auto response = co_await http_(std::move(request));
  if (!response) co_return std::unexpected(response.error());
  if (response->status != 200) co_return std::unexpected(token_error(*response));
  const auto body = json::parse(response->body);
  auto token = body ? json::text(*body, "access_token") : std::nullopt;
  if (!token) co_return fail(ErrorCode::unavailable, "Discord answered a sign-in without a token");
  co_return *std::move(token);
}

Task<Result<json::Value>> SignInClient::get(std::string path, std::string token) {
  net::HttpRequest request = request_to(path);
  request.headers.emplace_back("authorization", "Bearer " + token);
  const auto response = co_await http_(std::move(request));
  if (!response) co_return std::unexpected(response.error());
  if (response->status >= 400) co_return std::unexpected(api_error(response->status, response->body));
  co_return json::parse(response->body);
}

}  // namespace guildhall::discord
