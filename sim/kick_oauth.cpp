#include "sim/kick_oauth.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "base/crypto.h"
#include "base/text.h"

namespace guildhall::sim {
namespace {

constexpr std::chrono::seconds kUserLife{7'200};
constexpr std::chrono::hours kAppLife{60 * 24};
constexpr std::chrono::hours kRefreshLife{30 * 24};
constexpr std::chrono::minutes kCodeLife{5};
constexpr std::size_t kMostCodes = 1'000;
constexpr std::string_view kVerifierCharacters =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";

net::HttpResponse oauth_error(int status, std::string_view error, std::string_view description) {
  return json_response(status, json::Object{{"error", error}, {"error_description", description}});
}

std::string value_of(const net::Query& query, std::string_view name) {
  const auto found = query.find(name);
  return found == query.end() ? "" : found->second;
}

bool is_verifier(std::string_view text) {
  return text.size() >= 43 && text.size() <= 128 &&
         text.find_first_not_of(kVerifierCharacters) == std::string_view::npos;
}

std::string html_escape(std::string_view text) {
  std::string out;
  for (const char c : text) {
    out += c == '<' ? "&lt;" : c == '&' ? "&amp;" : c == '"' ? "&quot;" : std::string(1, c);
  }
  return out;
}

std::string derived(std::uint64_t seed, std::string_view what) {
  return hex(sha256(fmt::format("{} of {}", what, seed))).substr(0, 40);
}

}  // namespace

bool KickGrant::has_scope(std::string_view wanted) const {
  const auto scopes = split_words(scope);
  return std::find(scopes.begin(), scopes.end(), wanted) != scopes.end();
}

KickOAuth::KickOAuth(Stage& stage)
    : stage_(stage),
      client_id_("01" + derived(stage.seed, "client id").substr(0, 24)),
      client_secret_(derived(stage.seed, "client secret")) {}

net::HttpResponse KickOAuth::answer(const net::HttpRequest& request) {
  Call call{request, {}};
  const std::string at = request.method + " " + request.url;
  if (at == "GET /oauth/authorize") return authorize(call);
  if (at == "POST /oauth/token") return token(call);
  if (at == "POST /oauth/revoke") return revoke(call);
  if (at == "POST /oauth/token/introspect") return introspect(call);
  return oauth_error(404, "not_found", "no such address");
}

// Consent -------------------------------------------------------------------------------------------

net::HttpResponse KickOAuth::authorize(Call& call) {
  const net::Query& query = call.request.query;
  for (const char* name :
       {"response_type", "client_id", "redirect_uri", "scope", "state", "code_challenge"}) {
    if (value_of(query, name).empty())
      return oauth_error(400, "invalid_request", fmt::format("{} is required", name));
  }
  if (value_of(query, "response_type") != "code")
    return oauth_error(400, "unsupported_response_type", "code is needed");
  if (value_of(query, "client_id") != client_id_) return oauth_error(400, "invalid_client", "unknown client");
  if (value_of(query, "code_challenge_method") != "S256")
    return oauth_error(400, "invalid_request", "S256 is needed");
  const auto redirect = net::parse_url(value_of(query, "redirect_uri"));
  if (!redirect) return oauth_error(400, "invalid_request", "redirect_uri is no address");
  const std::string as = value_of(query, "as");
  if (as.empty()) return consent_page(call);
  const KickUser* user = stage_.world.kick_user(as);
  if (user == nullptr) return oauth_error(404, "access_denied", "nobody is called that");
  codes_.push_back({stage_.mint.token(40), value_of(query, "redirect_uri"), value_of(query, "code_challenge"),
                    value_of(query, "scope"), user->id, std::chrono::steady_clock::now()});
  if (codes_.size() > kMostCodes) codes_.pop_front();
  const std::string& target = codes_.back().redirect_uri;
  const net::Query answer{{"code", codes_.back().code}, {"state", value_of(query, "state")}};
  const char joint = target.find('?') == std::string::npos ? '?' : '&';
  return {302, {{"Location", target + joint + net::write_query(answer)}}, "", {}};
}

net::HttpResponse KickOAuth::consent_page(const Call& call) const {
  std::string page =
      "<!DOCTYPE html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>Simulated "
      "Kick</title></head><body>"
      "<h1>Simulated Kick</h1><p>Guildhall asks for: " +
      html_escape(value_of(call.request.query, "scope")) + "</p><p>Who are you?</p><ul>";
  const auto offer = [&](const KickUser& user, std::string_view note) {
    page += fmt::format("<li><a href=\"?{}&amp;as={}\">{}</a>{}</li>", html_escape(call.request.query_text),
                        user.slug, html_escape(user.username), note);
  };
  for (const KickChannel& channel : stage_.world.kick_channels) {
    offer(*stage_.world.kick_user(channel.broadcaster), " (streamer)");
  }
  for (const auto& [id, user] : stage_.world.kick_users) {
    const bool streamer =
        std::any_of(stage_.world.kick_channels.begin(), stage_.world.kick_channels.end(),
                    [&](const KickChannel& channel) { return channel.broadcaster == user.id; });
    if (!streamer && id != stage_.world.kick_bot.id) offer(user, "");
  }
  return net::make_response(200, "text/html; charset=utf-8", page + "</ul></body></html>");
}

// Tokens --------------------------------------------------------------------------------------------

net::HttpResponse KickOAuth::token(Call& call) {
  const std::string type = call.request.header("content-type").value_or("");
  if (!type.starts_with("application/x-www-form-urlencoded")) {
    return oauth_error(400, "invalid_request", "the body must be form encoded");
  }
  if (call.request.header("authorization"))
    return oauth_error(400, "invalid_request", "credentials belong into the form");
  const net::Query form = net::parse_query(call.request.body);
  if (value_of(form, "client_id") != client_id_ || value_of(form, "client_secret") != client_secret_) {
    return oauth_error(401, "invalid_client", "unknown client");
  }
  const std::string grant = value_of(form, "grant_type");
  if (grant == "authorization_code") return by_code(form);
  if (grant == "refresh_token") return by_refresh(form);
  if (grant == "client_credentials") return for_app();
  return oauth_error(400, "unsupported_grant_type", grant);
}

net::HttpResponse KickOAuth::by_code(const net::Query& form) {
  const auto found = std::find_if(codes_.begin(), codes_.end(),
                                  [&](const Code& code) { return code.code == value_of(form, "code"); });
  if (found == codes_.end()) return oauth_error(400, "invalid_grant", "unknown code");
  const Code code = std::move(*found);
  codes_.erase(found);
  const std::string verifier = value_of(form, "code_verifier");
  const bool fits = std::chrono::steady_clock::now() - code.made < kCodeLife && is_verifier(verifier) &&
                    base64url(sha256(verifier)) == code.challenge &&
                    value_of(form, "redirect_uri") == code.redirect_uri;
  if (!fits)
    return oauth_error(400, "invalid_grant", "code, verifier and redirect address do not belong together");
  return pair(code.user, code.scope, stage_.mint.ulid());
}

net::HttpResponse KickOAuth::by_refresh(const net::Query& form) {
  const auto token = read(value_of(form, "refresh_token"));
  if (!token || token->kind != Kind::refresh || !alive(*token)) {
    return oauth_error(400, "invalid_grant", "the refresh token is not valid");
  }
  const bool first_use = used_.insert(token->serial).second;
  if (!first_use && stage_.faults.on(Fault::kick_single_use_refresh)) {
    return oauth_error(400, "invalid_grant", "the refresh token was used before");
  }
  return pair(token->user, token->scope, token->grant);
}

net::HttpResponse KickOAuth::for_app() {
  const Token token{Kind::app, 0, "", stage_.clock.now(), stage_.mint.ulid(), stage_.mint.ulid()};
  return json_response(200, json::Object{{"access_token", write(token)},
                                         {"token_type", "Bearer"},
                                         {"expires_in", std::chrono::seconds(kAppLife).count()}});
}

net::HttpResponse KickOAuth::pair(KickId user, const std::string& scope, const std::string& grant) {
  const TimePoint now = stage_.clock.now();
  const Token access{Kind::access, user, scope, now, grant, stage_.mint.ulid()};
  const Token refresh{Kind::refresh, user, scope, now, grant, stage_.mint.ulid()};
  return json_response(200, json::Object{{"access_token", write(access)},
                                         {"token_type", "Bearer"},
                                         {"refresh_token", write(refresh)},
                                         {"expires_in", kUserLife.count()},
                                         {"scope", scope}});
}

net::HttpResponse KickOAuth::revoke(Call& call) {
  const auto token = read(call.query("token").value_or(""));
  if (!token) return oauth_error(400, "invalid_request", "no such token");
  revoked_.insert(token->grant);
  return net::make_response(200, "text/plain", "OK");
}

net::HttpResponse KickOAuth::introspect(Call& call) {
  const auto grant = grant_of(call.request);
  if (!grant) return json_response(200, json::Object{{"data", {{"active", false}}}, {"message", "OK"}});
  const auto expires = std::chrono::floor<std::chrono::seconds>(grant->expires_at).time_since_epoch().count();
  return json_response(200, json::Object{{"data",
                                          {{"active", true},
                                           {"client_id", client_id_},
                                           {"token_type", grant->app ? "app" : "user"},
                                           {"scope", grant->scope},
                                           {"exp", expires}}},
                                         {"message", "OK"}});
}

std::string KickOAuth::write(const Token& token) const {
  const std::string facts = json::write(json::Object{{"kind", static_cast<int>(token.kind)},
                                                     {"user", token.user},
                                                     {"scope", token.scope},
                                                     {"issued_at", to_micros(token.issued_at)},
                                                     {"grant", token.grant},
                                                     {"serial", token.serial}});
  return fmt::format("{}.{}", hex(facts), hex(sha256(client_secret_ + facts)));
}

std::optional<KickOAuth::Token> KickOAuth::read(std::string_view text) const {
  const auto dot = text.find('.');
  if (dot == std::string_view::npos || dot % 2 != 0) return std::nullopt;
  std::string facts;
  for (std::size_t i = 0; i < dot; i += 2) {
    int byte = 0;
    std::from_chars(text.data() + i, text.data() + i + 2, byte, 16);
    facts += static_cast<char>(byte);
  }
  if (text.substr(dot + 1) != hex(sha256(client_secret_ + facts))) return std::nullopt;
  const auto parsed = json::parse(facts);
  if (!parsed) return std::nullopt;
  return Token{static_cast<Kind>(json::integer(*parsed, "kind").value_or(0)),
               json::integer(*parsed, "user").value_or(0),
               json::text_or(*parsed, "scope", ""),
               from_micros(json::integer(*parsed, "issued_at").value_or(0)),
               json::text_or(*parsed, "grant", ""),
               json::text_or(*parsed, "serial", "")};
}

namespace {

template <class Kind>
Duration life_of(Kind kind) {
  return kind == Kind::access    ? Duration(kUserLife)
         : kind == Kind::refresh ? Duration(kRefreshLife)
                                 : Duration(kAppLife);
}

}  // namespace

bool KickOAuth::alive(const Token& token) const {
  return !revoked_.contains(token.grant) && stage_.clock.now() < token.issued_at + life_of(token.kind);
}

std::optional<KickGrant> KickOAuth::grant_of(const net::HttpRequest& request) const {
  const std::string header = request.header("authorization").value_or("");
  if (!header.starts_with("Bearer ")) return std::nullopt;
  const auto token = read(std::string_view(header).substr(7));
  if (!token || token->kind == Kind::refresh || !alive(*token)) return std::nullopt;
  return KickGrant{token->kind == Kind::app, token->user, token->scope,
                   token->issued_at + life_of(token->kind)};
}

}  // namespace guildhall::sim
