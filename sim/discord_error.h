// Discord's error bodies: {"code", "message", "errors"?}, where `errors` mirrors the request.
#pragma once

#include <expected>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"

namespace guildhall::sim {

struct ApiError {
  int status = 400;
  int code = 0;
  std::string message;
  json::Object errors = {};  // with code 50035

  json::Object body() const;
};

/// What a REST handler answers: a body, or nothing with 204.
struct ApiReply {
  int status = 200;
  json::Value body = nullptr;
};
using ApiAnswer = std::expected<ApiReply, ApiError>;

namespace api_error {
std::unexpected<ApiError> make(int status, int code, std::string message);
std::unexpected<ApiError> unknown_channel();
std::unexpected<ApiError> unknown_guild();
std::unexpected<ApiError> unknown_member();
std::unexpected<ApiError> unknown_message();
std::unexpected<ApiError> unknown_role();
std::unexpected<ApiError> unknown_interaction();
std::unexpected<ApiError> unknown_webhook();
std::unexpected<ApiError> missing_access();
std::unexpected<ApiError> missing_permissions();
}  // namespace api_error

/// "options" and 0 -> "options.0"; an empty path is the body itself.
std::string field_at(const std::string& path, std::string_view key);
std::string field_at(const std::string& path, std::size_t index);

/// Gathers what is wrong with a body, field by field.
class Complaints {
 public:
  /// `path`: "options.0.name". Codes are Discord's own, such as BASE_TYPE_REQUIRED.
  void add(std::string_view path, std::string_view code, std::string_view message);
  bool empty() const { return errors_.empty(); }
  /// The 50035 "Invalid Form Body" of all of them. Call when not empty.
  std::unexpected<ApiError> refuse() const;

 private:
  json::Object errors_;
};

}  // namespace guildhall::sim
