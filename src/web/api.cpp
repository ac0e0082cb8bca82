#include "web/api.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>

#include "base/crypto.h"
#include "base/json.h"
#include "base/text.h"
#include "store/database_error.h"
#include "web/answers.h"
#include "web/live.h"

namespace guildhall::web {
namespace {

using net::HttpRequest;
using net::HttpResponse;
using tenancy::ServerScope;

constexpr std::string_view kBase = "/api/v1";

bool changes_something(const HttpRequest& request) {
  return request.method != "GET" && request.method != "HEAD";
}

std::vector<std::string_view> segments(std::string_view path) {
  std::vector<std::string_view> parts;
  while (!path.empty()) {
    path.remove_prefix(path.starts_with('/') ? 1 : 0);
    const auto end = std::min(path.find('/'), path.size());
    parts.push_back(path.substr(0, end));
    path.remove_prefix(end);
  }
  return parts;
}

/// The {names} of a pattern with what stands in their place, or nothing when it is another path.
std::optional<std::map<std::string, std::string, std::less<>>> match(std::string_view pattern,
                                                                     std::string_view path) {
  const auto wanted = segments(pattern);
  const auto given = segments(path);
  if (wanted.size() != given.size()) return std::nullopt;
  std::map<std::string, std::string, std::less<>> values;
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    if (wanted[i].starts_with('{')) {
      values[std::string(wanted[i].substr(1, wanted[i].size() - 2))] = given[i];
    } else if (wanted[i] != given[i]) {
      return std::nullopt;
    }
  }
  return values;
}

std::string language_of(const HttpRequest& request) {
  const auto accepted = request.header("accept-language");
  return accepted && accepted->starts_with("de") ? "de" : "en";
}

/// RFC 9110 section 5.6.7. The page reckons "5 minutes ago" by it, whatever the browser's own clock says.
std::string http_date(TimePoint at) {
  return fmt::format("{:%a, %d %b %Y %H:%M:%S} GMT", fmt::gmtime(to_micros(at) / 1'000'000));
}

boost::json::value channel_json(const std::optional<tenancy::Channel>& channel) {
  if (!channel) return nullptr;
  const bool live = channel->live == "live" && channel->live_since;
  return boost::json::object{{"platform", channel->platform},
                             {"slug", channel->slug},
                             {"name", channel->name},
                             {"live", channel->live},
                             {"live_since", live ? boost::json::value(format_rfc3339(*channel->live_since))
                                                 : boost::json::value(nullptr)},
                             {"token_state", channel->token_state}};
}

HttpResponse not_found() { return error_answer({ErrorCode::not_found, "there is nothing here"}); }

}  // namespace

Api::Api(boost::asio::io_context& loop, tenancy::Tenancy& tenancy, const bot::Declarations& declarations,
         bot::Dispatcher& dispatcher, bot::TopicHub& topics, Sessions& sessions, const Clock& clock,
         KickDoor kick, UnsentDoor unsent)
    : loop_(loop),
      tenancy_(tenancy),
      declarations_(declarations),
      dispatcher_(dispatcher),
      topics_(topics),
      sessions_(sessions),
      clock_(clock),
      kick_(std::move(kick)),
      unsent_(std::move(unsent)) {}

Task<HttpResponse> Api::handle(HttpRequest request) {
  const std::string path = request.url.substr(kBase.size());
  if (path == "/session" && request.method == "POST") co_return co_await sign_in(std::move(request));
  // Before the look-up, by what the caller cannot choose: a flood must not reach the database.
  if (const auto wait = floods_.take(request.peer); wait > 0) co_return too_many(wait);
  const auto session = co_await sessions_.find(session_id_of(request));
  if (!session)
    co_return error_answer(
        {ErrorCode::unauthenticated, "you are not signed in", "Sign in with a code: guildhall login-code"});
  if (const auto wait = calls_.take(session->hash); wait > 0) co_return too_many(wait);
  if (changes_something(request) &&
      !equal_constant_time(request.header("x-csrf-token").value_or(""), session->csrf_token)) {
    co_return error_answer({ErrorCode::forbidden, "the request does not come from the dashboard",
                            "Reload the page and try again."});
  }
  const bool is_stream = path == "/events";
  HttpResponse response = co_await handle_signed_in(request, *session);
  if (!is_stream) apply_etag(request, response);
  response.headers.emplace_back("date", http_date(clock_.now()));
  co_return response;
}

Task<HttpResponse> Api::sign_in(HttpRequest request) {
  if (const auto wait = sign_ins_.take(request.peer); wait > 0) co_return too_many(wait);
  const auto body = json::parse(request.body);
  const auto code = body ? json::text(*body, "code") : std::nullopt;
  if (!code || trim(*code).empty()) {
    co_return error_answer({ErrorCode::invalid, "the code is missing",
                            "Enter the code that `guildhall login-code` prints.", "code"});
  }
  const auto id = co_await sessions_.sign_in(*code);
  if (!id) {
    co_return error_answer({ErrorCode::unauthenticated,
                            "this code is wrong, was used already or is older than 15 minutes",
                            "Make a new one: guildhall login-code", "code"});
  }
  // The browser gets a new session; the one it came with ends.
  if (const auto old = co_await sessions_.find(session_id_of(request)))
    co_await sessions_.sign_out(old->hash);
  HttpResponse response;
  response.status = 204;
  response.headers.emplace_back("set-cookie", session_cookie(*id));
  co_return response;
}

Task<HttpResponse> Api::handle_signed_in(HttpRequest request, Session session) {
  const std::string path = request.url.substr(kBase.size());
  if (path == "/session" && request.method == "GET") {
    co_return json_answer(200, {{"principal", session.principal},
                                {"csrf_token", session.csrf_token},
                                {"version", GUILDHALL_VERSION}});
  }
  if (path == "/session" && request.method == "DELETE") {
    co_await sessions_.sign_out(session.hash);
    HttpResponse response;
    response.status = 204;
    response.headers.emplace_back("set-cookie", session_cookie(""));
    co_return response;
  }
  if (path == "/events" && request.method == "GET")
    co_return stream_events(loop_, topics_, sessions_, request, session);
  if (path == "/servers" && request.method == "GET") {
    boost::json::array rows;
    for (const auto& server : tenancy_.servers().list()) {
      const auto scope = tenancy_.scopes().for_session(server.discord_server_id, session.rights());
      if (scope) rows.push_back(co_await overview(*scope, false));
    }
    std::sort(rows.begin(), rows.end(), [](const auto& a, const auto& b) {
      return a.at("name").as_string() < b.at("name").as_string();
    });
    co_return json_answer(200, {{"servers", std::move(rows)}});
  }
  if (path.starts_with("/servers/"))
    co_return co_await handle_server(std::move(request), std::move(session), path.substr(9));
  co_return not_found();
}

Task<HttpResponse> Api::handle_server(HttpRequest request, Session session, std::string rest) {
  const auto slash = std::min(rest.find('/'), rest.size());
  const auto id = ServerId::parse(std::string_view(rest).substr(0, slash));
  const std::string below = rest.substr(slash);
  if (!id) co_return not_found();
  const auto scope = tenancy_.scopes().for_session(*id, session.rights());
  if (!scope) co_return error_answer(scope.error());
  if (below.empty() && request.method == "GET") co_return json_answer(200, co_await overview(*scope, true));
  if (below == "/kick/connect" && request.method == "POST") {
    if (!kick_.start_connect) co_return error_answer({ErrorCode::unavailable, "Kick is not configured"});
    const auto url = co_await kick_.start_connect(session.hash, *id);
    if (!url) co_return error_answer(url.error());
    co_return json_answer(200, {{"url", *url}});
  }
  for (const bot::RouteSpec& route : declarations_.routes.all()) {
    if (route.method != request.method) continue;
    if (auto path = match(route.path, below)) {
      co_return co_await run_route(route, std::move(request), std::move(session), *scope, *std::move(path));
    }
  }
  co_return not_found();
}

Task<Result<std::string>> Api::finish_kick(Session session, std::string state, std::string code) {
  if (!kick_.finish_connect) co_return fail(ErrorCode::unavailable, "Kick is not configured");
  const auto connected = co_await kick_.finish_connect(std::move(state), std::move(code), session.hash);
  if (!connected) co_return std::unexpected(connected.error());
  const auto scope = tenancy_.scopes().for_session(connected->server, session.rights());
  if (!scope) co_return std::unexpected(scope.error());
  const tenancy::Actor actor{session.principal, "dashboard"};
  const bot::SettingWish wish{std::string(bot::kKickChannel.key), connected->slug,
                              std::optional<std::string>{}};
  // A server that listens to a channel already keeps it: then `expected` is not what is there.
  const auto bound = co_await scope->transact([&](store::Tx& tx) {
    return bot::change_server_setting(tx, declarations_, connected->server, wish, actor, clock_.now());
  });
  if (bound) dispatcher_.refresh(*scope);
  co_return fmt::format("/servers/{}?connected=kick", connected->server.str());
}

Task<HttpResponse> Api::run_route(const bot::RouteSpec& route, HttpRequest request, Session session,
                                  ServerScope scope, std::map<std::string, std::string, std::less<>> path) {
  const tenancy::Actor actor{session.principal, "dashboard"};
  bot::RouteCall call{scope,   clock_.now(),         actor,       request.query, std::move(path),
                      nullptr, language_of(request), session.hash};
  if (changes_something(request)) {
    auto body = json::parse(request.body);
    if (!body) co_return error_answer(body.error());
    call.body = *std::move(body);
  }
  std::optional<Error> trouble;
  try {
    const auto answer = co_await route.handler(std::move(call));
    if (!answer) co_return error_answer(answer.error());
    if (answer->settings_changed) dispatcher_.refresh(scope);
    co_return json_answer(200, answer->body);
  } catch (const store::DatabaseError& error) {
    trouble = to_plain_error(error);
    if (!trouble) throw;  // the log has the database's words
  }
  co_return error_answer(*trouble);
}

Task<boost::json::object> Api::overview(ServerScope scope, bool detailed) {
  const auto server = tenancy_.servers().find(scope.server());
  const auto channel = tenancy_.channels().of_server(scope.server(), bot::kKick);
  boost::json::object out{{"id", server->discord_server_id.str()},
                          {"name", server->name},
                          {"state", server->state},
                          {"channel", channel_json(channel)}};
  const TimePoint now = clock_.now();
  bot::SettingsPtr settings;
  out = co_await scope.read([&](store::Tx& tx) -> store::TxTask<boost::json::object> {
    boost::json::object figures = out;
    bot::ServerContext context{scope.server(), now,
                               co_await bot::load_settings(tx, declarations_.settings, *declarations_.config),
                               &declarations_.texts};
    for (const auto& handler : declarations_.on_overview) co_await handler(tx, context, figures);
    settings = context.settings;
    co_return figures;
  });
  if (!detailed) {
    out.erase("watched_minutes_total");
    co_return out;
  }
  const std::string wanted = settings->get(bot::kKickChannel);
  std::string problem = kick_.channel_problem ? kick_.channel_problem(scope.server()) : "";
  const bool found = channel && channel->slug == wanted;
  boost::json::array features;
  for (const auto& [key, effective] : settings->all()) {
    const auto& spec = declarations_.settings.all().at(key);
    if (key == spec.owner + "_enabled")
      features.push_back({{"name", spec.owner}, {"enabled", effective.value == "true"}});
  }
  out["time_zone"] = settings->get(bot::kTimeZone);
  out["language"] = settings->get(bot::kLanguage);
  out["command_prefix"] = settings->get(bot::kCommandPrefix);
  out["features"] = std::move(features);
  out["wanted_channel"] = wanted.empty() || found ? boost::json::value(nullptr) : boost::json::value(wanted);
  out["channel_problem"] = problem.empty() ? boost::json::value(nullptr) : boost::json::value(problem);
  boost::json::array unsent;
  for (const Error& error : unsent_ ? unsent_(scope.server()) : std::vector<Error>())
    unsent.push_back({{"problem", error.message}, {"way_out", error.hint}});
  out["unsent"] = std::move(unsent);
  co_return out;
}

}  // namespace guildhall::web
