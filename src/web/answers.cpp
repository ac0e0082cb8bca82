#include "web/answers.h"

#include <fmt/format.h>

#include <boost/json/serialize.hpp>

#include "base/crypto.h"

namespace guildhall::web {
namespace {

struct Wire {
  int status;
  const char* code;
};

Wire wire_of(ErrorCode code) {
  switch (code) {
    case ErrorCode::invalid:
    case ErrorCode::usage: return {400, "invalid"};
    case ErrorCode::unauthenticated: return {401, "unauthenticated"};
    case ErrorCode::forbidden: return {403, "forbidden"};
    case ErrorCode::not_found: return {404, "not_found"};
    case ErrorCode::conflict: return {409, "conflict"};
    case ErrorCode::too_large: return {413, "too_large"};
    case ErrorCode::rate_limited: return {429, "rate_limited"};
    default: return {503, "unavailable"};
  }
}

}  // namespace

net::HttpResponse json_answer(int status, const boost::json::value& body) {
  auto response = net::make_response(status, "application/json", boost::json::serialize(body));
  response.headers.emplace_back("cache-control", "no-cache");
  return response;
}

net::HttpResponse error_answer(const Error& error) {
  const Wire wire = wire_of(error.code);
  boost::json::object object{{"code", wire.code}, {"message", error.message}, {"hint", error.hint}};
  if (!error.field.empty()) object["field"] = error.field;
  return json_answer(wire.status, {{"error", std::move(object)}});
}

net::HttpResponse too_many(std::int64_t seconds) {
  auto response = error_answer(
      {ErrorCode::rate_limited, "too many requests", fmt::format("Try again in {} s.", seconds)});
  response.headers.emplace_back("retry-after", fmt::format("{}", seconds));
  return response;
}

net::HttpResponse redirect(std::string to) {
  net::HttpResponse response;
  response.status = 303;
  response.headers.emplace_back("location", std::move(to));
  return response;
}

void apply_etag(const net::HttpRequest& request, net::HttpResponse& response) {
  if (request.method != "GET" || response.status != 200 || response.stream) return;
  const std::string etag = "\"" + hex(sha256(response.body)).substr(0, 32) + "\"";
  response.headers.emplace_back("etag", etag);
  const auto known = request.header("if-none-match");
  if (!known || known->find(etag) == std::string::npos) return;
  response.status = 304;
  response.body.clear();
}

}  // namespace guildhall::web
