#include "net/listener.h"

#include <fmt/format.h>

namespace guildhall::net {

namespace asio = boost::asio;
using boost::system::error_code;

Result<void> listen_on(asio::ip::tcp::acceptor& acceptor, const ListenAddress& address) {
  error_code error;
  const auto host = asio::ip::make_address(address.host == "localhost" ? "127.0.0.1" : address.host, error);
  if (error) {
    return fail(ErrorCode::configuration,
                fmt::format("web.listen: '{}' is not an address of this machine", address.host),
                "Write an address such as 127.0.0.1:8080.");
  }
  const asio::ip::tcp::endpoint endpoint(host, address.port);
  acceptor.open(endpoint.protocol(), error);
  if (!error) acceptor.set_option(asio::socket_base::reuse_address(true), error);
  if (!error) acceptor.bind(endpoint, error);
  if (!error) acceptor.listen(asio::socket_base::max_listen_connections, error);
  if (!error) return {};
  if (error == asio::error::address_in_use) {
    return fail(ErrorCode::port_in_use,
                fmt::format("port {} on {} is in use by another program", address.port, address.host),
                "Choose another one with --listen ADDRESS:PORT or web.listen.");
  }
  return fail(ErrorCode::configuration, fmt::format("web.listen: cannot listen on {}:{}: {}", address.host,
                                                    address.port, error.message()));
}

std::uint16_t port_of(const asio::ip::tcp::acceptor& acceptor) {
  error_code ignored;
  return acceptor.local_endpoint(ignored).port();
}

}  // namespace guildhall::net
