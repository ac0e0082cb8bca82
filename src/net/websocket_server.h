// WebSocket server, for the simulated platforms.
#pragma once

#include <boost/asio/io_context.hpp>
#include <functional>
#include <memory>

#include "base/config.h"
#include "net/http.h"
#include "net/websocket_client.h"

namespace guildhall::net {

class WebSocketServer {
 public:
  /// Serves one connection until it returns. `request` is the upgrade request.
  using Handler = std::function<Task<void>(std::shared_ptr<WebSocket>, HttpRequest request)>;

  static Result<std::unique_ptr<WebSocketServer>> start(boost::asio::io_context& loop, ListenAddress listen,
                                                        Handler handler);
  ~WebSocketServer();
  std::uint16_t port() const;
  void stop();

 private:
  class Impl;
  explicit WebSocketServer(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}
  std::shared_ptr<Impl> impl_;
};

}  // namespace guildhall::net
