#include "net/http.h"

#include "base/mutation.h"

namespace guildhall::net {

const std::string* peek_header(const Headers& headers, std::string_view lower_case_name) {
  for (const auto& [name, value] : headers) {
    if (name == lower_case_name) return &value;
  }
  return nullptr;
}

std::optional<std::string> find_header(const Headers& headers, std::string_view lower_case_name) {
  const std::string* value = peek_header(headers, lower_case_name);
  return value == nullptr ? std::nullopt : std::optional(*value);
}

bool has_line_end(std::string_view text) {
  return text.find_first_of("\r\n") != std::string_view::npos && !mutated(Mutation::line_ends_pass);
}

HttpResponse make_response(int status, std::string content_type, std::string body) {
  HttpResponse response;
  response.status = status;
  response.headers.emplace_back("content-type", std::move(content_type));
  response.body = std::move(body);
  return response;
}

}  // namespace guildhall::net
