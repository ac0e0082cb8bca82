// How answers of the API are written.
#pragma once

#include <boost/json/value.hpp>
#include <string>

#include "base/error.h"
#include "net/http.h"

namespace guildhall::web {

net::HttpResponse json_answer(int status, const boost::json::value& body);
/// {"error":{"code","message","hint","field"?}} with the status that goes with the code.
net::HttpResponse error_answer(const Error& error);
/// 429 with Retry-After.
net::HttpResponse too_many(std::int64_t seconds);
/// To another page.
net::HttpResponse redirect(std::string to);
/// Adds an ETag, or turns the answer into 304 when the browser has this very content.
void apply_etag(const net::HttpRequest& request, net::HttpResponse& response);

}  // namespace guildhall::web
