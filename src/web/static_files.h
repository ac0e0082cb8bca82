// The built dashboard, from memory, compressed ahead of time.
#pragma once

#include <span>

#include "base/embedded.h"
#include "net/http.h"

namespace guildhall::web {

/// dashboard/dist: index.html, assets/..., each with a .gz beside it.
std::span<const EmbeddedFile> dashboard_files();

/// The file behind a path; index.html for every path of the page itself; 404 for a missing asset.
net::HttpResponse serve_static(const net::HttpRequest& request);

/// The headers that every answer carries: content policy and its kin.
void add_security_headers(net::HttpResponse& response);

}  // namespace guildhall::web
