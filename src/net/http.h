// HTTP as plain structs, for client and server alike.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/task.h"
#include "net/url.h"

namespace guildhall::net {

/// Header names are kept in lower case.
using Headers = std::vector<std::pair<std::string, std::string>>;

std::optional<std::string> find_header(const Headers& headers, std::string_view lower_case_name);
/// The same without a copy; null when there is none.
const std::string* peek_header(const Headers& headers, std::string_view lower_case_name);

/// Would it end the line of a head early, and begin another? Client and server send none of these.
bool has_line_end(std::string_view text);

struct HttpRequest {
  std::string method = "GET";
  /// Client: a whole address. Server: the path, without the query.
  std::string url;
  Query query = {};  // server: parsed, of repeated names the last; client: put it into the url
  Headers headers = {};
  std::string body = {};
  /// Server: who sent it, behind trusted proxies the client's own address.
  std::string peer = {};
  /// Server: the query as it came, for names that repeat.
  std::string query_text = {};

  std::optional<std::string> header(std::string_view lower_case_name) const {
    return find_header(headers, lower_case_name);
  }
};

/// Where a server-sent events response is written to.
class EventStream {
 public:
  virtual ~EventStream() = default;
  /// False: the other side is gone.
  virtual Task<bool> send(std::string chunk) = 0;
};

struct HttpResponse {
  int status = 200;
  Headers headers = {};
  std::string body = {};
  /// Server: instead of a body, a response that goes on until this returns.
  std::function<Task<void>(EventStream&)> stream = {};

  std::optional<std::string> header(std::string_view lower_case_name) const {
    return find_header(headers, lower_case_name);
  }
};

/// A response with a body of that content type.
HttpResponse make_response(int status, std::string content_type, std::string body);

}  // namespace guildhall::net
