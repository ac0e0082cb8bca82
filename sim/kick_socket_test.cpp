#include "sim/kick_socket.h"

#include <fmt/format.h>

#include "net/websocket_client.h"
#include "sim/sim_testing.h"

namespace guildhall::sim {
namespace {

class KickSocketTest : public SimTest {
 protected:
  using Socket = std::unique_ptr<net::WebSocket>;

  KickSocketTest() { start(); }
  ~KickSocketTest() override { end(); }

  Socket connect(const std::string& query = "?protocol=7&client=js&version=8.4.0&flash=false") {
    auto socket = run(
        net::connect_websocket(text("kick", "socket") + "/app/" + text("kick", "socket_key") + query, {}));
    EXPECT_TRUE(socket.has_value());
    return std::move(*socket);
  }
  static Task<std::string> read_text(net::WebSocket& socket) {
    const auto message = co_await socket.read();
    co_return message ? std::string(*message) : "";
  }
  static Task<bool> write(net::WebSocket& socket, std::string message) {
    co_return (co_await socket.write(std::move(message))).has_value();
  }
  /// Null: the connection has ended.
  json::Value read(net::WebSocket& socket) {
    const std::string message = run(read_text(socket));
    return message.empty() ? json::Value(nullptr) : *json::parse(message);
  }
  std::string event(net::WebSocket& socket) { return json::text_or(read(socket), "event", ""); }
  void send(net::WebSocket& socket, const std::string& event, const json::Value& data) {
    run(write(socket, json::write(json::Object{{"event", event}, {"data", data}})));
  }
  std::string chats(std::size_t channel) {
    return fmt::format("chatrooms.{}.v2", chatroom_of(sim_->world().kick_channels[channel].broadcaster));
  }
  void chat(const std::string& content) {
    control("POST", "/kick/chat", {{"slug", "lantern-live"}, {"user", "night-owl3"}, {"content", content}});
  }
  net::HttpResponse site(const std::string& slug) {
    return SimTest::send({"GET", text("kick", "site") + "/api/v2/channels/" + slug});
  }
};

TEST_F(KickSocketTest, ChatIsHeardByWhoeverAskedForItsRoom) {
  const Socket socket = connect();
  const json::Value greeting = read(*socket);
  EXPECT_EQ(json::text(greeting, "event"), "pusher:connection_established");
  EXPECT_EQ(json::integer(*json::parse(json::text_or(greeting, "data", "")), "activity_timeout"), 120)
      << "data is JSON inside a text";
  send(*socket, "pusher:subscribe", {{"auth", ""}, {"channel", chats(0)}});
  EXPECT_EQ(event(*socket), "pusher_internal:subscription_succeeded");
  chat("hello");
  const json::Value told = read(*socket);
  EXPECT_EQ(json::text(told, "channel"), chats(0));
  EXPECT_THAT(json::text_or(told, "event", ""), testing::EndsWith("ChatMessageEvent"));
  const json::Value data = *json::parse(json::text_or(told, "data", ""));
  EXPECT_EQ(json::text(data, "content"), "hello");
  EXPECT_EQ(json::text(*json::find(data, "sender"), "slug"), "night-owl3");
  EXPECT_EQ(json::array(control("GET", "/kick/socket"), "channels").size(), 1U);
}

TEST_F(KickSocketTest, PingsAreAnsweredUnlessItIsMute) {
  const Socket socket = connect();
  read(*socket);
  send(*socket, "pusher:ping", json::Object{});
  EXPECT_EQ(event(*socket), "pusher:pong");
  control("POST", "/faults", {{"kick_socket_mute", true}});
  send(*socket, "pusher:ping", json::Object{});
  control("POST", "/kick/socket", {{"do", "say"}, {"frame", R"({"event":"pusher:ping"})"}});
  EXPECT_EQ(event(*socket), "pusher:ping") << "and nothing before";
  send(*socket, "pusher:pong", json::Object{});
  EXPECT_TRUE(run_until([&] { return json::integer(control("GET", "/kick/socket"), "pongs") == 1; }));
}

TEST_F(KickSocketTest, WhoeverHasTheWrongKeyOrProtocolIsSentAway) {
  const Socket other = connect("x?protocol=7");
  EXPECT_EQ(event(*other), "pusher:error");
  EXPECT_TRUE(read(*other).is_null());
  EXPECT_EQ(other->close_code(), 4001);
  const Socket old = connect("?protocol=3");
  event(*old);
  EXPECT_TRUE(read(*old).is_null());
  EXPECT_EQ(old->close_code(), 4007);
}

TEST_F(KickSocketTest, AllAreSentAwayWithACode) {
  const Socket socket = connect();
  read(*socket);
  control("POST", "/kick/socket", {{"do", "close"}, {"code", 4200}});
  EXPECT_TRUE(read(*socket).is_null());
  EXPECT_EQ(socket->close_code(), 4200);
}

TEST_F(KickSocketTest, TheSiteTellsAChatroomUnlessItKeepsProgramsOut) {
  const auto& channel = sim_->world().kick_channels[0];
  const json::Value told = body_of(site(channel.slug));
  EXPECT_EQ(json::integer(told, "user_id"), channel.broadcaster);
  EXPECT_EQ(json::integer(*json::find(told, "chatroom"), "id"), chatroom_of(channel.broadcaster));
  EXPECT_EQ(site("nobody").status, 404);
  control("POST", "/faults", {{"kick_site_403", true}});
  EXPECT_EQ(site(channel.slug).status, 403);
}

}  // namespace
}  // namespace guildhall::sim
