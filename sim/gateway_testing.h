// For tests of the simulated gateway: a client that sends and reads frame by frame.
#pragma once

#include "net/websocket_client.h"
#include "sim/sim_testing.h"

namespace guildhall::sim {

inline constexpr std::int64_t kGuilds = 1;
inline constexpr std::int64_t kMembers = 2;
inline constexpr std::int64_t kMessages = 1 << 9;
inline constexpr std::int64_t kContent = 1 << 15;
inline constexpr std::int64_t kAllIntents = kGuilds | kMembers | kMessages | kContent;

class GatewayTest : public SimTest {
 protected:
  using Socket = std::unique_ptr<net::WebSocket>;

  GatewayTest() {
    options_.gateway.identify_spacing = std::chrono::milliseconds(0);
    start();
  }

  Socket connect(const std::string& query = "?v=10&encoding=json") {
    auto socket = run(net::connect_websocket(text("discord", "gateway") + "/" + query, {}));
    EXPECT_TRUE(socket.has_value());
    return std::move(*socket);
  }
  static Task<std::string> read_text(net::WebSocket& socket) {
    auto message = co_await socket.read();
    co_return std::string(message.value_or(""));
  }
  static Task<bool> write(net::WebSocket& socket, std::string message) {
    const auto written = co_await socket.write(std::move(message));
    co_return written.has_value();
  }
  static Task<bool> close(net::WebSocket& socket, std::uint16_t code) {
    co_await socket.close(code);
    co_return true;
  }
  /// Null when the connection ended.
  json::Value read(net::WebSocket& socket) {
    const std::string message = run(read_text(socket));
    return message.empty() ? json::Value(nullptr) : *json::parse(message);
  }
  void send(net::WebSocket& socket, int op, json::Value data) {
    run(write(socket, json::write(json::Object{{"op", op}, {"d", std::move(data)}})));
  }
  /// The code the server closes with, after whatever else it sends.
  std::uint16_t closed_with(net::WebSocket& socket) {
    while (!read(socket).is_null()) {
    }
    return socket.close_code();
  }
  json::Object identify_data(std::int64_t intents = kAllIntents) const {
    return {{"token", text("discord", "token")},
            {"intents", intents},
            {"properties", {{"os", "linux"}, {"browser", "test"}, {"device", "test"}}}};
  }
  /// Reads on to the dispatch of that name; its whole frame.
  json::Value read_to(net::WebSocket& socket, std::string_view event) {
    for (;;) {
      json::Value frame = read(socket);
      if (frame.is_null() || json::text_or(frame, "t", "") == event) return frame;
    }
  }
  /// Connects and identifies; everything up to the last greeting is read.
  Socket ready(json::Object data) {
    Socket socket = connect();
    EXPECT_EQ(json::integer(read(*socket), "op"), 10);
    send(*socket, 2, std::move(data));
    session_ = json::text_or(read_to(*socket, "READY").at("d"), "session_id", "");
    last_seq_ = *json::integer(read_to(*socket, "UNANNOUNCED_EVENT"), "s");
    return socket;
  }
  /// Connects and asks for the session of `ready`; the answer is still to be read.
  Socket resume() {
    Socket socket = connect();
    EXPECT_EQ(json::integer(read(*socket), "op"), 10);
    send(*socket, 6, {{"token", text("discord", "token")}, {"session_id", session_}, {"seq", last_seq_}});
    return socket;
  }
  void say(const std::string& content, std::size_t where = 0) {
    control("POST", "/discord/message",
            {{"guild", id(server(where).id)}, {"user", id(server(where).owner)}, {"content", content}});
  }
  static std::string content_of(const json::Value& frame) {
    return json::text_or(frame.at("d"), "content", "?");
  }

  std::string session_;
  std::int64_t last_seq_ = 0;
};

}  // namespace guildhall::sim
