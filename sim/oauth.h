// What the simulated OAuth of both platforms has in common: how errors are written, PKCE, the words of a
// consent page, and tokens that carry what they grant and a signature.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/json.h"
#include "net/http.h"

namespace guildhall::sim::oauth {

/// {"error", "error_description"}
net::HttpResponse error(int status, std::string_view error, std::string_view description);
bool is_form(const net::HttpRequest& request);
/// Empty when there is none.
std::string value_of(const net::Query& query, std::string_view name);
/// Is it one of the scopes, which stand with spaces between them?
bool has_scope(std::string_view scopes, std::string_view wanted);
/// Does a verifier of PKCE belong to that challenge, by S256?
bool fits_challenge(std::string_view verifier, std::string_view challenge);
/// 302 to an address that may have a query already.
net::HttpResponse redirect(const std::string& address, const net::Query& query);
std::string html_escape(std::string_view text);

/// 40 hex digits that follow from the seed.
std::string secret_of(std::uint64_t seed, std::string_view what);
/// A text that tells these facts, and that only who knows the secret can make.
std::string seal(const json::Object& facts, std::string_view secret);
/// The facts again; none when the text was not sealed with that secret.
std::optional<json::Value> unseal(std::string_view text, std::string_view secret);

}  // namespace guildhall::sim::oauth
