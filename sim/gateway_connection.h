// One WebSocket connection of the simulated gateway: frames out in order, compressed if asked.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <deque>
#include <memory>
#include <optional>
#include <string>

#include "net/websocket_client.h"

namespace guildhall::sim {

/// zlib-stream: one deflate context for the whole connection, every message ended by 00 00 FF FF.
class DeflateStream {
 public:
  DeflateStream();
  ~DeflateStream();
  DeflateStream(const DeflateStream&) = delete;
  DeflateStream& operator=(const DeflateStream&) = delete;

  std::string add(std::string_view message);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

class GatewayConnection {
 public:
  GatewayConnection(boost::asio::io_context& loop, std::shared_ptr<net::WebSocket> socket, bool compress);

  /// Queues a frame. A peer that lets thousands of them lie is dropped.
  void send(std::string frame);
  /// Closes after what is queued; 0 closes without a code.
  void close(std::uint16_t code);
  bool closing() const { return close_code_.has_value(); }

  Task<Result<std::string>> read() { return socket_->read(); }
  /// The code that the other side closed with, 0 for none.
  std::uint16_t peer_code() const { return socket_->close_code(); }

  /// Sends what is queued until the connection is closed. Run it once.
  static Task<void> write_loop(std::shared_ptr<GatewayConnection> self);

 private:
  Task<bool> write_next();

  std::shared_ptr<net::WebSocket> socket_;
  std::optional<DeflateStream> deflate_;
  std::deque<std::string> queue_;
  boost::asio::steady_timer wake_;
  std::optional<std::uint16_t> close_code_;
};

}  // namespace guildhall::sim
