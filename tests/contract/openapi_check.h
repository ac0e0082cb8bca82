// Checks requests and answers against an OpenAPI 3.1 description: does the call exist, and do its bodies have
// the described shape? Stricter than the format asks for in one point: a property of a request that is not
// described is a complaint, because it is a misspelling on our side. An answer may have more than is
// described.
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
  /// What is wrong with an answer to such a request; `body` is empty when there is none.
  std::vector<std::string> check_answer(std::string_view method, std::string_view path, int status,
                                        std::string_view body) const;
  /// Is there such a call at all?
  bool describes(std::string_view method, std::string_view path) const;

 private:
  explicit OpenApi(json::Value document) : document_(std::move(document)) {}

  const json::Value* find_path(std::string_view path) const;
  const json::Value* find_operation(std::string_view method, std::string_view path) const;

  json::Value document_;
};

}  // namespace guildhall::contract
