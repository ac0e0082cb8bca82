#include "web/api.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>

#include "base/crypto.h"
#include "base/json.h"
#include "base/log.h"
#include "base/mutation.h"
#include "base/text.h"
#include "net/all_of.h"
#include "store/database_error.h"
#include "web/answers.h"
#include "web/live.h"

namespace guildhall::web {
namespace {

using net::HttpRequest;
using net::HttpResponse;
using tenancy::Access;
using tenancy::ServerScope;

constexpr std::string_view kBase = "/api/v1";
/// A page that was closed is noticed by then.
constexpr std::int64_t kUntilAPlaceIsFree = 15;

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

boost::json::value channel_json(const std::optional<tenancy::Channel>& channel, TimePoint now) {
  if (!channel) return nullptr;
  const bool live = channel->live == "live" && channel->live_since;
  return boost::json::object{{"platform", channel->platform},
                             {"slug", channel->slug},
                             {"name", channel->name},
                             {"live", channel->live},
                             {"live_since", live ? boost::json::value(format_rfc3339(*channel->live_since))
                                                 : boost::json::value(nullptr)},
                             {"token_state", tenancy::consent_of(*channel, now)}};
}

boost::json::array gaps_json(const std::vector<bot::ChannelGap>& gaps) {
  boost::json::array out;
  for (const bot::ChannelGap& gap : gaps) {
    out.push_back(
        {{"from", format_rfc3339(gap.from)},
         {"until", gap.until ? boost::json::value(format_rfc3339(*gap.until)) : boost::json::value(nullptr)},
         {"reason", gap.reason}});
  }
  return out;
}

HttpResponse no_content() {
  HttpResponse response;
  response.status = 204;
  return response;
}

/// Somebody may open a server, and not this.
Error lacks(Access needed) {
  if (needed >= Access::administrator)
    return {ErrorCode::forbidden, "you may look at this server, and not change it",
            "Its administrators may."};
  return {ErrorCode::forbidden, "this is for those who manage the server",
          "Discord's permission Manage Server opens it."};
}

HttpResponse not_found() { return error_answer({ErrorCode::not_found, "there is nothing here"}); }

}  // namespace

Api::Api(boost::asio::io_context& loop, tenancy::Tenancy& tenancy, const bot::Declarations& declarations,
         bot::Dispatcher& dispatcher, bot::TopicHub& topics, Sessions& sessions, const Clock& clock,
         const Doors& doors)
    : loop_(loop),
      tenancy_(tenancy),
      declarations_(declarations),
      dispatcher_(dispatcher),
      topics_(topics),
      sessions_(sessions),
      clock_(clock),
      doors_(doors),
      rights_(doors.discord) {}

Task<HttpResponse> Api::handle(HttpRequest request) {
  const std::string path = request.url.substr(kBase.size());
  if (path == "/session" && request.method == "POST") co_return co_await sign_in(std::move(request));
  // Before the look-up, by what the caller cannot choose: a flood must not reach the database.
  if (const auto wait = floods_.take_of(request); wait > 0) co_return too_many(wait);
  if (path == "/sign-in" && request.method == "GET")
    co_return json_answer(200, {{"discord", doors_.discord.address != nullptr}});
  const auto session = co_await sessions_.find(session_id_of(request));
  if (!session)
    co_return error_answer({ErrorCode::unauthenticated, "you are not signed in",
                            "Sign in by Discord, or with a code: guildhall login-code"});
  if (const auto wait = calls_.take(session->hash); wait > 0) co_return too_many(wait);
  if (changes_something(request) && !mutated(Mutation::csrf_unread) &&
      !equal_constant_time(request.header("x-csrf-token").value_or(""), session->csrf_token)) {
    co_return error_answer({ErrorCode::forbidden, "the request does not come from the dashboard",
                            "Reload the page and try again."});
  }
  const bool is_stream = path == "/events";
  HttpResponse response = co_await handle_signed_in(request, *session);
  if (!is_stream) {
    apply_etag(request, response);
    co_await renew(hash_of_secret(session_id_of(request)), response);
  }
  response.headers.emplace_back("date", http_date(clock_.now()));
  co_return response;
}

/// An id that was given under other rights is replaced: who got hold of it then has none of these. Not where
/// the browser has a newer one already, or two answers could overtake each other.
Task<void> Api::renew(std::string hash, HttpResponse& response) {
  if (!seen_.changed(hash)) co_return;
  try {
    const auto id = co_await sessions_.renew(hash);
    if (!id) co_return;
    seen_.renewed(hash, hash_of_secret(*id));
    response.headers.emplace_back("set-cookie", session_cookie(*id));
  } catch (const store::DatabaseError& error) {
    log::warning("a session did not get another id", {log::field("error", error.what())});
  }
}

Task<HttpResponse> Api::sign_in(HttpRequest request) {
  if (const auto wait = sign_ins_.take_of(request); wait > 0) co_return too_many(wait);
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
                                {"name", session.name},
                                {"operator", rights_.is_operator(session)},
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
  if (path == "/events" && request.method == "GET") co_return listen(request, std::move(session));
  if (path == "/setup" && request.method == "GET") co_return co_await check_setup(std::move(session));
  if (path == "/servers" && request.method == "GET") co_return co_await list_servers(std::move(session));
  if (path == "/channels" && request.method == "GET") co_return co_await list_channels(std::move(session));
  if (path.starts_with("/channels/kick/") && request.method == "DELETE")
    co_return co_await withdraw(std::move(session), path.substr(15));
  if (path.starts_with("/servers/"))
    co_return co_await handle_server(std::move(request), std::move(session), path.substr(9));
  co_return not_found();
}

/// The token of a session stays when it gets another id.
HttpResponse Api::listen(const HttpRequest& request, Session session) {
  auto place = streams_.take(session.csrf_token);
  if (!place) return too_many(kUntilAPlaceIsFree);
  const LiveSources sources{
      loop_,
      topics_,
      sessions_,
      [this](const Session& seen) { return rights_.is_operator(seen); },
      [this](Session seen, ServerId server) { return may_see(std::move(seen), server); },
      std::move(place)};
  return stream_events(sources, request, std::move(session));
}

/// What is set up, as far as this process can see, and what is left to do. It asks the platforms each time.
Task<HttpResponse> Api::check_setup(Session session) {
  if (!rights_.is_operator(session))
    co_return error_answer({ErrorCode::forbidden, "this is for the operator"});
  if (!doors_.checkup) co_return not_found();
  if (const auto wait = checkups_.take(""); wait > 0) co_return too_many(wait);
  const bot::Checkup checkup = co_await doors_.checkup();
  boost::json::array findings;
  for (const bot::Finding& finding : checkup.findings) findings.push_back(bot::to_json(finding));
  co_return json_answer(200, {{"findings", std::move(findings)}, {"invite", checkup.invite}});
}

Task<HttpResponse> Api::handle_server(HttpRequest request, Session session, std::string rest) {
  const auto slash = std::min(rest.find('/'), rest.size());
  const auto id = ServerId::parse(std::string_view(rest).substr(0, slash));
  const std::string below = rest.substr(slash);
  if (!id) co_return not_found();
  const auto opened = co_await open(session, *id);
  if (!opened) co_return error_answer(opened.error());
  if (below.empty() && request.method == "GET") co_return json_answer(200, co_await overview(*opened, true));
  const bool changes_channel = (below == "/kick/connect" && request.method == "POST") ||
                               (below == "/kick" && request.method == "DELETE");
  if (changes_channel) {
    if (opened->access < Access::administrator) co_return error_answer(lacks(Access::administrator));
    co_return co_await change_channel(std::move(request), std::move(session), *id);
  }
  for (const bot::RouteSpec& route : declarations_.routes.all()) {
    if (route.method != request.method) continue;
    auto path = match(route.path, below);
    if (!path) continue;
    if (opened->access < route.needs) co_return error_answer(lacks(route.needs));
    co_return co_await run_route(route, std::move(request), std::move(session), opened->scope,
                                 *std::move(path));
  }
  co_return not_found();
}

/// The server begins to listen to a channel, or ends it.
Task<HttpResponse> Api::change_channel(HttpRequest request, Session session, ServerId server) {
  if (request.method == "POST") {
    if (!doors_.kick.start_connect)
      co_return error_answer({ErrorCode::unavailable, "Kick is not configured"});
    const auto url = co_await doors_.kick.start_connect(session.hash, server);
    if (!url) co_return error_answer(url.error());
    co_return json_answer(200, {{"url", *url}});
  }
  if (!doors_.kick.disconnect) co_return error_answer({ErrorCode::unavailable, "Kick is not configured"});
  const auto done = co_await doors_.kick.disconnect(server, {session.principal, "dashboard"});
  co_return done ? no_content() : error_answer(done.error());
}

Task<Result<std::string>> Api::finish_kick(Session session, std::string state, std::string code,
                                           std::string address) {
  if (!doors_.kick.finish_connect) co_return fail(ErrorCode::unavailable, "Kick is not configured");
  const auto connected = co_await doors_.kick.finish_connect(
      std::move(state), std::move(code), session.hash, granter(session), std::move(address),
      [&](ServerId server) { return may_change(session, server); });
  if (!connected) co_return std::unexpected(connected.error());
  co_return fmt::format("/servers/{}?connected=kick", connected->str());
}

tenancy::Granter Api::granter(const Session& session) const {
  return {session.principal, rights_.is_operator(session)};
}

/// Error besides those of `open`: `forbidden`.
Task<Result<void>> Api::may_change(Session session, ServerId server) {
  const auto opened = co_await open(std::move(session), server);
  if (!opened) co_return std::unexpected(opened.error());
  if (opened->access < Access::administrator) co_return std::unexpected(lacks(Access::administrator));
  co_return Result<void>{};
}

/// A person's own; the operator sees whose any is.
Task<HttpResponse> Api::list_channels(Session session) {
  const auto grants = co_await tenancy_.grants().list();
  boost::json::array rows;
  for (const tenancy::ChannelGrant& grant : grants) {
    const auto channel = tenancy_.channels().find(grant.key());
    const bool his = rights_.is_operator(session) || grant.grant_owner == session.principal;
    if (his && channel && grant.grant_end != tenancy::kWithdrawn) rows.push_back(grant_json(grant, *channel));
  }
  co_return json_answer(200, {{"channels", std::move(rows)}});
}

boost::json::object Api::grant_json(const tenancy::ChannelGrant& grant,
                                    const tenancy::Channel& channel) const {
  boost::json::array servers;
  for (const ServerId server : tenancy_.channels().servers_of(grant.key())) {
    const auto known = tenancy_.servers().find(server);
    if (known) servers.push_back({{"id", server.str()}, {"name", known->name}});
  }
  boost::json::array scopes;
  for (const std::string_view scope : split_words(grant.grant_scopes)) scopes.emplace_back(scope);
  return {{"id", grant.platform_user_id},
          {"platform", grant.platform},
          {"slug", grant.slug},
          {"name", grant.name},
          {"token_state", tenancy::consent_of(channel, clock_.now())},
          {"granted_at", grant.granted_at ? boost::json::value(format_rfc3339(*grant.granted_at))
                                          : boost::json::value(nullptr)},
          {"scopes", std::move(scopes)},
          {"servers", std::move(servers)}};
}

/// `rest`: "900001" or "900001/servers/81384788765712384".
Task<HttpResponse> Api::withdraw(Session session, std::string rest) {
  if (!doors_.kick.withdraw) co_return error_answer({ErrorCode::unavailable, "Kick is not configured"});
  const auto all = match("/{channel}", rest);
  const auto one = match("/{channel}/servers/{server}", rest);
  if (!all && !one) co_return not_found();
  std::optional<ServerId> server;
  if (one) {
    server = ServerId::parse(one->find("server")->second);
    if (!server) co_return not_found();
  }
  const std::string channel = (all ? *all : *one).find("channel")->second;
  const auto done = co_await doors_.kick.withdraw({bot::kKick, channel}, granter(session), server);
  co_return done ? no_content() : error_answer(done.error());
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
    if (answer->outbox) dispatcher_.wake_outbox(scope);
    co_return json_answer(200, answer->body);
  } catch (const store::DatabaseError& error) {
    trouble = to_plain_error(error);
    if (!trouble) throw;  // the log has the database's words
  }
  co_return error_answer(*trouble);
}

Task<Result<Api::Opened>> Api::open(Session session, ServerId server) {
  const auto opened = co_await look_up(session, server);
  const bool told = opened || opened.error().code == ErrorCode::not_found;
  if (told && session.member())
    seen_.note(sessions_.present(session.hash), server, opened ? opened->access : Access::none);
  co_return opened;
}

Task<Result<Api::Opened>> Api::look_up(Session session, ServerId server) {
  const auto place = co_await rights_.at(session, server);
  if (!place) co_return std::unexpected(place.error());
  const auto scope = tenancy_.scopes().for_session(server, place->rights);
  if (!scope) co_return std::unexpected(scope.error());
  Access access = place->rights.at(server);
  if (access == Access::member && place->under) {
    const auto settings = co_await scope->read([this](store::Tx& tx) {
      return bot::load_settings(tx, declarations_.settings, *declarations_.config);
    });
    access = place->under(*settings);
  }
  // Who may not even look learns no more than anybody else.
  if (access < Access::viewer)
    co_return fail(ErrorCode::not_found, fmt::format("there is no server {}", server.str()));
  co_return Opened{*scope, access};
}

Task<std::optional<bool>> Api::may_see(Session session, ServerId server) {
  const auto opened = co_await look_up(std::move(session), server);
  if (opened) co_return true;
  if (opened.error().code == ErrorCode::not_found) co_return false;
  co_return std::nullopt;
}

/// If one of them cannot be looked at, the whole list is unavailable: none is left out without a word. Of a
/// member's servers Discord is asked, of all at once; the operator's are many, and nobody is asked about
/// them.
Task<HttpResponse> Api::list_servers(Session session) {
  std::vector<Task<void>> together;
  std::vector<boost::json::object> rows;
  std::optional<Error> trouble;
  for (const auto& server : tenancy_.servers().list()) {
    if (!rights_.is_listed(session, server.discord_server_id)) continue;
    auto row = list_server(session, server.discord_server_id, rows, trouble);
    if (rights_.is_operator(session)) {
      co_await std::move(row);
    } else {
      together.push_back(std::move(row));
    }
  }
  co_await net::all_of(std::move(together));
  if (trouble) co_return error_answer(*trouble);
  std::sort(rows.begin(), rows.end(),
            [](const auto& a, const auto& b) { return a.at("name").as_string() < b.at("name").as_string(); });
  co_return json_answer(200, {{"servers", boost::json::array(rows.begin(), rows.end())}});
}

/// A row, or why there is none.
Task<void> Api::list_server(Session session, ServerId server, std::vector<boost::json::object>& rows,
                            std::optional<Error>& trouble) {
  const auto opened = co_await open(std::move(session), server);
  if (opened) {
    auto row = co_await overview(*opened, false);
    rows.push_back(std::move(row));
  } else if (opened.error().code != ErrorCode::not_found) {
    trouble = opened.error();
  }
}

Task<boost::json::object> Api::overview(Opened opened, bool detailed) {
  const ServerScope& scope = opened.scope;
  const auto server = tenancy_.servers().find(scope.server());
  const auto channel = tenancy_.channels().of_server(scope.server(), bot::kKick);
  boost::json::object out{{"id", server->discord_server_id.str()},
                          {"name", server->name},
                          {"state", server->state},
                          {"access", access_name(opened.access)},
                          {"channel", channel_json(channel, clock_.now())}};
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
  std::string problem = doors_.kick.channel_problem ? doors_.kick.channel_problem(scope.server()) : "";
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
  for (const Error& error : doors_.unsent ? doors_.unsent(scope.server()) : std::vector<Error>())
    unsent.push_back({{"problem", error.message}, {"way_out", error.hint}});
  out["unsent"] = std::move(unsent);
  std::vector<bot::ChannelGap> gaps;
  if (doors_.kick.gaps) gaps = co_await doors_.kick.gaps(scope.server());
  out["gaps"] = gaps_json(gaps);
  co_return out;
}

}  // namespace guildhall::web
