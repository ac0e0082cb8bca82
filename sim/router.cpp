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

}  // namespace

std::optional<std::vector<std::string>> match_path(std::string_view pattern, std::string_view path) {
  const auto wanted = segments(pattern);
  const auto given = segments(path);
  if (wanted.size() != given.size()) return std::nullopt;
  std::vector<std::string> arguments;
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    if (wanted[i] == "{}") {
      arguments.emplace_back(given[i]);
    } else if (wanted[i] != given[i]) {
      return std::nullopt;
    }
  }
  return arguments;
}

std::uint64_t Call::number(std::size_t position) const { return number_of(arguments[position]).value_or(0); }

std::optional<std::string> Call::query(std::string_view name) const {
  const auto found = request.query.find(name);
  if (found == request.query.end()) return std::nullopt;
  return found->second;
}

std::optional<std::uint64_t> Call::query_number(std::string_view name) const {
  return number_of(query(name).value_or(""));
}

std::vector<std::string> Call::queries(std::string_view name) const {
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
