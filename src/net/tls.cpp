#include "net/tls.h"

#include <fmt/format.h>

#include <boost/asio/ssl.hpp>

namespace guildhall::net {

namespace ssl = boost::asio::ssl;

Result<void> prepare_client_context(ssl::context& context, const std::string& ca_file) {
  context.set_options(ssl::context::default_workarounds | ssl::context::no_sslv2 | ssl::context::no_sslv3 |
                      ssl::context::no_tlsv1 | ssl::context::no_tlsv1_1);
  context.set_verify_mode(ssl::verify_peer);
  boost::system::error_code error;
  if (ca_file.empty()) {
    context.set_default_verify_paths(error);
  } else {
    context.load_verify_file(ca_file, error);
  }
  if (error) {
    return fail(ErrorCode::configuration,
                fmt::format("net.ca_file: cannot use '{}': {}", ca_file, error.message()));
  }
  return {};
}

}  // namespace guildhall::net
