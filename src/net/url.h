// Addresses: scheme://host:port/target, and query strings.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "base/error.h"

namespace guildhall::net {

struct Url {
  std::string scheme;  // http, https, ws, wss
  std::string host;
  std::uint16_t port = 0;
  std::string target;  // "/path?query", at least "/"
  bool secure() const { return scheme == "https" || scheme == "wss"; }
  /// "https://host:port": connections of one origin are interchangeable.
  std::string origin() const;
};

/// Error `invalid`: names the host at most, as the rest may be secret.
Result<Url> parse_url(std::string_view text);

using Query = std::map<std::string, std::string, std::less<>>;

std::string percent_encode(std::string_view text);
/// Broken escapes stay as they are. In a query '+' is a space as well; `parse_query` knows.
std::string percent_decode(std::string_view text);
/// "a=1&b=x%20y"; also the form encoding of OAuth.
std::string write_query(const Query& query);
Query parse_query(std::string_view text);

}  // namespace guildhall::net
