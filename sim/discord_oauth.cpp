#include "sim/discord_oauth.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <map>
#include <utility>

#include "base/crypto.h"
#include "base/text.h"
#include "sim/discord_error.h"
#include "sim/oauth.h"
#include "sim/permissions.h"
#include "sim/router.h"

namespace guildhall::sim {
namespace {

using oauth::value_of;

constexpr std::chrono::seconds kAccessLife{604'800};
constexpr std::chrono::minutes kTimeForACode{10};
constexpr std::size_t kKeptCodes = 1'000;
constexpr std::string_view kToken = "oauth2/token";
constexpr std::string_view kRevoke = "oauth2/token/revoke";
constexpr std::array<std::string_view, 2> kKnownScopes = {"guilds", "identify"};

net::HttpResponse page(int status, std::string_view body) {
  return net::make_response(
      status, "text/html; charset=utf-8",
      fmt::format("<!DOCTYPE html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>Simulated Discord"
                  "</title></head><body><h1>Simulated Discord</h1>{}</body></html>",
                  body));
}

net::HttpResponse error_page(std::string_view sentence) {
  return page(400, fmt::format("<p>{}</p>", sentence));
}

/// An address that a browser can be sent to, and that can have a query added.
std::optional<net::Url> web_address(std::string_view text) {
  const bool plain = std::ranges::all_of(text, [](unsigned char c) { return c > ' ' && c != '#'; });
  const auto url = net::parse_url(text);
  if (!plain || !url || !url->scheme.starts_with("http")) return std::nullopt;
  return *url;
}

bool is_of_this_machine(const net::Url& url) {
  return url.scheme == "http" && (url.host == "localhost" || url.host == "127.0.0.1" || url.host == "::1");
}

/// The scopes asked for, each once, by name: as with the real one the order of the question is lost. Empty:
/// there is none, or one is unknown.
std::string granted_scopes(std::string_view asked) {
  const auto words = split_words(asked);
  const std::set<std::string_view> scopes(words.begin(), words.end());
  const bool known = std::ranges::all_of(scopes, [](std::string_view scope) {
    return std::ranges::find(kKnownScopes, scope) != kKnownScopes.end();
  });
  return known ? fmt::format("{}", fmt::join(scopes, " ")) : "";
}

/// What the application is told of a question that is wrong in itself.
struct Objection {
  std::string error;
  std::string description;
};

std::optional<Objection> objection_to(const net::Query& query) {
  if (value_of(query, "response_type") != "code")
    return Objection{"unsupported_response_type", "code is needed"};
  if (value_of(query, "state").empty()) return Objection{"invalid_request", "state is required"};
  if (granted_scopes(value_of(query, "scope")).empty())
    return Objection{"invalid_scope", "identify and guilds are known"};
  const bool challenged = !value_of(query, "code_challenge").empty();
  if (challenged && value_of(query, "code_challenge_method") != "S256")
    return Objection{"invalid_request", "S256 is needed"};
  return std::nullopt;
}

/// Of everybody who may manage servers, their names.
std::map<Snowflake, std::string> managed_servers(const World& world) {
  std::map<Snowflake, std::string> managed;
  for (const Server& server : world.servers) {
    for (const auto& [user, member] : server.members) {
      if ((server_permissions(server, user) & permission::kManageGuild) == 0) continue;
      std::string& names = managed[user];
      names += (names.empty() ? "" : ", ") + server.name;
    }
  }
  return managed;
}

}  // namespace

bool DiscordGrant::has_scope(std::string_view wanted) const { return oauth::has_scope(scope, wanted); }

DiscordOAuth::DiscordOAuth(Stage& stage)
    : stage_(stage),
      client_id_(std::to_string(stage.world.bot.id)),
      client_secret_(oauth::secret_of(stage.seed, "Discord client secret")) {}

// Consent -------------------------------------------------------------------------------------------

net::HttpResponse DiscordOAuth::authorize(const net::HttpRequest& request) {
  const net::Query& query = request.query;
  const std::string address = value_of(query, "redirect_uri");
  if (value_of(query, "client_id") != client_id_) return error_page("There is no such application.");
  if (!leads_back_to(address)) return error_page("The redirect_uri is not one of the application's.");
  const auto lead_back = [&](net::Query answer) {
    if (const std::string state = value_of(query, "state"); !state.empty()) answer["state"] = state;
    return oauth::redirect(address, answer);
  };
  if (const auto objection = objection_to(query))
    return lead_back({{"error", objection->error}, {"error_description", objection->description}});
  if (query.contains("cancel"))
    return lead_back({{"error", "access_denied"}, {"error_description", "The user has refused."}});
  const std::string as = value_of(query, "as");
  if (as.empty()) return consent_page(request);
  const DiscordUser* user = stage_.world.user(number_of(as).value_or(0));
  if (user == nullptr || user->bot) return error_page("Nobody has that id.");
  return lead_back({{"code", make_code(query, user->id)}});
}

bool DiscordOAuth::leads_back_to(const std::string& address) const {
  const auto url = web_address(address);
  if (!url) return false;
  if (redirect_uris_.empty()) return is_of_this_machine(*url);
  return std::ranges::find(redirect_uris_, json::Value(address)) != redirect_uris_.end();
}

net::HttpResponse DiscordOAuth::consent_page(const net::HttpRequest& request) const {
  const std::string same = oauth::html_escape(request.query_text);
  const auto managed = managed_servers(stage_.world);
  std::string people;
  for (const auto& [id, user] : stage_.world.users) {
    if (user.bot) continue;
    const std::string& shown = user.display_name.empty() ? user.username : user.display_name;
    const auto servers = managed.find(id);
    people += fmt::format("<li><a href=\"?{}&amp;as={}\">{} (@{})</a>{}</li>", same, id,
                          oauth::html_escape(shown), oauth::html_escape(user.username),
                          servers == managed.end() ? "" : " manages " + oauth::html_escape(servers->second));
  }
  return page(200, fmt::format("<p>Guildhall asks for: {}</p><p>Who are you?</p><ul>{}</ul>"
                               "<p><a href=\"?{}&amp;cancel=1\">Cancel</a></p>",
                               oauth::html_escape(value_of(request.query, "scope")), people, same));
}

const std::string& DiscordOAuth::make_code(const net::Query& query, Snowflake user) {
  codes_.push_back({stage_.mint.token(30), value_of(query, "redirect_uri"), value_of(query, "code_challenge"),
                    granted_scopes(value_of(query, "scope")), user, stage_.clock.now(), stage_.mint.ulid()});
  if (codes_.size() > kKeptCodes) codes_.pop_front();
  return codes_.back().code;
}

Result<void> DiscordOAuth::set_redirect_uris(const json::Array& uris) {
  for (const json::Value& uri : uris) {
    if (!uri.is_string() || !web_address(uri.get_string()))
      return fail(ErrorCode::invalid, fmt::format("{} is no address to lead back to", json::write(uri)));
  }
  note({{"redirect_uris", uris}});
  return {};
}

// Tokens --------------------------------------------------------------------------------------------

bool DiscordOAuth::serves(std::string_view endpoint) { return endpoint == kToken || endpoint == kRevoke; }

net::HttpResponse DiscordOAuth::answer(std::string_view endpoint, const net::HttpRequest& request) {
  if (request.method != "POST") return json_response(405, ApiError{405, 0, "405: Method Not Allowed"}.body());
  if (endpoint == kToken && stage_.faults.strikes(Fault::discord_token_5xx))
    return json_response(500, ApiError{500, 0, "500: Internal Server Error"}.body());
  if (!oauth::is_form(request)) return oauth::error(400, "invalid_request", "the body must be form encoded");
  const net::Query form = net::parse_query(request.body);
  if (!is_client(request, form)) return oauth::error(401, "invalid_client", "unknown client");
  return endpoint == kToken ? token(form) : revoke(form);
}

/// Credentials stand in the header or in the form.
bool DiscordOAuth::is_client(const net::HttpRequest& request, const net::Query& form) const {
  if (const auto header = request.header("authorization"))
    return *header == "Basic " + base64(client_id_ + ":" + client_secret_);
  return value_of(form, "client_id") == client_id_ && value_of(form, "client_secret") == client_secret_;
}

net::HttpResponse DiscordOAuth::token(const net::Query& form) {
  const std::string grant = value_of(form, "grant_type");
  if (grant == "authorization_code") return by_code(form);
  if (grant == "refresh_token") return by_refresh(form);
  if (grant.empty()) return oauth::error(400, "invalid_request", "grant_type is required");
  return oauth::error(400, "unsupported_grant_type", grant);
}

net::HttpResponse DiscordOAuth::by_code(const net::Query& form) {
  for (const char* name : {"code", "redirect_uri"}) {
    if (value_of(form, name).empty())
      return oauth::error(400, "invalid_request", fmt::format("{} is required", name));
  }
  const auto code = std::ranges::find(codes_, value_of(form, "code"), &Code::code);
  if (code == codes_.end()) return oauth::error(400, "invalid_grant", "Invalid \"code\" in request.");
  if (std::exchange(code->used, true)) {
    note({{"ended", code->grant}});  // somebody else may have been the first
    return oauth::error(400, "invalid_grant", "Invalid \"code\" in request.");
  }
  if (!fits(*code, form))
    return oauth::error(400, "invalid_grant", "code, verifier and redirect_uri do not belong together");
  return pair(code->user, code->scope, code->grant);
}

bool DiscordOAuth::fits(const Code& code, const net::Query& form) const {
  const std::string verifier = value_of(form, "code_verifier");
  const bool proved =
      code.challenge.empty() ? verifier.empty() : oauth::fits_challenge(verifier, code.challenge);
  return proved && value_of(form, "redirect_uri") == code.redirect_uri &&
         stage_.clock.now() < code.made + kTimeForACode;
}

net::HttpResponse DiscordOAuth::by_refresh(const net::Query& form) {
  const auto token = read(value_of(form, "refresh_token"));
  if (!token || token->kind != Kind::refresh || !alive(*token))
    return oauth::error(400, "invalid_grant", "Invalid \"refresh_token\" in request.");
  note({{"used", token->serial}});
  return pair(token->user, token->scope, token->grant);
}

net::HttpResponse DiscordOAuth::pair(Snowflake user, const std::string& scope, const std::string& grant) {
  const TimePoint now = stage_.clock.now();
  const Token access{Kind::access, user, scope, now, grant, stage_.mint.ulid()};
  const Token refresh{Kind::refresh, user, scope, now, grant, stage_.mint.ulid()};
  return json_response(200, json::Object{{"access_token", write(access)},
                                         {"token_type", "Bearer"},
                                         {"expires_in", kAccessLife.count()},
                                         {"refresh_token", write(refresh)},
                                         {"scope", scope}});
}

/// Ends all tokens of the consent, whichever of them is named. One that is no token is ended already.
net::HttpResponse DiscordOAuth::revoke(const net::Query& form) {
  if (value_of(form, "token").empty()) return oauth::error(400, "invalid_request", "token is required");
  if (const auto token = read(value_of(form, "token"))) note({{"ended", token->grant}});
  return json_response(200, json::Object{});
}

std::string DiscordOAuth::write(const Token& token) const {
  return oauth::seal({{"kind", static_cast<int>(token.kind)},
                      {"user", std::to_string(token.user)},
                      {"scope", token.scope},
                      {"issued_at", to_micros(token.issued_at)},
                      {"grant", token.grant},
                      {"serial", token.serial}},
                     client_secret_);
}

std::optional<DiscordOAuth::Token> DiscordOAuth::read(std::string_view text) const {
  const auto facts = oauth::unseal(text, client_secret_);
  if (!facts) return std::nullopt;
  return Token{static_cast<Kind>(json::integer(*facts, "kind").value_or(0)),
               static_cast<Snowflake>(json::id(*facts, "user").value_or(0)),
               json::text_or(*facts, "scope", ""),
               from_micros(json::integer(*facts, "issued_at").value_or(0)),
               json::text_or(*facts, "grant", ""),
               json::text_or(*facts, "serial", "")};
}

/// Refresh tokens have no end of their own but their use.
bool DiscordOAuth::alive(const Token& token) const {
  if (ended_.contains(token.grant)) return false;
  if (token.kind == Kind::refresh) return !used_.contains(token.serial);
  return stage_.clock.now() < token.issued_at + kAccessLife;
}

std::optional<DiscordGrant> DiscordOAuth::grant_of(const net::HttpRequest& request) const {
  constexpr std::string_view kBearer = "Bearer ";
  const std::string header = request.header("authorization").value_or("");
  if (!header.starts_with(kBearer)) return std::nullopt;
  const auto token = read(std::string_view(header).substr(kBearer.size()));
  if (!token || token->kind != Kind::access || !alive(*token)) return std::nullopt;
  return DiscordGrant{token->user, token->scope, token->issued_at + kAccessLife};
}

// Memory --------------------------------------------------------------------------------------------

void DiscordOAuth::note(json::Object line) {
  recall(line);
  stage_.journal.write("discord_oauth", std::move(line));
}

void DiscordOAuth::recall(const json::Value& line) {
  if (auto serial = json::text(line, "used")) used_.insert(std::move(*serial));
  if (auto grant = json::text(line, "ended")) ended_.insert(std::move(*grant));
  if (json::find(line, "redirect_uris") != nullptr) redirect_uris_ = json::array(line, "redirect_uris");
}

}  // namespace guildhall::sim
