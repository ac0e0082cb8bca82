// Addresses, queries, cookies and listen addresses.
#include "base/config.h"
#include "net/url.h"
#include "tests/fuzz/fuzz.h"
#include "web/sessions.h"

namespace guildhall::fuzz {
namespace {

void require_url(std::string_view input) {
  const auto url = net::parse_url(input);
  if (!url) return;
  require(!url->host.empty() && url->target.starts_with('/'), "an address without host or path");
  const auto again = net::parse_url(url->origin() + url->target);
  require(again && again->origin() == url->origin() && again->target == url->target,
          "an address is another when it is read again");
}

void require_query(std::string_view input) {
  const auto query = net::parse_query(input);
  require(net::parse_query(net::write_query(query)) == query, "a query changed on its way");
  require(net::percent_decode(net::percent_encode(input)) == input, "an escaped text changed on its way");
}

void require_cookie(std::string_view input) {
  net::HttpRequest request;
  request.headers.emplace_back("cookie", std::string(input));
  const std::string id = web::session_id_of(request);
  if (id.empty()) return;
  request.headers.front().second = "a=b; " + std::string(web::kSessionCookie) + "=" + id;
  require(web::session_id_of(request) == id, "a session's id changed on its way");
}

}  // namespace

void fuzz_http(std::string_view input) {
  require_url(input);
  require_query(input);
  require_cookie(input);
  const auto listen = parse_listen(input);
  require(!listen || !listen->host.empty(), "a listen address without host");
}

}  // namespace guildhall::fuzz
