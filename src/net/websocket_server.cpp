#include "net/websocket_server.h"

#include "base/text.h"
#include "net/listener.h"
#include "net/net_pch.h"
#include "net/websocket_stream.h"

namespace guildhall::net {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;

constexpr auto kAwait = asio::as_tuple(asio::use_awaitable);

}  // namespace

class WebSocketServer::Impl : public std::enable_shared_from_this<Impl> {
 public:
  Impl(asio::io_context& loop, Handler handler)
      : loop_(loop), acceptor_(loop), handler_(std::move(handler)) {}

  Result<void> listen(const ListenAddress& address) { return listen_on(acceptor_, address); }
  void start() { asio::co_spawn(loop_, accept_loop(shared_from_this()), asio::detached); }
  std::uint16_t port() const { return port_of(acceptor_); }
  void stop() {
    asio::post(loop_, [self = shared_from_this()] {
      boost::system::error_code ignored;
      self->acceptor_.close(ignored);
    });
  }

 private:
  using Socket = WebSocketStream<beast::tcp_stream>;

  static Task<void> accept_loop(std::shared_ptr<Impl> self) {
    while (self->acceptor_.is_open()) {
      auto [error, socket] = co_await self->acceptor_.async_accept(kAwait);
      if (error == asio::error::operation_aborted || error == asio::error::bad_descriptor) co_return;
      if (error) continue;
      boost::system::error_code ignored;
      socket.set_option(asio::ip::tcp::no_delay(true),
                        ignored);  // else a message waits for an acknowledgement
      asio::co_spawn(self->loop_, serve(self, std::make_shared<Socket>(std::move(socket))), asio::detached);
    }
  }

  static Task<void> serve(std::shared_ptr<Impl> self, std::shared_ptr<Socket> socket) {
    auto& stream = socket->stream();
    beast::flat_buffer buffer;
    beast::http::request<beast::http::string_body> upgrade;
    const auto [read_error, size] =
        co_await beast::http::async_read(stream.next_layer(), buffer, upgrade, kAwait);
    if (read_error) co_return;
    const auto [accept_error] = co_await stream.async_accept(upgrade, kAwait);
    if (accept_error) co_return;
    HttpRequest request;
    const std::string_view target = upgrade.target();
    const auto question = std::min(target.find('?'), target.size());
    request.url = std::string(target.substr(0, question));
    request.query = parse_query(target.substr(std::min(question + 1, target.size())));
    for (const auto& field : upgrade) {
      request.headers.emplace_back(to_lower_ascii(std::string_view(field.name_string())),
                                   std::string(field.value()));
    }
    co_await self->handler_(socket, std::move(request));
  }

  asio::io_context& loop_;
  asio::ip::tcp::acceptor acceptor_;
  Handler handler_;
};

Result<std::unique_ptr<WebSocketServer>> WebSocketServer::start(asio::io_context& loop, ListenAddress listen,
                                                                Handler handler) {
  auto impl = std::make_shared<Impl>(loop, std::move(handler));
  if (auto listening = impl->listen(listen); !listening) return std::unexpected(listening.error());
  impl->start();
  return std::unique_ptr<WebSocketServer>(new WebSocketServer(std::move(impl)));
}

WebSocketServer::~WebSocketServer() { impl_->stop(); }
std::uint16_t WebSocketServer::port() const { return impl_->port(); }
void WebSocketServer::stop() { impl_->stop(); }

}  // namespace guildhall::net
