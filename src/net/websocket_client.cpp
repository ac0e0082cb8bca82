#include "net/websocket_client.h"

#include "net/net_pch.h"
#include "net/resolve.h"
#include "net/tls.h"
#include "net/url.h"
#include "net/websocket_stream.h"

namespace guildhall::net {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace ssl = boost::asio::ssl;
namespace websocket = boost::beast::websocket;

constexpr auto kAwait = asio::as_tuple(asio::use_awaitable);

Error lost(const Url& url, std::string_view doing, const boost::system::error_code& error) {
  if (error == beast::error::timeout)
    return {ErrorCode::timeout, fmt::format("{}: no answer in time", url.host)};
  return {ErrorCode::unavailable, fmt::format("{}: {}: {}", url.host, doing, error.message())};
}

Task<Result<void>> connect_tcp(beast::tcp_stream& tcp, Url url, WebSocketOptions options) {
  const auto deadline = std::chrono::steady_clock::now() + options.connect_timeout;
  const auto addresses = co_await resolve(tcp.get_executor(), url, deadline);
  if (!addresses) co_return std::unexpected(lost(url, "cannot find the address", addresses.error()));
  tcp.expires_at(deadline);
  const auto [connect_error, endpoint] = co_await tcp.async_connect(*addresses, kAwait);
  if (connect_error) co_return std::unexpected(lost(url, "cannot connect", connect_error));
  boost::system::error_code ignored;
  tcp.socket().set_option(asio::ip::tcp::no_delay(true), ignored);
  co_return Result<void>{};
}

/// The upgrade, over whatever connection is there.
template <class Socket>
Task<Result<std::unique_ptr<WebSocket>>> upgrade(std::unique_ptr<Socket> socket, Url url,
                                                 WebSocketOptions options) {
  auto& stream = socket->stream();
  stream.read_message_max(options.largest_message);
  stream.set_option(
      websocket::stream_base::decorator([agent = options.user_agent](websocket::request_type& request) {
        request.set(beast::http::field::user_agent, agent);
      }));
  const auto [error] =
      co_await stream.async_handshake(fmt::format("{}:{}", url.host, url.port), url.target, kAwait);
  if (error) co_return std::unexpected(lost(url, "upgrade refused", error));
  // From here on the protocol above watches over silence.
  beast::get_lowest_layer(stream).expires_never();
  co_return std::unique_ptr<WebSocket>(std::move(socket));
}

/// A TLS context must live as long as its streams; there is one per certificate file.
Result<ssl::context*> shared_context(const std::string& ca_file) {
  thread_local std::map<std::string, std::unique_ptr<ssl::context>> contexts;
  auto& context = contexts[ca_file];
  if (!context) {
    auto made = std::make_unique<ssl::context>(ssl::context::tls_client);
    if (auto prepared = prepare_client_context(*made, ca_file); !prepared)
      return std::unexpected(prepared.error());
    context = std::move(made);
  }
  return context.get();
}

}  // namespace

Task<Result<std::unique_ptr<WebSocket>>> connect_websocket(std::string address, WebSocketOptions options) {
  const auto url = parse_url(address);
  if (!url) co_return std::unexpected(url.error());
  const auto executor = co_await asio::this_coro::executor;
  if (!url->secure()) {
    auto socket = std::make_unique<WebSocketStream<beast::tcp_stream>>(executor);
    const auto connected = co_await connect_tcp(beast::get_lowest_layer(socket->stream()), *url, options);
    if (!connected) co_return std::unexpected(connected.error());
    co_return co_await upgrade(std::move(socket), *url, options);
  }
  const auto context = shared_context(options.ca_file);
  if (!context) co_return std::unexpected(context.error());
  auto socket = std::make_unique<WebSocketStream<beast::ssl_stream<beast::tcp_stream>>>(executor, **context);
  const auto connected = co_await connect_tcp(beast::get_lowest_layer(socket->stream()), *url, options);
  if (!connected) co_return std::unexpected(connected.error());
  auto& tls = socket->stream().next_layer();
  if (SSL_set_tlsext_host_name(tls.native_handle(), url->host.c_str()) != 1) {
    co_return fail(ErrorCode::unavailable, "TLS: cannot name the host");
  }
  tls.set_verify_callback(ssl::host_name_verification(url->host));
  const auto [tls_error] = co_await tls.async_handshake(ssl::stream_base::client, kAwait);
  if (tls_error) co_return std::unexpected(lost(*url, "TLS refused", tls_error));
  co_return co_await upgrade(std::move(socket), *url, options);
}

}  // namespace guildhall::net
