// Opening a listening socket, with errors that a person can act on.
#pragma once

#include <boost/asio/ip/tcp.hpp>

#include "base/config.h"
#include "base/error.h"

namespace guildhall::net {

/// Errors: `port_in_use`, `configuration`.
Result<void> listen_on(boost::asio::ip::tcp::acceptor& acceptor, const ListenAddress& address);
std::uint16_t port_of(const boost::asio::ip::tcp::acceptor& acceptor);

}  // namespace guildhall::net
