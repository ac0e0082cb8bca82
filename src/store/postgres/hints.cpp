#include "store/postgres/hints.h"

#include <boost/asio/post.hpp>
#include <chrono>

#include "base/crypto.h"
#include "base/log.h"

namespace guildhall::store::postgres {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;
using namespace std::chrono_literals;

struct FreeNotification {
  void operator()(PGnotify* notification) const { PQfreemem(notification); }
};

/// Blocks until it listens. Throws DatabaseError.
ConnectionPtr open_listener(const std::string& url) {
  ConnectionPtr connection = connect(url, "");
  const ResultPtr result(PQexec(connection.get(), "LISTEN guildhall"));
  if (PQresultStatus(result.get()) != PGRES_COMMAND_OK) throw error_of(result.get(), "listening");
  return connection;
}

}  // namespace

Hints::Hints(asio::io_context& loop, asio::thread_pool& connector, std::string url, Send send)
    : loop_(loop),
      connector_(connector),
      url_(std::move(url)),
      send_(std::move(send)),
      own_name_(hex(random_bytes(8))) {}

void Hints::connect() {
  asio::post(connector_, [self = shared_from_this()] {
    ConnectionPtr made;
    try {
      made = open_listener(self->url_);
    } catch (const DatabaseError& error) {
      log::warning("cannot listen for changes of other processes", {log::field("error", error.what())});
    }
    asio::post(self->loop_, [self, made]() mutable {
      if (self->stopped_) return;
      if (made == nullptr) return self->connect_later();
      self->connection_ = std::move(made);
      self->socket_ =
          std::make_unique<asio::posix::stream_descriptor>(self->loop_, PQsocket(self->connection_.get()));
      // What was announced while nobody listened is not known: also before the first time.
      self->heard_ = true;
      self->listen();
    });
  });
}

std::optional<std::string> Hints::stop() {
  stopped_ = true;
  error_code ignored;
  if (socket_) socket_->cancel(ignored);
  retry_.cancel();
  fold_.cancel();
  return announcing_ ? std::optional(own_name_) : std::nullopt;
}

void Hints::listen() {
  socket_->async_wait(asio::posix::stream_descriptor::wait_read,
                      [self = shared_from_this()](error_code error) {
                        if (!error && !self->stopped_) self->read();
                      });
}

void Hints::read() {
  PGconn* connection = connection_.get();
  if (PQconsumeInput(connection) != 1) {
    socket_->release();
    socket_.reset();
    connection_.reset();
    return connect_later();
  }
  while (const std::unique_ptr<PGnotify, FreeNotification> heard{PQnotifies(connection)}) {
    if (own_name_ != heard->extra) heard_ = true;
  }
  listen();
}

void Hints::connect_later() {
  retry_.expires_after(500ms);
  retry_.async_wait([self = shared_from_this()](error_code error) {
    if (!error && !self->stopped_) self->connect();
  });
}

void Hints::announce() {
  if (stopped_ || std::exchange(announcing_, true)) return;
  fold_.expires_after(100ms);
  fold_.async_wait([self = shared_from_this()](error_code) {
    if (self->stopped_) return;
    self->announcing_ = false;
    self->send_(self->own_name_);
  });
}

}  // namespace guildhall::store::postgres
