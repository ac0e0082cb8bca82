// The client over real connections: what the scripted tests leave out.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>

#include "base/json.h"
#include "net/http_server.h"
#include "net/loops.h"
#include "net/websocket_server.h"
#include "platforms/discord/gateway.h"
#include "platforms/discord/gateway_testing.h"
#include "platforms/discord/rest.h"
#include "platforms/discord/timing.h"

namespace guildhall::discord {
namespace {

using namespace std::chrono_literals;  // NOLINT

/// Runs the loop until `done`, for at most 10 s.
template <class F>
bool run_until(boost::asio::io_context& loop, F done) {
  const auto end = std::chrono::steady_clock::now() + 10s;
  while (!done() && std::chrono::steady_clock::now() < end) {
    loop.restart();
    loop.run_one_for(50ms);
  }
  return done();
}

struct Nobody : DeafHandler {
  void on_message(Message message) override { texts.push_back(std::move(message.content)); }

  std::vector<std::string> texts;
};

struct Forgetful : SessionStore {
  Task<std::optional<SavedSession>> load() override { co_return std::nullopt; }
  Task<void> save(std::optional<SavedSession>) override { co_return; }
};

/// A gateway that greets, answers beats and sends one message.
struct SmallGateway {
  static Task<void> serve(SmallGateway& self, std::shared_ptr<net::WebSocket> socket,
                          net::HttpRequest request) {
    self.query = request.query;
    co_await socket->write(R"({"op":10,"d":{"heartbeat_interval":60}})");
    while (true) {
      const auto frame = co_await socket->read();
      if (!frame) break;
      const auto op = json::integer(*json::parse(*frame), "op");
      if (op == 1) {
        ++self.beats;
        co_await socket->write(R"({"op":11})");
      }
      if (op != 2) continue;
      co_await socket->write(
          R"({"op":0,"s":1,"t":"READY","d":{"session_id":"s","resume_gateway_url":"ws://x","user":{"id":"1"},"guilds":[]}})");
      co_await socket->write(
          R"({"op":0,"s":2,"t":"MESSAGE_CREATE","d":{"id":"1","channel_id":"2","author":{"id":"3"},"content":"größe"}})");
    }
    self.close_code = socket->close_code();
  }

  net::Query query;
  int beats = 0;
  std::uint16_t close_code = 0;
};

TEST(Wire, TheGatewayOverARealWebSocket) {
  boost::asio::io_context loop;
  SmallGateway peer;
  auto server = net::WebSocketServer::start(
      loop, {"127.0.0.1", 0}, [&](std::shared_ptr<net::WebSocket> socket, net::HttpRequest request) {
        return SmallGateway::serve(peer, std::move(socket), std::move(request));
      });
  ASSERT_TRUE(server);
  Nobody handler;
  Metrics metrics;
  State state({}, metrics);
  const std::string url = "ws://127.0.0.1:" + std::to_string((*server)->port());
  Gateway gateway(
      loop, {.token = "t", .intents = kDefaultIntents, .gateway_url = url, .compression = Compression::none},
      handler, state, std::make_shared<Forgetful>(), std::make_shared<IdentifyTurns>(loop, system_timing()),
      websocket_connector({}),
      []() -> Task<Result<GatewayInfo>> { co_return fail(ErrorCode::unavailable, "none"); }, system_timing(),
      metrics);
  std::optional<Result<void>> ended;
  net::spawn(loop, "gateway", [&]() -> Task<void> { ended = co_await gateway.run(); });

  ASSERT_TRUE(run_until(loop, [&] { return peer.beats >= 3 && !handler.texts.empty(); }));
  EXPECT_EQ(peer.query, (net::Query{{"encoding", "json"}, {"v", "10"}}));
  EXPECT_THAT(handler.texts, testing::ElementsAre("größe"));
  EXPECT_TRUE(gateway.health().latency.has_value());
  EXPECT_FALSE(ended.has_value());

  gateway.stop();
  ASSERT_TRUE(run_until(loop, [&] { return ended.has_value() && peer.close_code != 0; }));
  EXPECT_TRUE(ended->has_value());
  EXPECT_EQ(peer.close_code, 4000);
}

TEST(Wire, CallsOverRealHttp) {
  boost::asio::io_context loop;
  std::vector<net::HttpRequest> seen;
  auto server =
      net::HttpServer::start(loop, {.listen = {"127.0.0.1", 0}, .trusted_proxies = {}},
                             [&](net::HttpRequest request) -> Task<net::HttpResponse> {
                               seen.push_back(request);
                               if (request.url.ends_with("/callback"))
                                 co_return net::HttpResponse{.status = 204};
                               co_return net::make_response(200, "application/json", R"({"id":"77"})");
                             });
  ASSERT_TRUE(server);
  net::HttpClient http(loop, {});
  Metrics metrics;
  RestClient client(loop,
                    {.api_url = "http://127.0.0.1:" + std::to_string((*server)->port()) + "/api",
                     .token = "t",
                     .project_url = "https://example.org"},
                    http_sender(http), system_timing(), metrics);
  std::optional<Result<MessageId>> sent;
  std::optional<Result<void>> answered;
  net::spawn(loop, "calls", [&]() -> Task<void> {
    sent = co_await client.create_message(DiscordChannelId(5), NewMessage{"größe", "n", {}});
    answered = co_await client.answer({.id = InteractionId(6), .token = "token"}, Say{"hi", true});
  });
  ASSERT_TRUE(run_until(loop, [&] { return answered.has_value(); }));
  EXPECT_EQ(*sent, MessageId(77));
  EXPECT_TRUE(answered->has_value());
  ASSERT_EQ(seen.size(), 2U);
  EXPECT_EQ(seen[0].url, "/api/v10/channels/5/messages");
  EXPECT_EQ(seen[0].header("authorization"), "Bot t");
  EXPECT_TRUE(seen[0].header("user-agent").value_or("").starts_with("DiscordBot (https://example.org, "));
  EXPECT_EQ(json::text(*json::parse(seen[0].body), "content"), "größe");
  EXPECT_EQ(seen[1].url, "/api/v10/interactions/6/token/callback");
}

}  // namespace
}  // namespace guildhall::discord
