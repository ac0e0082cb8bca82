#include "cli/postgres_url.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>

#include "net/url.h"

namespace guildhall::cli {
namespace {

/// "a=1&b=2" without the keys that `drops` names, with "?" in front when anything is left.
template <class Drops>
std::string kept(std::string_view query, Drops drops) {
  std::string left;
  while (!query.empty()) {
    const auto end = std::min(query.find('&'), query.size());
    const std::string_view pair = query.substr(0, end);
    query.remove_prefix(std::min(end + 1, query.size()));
    if (!pair.empty() && !drops(pair.substr(0, pair.find('='))))
      left += fmt::format("{}{}", left.empty() ? "?" : "&", pair);
  }
  return left;
}

bool names_database(std::string_view key) { return key == "dbname"; }

bool belongs_to_login(std::string_view key) {
  constexpr std::array keys{"user",   "password",    "passfile", "sslcert",
                            "sslkey", "sslpassword", "options",  "application_name"};
  return names_database(key) || std::find(keys.begin(), keys.end(), key) != keys.end();
}

}  // namespace

Result<PostgresUrl> PostgresUrl::parse(const std::string& text) {
  if (!text.starts_with("postgres://") && !text.starts_with("postgresql://")) {
    return fail(ErrorCode::usage, "--url: this is no address of the form postgres://ADMIN@HOST/postgres",
                "Example: guildhall setup postgres --url postgres://postgres@localhost/postgres");
  }
  const auto begin = text.find("://") + 3;
  const auto question = std::min(text.find('?', begin), text.size());
  const auto slash = std::min(text.find('/', begin), question);
  const std::string authority = text.substr(begin, slash - begin);
  const auto at = authority.rfind('@');
  PostgresUrl url;
  url.user_ = at == std::string::npos ? "" : authority.substr(0, at + 1);
  url.host_ = authority.substr(url.user_.size());
  url.query_ = text.substr(std::min(question + 1, text.size()));
  return url;
}

std::string PostgresUrl::at(const std::string& database) const {
  return fmt::format("postgres://{}{}/{}{}", user_, host_, net::percent_encode(database),
                     kept(query_, names_database));
}

std::string PostgresUrl::as(const std::string& role, const std::string& password,
                            const std::string& database) const {
  return fmt::format("postgres://{}{}@{}/{}{}", net::percent_encode(role),
                     password.empty() ? "" : ":" + net::percent_encode(password), host_,
                     net::percent_encode(database), kept(query_, belongs_to_login));
}

}  // namespace guildhall::cli
