#include "platforms/kick/client.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "base/json.h"
#include "base/text.h"
#include "net/loops.h"

namespace guildhall::kick {
namespace {

constexpr std::size_t kMostIds = 50;
constexpr const char* kSubscriptions = "/public/v1/events/subscriptions";
constexpr std::int64_t kLongestQuiet = 60;  // seconds
constexpr std::int64_t kUnstatedQuiet = 2;  // the first time

/// `data` of an error may be an object or a text.
std::string error_text(const net::HttpResponse& response) {
  const auto body = json::parse(response.body);
  if (!body) return fmt::format("HTTP {}", response.status);
  for (const char* key : {"error_description", "error", "data", "message"}) {
    if (const auto text = json::text(*body, key); text && !text->empty())
      return fmt::format("HTTP {}: {}", response.status, *text);
  }
  return fmt::format("HTTP {}", response.status);
}

Error error_of(const net::HttpResponse& response) {
  const std::string text = "Kick: " + error_text(response);
  switch (response.status) {
    case 401: return {ErrorCode::unauthenticated, text};
    case 404: return {ErrorCode::not_found, text};
    case 429: return {ErrorCode::rate_limited, text};
    default: return {response.status >= 500 ? ErrorCode::unavailable : ErrorCode::refused_by_guard, text};
  }
}

/// Of a 500 nobody knows whether the message was posted all the same.
Error chat_error_of(const net::HttpResponse& response) {
  Error error = error_of(response);
  // Source: KickDevDocs #123, #143, of a bot that its app's settings do not let speak; #343 of the 500.
  const bool about_speaker =
      response.status == 403 || error.message.find("Channel not found") != std::string::npos;
  if (about_speaker) error.code = ErrorCode::forbidden;
  if (response.status == 500) error.code = ErrorCode::failed;
  return error;
}

/// Only the one word says that a grant is gone; a wrong secret of the app is nobody's fault but the
/// operator's.
ErrorCode token_error_of(int status, const Result<json::Value>& body) {
  const bool refused = status == 400 || status == 401;
  if (!refused) return ErrorCode::unavailable;
  const std::string word = body ? json::text_or(*body, "error", "") : "";
  return word == "invalid_grant" ? ErrorCode::unauthenticated : ErrorCode::configuration;
}

/// For how long a 429 wants no calls, after so many others in a row.
std::chrono::seconds quiet_of(const net::HttpResponse& response, int refusals) {
  const std::string stated = response.header("retry-after").value_or("");
  const std::int64_t unstated = kUnstatedQuiet << std::min(refusals, 5);
  const std::int64_t seconds = parse_amount(stated).value_or(unstated);
  return std::chrono::seconds(std::clamp<std::int64_t>(seconds, 0, kLongestQuiet));
}

Channel read_channel(const json::Value& object) {
  Channel channel;
  channel.broadcaster_user_id = fmt::format("{}", json::id(object, "broadcaster_user_id").value_or(0));
  channel.slug = json::text_or(object, "slug", "");
  channel.title = json::text_or(object, "stream_title", "");
  if (const json::Value* category = json::find(object, "category"))
    channel.category = json::text_or(*category, "name", "");
  if (const json::Value* stream = json::find(object, "stream")) {
    channel.is_live = json::boolean(*stream, "is_live");
    channel.viewers = json::integer(*stream, "viewer_count").value_or(0);
    channel.live_since = json::time(*stream, "start_time");
  }
  // Offline the moment is the year 1.
  if (!channel.is_live.value_or(false)) channel.live_since.reset();
  return channel;
}

/// A number, or that number as text.
std::chrono::seconds read_seconds(const json::Value& body, std::string_view key) {
  return std::chrono::seconds(json::id(body, key).value_or(0));
}

net::HttpRequest get(std::string url) {
  net::HttpRequest request;
  request.url = std::move(url);
  return request;
}

net::HttpRequest post_json(std::string url, const json::Value& body) {
  net::HttpRequest request;
  request.method = "POST";
  request.url = std::move(url);
  request.headers.emplace_back("content-type", "application/json");
  request.body = json::write(body);
  return request;
}

}  // namespace

std::string Client::authorize_url(std::string_view redirect_uri, std::string_view state,
                                  std::string_view challenge, std::string_view scopes) const {
  const net::Query query{{"response_type", "code"},
                         {"client_id", options_.client_id},
                         {"redirect_uri", std::string(redirect_uri)},
                         {"scope", std::string(scopes)},
                         {"state", std::string(state)},
                         {"code_challenge", std::string(challenge)},
                         {"code_challenge_method", "S256"}};
  return options_.oauth_url + "/oauth/authorize?" + net::write_query(query);
}

Task<Result<Tokens>> Client::exchange_code(std::string code, std::string verifier, std::string redirect_uri) {
  co_return co_await token_call({{"grant_type", "authorization_code"},
                                 {"code", std::move(code)},
                                 {"code_verifier", std::move(verifier)},
                                 {"redirect_uri", std::move(redirect_uri)}});
}

Task<Result<Tokens>> Client::refresh(std::string refresh_token) {
  co_return co_await token_call(
      {{"grant_type", "refresh_token"}, {"refresh_token", std::move(refresh_token)}});
}

Task<Result<Tokens>> Client::app_token() {
  co_return co_await token_call({{"grant_type", "client_credentials"}});
}

Task<Result<Tokens>> Client::token_call(net::Query form) {
  form["client_id"] = options_.client_id;
  form["client_secret"] = options_.client_secret;
  net::HttpRequest request;
  request.method = "POST";
  request.url = options_.oauth_url + "/oauth/token";
  request.headers.emplace_back("content-type", "application/x-www-form-urlencoded");
  request.body = net::write_query(form);
  const auto response = co_await send_(std::move(request));
  if (!response) co_return std::unexpected(response.error());
  const auto body = json::parse(response->body);
  if (response->status != 200 || !body) {
    co_return fail(token_error_of(response->status, body), "Kick: " + error_text(*response));
  }
  Tokens tokens{json::text_or(*body, "access_token", ""), json::text_or(*body, "refresh_token", ""),
                read_seconds(*body, "expires_in"), json::text_or(*body, "scope", "")};
  if (tokens.access_token.empty()) co_return fail(ErrorCode::unavailable, "Kick answered without a token");
  co_return tokens;
}

Task<Result<void>> Client::revoke(std::string refresh_token) {
  net::HttpRequest request;
  request.method = "POST";
  request.url = options_.oauth_url + "/oauth/revoke?" +
                net::write_query({{"token", std::move(refresh_token)}, {"token_hint_type", "refresh_token"}});
  const auto response = co_await send_(std::move(request));
  if (!response) co_return std::unexpected(response.error());
  if (response->status < 200 || response->status > 299) co_return std::unexpected(error_of(*response));
  co_return Result<void>{};
}

Task<bool> Client::wait_for_turn(Pace& pace, Time latest) {
  while (true) {
    const auto now = std::chrono::steady_clock::now();
    if (std::max(now, pace.quiet_until) > latest) co_return false;
    const std::chrono::duration<double> wait =
        pace.quiet_until > now ? pace.quiet_until - now : pace.bucket.take(now);
    if (wait.count() <= 0) co_return true;
    co_await net::sleep_for(std::chrono::duration_cast<std::chrono::nanoseconds>(wait));
  }
}

Task<Result<net::HttpResponse>> Client::exchange(net::HttpRequest request, Pace& pace, Time latest) {
  const bool ours = co_await wait_for_turn(pace, latest);
  if (!ours) co_return fail(ErrorCode::timeout, "Kick wants no calls for longer than this could wait");
  auto response = co_await send_(std::move(request));
  if (!response) co_return response;
  const bool refused = response->status == 429;
  if (refused) pace.quiet_until = std::chrono::steady_clock::now() + quiet_of(*response, pace.refusals);
  pace.refusals = refused ? pace.refusals + 1 : 0;
  co_return response;
}

Task<Result<json::Value>> Client::call(net::HttpRequest request) {
  const auto response = co_await exchange(std::move(request), pace_, Time::max());
  if (!response) co_return std::unexpected(response.error());
  if (response->status < 200 || response->status > 299) co_return std::unexpected(error_of(*response));
  if (response->body.empty()) co_return json::Value(nullptr);
  co_return json::parse(response->body);
}

Task<Result<json::Value>> Client::call_as_app(net::HttpRequest request) {
  for (int attempt = 0;; ++attempt) {
    if (app_token_.empty()) {
      const auto token = co_await app_token();
      if (!token) co_return std::unexpected(token.error());
      app_token_ = token->access_token;
    }
    net::HttpRequest authorized = request;
    authorized.headers.emplace_back("authorization", "Bearer " + app_token_);
    auto answer = co_await call(std::move(authorized));
    if (answer || answer.error().code != ErrorCode::unauthenticated || attempt > 0) co_return answer;
    app_token_.clear();
  }
}

Task<Result<User>> Client::own_user(std::string access_token) {
  net::HttpRequest request = get(options_.api_url + "/public/v1/users");
  request.headers.emplace_back("authorization", "Bearer " + access_token);
  const auto answer = co_await call(std::move(request));
  if (!answer) co_return std::unexpected(answer.error());
  const auto& users = json::array(*answer, "data");
  const auto id = users.empty() ? std::nullopt : json::id(users.front(), "user_id");
  if (!id) co_return fail(ErrorCode::unavailable, "Kick did not say whose token it is");
  co_return User{fmt::format("{}", *id), json::text_or(users.front(), "name", ""), ""};
}

Task<Result<std::vector<Channel>>> Client::channels(std::vector<std::string> broadcaster_ids) {
  if (broadcaster_ids.size() > kMostIds) co_return fail(ErrorCode::too_large, "at most 50 channels at once");
  std::string query;
  for (const std::string& id : broadcaster_ids)
    query += fmt::format("{}broadcaster_user_id={}", query.empty() ? "" : "&", id);
  const auto answer = co_await call_as_app(get(options_.api_url + "/public/v1/channels?" + query));
  if (!answer) co_return std::unexpected(answer.error());
  std::vector<Channel> channels;
  for (const json::Value& channel : json::array(*answer, "data")) channels.push_back(read_channel(channel));
  co_return channels;
}

Task<Result<std::string>> Client::public_key() {
  const auto answer = co_await call(get(options_.api_url + "/public/v1/public-key"));
  if (!answer) co_return std::unexpected(answer.error());
  const json::Value* data = json::find(*answer, "data");
  const auto key = data == nullptr ? std::nullopt : json::text(*data, "public_key");
  if (!key) co_return fail(ErrorCode::unavailable, "Kick answered without its public key");
  co_return *key;
}

Task<Result<std::vector<Subscription>>> Client::subscriptions(std::string broadcaster_id) {
  const std::string query = broadcaster_id.empty() ? "" : "?broadcaster_user_id=" + broadcaster_id;
  const auto answer = co_await call_as_app(get(options_.api_url + kSubscriptions + query));
  if (!answer) co_return std::unexpected(answer.error());
  std::vector<Subscription> held;
  for (const json::Value& one : json::array(*answer, "data")) {
    Subscription subscription{json::text_or(one, "id", ""),
                              fmt::format("{}", json::id(one, "broadcaster_user_id").value_or(0)),
                              json::text_or(one, "event", "")};
    // Others may come although one channel was asked for.
    if (broadcaster_id.empty() || subscription.broadcaster_user_id == broadcaster_id)
      held.push_back(std::move(subscription));
  }
  co_return held;
}

Task<Result<void>> Client::unsubscribe(std::vector<std::string> ids) {
  std::string query;
  for (const std::string& id : ids)
    query += fmt::format("{}id={}", query.empty() ? "?" : "&", net::percent_encode(id));
  net::HttpRequest request = get(options_.api_url + kSubscriptions + query);
  request.method = "DELETE";
  const auto answer = co_await call_as_app(std::move(request));
  if (!answer) co_return std::unexpected(answer.error());
  co_return Result<void>{};
}

Task<Result<Subscribed>> Client::subscribe(std::string broadcaster_id, std::vector<std::string> events) {
  Subscribed subscribed;
  if (events.empty()) co_return subscribed;
  json::Array wanted;
  for (const std::string& name : events) wanted.push_back({{"name", name}, {"version", 1}});
  std::int64_t id = 0;
  std::from_chars(broadcaster_id.data(), broadcaster_id.data() + broadcaster_id.size(), id);
  const json::Object body{{"method", "webhook"}, {"broadcaster_user_id", id}, {"events", std::move(wanted)}};
  const auto answer = co_await call_as_app(post_json(options_.api_url + kSubscriptions, body));
  if (!answer) co_return std::unexpected(answer.error());
  // A partial failure is inside a 200.
  for (const json::Value& result : json::array(*answer, "data")) {
    const std::string name = json::text_or(result, "name", "?");
    const std::string granted = json::text_or(result, "subscription_id", "");
    const std::string error = json::text_or(result, "error", "");
    if (!error.empty())
      subscribed.refused.push_back({name, error});
    else if (!granted.empty())
      subscribed.granted.push_back({granted, broadcaster_id, name});
  }
  co_return subscribed;
}

Task<Result<void>> Client::send_chat(std::string access_token, std::string type, std::string broadcaster_id,
                                     std::string text, Time latest) {
  json::Object body{{"type", type}, {"content", text}};
  if (type == "user") {
    std::int64_t id = 0;
    std::from_chars(broadcaster_id.data(), broadcaster_id.data() + broadcaster_id.size(), id);
    body["broadcaster_user_id"] = id;
  }
  net::HttpRequest request = post_json(options_.api_url + "/public/v1/chat", std::move(body));
  request.headers.emplace_back("authorization", "Bearer " + access_token);
  Pace& pace = chat_paces_.try_emplace(broadcaster_id, options_.calls_per_minute).first->second;
  const auto response = co_await exchange(std::move(request), pace, latest);
  if (!response) co_return std::unexpected(response.error());
  if (response->status < 200 || response->status > 299) co_return std::unexpected(chat_error_of(*response));
  const auto answer = json::parse(response->body);
  const json::Value* data = answer ? json::find(*answer, "data") : nullptr;
  if (data != nullptr && !json::boolean(*data, "is_sent").value_or(true))
    co_return fail(ErrorCode::refused_by_guard, "Kick did not send the message");
  co_return Result<void>{};
}

}  // namespace guildhall::kick
