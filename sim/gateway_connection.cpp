#include "sim/gateway_connection.h"

#include <zlib.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <stdexcept>

namespace guildhall::sim {

namespace asio = boost::asio;

namespace {

constexpr std::size_t kMostQueued = 20'000;

}  // namespace

struct DeflateStream::State {
  z_stream stream{};
};

DeflateStream::DeflateStream() : state_(std::make_unique<State>()) {
  if (deflateInit(&state_->stream, Z_DEFAULT_COMPRESSION) != Z_OK)
    throw std::runtime_error("zlib cannot start");
}

DeflateStream::~DeflateStream() { deflateEnd(&state_->stream); }

std::string DeflateStream::add(std::string_view message) {
  z_stream& stream = state_->stream;
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(message.data()));  // NOLINT: zlib only reads it
  stream.avail_in = static_cast<uInt>(message.size());
  std::string out;
  char piece[16'384];
  do {
    stream.next_out = reinterpret_cast<Bytef*>(piece);
    stream.avail_out = sizeof piece;
    deflate(&stream, Z_SYNC_FLUSH);
    out.append(piece, sizeof piece - stream.avail_out);
  } while (stream.avail_out == 0);
  return out;
}

GatewayConnection::GatewayConnection(asio::io_context& loop, std::shared_ptr<net::WebSocket> socket,
                                     bool compress)
    : socket_(std::move(socket)), wake_(loop, asio::steady_timer::time_point::max()) {
  if (compress) deflate_.emplace();
}

void GatewayConnection::send(std::string frame) {
  if (closing()) return;
  if (queue_.size() >= kMostQueued) {
    queue_.clear();
    return close(4008);
  }
  queue_.push_back(std::move(frame));
  wake_.cancel();
}

void GatewayConnection::close(std::uint16_t code) {
  if (closing()) return;
  close_code_ = code;
  wake_.cancel();
}

Task<bool> GatewayConnection::write_next() {
  std::string frame = std::move(queue_.front());
  queue_.pop_front();
  if (deflate_) {
    const auto sent = co_await socket_->write_binary(deflate_->add(frame));
    co_return sent.has_value();
  }
  const auto sent = co_await socket_->write(std::move(frame));
  co_return sent.has_value();
}

Task<void> GatewayConnection::write_loop(std::shared_ptr<GatewayConnection> self) {
  bool alive = true;
  while (alive && !(self->closing() && self->queue_.empty())) {
    if (self->queue_.empty()) {
      co_await self->wake_.async_wait(asio::as_tuple(asio::use_awaitable));
    } else {
      alive = co_await self->write_next();
    }
  }
  self->close_code_ = self->close_code_.value_or(0);
  co_await self->socket_->close(*self->close_code_);
}

}  // namespace guildhall::sim
