#include "sim/sim.h"

#include <fmt/format.h>

#include <boost/asio/post.hpp>

#include "net/http_server.h"
#include "net/websocket_server.h"
#include "sim/control.h"
#include "sim/discord_rest.h"
#include "sim/kick_api.h"

namespace guildhall::sim {

namespace asio = boost::asio;

/// Everything on the loop. Whatever still runs there keeps it alive.
struct Simulation::Parts {
  Parts(asio::io_context& loop, const SimOptions& options, SigningKey key)
      : stage(loop, *options.clock, options.seed, options.size),
        discord(stage, options.gateway, options.interactions),
        rest(discord),
        webhooks(stage, std::move(key), {options.kick_webhook, options.webhooks_at_once}),
        subscriptions(stage, options.webhooks_unasked),
        socket(stage),
        kick(stage, webhooks, subscriptions, socket),
        oauth(stage),
        api(stage, kick, oauth, subscriptions, webhooks.key().public_pem()),
        members(stage, discord, kick, Script(options.seed, options.size, options.events_per_minute)),
        control(stage, discord, kick, webhooks, oauth, socket, members) {}

  /// What an earlier run wrote.
  Result<void> remember(const std::filesystem::path& log_file) {
    const auto read = stage.journal.open(log_file, [&](std::string_view kind, const json::Value& line) {
      stage.witness.recall(kind, line);
      if (kind == "commands") discord.commands.recall(line);
      if (kind == "discord_oauth") discord.oauth.recall(line);
      if (kind == "subscriptions") subscriptions.recall(line);
      kick.recall(kind, line);
    });
    kick.resume_streams();
    return read;
  }

  Stage stage;
  Discord discord;
  DiscordRest rest;
  KickWebhooks webhooks;
  KickSubscriptions subscriptions;
  KickSocket socket;
  Kick kick;
  KickOAuth oauth;
  KickApi api;
  Members members;
  Control control;
};

struct Simulation::Servers {
  std::unique_ptr<net::HttpServer> rest;
  std::unique_ptr<net::WebSocketServer> gateway;
  std::unique_ptr<net::HttpServer> oauth;
  std::unique_ptr<net::HttpServer> api;
  std::unique_ptr<net::HttpServer> site;
  std::unique_ptr<net::WebSocketServer> socket;
  std::unique_ptr<net::HttpServer> control;
};

namespace {

constexpr std::string_view kHost = "127.0.0.1";
constexpr std::size_t kLargestBody = std::size_t{25} << 20;  // as Discord takes it with files

std::string address(std::string_view scheme, std::uint16_t port) {
  return fmt::format("{}://{}:{}", scheme, kHost, port);
}

/// `pause`: what lies between an act and its answer.
Result<std::unique_ptr<net::HttpServer>> serve(
    asio::io_context& loop, std::uint16_t port,
    std::function<net::HttpResponse(const net::HttpRequest&)> answer,
    std::function<Task<bool>()> pause = nullptr) {
  net::HttpServerOptions options;
  options.listen = {std::string(kHost), port};
  options.largest_body = kLargestBody;
  return net::HttpServer::start(loop, std::move(options),
                                [answer = std::move(answer), pause = std::move(pause)](
                                    net::HttpRequest request) -> Task<net::HttpResponse> {
                                  auto response = answer(request);
                                  if (pause) co_await pause();
                                  co_return response;
                                });
}

}  // namespace

Result<std::unique_ptr<Simulation>> Simulation::start(asio::io_context& loop, SimOptions options) {
  auto key =
      options.key_file.empty() ? SigningKey::generate() : SigningKey::load_or_generate(options.key_file);
  if (!key) return std::unexpected(key.error());
  auto parts = std::make_shared<Parts>(loop, options, std::move(*key));
  parts->stage.whole = parts;
  if (const auto read = parts->remember(options.log_file); !read) return std::unexpected(read.error());

  auto rest = serve(
      loop, options.ports.discord_rest, [parts](const auto& request) { return parts->rest.answer(request); },
      [parts] {
        const auto slow = parts->stage.faults.value(Fault::discord_slow_ms);
        return parts->stage.naps.rest(std::chrono::milliseconds(slow));
      });
  if (!rest) return std::unexpected(rest.error());
  auto oauth = serve(
      loop, options.ports.kick_oauth, [parts](const auto& request) { return parts->oauth.answer(request); },
      [parts] {
        const auto slow = parts->stage.faults.value(Fault::kick_oauth_slow_ms);
        return parts->stage.naps.rest(std::chrono::milliseconds(slow));
      });
  if (!oauth) return std::unexpected(oauth.error());
  auto api = serve(loop, options.ports.kick_api,
                   [parts](const auto& request) { return parts->api.answer(request); });
  if (!api) return std::unexpected(api.error());
  auto site = serve(loop, options.ports.kick_site,
                    [parts](const auto& request) { return parts->socket.answer(request); });
  if (!site) return std::unexpected(site.error());
  auto socket =
      net::WebSocketServer::start(loop, {std::string(kHost), options.ports.kick_socket},
                                  [parts](std::shared_ptr<net::WebSocket> one, net::HttpRequest request) {
                                    return parts->socket.serve(std::move(one), std::move(request));
                                  });
  if (!socket) return std::unexpected(socket.error());
  auto control = serve(loop, options.ports.control,
                       [parts](const auto& request) { return parts->control.answer(request); });
  if (!control) return std::unexpected(control.error());
  auto gateway = net::WebSocketServer::start(
      loop, {std::string(kHost), options.ports.discord_gateway},
      [parts](std::shared_ptr<net::WebSocket> socket, net::HttpRequest request) {
        return parts->discord.gateway.serve(std::move(socket), std::move(request));
      });
  if (!gateway) return std::unexpected(gateway.error());

  auto servers =
      std::make_unique<Servers>(std::move(*rest), std::move(*gateway), std::move(*oauth), std::move(*api),
                                std::move(*site), std::move(*socket), std::move(*control));
  return std::unique_ptr<Simulation>(new Simulation(std::move(parts), std::move(servers)));
}

Simulation::Simulation(std::shared_ptr<Parts> parts, std::unique_ptr<Servers> servers)
    : parts_(std::move(parts)), servers_(std::move(servers)) {
  parts_->discord.gateway.set_url(address("ws", servers_->gateway->port()));
  json::Array guilds;
  for (const Server& server : parts_->stage.world.servers) guilds.emplace_back(std::to_string(server.id));
  contract_ = json::write(json::Object{{"discord",
                                        {{"rest", address("http", servers_->rest->port()) + "/api"},
                                         {"gateway", address("ws", servers_->gateway->port())},
                                         {"token", parts_->discord.token()},
                                         {"application_id", std::to_string(parts_->stage.world.bot.id)},
                                         {"client_id", parts_->discord.oauth.client_id()},
                                         {"client_secret", parts_->discord.oauth.client_secret()},
                                         {"public_key", parts_->discord.interactions.endpoint().public_key()},
                                         {"guilds", std::move(guilds)}}},
                                       {"kick",
                                        {{"oauth", address("http", servers_->oauth->port())},
                                         {"api", address("http", servers_->api->port())},
                                         {"site", address("http", servers_->site->port())},
                                         {"socket", address("ws", servers_->socket->port())},
                                         {"socket_key", parts_->socket.app_key()},
                                         {"client_id", parts_->oauth.client_id()},
                                         {"client_secret", parts_->oauth.client_secret()},
                                         {"public_key", parts_->webhooks.key().public_pem()}}},
                                       {"control", address("http", servers_->control->port())}});
}

Simulation::~Simulation() { stop(); }

void Simulation::set_kick_webhook(std::string url) {
  asio::post(parts_->stage.loop, [parts = parts_, url = std::move(url)] { parts->kick.set_webhook(url); });
}

void Simulation::set_discord_redirect(std::string url) {
  asio::post(parts_->stage.loop, [parts = parts_, url = std::move(url)] {
    (void)parts->discord.oauth.set_redirect_uris({json::Value(url)});
  });
}

void Simulation::start_members() {
  asio::post(parts_->stage.loop, [parts = parts_] { parts->members.start(); });
}

void Simulation::stop_members() {
  asio::post(parts_->stage.loop, [parts = parts_] { parts->members.stop(); });
}

void Simulation::stop() {
  servers_->rest->stop();
  servers_->gateway->stop();
  servers_->oauth->stop();
  servers_->api->stop();
  servers_->site->stop();
  servers_->socket->stop();
  servers_->control->stop();
  asio::post(parts_->stage.loop, [parts = parts_] {
    parts->members.stop();
    parts->stage.naps.stop();
    parts->discord.gateway.close_all(1001);
    parts->socket.close_all(1001);
  });
}

const Witness& Simulation::witness() const { return parts_->stage.witness; }

World& Simulation::world() { return parts_->stage.world; }

Discord& Simulation::discord() { return parts_->discord; }

}  // namespace guildhall::sim
