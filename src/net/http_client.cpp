#include "net/http_client.h"

#include <sys/socket.h>

#include <cerrno>

#include "base/text.h"
#include "net/net_pch.h"
#include "net/tls.h"

namespace guildhall::net {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
namespace ssl = boost::asio::ssl;
using boost::system::error_code;

constexpr auto kAwait = asio::as_tuple(asio::use_awaitable);
constexpr std::chrono::seconds kIdle{45};
/// As many as a burst of answers needed at once: the next burst opens none anew.
constexpr std::size_t kIdlePerOrigin = 64;

Error network_error(const Url& url, error_code error, std::string_view doing) {
  if (error == beast::error::timeout)
    return {ErrorCode::timeout, fmt::format("{}: no answer in time", url.host)};
  if (error == http::error::body_limit)
    return {ErrorCode::too_large, fmt::format("{}: the answer is too large", url.host)};
  return {ErrorCode::unavailable, fmt::format("{}: {}: {}", url.host, doing, error.message())};
}

http::request<http::string_body> wire_request(const HttpRequest& request, const Url& url,
                                              const std::string& user_agent) {
  http::request<http::string_body> wire{http::string_to_verb(request.method), url.target, 11};
  const bool standard = url.port == (url.secure() ? 443 : 80);
  wire.set(http::field::host, standard ? url.host : fmt::format("{}:{}", url.host, url.port));
  wire.set(http::field::user_agent, user_agent);
  for (const auto& [name, value] : request.headers) wire.set(name, value);
  wire.body() = request.body;
  const bool carries_body = !request.body.empty() || (request.method != "GET" && request.method != "DELETE" &&
                                                      request.method != "HEAD");
  if (carries_body) wire.content_length(request.body.size());
  return wire;
}

HttpResponse plain_response(http::response<http::string_body>&& wire) {
  HttpResponse response;
  response.status = static_cast<int>(wire.result_int());
  for (const auto& field : wire) {
    response.headers.emplace_back(to_lower_ascii(std::string_view(field.name_string())),
                                  std::string(field.value()));
  }
  response.body = std::move(wire.body());
  return response;
}

/// One connection, plain or TLS.
class Connection {
 public:
  virtual ~Connection() = default;
  virtual Task<Result<void>> connect(Url url, HttpClientOptions options) = 0;
  virtual Task<Result<HttpResponse>> exchange(HttpRequest request, Url url, HttpClientOptions options) = 0;
  virtual bool alive() = 0;

  bool reusable = false;
  std::chrono::steady_clock::time_point idle_since;
};

template <class Stream>
class TypedConnection final : public Connection {
 public:
  template <class... Arguments>
  explicit TypedConnection(Arguments&&... arguments) : stream_(std::forward<Arguments>(arguments)...) {}

  Task<Result<void>> connect(Url url, HttpClientOptions options) override {
    asio::ip::tcp::resolver resolver(stream_.get_executor());
    const auto [resolve_error, addresses] =
        co_await resolver.async_resolve(url.host, std::to_string(url.port), kAwait);
    if (resolve_error)
      co_return std::unexpected(network_error(url, resolve_error, "cannot find the address"));
    auto& tcp = beast::get_lowest_layer(stream_);
    tcp.expires_after(options.connect_timeout);
    const auto [connect_error, endpoint] = co_await tcp.async_connect(addresses, kAwait);
    if (connect_error) co_return std::unexpected(network_error(url, connect_error, "cannot connect"));
    error_code ignored;
    tcp.socket().set_option(asio::ip::tcp::no_delay(true), ignored);
    if constexpr (!std::is_same_v<Stream, beast::tcp_stream>) {
      if (SSL_set_tlsext_host_name(stream_.native_handle(), url.host.c_str()) != 1) {
        co_return fail(ErrorCode::unavailable, "TLS: cannot name the host");
      }
      stream_.set_verify_callback(ssl::host_name_verification(url.host));
      const auto [tls_error] = co_await stream_.async_handshake(ssl::stream_base::client, kAwait);
      if (tls_error) co_return std::unexpected(network_error(url, tls_error, "TLS refused"));
    }
    co_return Result<void>{};
  }

  Task<Result<HttpResponse>> exchange(HttpRequest request, Url url, HttpClientOptions options) override {
    reusable = false;
    beast::get_lowest_layer(stream_).expires_after(options.timeout);
    const auto wire = wire_request(request, url, options.user_agent);
    const auto [write_error, written] = co_await http::async_write(stream_, wire, kAwait);
    if (write_error) co_return std::unexpected(network_error(url, write_error, "cannot send"));
    http::response_parser<http::string_body> parser;
    parser.body_limit(options.largest_body);
    if (request.method == "HEAD") parser.skip(true);
    const auto [read_error, read] = co_await http::async_read(stream_, buffer_, parser, kAwait);
    if (read_error) co_return std::unexpected(network_error(url, read_error, "no answer"));
    reusable = parser.keep_alive();
    co_return plain_response(parser.release());
  }

  /// A kept connection that the other side has closed, or sent something on, is of no use.
  bool alive() override {
    auto& socket = beast::get_lowest_layer(stream_).socket();
    if (!socket.is_open()) return false;
    char byte = 0;
    const auto got = ::recv(socket.native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    return got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
  }

 private:
  Stream stream_;
  beast::flat_buffer buffer_;
};

using PlainConnection = TypedConnection<beast::tcp_stream>;
using TlsConnection = TypedConnection<beast::ssl_stream<beast::tcp_stream>>;

}  // namespace

class HttpClient::Impl : public std::enable_shared_from_this<Impl> {
 public:
  Impl(asio::io_context& loop, HttpClientOptions options)
      : loop_(loop), options_(std::move(options)), context_(ssl::context::tls_client) {
    trouble_ = prepare_client_context(context_, options_.ca_file);
  }

  static Task<Result<HttpResponse>> send(std::shared_ptr<Impl> self, HttpRequest request) {
    const auto url = parse_url(request.url);
    if (!url) co_return std::unexpected(url.error());
    if (!self->trouble_) co_return std::unexpected(self->trouble_.error());
    auto connection = self->take_idle(*url);
    if (!connection) {
      connection = self->make_connection(*url);
      ++self->opened;
      const auto connected = co_await connection->connect(*url, self->options_);
      if (!connected) co_return std::unexpected(connected.error());
    }
    auto response = co_await connection->exchange(std::move(request), *url, self->options_);
    if (response && connection->reusable) self->keep(*url, std::move(connection));
    co_return response;
  }

  asio::io_context& loop() { return loop_; }
  std::atomic<std::size_t> opened{0};

 private:
  std::unique_ptr<Connection> make_connection(const Url& url) {
    if (url.secure()) return std::make_unique<TlsConnection>(loop_, context_);
    return std::make_unique<PlainConnection>(loop_);
  }

  std::unique_ptr<Connection> take_idle(const Url& url) {
    auto& idle = idle_[url.origin()];
    while (!idle.empty()) {
      auto connection = std::move(idle.back());
      idle.pop_back();
      if (std::chrono::steady_clock::now() - connection->idle_since < kIdle && connection->alive())
        return connection;
    }
    return nullptr;
  }

  void keep(const Url& url, std::unique_ptr<Connection> connection) {
    auto& idle = idle_[url.origin()];
    connection->idle_since = std::chrono::steady_clock::now();
    idle.push_back(std::move(connection));
    if (idle.size() > kIdlePerOrigin) idle.pop_front();
  }

  asio::io_context& loop_;
  HttpClientOptions options_;
  ssl::context context_;
  Result<void> trouble_;
  std::map<std::string, std::deque<std::unique_ptr<Connection>>> idle_;
};

HttpClient::HttpClient(asio::io_context& loop, HttpClientOptions options)
    : impl_(std::make_shared<Impl>(loop, std::move(options))) {}

HttpClient::~HttpClient() = default;

Task<Result<HttpResponse>> HttpClient::send(HttpRequest request) {
  const auto impl = impl_;
  co_return co_await asio::co_spawn(impl->loop(), Impl::send(impl, std::move(request)), asio::use_awaitable);
}

std::size_t HttpClient::connections_opened() const { return impl_->opened; }

}  // namespace guildhall::net
