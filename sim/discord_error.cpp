#include "sim/discord_error.h"

namespace guildhall::sim {

json::Object ApiError::body() const {
  json::Object out{{"code", code}, {"message", message}};
  if (!errors.empty()) out["errors"] = errors;
  return out;
}

namespace api_error {

std::unexpected<ApiError> make(int status, int code, std::string message) {
  return std::unexpected(ApiError{status, code, std::move(message)});
}
std::unexpected<ApiError> unknown_channel() { return make(404, 10003, "Unknown Channel"); }
std::unexpected<ApiError> unknown_guild() { return make(404, 10004, "Unknown Guild"); }
std::unexpected<ApiError> unknown_member() { return make(404, 10007, "Unknown Member"); }
std::unexpected<ApiError> unknown_message() { return make(404, 10008, "Unknown Message"); }
std::unexpected<ApiError> unknown_role() { return make(404, 10011, "Unknown Role"); }
std::unexpected<ApiError> unknown_interaction() { return make(404, 10062, "Unknown interaction"); }
std::unexpected<ApiError> unknown_webhook() { return make(404, 10015, "Unknown Webhook"); }
std::unexpected<ApiError> missing_access() { return make(403, 50001, "Missing Access"); }
std::unexpected<ApiError> missing_permissions() { return make(403, 50013, "Missing Permissions"); }

}  // namespace api_error

std::string field_at(const std::string& path, std::string_view key) {
  return path.empty() ? std::string(key) : path + "." + std::string(key);
}
std::string field_at(const std::string& path, std::size_t index) {
  return field_at(path, std::to_string(index));
}

void Complaints::add(std::string_view path, std::string_view code, std::string_view message) {
  json::Object* here = &errors_;
  while (!path.empty()) {
    const auto end = std::min(path.find('.'), path.size());
    json::Value& inner = (*here)[path.substr(0, end)];
    if (!inner.is_object()) inner.emplace_object();
    here = &inner.get_object();
    path.remove_prefix(std::min(end + 1, path.size()));
  }
  json::Value& leaf = (*here)["_errors"];
  if (!leaf.is_array()) leaf.emplace_array();
  leaf.get_array().push_back(json::Object{{"code", code}, {"message", message}});
}

std::unexpected<ApiError> Complaints::refuse() const {
  return std::unexpected(ApiError{400, 50035, "Invalid Form Body", errors_});
}

}  // namespace guildhall::sim
