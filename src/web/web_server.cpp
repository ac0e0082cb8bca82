#include "web/web_server.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "bot/installation_checkup.h"
#include "web/answers.h"
#include "web/static_files.h"

namespace guildhall::web {
namespace {

using net::HttpRequest;
using net::HttpResponse;

/// Requests that a platform's webhook brings may be larger than anything a page sends.
constexpr std::size_t kLargestBody = 256ULL << 10;

class Routes : public std::enable_shared_from_this<Routes> {
 public:
  explicit Routes(WebRoutes routes) : routes_(std::move(routes)) {}

  static Task<HttpResponse> handle(std::shared_ptr<Routes> self, HttpRequest request) {
    HttpResponse response = co_await self->dispatch(std::move(request));
    add_security_headers(response);
    co_return response;
  }

 private:
  Task<HttpResponse> dispatch(HttpRequest request) {
    const std::string& path = request.url;
    if (!is_clean_utf8(path)) co_return net::make_response(400, "text/plain", "the path is not valid text\n");
    if (path.starts_with("/api/v1/")) co_return co_await routes_.api.handle(std::move(request));
    if (path.starts_with("/api/"))
      co_return error_answer({ErrorCode::not_found, "there is nothing here", "The API begins with /api/v1."});
    if (path == "/webhooks/kick") co_return co_await webhook(routes_.kick_webhook, std::move(request));
    if (path == "/webhooks/discord/interactions")
      co_return co_await webhook(routes_.discord_interactions, std::move(request));
    if (LinkPages::is_page(path)) co_return co_await routes_.link_pages.handle(std::move(request));
    if (path == "/auth/kick/callback") co_return co_await kick_callback(std::move(request));
    if (path == "/auth/discord/start" && request.method == "GET")
      co_return co_await routes_.sign_in.start(std::move(request));
    if (path == "/auth/discord/callback" && request.method == "GET")
      co_return co_await routes_.sign_in.finish(std::move(request));
    if (path == "/healthz") co_return alive();
    if (path == "/readyz") co_return co_await ready();
    if (path == "/metrics")
      co_return net::make_response(200, "text/plain; version=0.0.4", routes_.metrics.text());
    if (path.starts_with("/webhooks/") || path.starts_with("/auth/"))
      co_return net::make_response(404, "text/plain", "not found\n");
    co_return serve_static(request);
  }

  /// `receive`: one of the routes; may be empty.
  static Task<HttpResponse> webhook(const std::function<Task<HttpResponse>(HttpRequest)>& receive,
                                    HttpRequest request) {
    if (!receive) co_return net::make_response(404, "text/plain", "not found\n");
    if (request.method != "POST") co_return net::make_response(405, "text/plain", "POST only\n");
    co_return co_await receive(std::move(request));
  }

  /// Somebody comes back from Kick, in the browser that began: a viewer who links his account, or a streamer.
  Task<HttpResponse> kick_callback(HttpRequest request) {
    if (auto linked = co_await routes_.link_pages.finish(request)) co_return *std::move(linked);
    if (const auto wait = callbacks_.take_of(request); wait > 0) co_return too_many(wait);
    const auto session = co_await routes_.sessions.find(session_id_of(request));
    if (!session) co_return redirect("/sign-in");
    const std::string state = request.query["state"];
    const std::string code = request.query["code"];
    if (state.empty() || code.empty())
      co_return redirect("/?error=" + net::percent_encode(request.query["error"].empty()
                                                              ? "invalid"
                                                              : request.query["error"]));
    const auto where = co_await routes_.api.finish_kick(*session, state, code, request.peer);
    co_return redirect(where ? *where : "/?error=" + error_word(where.error().code));
  }

  static std::string error_word(ErrorCode code) {
    switch (code) {
      case ErrorCode::unauthenticated: return "unauthenticated";
      case ErrorCode::forbidden: return "forbidden";
      case ErrorCode::invalid: return "invalid";
      case ErrorCode::not_found: return "not_found";
      case ErrorCode::conflict: return "taken";
      case ErrorCode::configuration: return "configuration";
      default: return "unavailable";
    }
  }

  HttpResponse alive() const {
    HttpResponse response = net::make_response(200, "text/plain", "ok\n");
    response.headers.emplace_back(bot::kRunHeader, routes_.run);
    return response;
  }

  Task<HttpResponse> ready() {
    const auto reasons = co_await routes_.not_ready();
    if (reasons.empty()) co_return net::make_response(200, "text/plain", "ready\n");
    co_return net::make_response(503, "text/plain", fmt::format("not ready: {}\n", fmt::join(reasons, ", ")));
  }

  WebRoutes routes_;
  CallLimit callbacks_{10, std::chrono::minutes(15)};
};

}  // namespace

Result<std::unique_ptr<net::HttpServer>> start_web_server(boost::asio::io_context& loop, const Config& config,
                                                          WebRoutes routes) {
  net::HttpServerOptions options;
  const auto listen = parse_listen(config.web_listen);
  if (!listen) return std::unexpected(listen.error());
  options.listen = *listen;
  options.largest_body = kLargestBody;
  // Of what platforms post; the bridge counts the other outcomes.
  options.on_oversized =
      [&oversized = routes.metrics.counter("guildhall_kick_webhooks_total", "Webhooks of Kick, by outcome.",
                                           "outcome=\"oversized\"")](std::string_view target) {
        if (target == "/webhooks/kick") oversized.add();
      };
  for (const std::string_view proxy : split_list(config.web_trusted_proxies))
    options.trusted_proxies.emplace_back(proxy);
  auto handler = std::make_shared<Routes>(std::move(routes));
  return net::HttpServer::start(loop, std::move(options), [handler](HttpRequest request) {
    return Routes::handle(handler, std::move(request));
  });
}

}  // namespace guildhall::web
