// The other end of the bot's connections to Discord, as cheap as possible: a gateway that says what it is
// told to say, and a REST API that accepts everything. The simulator (sim/) checks what it is sent and
// remembers it; here that would be measured too.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "net/http_server.h"
#include "net/loops.h"
#include "net/websocket_server.h"

namespace guildhall::bench {

/// One dispatch of the gateway; `data` is JSON.
struct Dispatch {
  std::string_view type;
  std::string data;
};

class StubDiscord {
 public:
  StubDiscord();
  ~StubDiscord();

  std::string api_url() const;
  std::string gateway_url() const;

  /// Sends in this order; needs a session. From any thread.
  void send(std::vector<Dispatch> dispatches);
  bool has_session() const { return has_session_; }
  /// Interactions that were answered.
  std::int64_t answers() const { return answers_; }
  /// What is sent for every answer that comes in; nothing: no more. Called on the stub's loop.
  void follow_answers_with(std::function<std::optional<Dispatch>()> next) { next_ = std::move(next); }
  /// Who is told of every call, on the stub's loop; set before anything calls.
  void show_calls_to(std::function<void(const net::HttpRequest&)> listener) {
    listener_ = std::move(listener);
  }

 private:
  Task<net::HttpResponse> answer(net::HttpRequest request);
  Task<void> serve(std::shared_ptr<net::WebSocket> socket);
  Task<void> write(std::vector<Dispatch> dispatches);

  net::Loops loops_{1};
  std::unique_ptr<net::HttpServer> rest_;
  std::unique_ptr<net::WebSocketServer> gateway_;
  std::shared_ptr<net::WebSocket> socket_;  // on the loop
  std::int64_t sequence_ = 0;               // on the loop
  std::function<std::optional<Dispatch>()> next_;
  std::function<void(const net::HttpRequest&)> listener_;
  std::atomic<bool> has_session_ = false;
  std::atomic<std::int64_t> answers_ = 0;
};

}  // namespace guildhall::bench
