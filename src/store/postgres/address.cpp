#include "store/postgres/address.h"

#include <fmt/format.h>
#include <libpq-fe.h>

#include <functional>
#include <memory>
#include <string_view>

namespace guildhall::store {
namespace {

using Each = std::function<void(const PQconninfoOption&)>;

Result<void> for_each_parameter(const std::string& url, const Each& each) {
  const std::unique_ptr<PQconninfoOption, decltype(&PQconninfoFree)> options(
      PQconninfoParse(url.c_str(), nullptr), PQconninfoFree);
  if (!options) {
    return fail(ErrorCode::usage, "the address of the database cannot be read",
                "It has the form postgres://USER:PASSWORD@HOST/DATABASE; in a name and a password '%' is "
                "written as %25, '/' as %2F, '@' as %40 and '?' as %3F.");
  }
  for (const auto* option = options.get(); option->keyword != nullptr; ++option) {
    if (option->val != nullptr) each(*option);
  }
  return {};
}

/// Everything but letters and digits.
std::string percent_encoded(std::string_view text) {
  std::string encoded;
  for (const char c : text) {
    const bool plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    encoded += plain ? std::string(1, c) : fmt::format("%{:02X}", static_cast<unsigned char>(c));
  }
  return encoded;
}

}  // namespace

Result<std::map<std::string, std::string>> connection_parameters(const std::string& url) {
  std::map<std::string, std::string> parameters;
  auto read = for_each_parameter(
      url, [&](const PQconninfoOption& option) { parameters[option.keyword] = option.val; });
  if (!read) return std::unexpected(read.error());
  return parameters;
}

Result<std::map<std::string, std::string>> connection_environment(const std::string& url) {
  std::map<std::string, std::string> variables{{"PGAPPNAME", "guildhall"}, {"PGCONNECT_TIMEOUT", "10"}};
  bool has_key_password = false;
  auto read = for_each_parameter(url, [&](const PQconninfoOption& option) {
    // What has no variable is about how soon a lost connection is noticed.
    if (option.envvar != nullptr) variables[option.envvar] = option.val;
    has_key_password = has_key_password || std::string_view(option.keyword) == "sslpassword";
  });
  if (!read) return std::unexpected(read.error());
  if (has_key_password) {
    return fail(ErrorCode::usage,
                "the address sets sslpassword, which cannot be given to pg_dump and psql in secret",
                "Use a key without a password that only this user can read (sslkey).");
  }
  return variables;
}

Result<std::string> address_of_database(const std::string& url, const std::string& database) {
  auto parameters = connection_parameters(url);
  if (!parameters) return std::unexpected(parameters.error());
  (*parameters)["dbname"] = database;
  // As parameters, host and port may be lists and the host a folder without more ado; the database stands
  // in the path, where whoever shows an address looks for it.
  std::string query;
  for (const auto& [keyword, value] : *parameters) {
    if (keyword == "dbname") continue;
    query += fmt::format("{}{}={}", query.empty() ? "?" : "&", keyword, percent_encoded(value));
  }
  return fmt::format("postgres:///{}{}", percent_encoded(database), query);
}

}  // namespace guildhall::store
