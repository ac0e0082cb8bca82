#include "net/http_server.h"

#include "base/crypto.h"
#include "base/log.h"
#include "base/text.h"
#include "net/listener.h"
#include "net/net_pch.h"

namespace guildhall::net {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using boost::system::error_code;

constexpr auto kAwait = asio::as_tuple(asio::use_awaitable);
constexpr std::size_t kLargestHeader = 16ULL << 10;
constexpr std::chrono::seconds kStreamWrite{20};
/// What is still taken from a caller whose request was refused before its end.
constexpr std::chrono::seconds kLinger{5};
constexpr std::size_t kMostDiscarded = 8ULL << 20;

http::response<http::string_body> wire_response(HttpResponse&& response, bool keep_alive, bool head) {
  http::response<http::string_body> wire{static_cast<http::status>(response.status), 11};
  for (const auto& [name, value] : response.headers) wire.insert(name, value);
  wire.keep_alive(keep_alive);
  const bool no_content = response.status == 204 || response.status == 304;
  if (!no_content) wire.content_length(response.body.size());
  if (!head && !no_content) wire.body() = std::move(response.body);
  return wire;
}

void check_head(const HttpResponse& response) {
  for (const auto& [name, value] : response.headers) {
    if (has_line_end(name) || has_line_end(value))
      throw std::runtime_error("a line end within the header " + name);
  }
}

/// For the log: what stands behind the first part may be a member's secret (/link/...).
std::string first_part(std::string_view path) {
  const auto second = path.find('/', 1);
  return std::string(path.substr(0, second)) + (second == std::string_view::npos ? "" : "/...");
}

class StreamWriter final : public EventStream {
 public:
  explicit StreamWriter(beast::tcp_stream& stream) : stream_(stream) {}
  Task<bool> send(std::string chunk) override {
    stream_.expires_after(kStreamWrite);
    const auto [error, written] = co_await asio::async_write(stream_, asio::buffer(chunk), kAwait);
    stream_.expires_never();
    co_return !error;
  }

 private:
  beast::tcp_stream& stream_;
};

}  // namespace

class HttpServer::Impl : public std::enable_shared_from_this<Impl> {
 public:
  Impl(asio::io_context& loop, HttpServerOptions options, Handler handler)
      : loop_(loop), acceptor_(loop), options_(std::move(options)), handler_(std::move(handler)) {}

  Result<void> listen() { return listen_on(acceptor_, options_.listen); }
  void start() { asio::co_spawn(loop_, accept_loop(shared_from_this()), asio::detached); }
  std::uint16_t port() const { return port_of(acceptor_); }

  void stop() {
    asio::post(loop_, [self = shared_from_this()] {
      error_code ignored;
      self->acceptor_.close(ignored);
      for (beast::tcp_stream* stream : self->open_) stream->cancel();
    });
  }

 private:
  static Task<void> accept_loop(std::shared_ptr<Impl> self) {
    while (self->acceptor_.is_open()) {
      auto [error, socket] = co_await self->acceptor_.async_accept(kAwait);
      if (error == asio::error::operation_aborted || error == asio::error::bad_descriptor) co_return;
      if (error) {  // out of descriptors, say: the next may do better
        asio::steady_timer pause(self->loop_, std::chrono::milliseconds(50));
        co_await pause.async_wait(kAwait);
        continue;
      }
      if (self->open_.size() >= self->options_.most_connections) continue;
      asio::co_spawn(self->loop_, serve(self, beast::tcp_stream(std::move(socket))), asio::detached);
    }
  }

  static Task<void> serve(std::shared_ptr<Impl> self, beast::tcp_stream stream) {
    self->open_.insert(&stream);
    error_code ignored;
    stream.socket().set_option(asio::ip::tcp::no_delay(true), ignored);
    beast::flat_buffer buffer;
    while (co_await self->serve_one(stream, buffer)) {
    }
    self->open_.erase(&stream);
    stream.socket().shutdown(asio::ip::tcp::socket::shutdown_both, ignored);
  }

  /// Reads and answers one request. False: the connection is done.
  Task<bool> serve_one(beast::tcp_stream& stream, beast::flat_buffer& buffer) {
    http::request_parser<http::string_body> parser;
    parser.header_limit(kLargestHeader);
    parser.body_limit(options_.largest_body);
    stream.expires_after(options_.idle_timeout);
    const auto [read_error, read] = co_await http::async_read(stream, buffer, parser, kAwait);
    if (read_error) {
      const int status =
          read_error == http::error::body_limit     ? 413
          : read_error == http::error::header_limit ? 431
          : read_error.category() == http::make_error_code(http::error::bad_target).category() &&
                  read_error != http::error::end_of_stream && read_error != http::error::partial_message
              ? 400
              : 0;
      if (status == 413 && options_.on_oversized) options_.on_oversized(parser.get().target());
      if (status != 0) co_await refuse(stream, status);
      co_return false;
    }
    auto wire = parser.release();
    const bool head = wire.method() == http::verb::head;
    const bool keep_alive = wire.keep_alive();
    HttpResponse response = co_await answer(plain_request(std::move(wire), stream));
    if (response.stream) {
      co_await write_stream(stream, std::move(response));
      co_return false;
    }
    const bool written = co_await write(stream, std::move(response), keep_alive, head);
    co_return written&& keep_alive;
  }

  Task<void> refuse(beast::tcp_stream& stream, int status) {
    const bool written =
        co_await write(stream, make_response(status, "text/plain", http_reason(status)), false, false);
    if (written) co_await discard_rest(stream);
  }

  /// Closing over unread bytes resets the connection, and the reset may overtake the answer (RFC 9112, 9.6).
  static Task<void> discard_rest(beast::tcp_stream& stream) {
    error_code ignored;
    stream.socket().shutdown(asio::ip::tcp::socket::shutdown_send, ignored);
    stream.expires_after(kLinger);
    std::string chunk(16ULL << 10, '\0');
    for (std::size_t taken = 0; taken < kMostDiscarded;) {
      const auto [error, size] = co_await stream.async_read_some(asio::buffer(chunk), kAwait);
      if (error) co_return;
      taken += size;
    }
  }

  static std::string http_reason(int status) {
    return std::string(http::obsolete_reason(static_cast<http::status>(status))) + "\n";
  }

  HttpRequest plain_request(http::request<http::string_body>&& wire, beast::tcp_stream& stream) const {
    HttpRequest request;
    request.method = std::string(wire.method_string());
    const std::string_view target = wire.target();
    const auto question = std::min(target.find('?'), target.size());
    request.url = percent_decode(target.substr(0, question));
    request.query_text = target.substr(std::min(question + 1, target.size()));
    request.query = parse_query(request.query_text);
    for (const auto& field : wire) {
      request.headers.emplace_back(to_lower_ascii(std::string_view(field.name_string())),
                                   std::string(field.value()));
    }
    request.body = std::move(wire.body());
    error_code ignored;
    request.peer = stream.socket().remote_endpoint(ignored).address().to_string();
    const auto& trusted = options_.trusted_proxies;
    if (std::find(trusted.begin(), trusted.end(), request.peer) != trusted.end()) {
      // The proxy appends the address it saw, or a line of its own; what stands before, anybody may have
      // written.
      const auto line = std::find_if(request.headers.rbegin(), request.headers.rend(),
                                     [](const auto& header) { return header.first == "x-forwarded-for"; });
      if (line != request.headers.rend()) {
        const std::string_view chain = line->second;
        request.peer = std::string(trim(chain.substr(chain.rfind(',') + 1)));
      }
    }
    return request;
  }

  Task<HttpResponse> answer(HttpRequest request) {
    std::string what;
    const std::string path = first_part(request.url);
    try {
      HttpResponse response = co_await handler_(std::move(request));
      check_head(response);
      co_return response;
    } catch (const std::exception& error) {
      what = error.what();
    }
    const std::string id = hex(random_bytes(4));
    log::error("request failed", {log::field("id", id), log::field("path", path), log::field("error", what)});
    co_return make_response(500, "text/plain",
                            "Something went wrong on our side. The log has it under " + id + ".\n");
  }

  Task<bool> write(beast::tcp_stream& stream, HttpResponse response, bool keep_alive, bool head) {
    const auto wire = wire_response(std::move(response), keep_alive, head);
    stream.expires_after(options_.idle_timeout);
    http::serializer<false, http::string_body> serializer{wire};
    const auto [error, written] = co_await http::async_write(stream, serializer, kAwait);
    co_return !error;
  }

  static Task<void> write_stream(beast::tcp_stream& stream, HttpResponse response) {
    std::string head = "HTTP/1.1 200 OK\r\nconnection: close\r\n";
    for (const auto& [name, value] : response.headers)
      head.append(name).append(": ").append(value).append("\r\n");
    StreamWriter writer(stream);
    const bool begun = co_await writer.send(head + "\r\n");
    if (begun) co_await response.stream(writer);
  }

  asio::io_context& loop_;
  asio::ip::tcp::acceptor acceptor_;
  HttpServerOptions options_;
  Handler handler_;
  std::set<beast::tcp_stream*> open_;
};

Result<std::unique_ptr<HttpServer>> HttpServer::start(asio::io_context& loop, HttpServerOptions options,
                                                      Handler handler) {
  auto impl = std::make_shared<Impl>(loop, std::move(options), std::move(handler));
  if (auto listening = impl->listen(); !listening) return std::unexpected(listening.error());
  impl->start();
  return std::unique_ptr<HttpServer>(new HttpServer(std::move(impl)));
}

HttpServer::~HttpServer() { impl_->stop(); }
std::uint16_t HttpServer::port() const { return impl_->port(); }
void HttpServer::stop() { impl_->stop(); }

}  // namespace guildhall::net
