#include "bench/stub_discord.h"

#include <fmt/format.h>

#include "base/json.h"

namespace guildhall::bench {

StubDiscord::StubDiscord() {
  const ListenAddress any{"127.0.0.1", 0};
  net::HttpServerOptions options;
  options.listen = any;
  auto rest = net::HttpServer::start(loops_.main(), std::move(options),
                                     [this](net::HttpRequest request) { return answer(std::move(request)); });
  auto gateway = net::WebSocketServer::start(
      loops_.main(), any,
      [this](std::shared_ptr<net::WebSocket> socket, net::HttpRequest) { return serve(std::move(socket)); });
  if (!rest) throw ErrorException(rest.error());
  if (!gateway) throw ErrorException(gateway.error());
  rest_ = *std::move(rest);
  gateway_ = *std::move(gateway);
  loops_.start();
}

StubDiscord::~StubDiscord() { loops_.stop(); }

std::string StubDiscord::api_url() const { return fmt::format("http://127.0.0.1:{}/api", rest_->port()); }

std::string StubDiscord::gateway_url() const { return fmt::format("ws://127.0.0.1:{}", gateway_->port()); }

Task<net::HttpResponse> StubDiscord::answer(net::HttpRequest request) {
  if (listener_) listener_(request);
  if (!request.url.ends_with("/callback")) {
    const bool discovery = request.url.ends_with("/gateway/bot");
    co_return net::make_response(
        200, "application/json",
        discovery ? fmt::format(R"({{"url":"{}"}})", gateway_url()) : std::string("[]"));
  }
  ++answers_;
  if (auto next = next_ ? next_() : std::nullopt) send({*std::move(next)});
  net::HttpResponse done;
  done.status = 204;
  co_return done;
}

Task<void> StubDiscord::serve(std::shared_ptr<net::WebSocket> socket) {
  socket_ = socket;
  co_await socket->write(R"({"op":10,"d":{"heartbeat_interval":45000}})");
  while (true) {
    const auto frame = co_await socket->read();
    if (!frame) co_return;
    const auto message = json::parse(*frame);
    const auto op = message ? json::integer(*message, "op") : std::nullopt;
    if (op == 1) co_await socket->write(R"({"op":11})");
    if (op != 2) continue;
    const std::string ready = fmt::format(
        R"({{"op":0,"s":{},"t":"READY","d":{{"v":10,"user":{{"id":"1","username":"bot","bot":true}},"guilds":[],)"
        R"("session_id":"bench","resume_gateway_url":"{}","application":{{"id":"2"}}}}}})",
        ++sequence_, gateway_url());
    co_await socket->write(ready);
    has_session_ = true;
  }
}

void StubDiscord::send(std::vector<Dispatch> dispatches) {
  net::spawn(loops_.main(), "stub.send",
             [this, dispatches = std::move(dispatches)] { return write(dispatches); });
}

Task<void> StubDiscord::write(std::vector<Dispatch> dispatches) {
  for (const Dispatch& dispatch : dispatches) {
    const std::string frame =
        fmt::format(R"({{"op":0,"s":{},"t":"{}","d":{}}})", ++sequence_, dispatch.type, dispatch.data);
    const auto written = co_await socket_->write(frame);
    if (!written) throw ErrorException(written.error());
  }
}

}  // namespace guildhall::bench
