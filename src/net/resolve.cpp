#include "net/resolve.h"

#include "net/net_pch.h"

namespace guildhall::net {
namespace {

namespace asio = boost::asio;

/// Goes on by itself when nobody waits for it any more.
struct Lookup {
  explicit Lookup(const asio::any_io_executor& executor) : resolver(executor), timer(executor) {}

  asio::ip::tcp::resolver resolver;
  asio::steady_timer timer;
  boost::system::error_code error = boost::beast::error::timeout;
  Addresses found;
};

}  // namespace

Task<std::expected<Addresses, boost::system::error_code>> resolve(
    asio::any_io_executor executor, Url url, std::chrono::steady_clock::time_point deadline) {
  const auto lookup = std::make_shared<Lookup>(executor);
  lookup->timer.expires_at(deadline);
  lookup->resolver.async_resolve(url.host, std::to_string(url.port),
                                 [lookup](boost::system::error_code error, Addresses found) {
                                   lookup->error = error;
                                   lookup->found = std::move(found);
                                   lookup->timer.cancel();
                                 });
  co_await lookup->timer.async_wait(asio::as_tuple(asio::use_awaitable));
  // One thread looks up for the whole loop: what it has not begun, and nobody waits for, it passes over.
  lookup->resolver.cancel();
  if (lookup->error) co_return std::unexpected(lookup->error);
  co_return lookup->found;
}

}  // namespace guildhall::net
