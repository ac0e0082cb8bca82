// HTTP client with kept-alive connections. HTTPS verifies certificate and host name.
#pragma once

#include <boost/asio/io_context.hpp>
#include <chrono>
#include <memory>
#include <string>

#include "base/error.h"
#include "base/task.h"
#include "net/http.h"

namespace guildhall::net {

struct HttpClientOptions {
  std::string ca_file;  // certificate authorities instead of the system's
  std::string user_agent = "Guildhall";
  std::chrono::milliseconds connect_timeout{5'000};  // from the look-up of the address to the end of TLS
  std::chrono::milliseconds timeout{15'000};  // for the whole exchange, beside a second per 128 kB to be sent
  /// For a connection that is busy, before another is opened; longer where opening one takes longer.
  std::chrono::milliseconds least_patience{20};
  std::size_t largest_body = 16ULL << 20;
};

class HttpClient {
 public:
  /// All work happens on `loop`; `send` may be awaited from any.
  HttpClient(boost::asio::io_context& loop, HttpClientOptions options);
  ~HttpClient();

  /// Errors: `unavailable` (cannot connect, TLS refused, connection lost: the request may have
  /// arrived), `timeout`, `too_large`, `invalid` (address, or a line end in a header). A status of 400 and
  /// above is no error here. A request is never sent twice.
  Task<Result<HttpResponse>> send(HttpRequest request);
  /// The same, for a request that outlives the exchange.
  Task<Result<HttpResponse>> exchange(const HttpRequest& request);

  /// Connections opened so far.
  std::size_t connections_opened() const;

 private:
  class Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace guildhall::net
