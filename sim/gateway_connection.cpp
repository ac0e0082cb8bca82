#include "sim/gateway_connection.h"

#include <zlib.h>
#include <zstd.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <stdexcept>

namespace guildhall::sim {

namespace asio = boost::asio;

namespace {

constexpr std::size_t kMostQueued = 20'000;

class ZlibStream final : public Deflater {
 public:
  ZlibStream() {
    if (deflateInit(&stream_, Z_DEFAULT_COMPRESSION) != Z_OK) throw std::runtime_error("zlib cannot start");
  }
  ~ZlibStream() override { deflateEnd(&stream_); }
  ZlibStream(const ZlibStream&) = delete;
  ZlibStream& operator=(const ZlibStream&) = delete;

  std::string add(std::string_view message) override {
    stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(message.data()));  // NOLINT: it only reads
    stream_.avail_in = static_cast<uInt>(message.size());
    std::string out;
    char piece[16'384];
    do {
      stream_.next_out = reinterpret_cast<Bytef*>(piece);
      stream_.avail_out = sizeof piece;
      deflate(&stream_, Z_SYNC_FLUSH);
      out.append(piece, sizeof piece - stream_.avail_out);
    } while (stream_.avail_out == 0);
    return out;
  }

 private:
  z_stream stream_{};
};

class ZstdStream final : public Deflater {
 public:
  ZstdStream() : stream_(ZSTD_createCStream()) {
    if (!stream_) throw std::runtime_error("zstd cannot start");
  }

  std::string add(std::string_view message) override {
    ZSTD_inBuffer in{message.data(), message.size(), 0};
    std::string out;
    char piece[16'384];
    std::size_t left = 0;
    do {
      ZSTD_outBuffer to{piece, sizeof piece, 0};
      left = ZSTD_compressStream2(stream_.get(), &to, &in, ZSTD_e_flush);
      if (ZSTD_isError(left) != 0) throw std::runtime_error(ZSTD_getErrorName(left));
      out.append(piece, to.pos);
    } while (left > 0);
    return out;
  }

 private:
  struct Free {
    void operator()(ZSTD_CStream* stream) const { ZSTD_freeCStream(stream); }
  };
  std::unique_ptr<ZSTD_CStream, Free> stream_;
};

}  // namespace

std::unique_ptr<Deflater> make_deflater(std::string_view name) {
  if (name == "zlib-stream") return std::make_unique<ZlibStream>();
  if (name == "zstd-stream") return std::make_unique<ZstdStream>();
  return nullptr;
}

GatewayConnection::GatewayConnection(asio::io_context& loop, std::shared_ptr<net::WebSocket> socket,
                                     std::unique_ptr<Deflater> deflater)
    : socket_(std::move(socket)),
      deflater_(std::move(deflater)),
      wake_(loop, asio::steady_timer::time_point::max()) {}

void GatewayConnection::send(std::string frame) {
  if (closing() || silent_) return;
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
  if (deflater_) {
    const auto sent = co_await socket_->write_binary(deflater_->add(frame));
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
