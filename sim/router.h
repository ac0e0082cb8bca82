// Which handler answers which address, for the simulated REST interfaces.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "net/http.h"

namespace guildhall::sim {

/// A request with what its address holds.
struct Call {
  const net::HttpRequest& request;
  std::vector<std::string> arguments;  // what stood at the {} of the pattern
  json::Value body;                    // null when there is none
};

class Router {
 public:
  using Handler = std::function<net::HttpResponse(Call&)>;
  struct Route {
    std::string method;
    std::string pattern;  // "channels/{}/messages"
    Handler handler;
  };
  struct Match {
    const Route* route = nullptr;
    std::vector<std::string> arguments;
    bool path_known = false;  // with another method
  };

  void add(std::string method, std::string pattern, Handler handler);
  /// Fixed segments win over {}: the first route that fits is taken.
  Match find(std::string_view method, std::string_view path) const;

 private:
  std::vector<Route> routes_;
};

/// The values of a query name that may repeat.
std::vector<std::string> repeated(const net::HttpRequest& request, std::string_view name);
/// A decimal number that fills the whole text and is not negative.
std::optional<std::uint64_t> number_of(std::string_view text);
net::HttpResponse json_response(int status, const json::Value& body);

}  // namespace guildhall::sim
