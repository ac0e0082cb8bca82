// One port for everything: dashboard, API, live updates, sign-in at platforms, webhooks, health.
#pragma once

#include <boost/asio/io_context.hpp>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/config.h"
#include "base/metrics.h"
#include "net/http_server.h"
#include "web/api.h"
#include "web/discord_sign_in.h"
#include "web/link_pages.h"

namespace guildhall::web {

struct WebRoutes {
  Api& api;
  Sessions& sessions;
  DiscordSignIn& sign_in;
  LinkPages& link_pages;
  Metrics& metrics;
  /// POST /webhooks/kick; none: 404.
  std::function<Task<net::HttpResponse>(net::HttpRequest)> kick_webhook;
  /// POST /webhooks/discord/interactions; none: 404.
  std::function<Task<net::HttpResponse>(net::HttpRequest)> discord_interactions;
  /// By which this run is known at /healthz (bot/installation_checkup.h).
  std::string run;
  /// What keeps the bot from being ready; empty: ready.
  std::function<Task<std::vector<std::string>>()> not_ready;
};

/// Errors: `port_in_use`, `configuration`.
Result<std::unique_ptr<net::HttpServer>> start_web_server(boost::asio::io_context& loop, const Config& config,
                                                          WebRoutes routes);

}  // namespace guildhall::web
