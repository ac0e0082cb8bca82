// HTTP server. TLS to the outside is a reverse proxy's work.
#pragma once

#include <boost/asio/io_context.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/config.h"
#include "base/error.h"
#include "base/task.h"
#include "net/http.h"

namespace guildhall::net {

struct HttpServerOptions {
  ListenAddress listen;
  std::size_t largest_body = 1ULL << 20;  // more is answered 413
  /// Told of such a request's path and query.
  std::function<void(std::string_view target)> on_oversized = {};
  std::chrono::seconds idle_timeout{60};
  std::size_t most_connections = 2'000;
  /// Addresses of proxies whose X-Forwarded-For is believed.
  std::vector<std::string> trusted_proxies;
};

class HttpServer {
 public:
  /// Runs on the loop of its connection. What it throws is answered 500 and logged with an id.
  using Handler = std::function<Task<HttpResponse>(HttpRequest)>;

  /// Errors: `port_in_use`, `configuration` (an address that is not this machine's).
  static Result<std::unique_ptr<HttpServer>> start(boost::asio::io_context& loop, HttpServerOptions options,
                                                   Handler handler);
  ~HttpServer();

  /// The port that was taken, when 0 was asked for.
  std::uint16_t port() const;
  /// No new connections; open ones are closed.
  void stop();

 private:
  class Impl;
  explicit HttpServer(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}
  std::shared_ptr<Impl> impl_;
};

}  // namespace guildhall::net
