#include "net/http_client.h"

#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <tuple>

#include "base/text.h"
#include "net/loops.h"
#include "net/net_pch.h"
#include "net/resolve.h"
#include "net/tls.h"

namespace guildhall::net {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
namespace ssl = boost::asio::ssl;
using boost::system::error_code;
using std::chrono::steady_clock;

constexpr auto kAwait = asio::as_tuple(asio::use_awaitable);
constexpr std::chrono::seconds kIdle{45};
/// As many as a burst of answers needed at once: the next burst opens none anew.
constexpr std::size_t kIdlePerOrigin = 64;
/// For a connection that is busy.
constexpr std::chrono::milliseconds kMostPatience{250};
constexpr std::size_t kUsualAnswer = 4096;
/// A large body has the time that a slow line needs.
constexpr std::size_t kSlowestBytesPerMs = 128;

Error network_error(const Url& url, error_code error, std::string_view doing) {
  if (error == beast::error::timeout)
    return {ErrorCode::timeout, fmt::format("{}: no answer in time", url.host)};
  if (error == http::error::body_limit)
    return {ErrorCode::too_large, fmt::format("{}: the answer is too large", url.host)};
  return {ErrorCode::unavailable, fmt::format("{}: {}: {}", url.host, doing, error.message())};
}

bool carries_body(const HttpRequest& request) {
  return !request.body.empty() ||
         (request.method != "GET" && request.method != "DELETE" && request.method != "HEAD");
}

void add_header(std::string& head, std::string_view name, std::string_view value) {
  head.append(name).append(": ").append(value).append("\r\n");
}

/// Everything before the body. Error: something in it would end its line early and begin another.
Result<std::string> request_head(const HttpRequest& request, const Url& url, const std::string& user_agent) {
  bool clean = !has_line_end(request.method) && !has_line_end(url.target) && !has_line_end(url.host);
  std::string head;
  head.reserve(512 + url.target.size());
  head.append(request.method).append(" ").append(url.target).append(" HTTP/1.1\r\nhost: ").append(url.host);
  if (url.port != (url.secure() ? 443 : 80)) head.append(":").append(std::to_string(url.port));
  head.append("\r\n");
  const bool named = std::ranges::any_of(
      request.headers, [](const auto& header) { return beast::iequals(header.first, "user-agent"); });
  if (!named) add_header(head, "user-agent", user_agent);
  for (const auto& [name, value] : request.headers) {
    clean = clean && !has_line_end(name) && !has_line_end(value);
    add_header(head, name, value);
  }
  if (carries_body(request)) add_header(head, "content-length", std::to_string(request.body.size()));
  head.append("\r\n");
  if (!clean) return fail(ErrorCode::invalid, url.host + ": a line end within a request's head");
  return head;
}

HttpResponse plain_response(http::response<http::string_body>&& wire) {
  HttpResponse response;
  response.status = static_cast<int>(wire.result_int());
  response.headers.reserve(16);
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
  // What these are given outlives them.
  virtual Task<Result<void>> connect(const Url& url, const HttpClientOptions& options) = 0;
  virtual Task<Result<HttpResponse>> exchange(const HttpRequest& request, const Url& url,
                                              const HttpClientOptions& options) = 0;
  virtual bool alive() = 0;

  bool reusable = false;
  steady_clock::time_point idle_since;
};

template <class Stream>
class TypedConnection final : public Connection {
 public:
  template <class... Arguments>
  explicit TypedConnection(Arguments&&... arguments) : stream_(std::forward<Arguments>(arguments)...) {
    buffer_.reserve(kUsualAnswer);  // else it is read in pieces of half a kilobyte
  }

  Task<Result<void>> connect(const Url& url, const HttpClientOptions& options) override {
    const auto deadline = std::chrono::steady_clock::now() + options.connect_timeout;
    const auto addresses = co_await resolve(stream_.get_executor(), url, deadline);
    if (!addresses)
      co_return std::unexpected(network_error(url, addresses.error(), "cannot find the address"));
    auto& tcp = beast::get_lowest_layer(stream_);
    tcp.expires_at(deadline);
    const auto [connect_error, endpoint] = co_await tcp.async_connect(*addresses, kAwait);
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

  Task<Result<HttpResponse>> exchange(const HttpRequest& request, const Url& url,
                                      const HttpClientOptions& options) override {
    reusable = false;
    const auto head = request_head(request, url, options.user_agent);
    if (!head) co_return std::unexpected(head.error());
    const std::chrono::milliseconds sending(request.body.size() / kSlowestBytesPerMs);
    beast::get_lowest_layer(stream_).expires_after(options.timeout + sending);
    const std::array<asio::const_buffer, 2> wire{asio::buffer(*head), asio::buffer(request.body)};
    const auto [write_error, written] = co_await asio::async_write(stream_, wire, kAwait);
    if (write_error) co_return std::unexpected(network_error(url, write_error, "cannot send"));
    http::response_parser<http::string_body> parser;
    parser.body_limit(options.largest_body);
    if (request.method == "HEAD") parser.skip(true);
    const auto [read_error, read] = co_await http::async_read(stream_, buffer_, parser, kAwait);
    if (read_error) co_return std::unexpected(network_error(url, read_error, "no answer"));
    // What came beyond the answer would be taken for the next one.
    reusable = parser.keep_alive() && buffer_.size() == 0;
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

/// Addresses whose connections are interchangeable are one.
struct SameOrigin {
  bool operator()(const Url& a, const Url& b) const {
    return std::tie(a.scheme, a.host, a.port) < std::tie(b.scheme, b.host, b.port);
  }
};

/// The connections to one origin. A request that finds all of them busy waits for one as long as it takes to
/// open another, which costs far more than most exchanges: a burst that the present ones work off in that
/// time opens none, and a slow exchange holds nobody up for long.
class Pool {
 public:
  Pool(asio::io_context& loop, const HttpClientOptions& options)
      : loop_(loop), least_patience_(options.least_patience), patience_(least_patience_) {}

  /// One that is free, or null: the caller opens one. `give_back` follows either.
  Task<std::unique_ptr<Connection>> take() {
    auto connection = take_idle();
    if (!connection && busy_ > 0) co_return co_await wait();
    ++busy_;
    co_return connection;
  }

  /// Null: it is of no more use.
  void give_back(std::unique_ptr<Connection> connection) {
    if (!waiting_.empty()) return hand_over(std::move(connection));
    --busy_;
    if (!connection) return;
    connection->idle_since = steady_clock::now();
    idle_.push_back(std::move(connection));
    if (idle_.size() > kIdlePerOrigin) idle_.pop_front();
  }

  void opened_within(steady_clock::duration took) {
    patience_ = std::max<steady_clock::duration>(least_patience_,
                                                 std::min<steady_clock::duration>(took, kMostPatience));
  }

 private:
  /// Leaves the line when it ends, whichever way.
  struct Waiter {
    explicit Waiter(Pool& in) : pool(in), timer(in.loop_, in.patience_) { pool.waiting_.push_back(this); }
    ~Waiter() { std::erase(pool.waiting_, this); }
    Waiter(const Waiter&) = delete;
    Waiter& operator=(const Waiter&) = delete;

    Pool& pool;
    asio::steady_timer timer;
    bool has_place = false;
    std::unique_ptr<Connection> got = nullptr;
  };

  Task<std::unique_ptr<Connection>> wait() {
    Waiter waiter(*this);
    co_await waiter.timer.async_wait(kAwait);
    if (!waiter.has_place) ++busy_;
    co_return std::move(waiter.got);
  }

  /// With the place among the busy ones: whoever asks before the waiter has woken up finds it taken.
  void hand_over(std::unique_ptr<Connection> connection) {
    Waiter* first = waiting_.front();
    waiting_.pop_front();
    first->has_place = true;
    if (connection && connection->alive()) first->got = std::move(connection);
    first->timer.cancel();
  }

  std::unique_ptr<Connection> take_idle() {
    while (!idle_.empty()) {
      auto connection = std::move(idle_.back());
      idle_.pop_back();
      if (steady_clock::now() - connection->idle_since < kIdle && connection->alive()) return connection;
    }
    return nullptr;
  }

  asio::io_context& loop_;
  std::deque<std::unique_ptr<Connection>> idle_;
  std::size_t busy_ = 0;
  std::deque<Waiter*> waiting_;
  std::chrono::milliseconds least_patience_;
  steady_clock::duration patience_;
};

/// A place in a pool, with a connection or without one.
class Place {
 public:
  Place(Pool& pool, std::unique_ptr<Connection> connection)
      : pool_(pool), connection_(std::move(connection)) {}
  ~Place() { pool_.give_back(connection_ && connection_->reusable ? std::move(connection_) : nullptr); }
  Place(const Place&) = delete;
  Place& operator=(const Place&) = delete;

  std::unique_ptr<Connection>& connection() { return connection_; }

 private:
  Pool& pool_;
  std::unique_ptr<Connection> connection_;
};

}  // namespace

class HttpClient::Impl : public std::enable_shared_from_this<Impl> {
 public:
  Impl(asio::io_context& loop, HttpClientOptions options)
      : loop_(loop), options_(std::move(options)), context_(ssl::context::tls_client) {
    trouble_ = prepare_client_context(context_, options_.ca_file);
  }

  /// `request` outlives it.
  static Task<Result<HttpResponse>> exchange(std::shared_ptr<Impl> self, const HttpRequest& request) {
    const auto url = parse_url(request.url);
    if (!url) co_return std::unexpected(url.error());
    if (!self->trouble_) co_return std::unexpected(self->trouble_.error());
    Pool& pool = self->pools_.try_emplace(*url, self->loop_, self->options_).first->second;
    Place place(pool, co_await pool.take());
    auto& connection = place.connection();
    if (!connection) {
      const auto begun = steady_clock::now();
      connection = self->make_connection(*url);
      ++self->opened;
      const auto connected = co_await connection->connect(*url, self->options_);
      if (!connected) co_return std::unexpected(connected.error());
      pool.opened_within(steady_clock::now() - begun);
    }
    co_return co_await connection->exchange(request, *url, self->options_);
  }

  /// For a caller on another loop, which may end meanwhile.
  static Task<Result<HttpResponse>> exchange_copy(std::shared_ptr<Impl> self, HttpRequest request) {
    co_return co_await exchange(self, request);
  }

  asio::io_context& loop() { return loop_; }
  std::atomic<std::size_t> opened{0};

 private:
  std::unique_ptr<Connection> make_connection(const Url& url) {
    if (url.secure()) return std::make_unique<TlsConnection>(loop_, context_);
    return std::make_unique<PlainConnection>(loop_);
  }

  asio::io_context& loop_;
  HttpClientOptions options_;
  ssl::context context_;
  Result<void> trouble_;
  std::map<Url, Pool, SameOrigin> pools_;
};

HttpClient::HttpClient(asio::io_context& loop, HttpClientOptions options)
    : impl_(std::make_shared<Impl>(loop, std::move(options))) {}

HttpClient::~HttpClient() = default;

Task<Result<HttpResponse>> HttpClient::send(HttpRequest request) { co_return co_await exchange(request); }

Task<Result<HttpResponse>> HttpClient::exchange(const HttpRequest& request) {
  const auto impl = impl_;
  const auto executor = co_await asio::this_coro::executor;
  if (runs_on(executor, impl->loop())) co_return co_await Impl::exchange(impl, request);
  co_return co_await asio::co_spawn(impl->loop(), Impl::exchange_copy(impl, request), asio::use_awaitable);
}

std::size_t HttpClient::connections_opened() const { return impl_->opened; }

}  // namespace guildhall::net
