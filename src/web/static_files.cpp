#include "web/static_files.h"

#include <map>
#include <string>

namespace guildhall::web {
namespace {

const EmbeddedFile* find_file(std::string_view name) {
  static const auto* by_name = [] {
    auto* files = new std::map<std::string_view, const EmbeddedFile*>;
    for (const EmbeddedFile& file : dashboard_files()) (*files)[file.name] = &file;
    return files;
  }();
  const auto found = by_name->find(name);
  return found == by_name->end() ? nullptr : found->second;
}

std::string_view content_type(std::string_view name) {
  const std::pair<std::string_view, std::string_view> kTypes[] = {{".html", "text/html; charset=utf-8"},
                                                                  {".js", "text/javascript; charset=utf-8"},
                                                                  {".css", "text/css; charset=utf-8"},
                                                                  {".svg", "image/svg+xml"},
                                                                  {".json", "application/json"},
                                                                  {".png", "image/png"},
                                                                  {".ico", "image/x-icon"}};
  for (const auto& [ending, type] : kTypes) {
    if (name.ends_with(ending)) return type;
  }
  return "application/octet-stream";
}

bool accepts_gzip(const net::HttpRequest& request) {
  const auto accepted = request.header("accept-encoding");
  return accepted && accepted->find("gzip") != std::string::npos;
}

}  // namespace

net::HttpResponse serve_static(const net::HttpRequest& request) {
  if (request.method != "GET" && request.method != "HEAD")
    return net::make_response(405, "text/plain", "not allowed\n");
  std::string name = request.url.substr(1);
  const bool asset = name.starts_with("assets/") || name.find('.') != std::string::npos;
  const EmbeddedFile* file = find_file(name);
  if (file == nullptr && asset) return net::make_response(404, "text/plain", "not found\n");
  if (file == nullptr) {
    name = "index.html";
    file = find_file(name);
  }
  if (file == nullptr) return net::make_response(404, "text/plain", "this build has no dashboard\n");
  net::HttpResponse response;
  response.headers.emplace_back("content-type", content_type(name));
  // Names under assets/ carry a hash of their content; index.html names the assets of today.
  const bool never_changes = name.starts_with("assets/");
  response.headers.emplace_back("cache-control",
                                never_changes ? "public, max-age=31536000, immutable" : "no-cache");
  response.headers.emplace_back("vary", "accept-encoding");
  const EmbeddedFile* packed = accepts_gzip(request) ? find_file(name + ".gz") : nullptr;
  if (packed != nullptr) response.headers.emplace_back("content-encoding", "gzip");
  response.body = (packed != nullptr ? packed : file)->content;
  return response;
}

void add_security_headers(net::HttpResponse& response) {
  response.headers.emplace_back(
      "content-security-policy",
      "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
      "connect-src 'self'; worker-src 'self'; font-src 'self'; manifest-src 'self'; base-uri 'none'; "
      "form-action 'self'; frame-ancestors 'none'");
  response.headers.emplace_back("x-content-type-options", "nosniff");
  response.headers.emplace_back("referrer-policy", "no-referrer");
  response.headers.emplace_back("cross-origin-opener-policy", "same-origin");
  response.headers.emplace_back("permissions-policy", "camera=(), geolocation=(), microphone=()");
}

}  // namespace guildhall::web
