// OAuth with PKCE (RFC 7636, method S256).
#pragma once

#include <string>
#include <string_view>

namespace guildhall::net {

/// 32 random bytes, base64url: for `state`, sessions and the like.
std::string random_token();
/// 43 characters, as RFC 7636 section 4.1 allows.
std::string make_pkce_verifier();
std::string pkce_challenge(std::string_view verifier);

}  // namespace guildhall::net
