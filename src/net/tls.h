// The TLS context of outgoing connections.
#pragma once

#include <boost/asio/ssl/context.hpp>
#include <string>

#include "base/error.h"

namespace guildhall::net {

/// TLS 1.2 or newer, verifying against `ca_file` or the system's authorities. Error `configuration`
/// when the file cannot be used.
Result<void> prepare_client_context(boost::asio::ssl::context& context, const std::string& ca_file);

}  // namespace guildhall::net
