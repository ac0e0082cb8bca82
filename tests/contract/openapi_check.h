// Checks requests against an OpenAPI 3.1 description: does the call exist, and does its body have the
// described shape? Stricter than the format asks for in one point: a property that is not described is
// a complaint, because it is a misspelling on our side.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/json.h"

namespace guildhall::contract {

class OpenApi {
 public:
  /// Error: not readable, or not JSON.
  static Result<OpenApi> load(const std::string& file);

  /// What is wrong with a request; empty when nothing is. `path` is below the API's base and may have a
  /// query; `body` is empty when there is none.
  std::vector<std::string> check(std::string_view method, std::string_view path, std::string_view body) const;

 private:
  explicit OpenApi(json::Value document) : document_(std::move(document)) {}

  const json::Value* find_path(std::string_view path) const;

  json::Value document_;
};

}  // namespace guildhall::contract
