#include "sim/kick_oauth.h"

#include <fmt/format.h>

#include <algorithm>

#include "sim/oauth.h"

namespace guildhall::sim {
namespace {

using oauth::value_of;

constexpr std::chrono::seconds kUserLife{7'200};
constexpr std::chrono::hours kAppLife{60 * 24};
constexpr std::chrono::hours kRefreshLife{30 * 24};
constexpr std::chrono::minutes kCodeLife{5};
constexpr std::size_t kMostCodes = 1'000;
constexpr std::size_t kMostSecrets = 10'000;

}  // namespace

bool KickGrant::has_scope(std::string_view wanted) const { return oauth::has_scope(scope, wanted); }

KickOAuth::KickOAuth(Stage& stage)
    : stage_(stage),
      client_id_("01" + oauth::secret_of(stage.seed, "client id").substr(0, 24)),
      client_secret_(oauth::secret_of(stage.seed, "client secret")) {}

net::HttpResponse KickOAuth::answer(const net::HttpRequest& request) {
  Call call{request, {}};
  const std::string at = request.method + " " + request.url;
  if (at == "GET /oauth/authorize") return authorize(call);
  if (at == "POST /oauth/token") return token(call);
  if (at == "POST /oauth/revoke") return revoke(call);
  if (at == "POST /oauth/token/introspect") return introspect(call);
  return oauth::error(404, "not_found", "no such address");
}

// Consent -------------------------------------------------------------------------------------------

net::HttpResponse KickOAuth::authorize(Call& call) {
  const net::Query& query = call.request.query;
  for (const char* name :
       {"response_type", "client_id", "redirect_uri", "scope", "state", "code_challenge"}) {
    if (value_of(query, name).empty())
      return oauth::error(400, "invalid_request", fmt::format("{} is required", name));
  }
  if (value_of(query, "response_type") != "code")
    return oauth::error(400, "unsupported_response_type", "code is needed");
  if (value_of(query, "client_id") != client_id_)
    return oauth::error(400, "invalid_client", "unknown client");
  if (value_of(query, "code_challenge_method") != "S256")
    return oauth::error(400, "invalid_request", "S256 is needed");
  const auto redirect = net::parse_url(value_of(query, "redirect_uri"));
  if (!redirect) return oauth::error(400, "invalid_request", "redirect_uri is no address");
  if (!value_of(query, "deny").empty()) {
    return oauth::redirect(value_of(query, "redirect_uri"),
                           {{"error", "access_denied"}, {"state", value_of(query, "state")}});
  }
  const std::string as = value_of(query, "as");
  if (as.empty()) return consent_page(call);
  const KickUser* user = stage_.world.kick_user(as);
  if (user == nullptr) return oauth::error(404, "access_denied", "nobody is called that");
  codes_.push_back({stage_.mint.token(40), value_of(query, "redirect_uri"), value_of(query, "code_challenge"),
                    value_of(query, "scope"), user->id, std::chrono::steady_clock::now()});
  if (codes_.size() > kMostCodes) codes_.pop_front();
  note_secret(codes_.back().code);
  return oauth::redirect(codes_.back().redirect_uri,
                         {{"code", codes_.back().code}, {"state", value_of(query, "state")}});
}

net::HttpResponse KickOAuth::consent_page(const Call& call) const {
  std::string page =
      "<!DOCTYPE html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>Simulated "
      "Kick</title></head><body>"
      "<h1>Simulated Kick</h1><p>Guildhall asks for: " +
      oauth::html_escape(value_of(call.request.query, "scope")) + "</p><p>Who are you?</p><ul>";
  const auto offer = [&](const KickUser& user, std::string_view note) {
    page += fmt::format("<li><a href=\"?{}&amp;as={}\">{}</a>{}</li>",
                        oauth::html_escape(call.request.query_text), user.slug,
                        oauth::html_escape(user.username), note);
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
  page += fmt::format("</ul><p><a href=\"?{}&amp;deny=1\">Deny</a></p>",
                      oauth::html_escape(call.request.query_text));
  return net::make_response(200, "text/html; charset=utf-8", page + "</body></html>");
}

// Tokens --------------------------------------------------------------------------------------------

net::HttpResponse KickOAuth::token(Call& call) {
  if (!oauth::is_form(call.request))
    return oauth::error(400, "invalid_request", "the body must be form encoded");
  if (call.request.header("authorization"))
    return oauth::error(400, "invalid_request", "credentials belong into the form");
  const net::Query form = net::parse_query(call.request.body);
  if (value_of(form, "client_id") != client_id_ || value_of(form, "client_secret") != client_secret_) {
    return oauth::error(401, "invalid_client", "unknown client");
  }
  const std::string grant = value_of(form, "grant_type");
  if (grant == "authorization_code") return by_code(form);
  if (grant == "refresh_token") return by_refresh(form);
  if (grant == "client_credentials") return for_app();
  return oauth::error(400, "unsupported_grant_type", grant);
}

net::HttpResponse KickOAuth::by_code(const net::Query& form) {
  const auto found = std::find_if(codes_.begin(), codes_.end(),
                                  [&](const Code& code) { return code.code == value_of(form, "code"); });
  if (found == codes_.end()) return oauth::error(400, "invalid_grant", "unknown code");
  const Code code = std::move(*found);
  codes_.erase(found);
  const bool fits = std::chrono::steady_clock::now() - code.made < kCodeLife &&
                    oauth::fits_challenge(value_of(form, "code_verifier"), code.challenge) &&
                    value_of(form, "redirect_uri") == code.redirect_uri;
  if (!fits)
    return oauth::error(400, "invalid_grant", "code, verifier and redirect address do not belong together");
  const std::string grant = stage_.mint.ulid();
  consents_[grant] = {code.user, code.scope};
  return pair(code.user, code.scope, grant);
}

net::HttpResponse KickOAuth::by_refresh(const net::Query& form) {
  const auto token = read(value_of(form, "refresh_token"));
  if (!token || token->kind != Kind::refresh || !alive(*token)) {
    return oauth::error(400, "invalid_grant", "the refresh token is not valid");
  }
  if (!use(*token)) return oauth::error(400, "invalid_grant", "the refresh token was used before");
  if (const auto consent = consents_.find(token->grant); consent != consents_.end())
    ++consent->second.renewals;
  return pair(token->user, token->scope, token->grant);
}

bool KickOAuth::use(const Token& token) {
  const TimePoint now = stage_.clock.now();
  const auto [first, is_first] = used_.try_emplace(token.serial, now);
  if (is_first) return true;
  const std::chrono::seconds grace(stage_.faults.value(Fault::kick_refresh_grace_seconds));
  const bool too_late = grace.count() > 0 && now - first->second > grace;
  return !too_late && !stage_.faults.on(Fault::kick_single_use_refresh);
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
  if (!token) return oauth::error(400, "invalid_request", "no such token");
  revoked_.insert(token->grant);
  return net::make_response(200, "text/plain", "OK");
}

void KickOAuth::take_back(KickId user) {
  for (const auto& [grant, consent] : consents_) {
    if (consent.user == user) revoked_.insert(grant);
  }
}

json::Array KickOAuth::consents() const {
  json::Array out;
  for (const auto& [grant, consent] : consents_) {
    out.push_back(json::Object{{"user", std::to_string(consent.user)},
                               {"scope", consent.scope},
                               {"renewals", consent.renewals},
                               {"revoked", revoked_.contains(grant)}});
  }
  return out;
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

std::string KickOAuth::write(const Token& token) {
  std::string text = oauth::seal({{"kind", static_cast<int>(token.kind)},
                                  {"user", token.user},
                                  {"scope", token.scope},
                                  {"issued_at", to_micros(token.issued_at)},
                                  {"grant", token.grant},
                                  {"serial", token.serial}},
                                 client_secret_);
  note_secret(text);
  return text;
}

void KickOAuth::note_secret(std::string secret) {
  secrets_.push_back(std::move(secret));
  if (secrets_.size() > kMostSecrets) secrets_.pop_front();
}

std::optional<KickOAuth::Token> KickOAuth::read(std::string_view text) const {
  const auto facts = oauth::unseal(text, client_secret_);
  if (!facts) return std::nullopt;
  return Token{static_cast<Kind>(json::integer(*facts, "kind").value_or(0)),
               json::integer(*facts, "user").value_or(0),
               json::text_or(*facts, "scope", ""),
               from_micros(json::integer(*facts, "issued_at").value_or(0)),
               json::text_or(*facts, "grant", ""),
               json::text_or(*facts, "serial", "")};
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
  const auto ended = access_ends_.find(token.user);
  const bool cut =
      token.kind == Kind::access && ended != access_ends_.end() && token.issued_at <= ended->second;
  return !cut && !revoked_.contains(token.grant) &&
         stage_.clock.now() < token.issued_at + life_of(token.kind);
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
