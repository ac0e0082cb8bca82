#include "sim/router.h"

#include <charconv>

namespace guildhall::sim {
namespace {

std::vector<std::string_view> segments(std::string_view path) {
  std::vector<std::string_view> out;
  while (!path.empty()) {
    const auto end = std::min(path.find('/'), path.size());
    if (end > 0) out.push_back(path.substr(0, end));
    path.remove_prefix(std::min(end + 1, path.size()));
  }
  return out;
}

/// Does the path fit? Then `arguments` holds what stood at the {}.
bool fits(std::string_view pattern, const std::vector<std::string_view>& path, std::vector<std::string>& arguments) {
  const auto parts = segments(pattern);
  if (parts.size() != path.size()) return false;
  arguments.clear();
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (parts[i] == "{}") {
      arguments.emplace_back(path[i]);
    } else if (parts[i] != path[i]) {
      return false;
    }
  }
  return true;
}

}  // namespace

void Router::add(std::string method, std::string pattern, Handler handler) {
  routes_.push_back({std::move(method), std::move(pattern), std::move(handler)});
}

Router::Match Router::find(std::string_view method, std::string_view path) const {
  const auto parts = segments(path);
  Match match;
  for (const Route& route : routes_) {
    std::vector<std::string> arguments;
    if (!fits(route.pattern, parts, arguments)) continue;
    match.path_known = true;
    if (route.method != method) continue;
    match.route = &route;
    match.arguments = std::move(arguments);
    break;
  }
  return match;
}

std::vector<std::string> repeated(const net::HttpRequest& request, std::string_view name) {
  std::vector<std::string> values;
  std::string_view rest = request.query_text;
  while (!rest.empty()) {
    const auto end = std::min(rest.find('&'), rest.size());
    for (const auto& [key, value] : net::parse_query(rest.substr(0, end))) {
      if (key == name) values.push_back(value);
    }
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return values;
}

std::optional<std::uint64_t> number_of(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || text.empty()) return std::nullopt;
  return value;
}

net::HttpResponse json_response(int status, const json::Value& body) {
  return net::make_response(status, "application/json", json::write(body));
}

}  // namespace guildhall::sim
