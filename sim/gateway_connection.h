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

/// What one side of a transport compression does: one context for the whole connection.
class Deflater {
 public:
  virtual ~Deflater() = default;
  virtual std::string add(std::string_view message) = 0;
};

/// By the name in the gateway's address: "zlib-stream", every message ended by 00 00 FF FF, or "zstd-stream",
/// one frame without end. Null for any other.
std::unique_ptr<Deflater> make_deflater(std::string_view name);

class GatewayConnection {
 public:
  GatewayConnection(boost::asio::io_context& loop, std::shared_ptr<net::WebSocket> socket,
                    std::unique_ptr<Deflater> deflater);

  /// Queues a frame. A peer that lets thousands of them lie is dropped.
  void send(std::string frame);
  /// Closes after what is queued; 0 closes without a code.
  void close(std::uint16_t code);
  bool closing() const { return close_code_.has_value(); }
  /// Nothing more goes out behind what is queued, as if the line were dead.
  void fall_silent() { silent_ = true; }
  bool silent() const { return silent_; }

  Task<Result<std::string_view>> read() { return socket_->read(); }
  /// The code that the other side closed with, 0 for none.
  std::uint16_t peer_code() const { return socket_->close_code(); }

  /// Sends what is queued until the connection is closed. Run it once.
  static Task<void> write_loop(std::shared_ptr<GatewayConnection> self);

 private:
  Task<bool> write_next();

  std::shared_ptr<net::WebSocket> socket_;
  std::unique_ptr<Deflater> deflater_;  // null: nothing is compressed
  std::deque<std::string> queue_;
  boost::asio::steady_timer wake_;
  std::optional<std::uint16_t> close_code_;
  bool silent_ = false;
};

}  // namespace guildhall::sim
