// The addresses of a host, looked up within a time: what the system does for that cannot be stopped, so that
// a silent name server would hold up whoever asks. Within this room only.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <chrono>
#include <expected>

#include "base/task.h"
#include "net/url.h"

namespace guildhall::net {

using Addresses = boost::asio::ip::tcp::resolver::results_type;

/// Error: Beast's `timeout` at the deadline, or what the system says. To be awaited on `executor`.
Task<std::expected<Addresses, boost::system::error_code>> resolve(
    boost::asio::any_io_executor executor, Url url, std::chrono::steady_clock::time_point deadline);

}  // namespace guildhall::net
