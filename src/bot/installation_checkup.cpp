#include "bot/installation_checkup.h"

#include <fmt/format.h>

#include <algorithm>

#include "bot/kick_accounts.h"
#include "net/oauth.h"
#include "net/url.h"

namespace guildhall::bot {
namespace {

using Level = Finding::Level;

bool is_loopback(const std::string& host) {
  return host == "localhost" || host == "::1" || host.starts_with("127.");
}

const ConfigKey& key_of(std::string_view name) {
  return *std::ranges::find(config_keys(), name, &ConfigKey::name);
}

}  // namespace

InstallationCheckup::InstallationCheckup(const Config& config, Facts facts, kick::Client::Send send)
    : config_(config),
      facts_(std::move(facts)),
      send_(std::move(send)),
      kick_({config.kick_oauth_url, config.kick_api_url, config.kick_client_id, config.kick_client_secret},
            send_) {}

Task<std::vector<Finding>> InstallationCheckup::run() {
  co_await check_address();
  check_keeping();
  check_operators();
  co_await check_kick();
  co_return std::move(findings_);
}

void InstallationCheckup::add(std::string topic, Level level, std::string text, std::string hint) {
  findings_.push_back({std::move(topic), level, std::move(text), std::move(hint)});
  if (level == Level::problem) findings_.back().code = ErrorCode::configuration;
}

/// Browsers send the session's cookie over https alone, but for this machine's own addresses.
Task<void> InstallationCheckup::check_address() {
  const std::string address = config_.public_url();
  const auto url = net::parse_url(address);
  if (!url)
    co_return add("address", Level::problem, fmt::format("web.public_url is no address: '{}'", address),
                  "Like https://bot.example.org: where browsers reach the dashboard.");
  is_local_ = is_loopback(url->host);
  if (!url->secure() && !is_local_)
    co_return add(
        "address", Level::problem,
        fmt::format("nobody can sign in at {}: browsers keep a session over https only", address),
        "Let a reverse proxy speak https (docs/guide/running.md), and begin web.public_url with it.");
  co_await check_way_here();
}

Task<void> InstallationCheckup::check_way_here() {
  const std::string address = config_.public_url();
  net::HttpRequest request;
  request.url = address + "/healthz";
  const auto answer = co_await send_(std::move(request));
  if (!answer)
    co_return add(
        "address", Level::warning,
        fmt::format("{} cannot be reached from this machine: {}", address, answer.error().message),
        "Where others reach it all the same, all is well. Otherwise look at the name's address, at the "
        "firewall and at the reverse proxy (docs/guide/running.md).");
  if (answer->header(kRunHeader) != facts_.run)
    co_return add(
        "address", Level::problem, fmt::format("at {} another program answers", address),
        fmt::format("The reverse proxy has to lead to {}; or set web.public_url right.", config_.web_listen));
  if (is_local_)
    co_return add("address", Level::warning,
                  fmt::format("only browsers on this machine reach the dashboard, at {}", address),
                  "Set web.public_url to where everybody reaches it, like https://bot.example.org, and let a "
                  "reverse proxy lead here (docs/guide/running.md).");
  add("address", Level::ok, fmt::format("browsers reach the dashboard at {}", address));
}

void InstallationCheckup::check_keeping() {
  add("storage", Level::ok, fmt::format("everything is kept in {}", masked(key_of("database.url"), config_)));
  add("keys", Level::ok,
      fmt::format("{} seals what streamers have granted: keep a copy of it, apart from the database",
                  config_.key_file().string()));
}

void InstallationCheckup::check_operators() {
  if (!config_.discord_operators.empty())
    return add("operators", Level::ok, "who runs this signs in with Discord (discord.operators)");
  add("operators", Level::warning,
      "nobody opens this page by Discord: it takes a code of `guildhall login-code` each time",
      "Put your Discord user id into discord.operators. In Discord: Settings > Advanced > Developer Mode; "
      "then right click on your name > Copy User ID.");
}

// Kick ---------------------------------------------------------------------------------------------------

Task<void> InstallationCheckup::check_kick() {
  if (config_.kick_client_id.empty() || config_.kick_client_secret.empty())
    co_return add("kick", Level::warning,
                  "no channel can be connected: kick.client_id and kick.client_secret are not set",
                  "docs/guide/kick.md tells how to make the application and where they are.");
  const auto token = co_await kick_.app_token();
  if (!token) {
    const bool refused = token.error().code == ErrorCode::configuration;
    co_return add(
        "kick", refused ? Level::problem : Level::warning,
        refused ? "Kick does not accept kick.client_id and kick.client_secret" : token.error().message,
        refused ? "Copy both anew from Kick: Settings > Developer > the application."
                : "Kick cannot be asked just now; look again later.");
  }
  add("kick", Level::ok, "Kick knows the application");
  co_await check_redirect();
  check_webhooks();
}

/// As a browser would go there. What Kick answers to a server may be its protection against robots, and says
/// nothing then. That its page makes localhost of 127.0.0.1 is known from its developers' forum alone.
Task<void> InstallationCheckup::check_redirect() {
  const std::string redirect = kick_callback(config_);
  const auto url = net::parse_url(redirect);
  if (url && url->host.starts_with("127."))
    co_return add("kick-redirect", Level::warning,
                  fmt::format("Kick's page does not come back to {}, but to localhost", redirect),
                  "Open the dashboard as localhost, and name it so in web.public_url.");
  net::HttpRequest request;
  request.url = kick_.authorize_url(redirect, net::random_token(), net::pkce_challenge(net::random_token()),
                                    kick::kViewerScopes);
  const auto answer = co_await send_(std::move(request));
  const std::string way =
      fmt::format("On Kick: Settings > Developer > the application, Redirect URL: {}", redirect);
  if (answer && answer->status == 400)
    co_return add("kick-redirect", Level::problem, fmt::format("Kick refuses to come back to {}", redirect),
                  way);
  if (answer && answer->status < 400)
    co_return add("kick-redirect", Level::ok,
                  fmt::format("Kick does not object to coming back to {}", redirect));
  add("kick-redirect", Level::warning,
      fmt::format("whether Kick comes back to {} cannot be seen from here", redirect), way);
}

void InstallationCheckup::check_webhooks() {
  const std::string to = config_.public_url() + "/webhooks/kick";
  const std::string way =
      fmt::format("On Kick: Settings > Developer > the application, switch webhooks on, Webhook URL: {}", to);
  if (facts_.kick_heard)
    return add("kick-webhooks", Level::ok,
               fmt::format("Kick posts what happens; the last at {}", format_rfc3339(*facts_.kick_heard)));
  if (is_local_)
    return add("kick-webhooks", Level::warning, fmt::format("Kick cannot post what happens to {}", to),
               "It takes an address that the internet reaches: web.public_url.");
  if (facts_.listens)
    return add("kick-webhooks", Level::warning, "Kick has posted nothing since this start", way);
  add("kick-webhooks", Level::ok, fmt::format("Kick is to post what happens to {}", to), way);
}

}  // namespace guildhall::bot
