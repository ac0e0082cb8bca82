// A Beast WebSocket as our WebSocket, for client and server.
#pragma once

#include "base/log.h"
#include "net/net_pch.h"
#include "net/websocket_client.h"

namespace guildhall::net {

template <class Next>
class WebSocketStream final : public WebSocket {
 public:
  using Stream = boost::beast::websocket::stream<Next>;
  template <class... Arguments>
  explicit WebSocketStream(Arguments&&... arguments)
      : stream_(std::forward<Arguments>(arguments)...), writing_(stream_.get_executor()) {
    writing_.expires_at(boost::asio::steady_timer::time_point::max());
  }

  Stream& stream() { return stream_; }

  Task<Result<std::string_view>> read() override {
    buffer_.consume(buffer_.size());
    const auto [error, size] = co_await stream_.async_read(buffer_, kAwait);
    if (error) {
      if (close_code_ == 0) close_code_ = stream_.reason().code;
      co_return fail(ErrorCode::unavailable, "the connection ended: " + error.message());
    }
    co_return std::string_view(static_cast<const char*>(buffer_.data().data()), buffer_.size());
  }

  Task<Result<void>> write(std::string message) override { return send(std::move(message), false); }
  Task<Result<void>> write_binary(std::string message) override { return send(std::move(message), true); }

  Task<void> close(std::uint16_t code) override {
    // The stream's own timer cannot end a read that is already waiting, and a dead peer never answers.
    auto& tcp = boost::beast::get_lowest_layer(stream_);
    const auto open = std::make_shared<bool>(true);
    boost::asio::steady_timer grace(stream_.get_executor(), std::chrono::seconds(2));
    grace.async_wait([open, &tcp](boost::system::error_code) {
      if (*open) tcp.close();
    });
    const boost::beast::websocket::close_reason reason{
        static_cast<boost::beast::websocket::close_code>(code)};
    co_await stream_.async_close(reason, kAwait);
    *open = false;
    tcp.close();
  }

  std::uint16_t close_code() const override { return close_code_; }

 private:
  static constexpr auto kAwait = boost::asio::as_tuple(boost::asio::use_awaitable);

  Task<Result<void>> send(std::string message, bool binary) {
    // One write in flight at a time; the others wait their turn, in the order of the calls.
    const std::uint64_t turn = next_turn_++;
    while (turn != current_turn_) co_await writing_.async_wait(kAwait);
    stream_.binary(binary);
    const auto [error, size] = co_await stream_.async_write(boost::asio::buffer(message), kAwait);
    ++current_turn_;
    writing_.cancel();
    if (error) co_return fail(ErrorCode::unavailable, "cannot send: " + error.message());
    co_return Result<void>{};
  }

  Stream stream_;
  boost::beast::flat_buffer buffer_;
  boost::asio::steady_timer writing_;
  std::uint64_t next_turn_ = 0;
  std::uint64_t current_turn_ = 0;
  std::uint16_t close_code_ = 0;
};

}  // namespace guildhall::net
