#include "sim/oauth.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/crypto.h"
#include "base/text.h"
#include "sim/router.h"

namespace guildhall::sim::oauth {
namespace {

constexpr std::string_view kVerifierCharacters =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";

bool is_verifier(std::string_view text) {
  return text.size() >= 43 && text.size() <= 128 &&
         text.find_first_not_of(kVerifierCharacters) == std::string_view::npos;
}

std::string signature_of(std::string_view facts, std::string_view secret) {
  return hex(sha256(fmt::format("{}{}", secret, facts)));
}

}  // namespace

net::HttpResponse error(int status, std::string_view error, std::string_view description) {
  return json_response(status, json::Object{{"error", error}, {"error_description", description}});
}

bool is_form(const net::HttpRequest& request) {
  return request.header("content-type").value_or("").starts_with("application/x-www-form-urlencoded");
}

std::string value_of(const net::Query& query, std::string_view name) {
  const auto found = query.find(name);
  return found == query.end() ? "" : found->second;
}

bool has_scope(std::string_view scopes, std::string_view wanted) {
  const auto words = split_words(scopes);
  return std::ranges::find(words, wanted) != words.end();
}

bool fits_challenge(std::string_view verifier, std::string_view challenge) {
  return is_verifier(verifier) && base64url(sha256(verifier)) == challenge;
}

net::HttpResponse redirect(const std::string& address, const net::Query& query) {
  const char joint = address.find('?') == std::string::npos ? '?' : '&';
  return {302, {{"Location", address + joint + net::write_query(query)}}, "", {}};
}

std::string html_escape(std::string_view text) {
  std::string out;
  for (const char c : text) {
    out += c == '<' ? "&lt;" : c == '&' ? "&amp;" : c == '"' ? "&quot;" : std::string(1, c);
  }
  return out;
}

std::string secret_of(std::uint64_t seed, std::string_view what) {
  return hex(sha256(fmt::format("{} of {}", what, seed))).substr(0, 40);
}

std::string seal(const json::Object& facts, std::string_view secret) {
  const std::string text = json::write(facts);
  return fmt::format("{}.{}", hex(text), signature_of(text, secret));
}

std::optional<json::Value> unseal(std::string_view text, std::string_view secret) {
  const auto dot = std::min(text.find('.'), text.size());
  const auto facts = hex_decode(text.substr(0, dot));
  if (!facts || text.substr(std::min(dot + 1, text.size())) != signature_of(*facts, secret))
    return std::nullopt;
  auto parsed = json::parse(*facts);
  if (!parsed) return std::nullopt;
  return std::move(*parsed);
}

}  // namespace guildhall::sim::oauth
