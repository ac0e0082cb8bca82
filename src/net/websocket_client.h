// WebSocket transport: connect, read, write, close; no protocol on top.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/task.h"

namespace guildhall::net {

class WebSocket {
 public:
  virtual ~WebSocket() = default;

  /// The next whole message, which lives until the next read. Error `unavailable` when the connection
  /// ended; then `close_code` tells why, 0 when the other side gave none.
  virtual Task<Result<std::string_view>> read() = 0;
  /// Messages go out in the order of the calls.
  virtual Task<Result<void>> write(std::string message) = 0;
  /// The same in a binary frame (compressed transports).
  virtual Task<Result<void>> write_binary(std::string message) = 0;
  /// Sends a close frame with that code and drops the connection after a short grace: a dead peer
  /// never answers.
  virtual Task<void> close(std::uint16_t code) = 0;
  virtual std::uint16_t close_code() const = 0;
};

struct WebSocketOptions {
  std::string ca_file;
  std::string user_agent = "Guildhall";
  std::chrono::milliseconds connect_timeout{10'000};
  std::size_t largest_message = 64ULL << 20;
};

/// Connects on the calling coroutine's loop, where the WebSocket then lives. `url` is ws:// or wss://;
/// wss verifies certificate and host name.
Task<Result<std::unique_ptr<WebSocket>>> connect_websocket(std::string url, WebSocketOptions options);

}  // namespace guildhall::net
