// Which handler answers which address, for the simulated REST interfaces.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/json.h"
#include "net/http.h"

namespace guildhall::sim {

/// Does the path fit a pattern such as "channels/{}/messages"? Then what stood at the {}.
std::optional<std::vector<std::string>> match_path(std::string_view pattern, std::string_view path);

/// Routes in the order in which they are tried: fixed segments before {}.
template <class Handler>
class Router {
 public:
  struct Route {
    std::string method;
    std::string pattern;
    Handler handler;
  };
  struct Match {
    const Route* route = nullptr;
    std::vector<std::string> arguments;
    bool path_known = false;  // perhaps with another method
  };

  void add(std::string method, std::string pattern, Handler handler) {
    routes_.push_back({std::move(method), std::move(pattern), std::move(handler)});
  }

  Match find(std::string_view method, std::string_view path) const {
    Match match;
    for (const Route& route : routes_) {
      auto arguments = match_path(route.pattern, path);
      if (!arguments) continue;
      match.path_known = true;
      if (route.method != method) continue;
      match.route = &route;
      match.arguments = std::move(*arguments);
      break;
    }
    return match;
  }

 private:
  std::vector<Route> routes_;
};

/// A request with what its address and body hold.
struct Call {
  const net::HttpRequest& request;
  std::vector<std::string> arguments;
  json::Value body = nullptr;  // null when there is none

  /// The number at the n-th {} of the pattern; 0 when it is none.
  std::uint64_t number(std::size_t position) const;
  std::optional<std::string> query(std::string_view name) const;
  std::optional<std::uint64_t> query_number(std::string_view name) const;
  /// The values of a query name that may repeat.
  std::vector<std::string> queries(std::string_view name) const;
};

/// A decimal number that fills the whole text and is not negative.
std::optional<std::uint64_t> number_of(std::string_view text);
net::HttpResponse json_response(int status, const json::Value& body);

}  // namespace guildhall::sim
